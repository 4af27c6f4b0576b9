-- Who may do what. A key is shown once; here stands the hash of its secret half.
CREATE TABLE api_keys (
    id           TEXT   NOT NULL PRIMARY KEY,
    -- Absent for an operator, who is of no workspace.
    workspace    TEXT,
    role         TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    secret_hash  TEXT   NOT NULL,
    -- JSON: networks from which alone it may be used; empty for all.
    networks     TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_keys_by_workspace ON api_keys (workspace, created_at);
