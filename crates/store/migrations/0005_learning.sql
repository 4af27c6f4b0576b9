-- Support cases that people worked on. The transcript stands here without personal data; what was taken out stands in the
-- vault, a store of its own.
CREATE TABLE cases (
    workspace    TEXT   NOT NULL REFERENCES workspaces (id),
    id           TEXT   NOT NULL,
    content_hash TEXT   NOT NULL,
    body         TEXT   NOT NULL,
    -- What was made of it (JSON); empty until then.
    distilled    TEXT   NOT NULL DEFAULT '',
    -- `waiting` or `distilled`.
    state        TEXT   NOT NULL,
    draft        TEXT,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX cases_by_state ON cases (state, created_at);
CREATE INDEX cases_by_draft ON cases (workspace, draft);
CREATE INDEX cases_by_time ON cases (created_at);

-- Candidate knowledge: cases about the same, and what became of it.
CREATE TABLE drafts (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    id         TEXT   NOT NULL,
    -- `open`, `approved` (waits for a second reviewer), `published`, `rejected`, `merged`.
    state      TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    -- The middle of its cases' vectors, by the encoder that made them.
    encoder_id TEXT   NOT NULL,
    vector     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX drafts_by_state ON drafts (workspace, state, updated_at);

-- What people said of answers.
CREATE TABLE feedback (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    id         TEXT   NOT NULL,
    answer_id  TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX feedback_by_answer ON feedback (workspace, answer_id);
CREATE INDEX feedback_by_time ON feedback (workspace, created_at);

-- Versions of documents that people found wrong again and again: no answer rests on them until they are edited or a person
-- says that they are right.
CREATE TABLE distrusted (
    workspace   TEXT   NOT NULL REFERENCES workspaces (id),
    document_id TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    -- `distrusted`, or `trusted` once a person has said so.
    state       TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (workspace, document_id, version)
);

CREATE TABLE experiments (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    id         TEXT   NOT NULL,
    -- `running`, `stopped`, `decided`, `promoted`.
    state      TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);

-- Who was shown what: one row a customer, so that nobody counts twice. Whether it was a success is 1, 0, or not said; what was
-- said first counts.
CREATE TABLE exposures (
    workspace  TEXT   NOT NULL,
    experiment TEXT   NOT NULL,
    customer   TEXT   NOT NULL,
    arm        BIGINT NOT NULL,
    answer_id  TEXT   NOT NULL,
    answered   BIGINT NOT NULL,
    success    BIGINT,
    decided_at BIGINT,
    harmed_at  BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, experiment, customer)
);
CREATE INDEX exposures_by_answer ON exposures (workspace, answer_id);

-- Who changed what the service does by itself.
CREATE TABLE audit (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    id         TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX audit_by_time ON audit (workspace, created_at);
