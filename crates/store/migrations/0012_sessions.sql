-- Sessions of the console. The token is in the browser's cookie; the store has its SHA-256.
CREATE TABLE sessions (
    token_hash   TEXT   NOT NULL PRIMARY KEY,
    -- The key's id, or `oidc SUBJECT`.
    owner        TEXT   NOT NULL,
    -- Null for an operator.
    workspace    TEXT,
    -- Role and name from the provider; null for a session by key, which has those of the key.
    role         TEXT,
    name         TEXT,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sessions_by_owner ON sessions (owner, expires_at);
CREATE INDEX sessions_by_workspace ON sessions (workspace);

-- Sign-ins that wait for the provider's reply. Each is used once.
CREATE TABLE sign_ins (
    -- SHA-256 of the state, which is in the browser's cookie and in the provider's reply.
    state_hash TEXT   NOT NULL PRIMARY KEY,
    nonce      TEXT   NOT NULL,
    -- The code verifier (PKCE).
    verifier   TEXT   NOT NULL,
    -- The path of the console to open afterwards.
    next_path  TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
