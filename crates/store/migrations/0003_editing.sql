-- What is said of one chunk besides its document: for whom it is, the question it answers, its pages (JSON).
ALTER TABLE chunks ADD COLUMN note TEXT NOT NULL DEFAULT '{}';

-- Pages, links and an FAQ's answers, as places in the text (JSON).
ALTER TABLE document_versions ADD COLUMN outline TEXT NOT NULL DEFAULT '{}';

-- Where a version's chunks lie (JSON), so that it can be put in force again.
ALTER TABLE document_versions ADD COLUMN chunks TEXT NOT NULL DEFAULT '[]';

-- A version that takes the live one's place at a time to come. Both have chunks until then.
ALTER TABLE documents ADD COLUMN next_version BIGINT;
ALTER TABLE documents ADD COLUMN next_at BIGINT;
ALTER TABLE documents ADD COLUMN next_first_key BIGINT;
ALTER TABLE documents ADD COLUMN next_n_chunks BIGINT;
-- What is due is looked for every second.
CREATE INDEX documents_by_next ON documents (next_at) WHERE next_at IS NOT NULL;

-- 1 while a change is only tried out: never listed, counted or found by anyone but who tries it.
ALTER TABLE documents ADD COLUMN staged BIGINT NOT NULL DEFAULT 0;

-- Questions whose right answer is known: what an answer to them has to be (JSON), asked before a change goes live.
CREATE TABLE judged_questions (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    id         TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);

-- What a person has to look at: contradictions that no rule decides. One row a pair, however often it is found.
CREATE TABLE reviews (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    id         TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);

-- Long work. Items are taken in order; what is done stays done after a crash.
CREATE TABLE jobs (
    workspace   TEXT   NOT NULL REFERENCES workspaces (id),
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (workspace, id)
);
CREATE TABLE job_items (
    workspace TEXT   NOT NULL,
    job       TEXT   NOT NULL,
    ordinal   BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    bytes     BYTEA,
    state     TEXT   NOT NULL,
    detail    TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (workspace, job, ordinal)
);
