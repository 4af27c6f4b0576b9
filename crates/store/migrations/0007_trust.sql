-- Who changed what, of a workspace or ('') of the service: lines 1, 2, 3 … without gaps, each with the hash of the one before
-- it. Never updated; a workspace's go with the workspace.
CREATE TABLE audit_log (
    scope      TEXT   NOT NULL,
    number     BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    -- JSON; `null` where there is nothing.
    was        TEXT   NOT NULL,
    became     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    -- Empty in lines from before there were hashes.
    hash       TEXT   NOT NULL,
    PRIMARY KEY (scope, number)
);
CREATE TABLE audit_heads (
    scope  TEXT   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    hash   TEXT   NOT NULL
);
INSERT INTO audit_log (scope, number, actor, action, subject, was, became, created_at, hash)
    SELECT workspace, ROW_NUMBER() OVER (PARTITION BY workspace ORDER BY created_at, id), actor, action, subject, 'null',
           detail, created_at, ''
    FROM audit;
INSERT INTO audit_heads (scope, number, hash) SELECT scope, MAX(number), '' FROM audit_log GROUP BY scope;
DROP TABLE audit;

-- Who asked for a job.
ALTER TABLE jobs ADD COLUMN actor TEXT NOT NULL DEFAULT 'ken';

-- Vectors are a workspace's: they go with it, and nobody learns from how long encoding takes what others have. Those there
-- are become the default workspace's; others' are made anew.
CREATE TABLE workspace_vectors (
    workspace  TEXT  NOT NULL,
    encoder_id TEXT  NOT NULL,
    text_hash  TEXT  NOT NULL,
    vector     BYTEA NOT NULL,
    PRIMARY KEY (workspace, encoder_id, text_hash)
);
INSERT INTO workspace_vectors (workspace, encoder_id, text_hash, vector)
    SELECT 'default', encoder_id, text_hash, vector FROM vectors;
DROP TABLE vectors;
ALTER TABLE workspace_vectors RENAME TO vectors;
