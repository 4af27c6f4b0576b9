-- The durable queue. A row is written with, or before, what acknowledges the work; it is worked off by the leading process.
CREATE TABLE queue (
    -- UUID, version 7: in order of time.
    id          TEXT   NOT NULL PRIMARY KEY,
    workspace   TEXT   NOT NULL REFERENCES workspaces (id),
    kind        TEXT   NOT NULL,
    -- The same work enqueued twice is one row.
    dedup_key   TEXT   NOT NULL,
    -- What is to be done (JSON), by kind.
    payload     TEXT   NOT NULL,
    -- `ready`, `running`, `done`, `dead`.
    state       TEXT   NOT NULL,
    -- How often it was begun since it last made progress.
    attempts    BIGINT NOT NULL,
    -- How often it was begun in all: whoever began it settles it only while nobody else has begun it since.
    runs        BIGINT NOT NULL,
    -- Not begun before then, in milliseconds since 1970.
    due_at      BIGINT NOT NULL,
    -- Why the last attempt failed; empty where none did.
    last_error  TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX queue_by_key ON queue (workspace, kind, dedup_key);
CREATE INDEX queue_by_due ON queue (kind, state, workspace, due_at, id);
CREATE INDEX queue_by_state ON queue (state, finished_at);

-- Uploads that wait when this is applied.
INSERT INTO queue (id, workspace, kind, dedup_key, payload, state, attempts, runs, due_at, last_error, actor, created_at)
SELECT id, workspace, 'upload', id, '{"job":"' || id || '"}', 'ready', 0, 0, created_at, '', actor, created_at
FROM jobs WHERE state IN ('queued', 'running');
