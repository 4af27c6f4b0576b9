-- Portable between SQLite and PostgreSQL: BIGINT numbers, TEXT, BYTEA; times are milliseconds since 1970 (UTC);
-- JSON is text that only the service reads.

CREATE TABLE workspaces (
    id             TEXT   NOT NULL PRIMARY KEY,
    revision       BIGINT NOT NULL DEFAULT 0,
    next_chunk_key BIGINT NOT NULL DEFAULT 1,
    created_at     BIGINT NOT NULL
);

-- One row a document: which version is live. A deleted document keeps its row as a tombstone.
CREATE TABLE documents (
    workspace    TEXT   NOT NULL REFERENCES workspaces (id),
    id           TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    status       TEXT   NOT NULL,
    deleted      BIGINT NOT NULL DEFAULT 0,
    content_hash TEXT   NOT NULL,
    metadata     TEXT   NOT NULL,
    first_key    BIGINT NOT NULL,
    n_chunks     BIGINT NOT NULL,
    origin_root  TEXT,
    origin_path  TEXT,
    origin_hash  TEXT,
    revision     BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX documents_by_origin ON documents (workspace, origin_root);

-- Every version there ever was, so that an old citation can still be opened.
CREATE TABLE document_versions (
    workspace    TEXT   NOT NULL,
    document_id  TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    content_hash TEXT   NOT NULL,
    metadata     TEXT   NOT NULL,
    raw          TEXT   NOT NULL,
    text         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace, document_id, version)
);

-- The chunks of published live versions: text equals document_versions.text[start_byte..end_byte].
CREATE TABLE chunks (
    workspace    TEXT   NOT NULL,
    chunk_key    BIGINT NOT NULL,
    document_id  TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    ordinal      BIGINT NOT NULL,
    heading_path TEXT   NOT NULL,
    start_byte   BIGINT NOT NULL,
    end_byte     BIGINT NOT NULL,
    text         TEXT   NOT NULL,
    PRIMARY KEY (workspace, chunk_key)
);

-- The change log: revisions 1, 2, 3 … of a workspace, without gaps. What to take out of the indexes stands in
-- the row; what to put in is read from the live version.
CREATE TABLE changes (
    workspace     TEXT   NOT NULL,
    revision      BIGINT NOT NULL,
    document_id   TEXT   NOT NULL,
    operation     TEXT   NOT NULL,
    version       BIGINT NOT NULL,
    removed_first BIGINT NOT NULL,
    removed_count BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (workspace, revision)
);

-- Derived: half-precision vectors by encoder and text, so that no text is encoded twice.
CREATE TABLE vectors (
    encoder_id TEXT  NOT NULL,
    text_hash  TEXT  NOT NULL,
    vector     BYTEA NOT NULL,
    PRIMARY KEY (encoder_id, text_hash)
);

CREATE TABLE answers (
    workspace       TEXT   NOT NULL,
    id              TEXT   NOT NULL,
    conversation_id TEXT,
    idempotency_key TEXT,
    question        TEXT   NOT NULL,
    body            TEXT   NOT NULL,
    trace           TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX answers_by_conversation ON answers (workspace, conversation_id, created_at);
CREATE UNIQUE INDEX answers_by_idempotency_key ON answers (workspace, idempotency_key);
