-- Addresses that are sent what happens.
CREATE TABLE webhook_endpoints (
    workspace       TEXT   NOT NULL REFERENCES workspaces (id),
    id              TEXT   NOT NULL,
    url             TEXT   NOT NULL,
    -- JSON: the types of events.
    types           TEXT   NOT NULL,
    is_enabled      BIGINT NOT NULL,
    disabled_reason TEXT,
    -- JSON: the sealed secrets `secret` and `previous`.
    secrets         TEXT   NOT NULL,
    previous_until  BIGINT,
    created_at      BIGINT NOT NULL,
    -- When it last took an event.
    sent_at         BIGINT,
    PRIMARY KEY (workspace, id)
);
-- How far what happens was read, by source.
CREATE TABLE webhook_cursors (
    workspace TEXT   NOT NULL,
    source    TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    PRIMARY KEY (workspace, source)
);
-- What is sent, each event once per endpoint.
CREATE TABLE webhook_events (
    workspace   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    endpoint_id TEXT   NOT NULL,
    type        TEXT   NOT NULL,
    -- The id of what happened.
    source_id   TEXT   NOT NULL,
    body        TEXT   NOT NULL,
    -- `waiting`, `sent` or `failed`.
    state       TEXT   NOT NULL,
    attempt     BIGINT NOT NULL,
    next_at     BIGINT,
    last_result TEXT,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX webhook_events_by_source ON webhook_events (workspace, endpoint_id, type, source_id);
CREATE INDEX webhook_events_due ON webhook_events (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_events_by_time ON webhook_events (workspace, endpoint_id, created_at, id);
