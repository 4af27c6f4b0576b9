-- Runs of the judged questions of a workspace. The job with the same id asks the questions, which are its items.
CREATE TABLE judged_runs (
    workspace   TEXT   NOT NULL REFERENCES workspaces (id),
    -- Ends in a UUID, version 7: in order of time.
    id          TEXT   NOT NULL,
    -- Level, threshold, revision and number of questions (JSON).
    settings    TEXT   NOT NULL,
    -- Totals by level and changes since the previous run (JSON); NULL until every question was asked.
    totals      TEXT,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (workspace, id)
);

-- The answer to each question of a run, and what each level would do (JSON).
CREATE TABLE judged_run_rows (
    workspace TEXT   NOT NULL,
    run       TEXT   NOT NULL,
    ordinal   BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (workspace, run, ordinal)
);

-- The uploaded files that document versions were read from, as they were sent.
CREATE TABLE originals (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    -- SHA-256 of the bytes (hex).
    sha256     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    n_bytes    BIGINT NOT NULL,
    bytes      BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, sha256)
);
ALTER TABLE document_versions ADD COLUMN original TEXT;
CREATE INDEX document_versions_by_original ON document_versions (workspace, original) WHERE original IS NOT NULL;
