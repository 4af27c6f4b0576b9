-- The desk: inboxes, and an append-only log with what is derived from it. Times are milliseconds since 1970.
CREATE TABLE inboxes (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    id         TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- JSON.
    settings   TEXT   NOT NULL,
    -- JSON: the sealed secrets by name.
    secrets    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);

-- The log. `seq` has no gaps. No free text and no personal values.
CREATE TABLE desk_heads (
    workspace TEXT   NOT NULL PRIMARY KEY,
    seq       BIGINT NOT NULL
);
CREATE TABLE desk_events (
    workspace       TEXT   NOT NULL,
    seq             BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    source          TEXT   NOT NULL,
    -- The source's id of it, or NULL.
    source_id       TEXT,
    identity_id     TEXT,
    conversation_id TEXT,
    actor           TEXT   NOT NULL,
    cause           BIGINT,
    -- JSON with `type` and `data`.
    fact            TEXT   NOT NULL,
    PRIMARY KEY (workspace, seq)
);
CREATE UNIQUE INDEX desk_events_by_source ON desk_events (workspace, source, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX desk_events_by_conversation ON desk_events (workspace, conversation_id, seq) WHERE conversation_id IS NOT NULL;
CREATE INDEX desk_events_by_identity ON desk_events (workspace, identity_id, seq) WHERE identity_id IS NOT NULL;

-- Beside the log, so that they can be erased: values of identities, and messages.
CREATE TABLE identity_values (
    workspace    TEXT NOT NULL,
    identity_id  TEXT NOT NULL,
    -- The inbox whose ids these are; empty for all.
    inbox_id     TEXT NOT NULL,
    kind         TEXT NOT NULL,
    -- Once erased: `erased:` and the identity's id.
    value        TEXT NOT NULL,
    display_name TEXT NOT NULL,
    PRIMARY KEY (workspace, identity_id)
);
CREATE UNIQUE INDEX identity_values_by_key ON identity_values (workspace, inbox_id, kind, value);
CREATE TABLE messages (
    workspace           TEXT   NOT NULL,
    id                  TEXT   NOT NULL,
    conversation_id     TEXT   NOT NULL,
    seq                 BIGINT NOT NULL,
    inbox_id            TEXT   NOT NULL,
    direction           TEXT   NOT NULL,
    author_kind         TEXT   NOT NULL,
    author_id           TEXT   NOT NULL,
    -- JSON; `[]` once erased.
    parts               TEXT   NOT NULL,
    provider_message_id TEXT,
    at                  BIGINT NOT NULL,
    answer_id           TEXT,
    erased_at           BIGINT,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX messages_by_provider ON messages (workspace, inbox_id, provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX messages_by_conversation ON messages (workspace, conversation_id, at, seq);

-- Derived from the log; `ken rebuild --desk` makes them again.
CREATE TABLE identities (
    workspace   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    verified_by TEXT,
    -- The oldest identity that it is linked with.
    customer_id TEXT   NOT NULL,
    created_seq BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    erased_at   BIGINT,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX identities_by_customer ON identities (workspace, customer_id, created_seq);
CREATE TABLE identity_links (
    workspace TEXT   NOT NULL,
    -- The older identity, then the newer one.
    a         TEXT   NOT NULL,
    b         TEXT   NOT NULL,
    basis     TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    PRIMARY KEY (workspace, a, b, basis)
);
CREATE INDEX identity_links_by_newer ON identity_links (workspace, b);
-- What is no link: suggestions, refusals, and links that an agent withdrew although they were verified.
CREATE TABLE identity_claims (
    workspace TEXT   NOT NULL,
    a         TEXT   NOT NULL,
    b         TEXT   NOT NULL,
    basis     TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    PRIMARY KEY (workspace, a, b, basis)
);
CREATE INDEX identity_claims_by_newer ON identity_claims (workspace, b);
CREATE TABLE conversations (
    workspace         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    inbox_id          TEXT   NOT NULL,
    identity_id       TEXT   NOT NULL,
    status            TEXT   NOT NULL,
    responder         TEXT   NOT NULL,
    assignee          TEXT,
    continues_id      TEXT,
    opened_at         BIGINT NOT NULL,
    opened_seq        BIGINT NOT NULL,
    last_in_seq       BIGINT NOT NULL,
    last_in_at        BIGINT,
    last_out_at       BIGINT,
    last_agent_at     BIGINT,
    answered_seq      BIGINT NOT NULL,
    reply_due_at      BIGINT,
    waiting_since     BIGINT,
    first_response_at BIGINT,
    resolved_at       BIGINT,
    n_reopened        BIGINT NOT NULL,
    window_until      BIGINT,
    snoozed_until     BIGINT,
    seq               BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX conversations_by_identity ON conversations (workspace, identity_id, inbox_id, opened_seq);
CREATE INDEX conversations_by_status ON conversations (workspace, status, seq);
CREATE INDEX conversations_due ON conversations (reply_due_at) WHERE reply_due_at IS NOT NULL;
CREATE TABLE deliveries (
    workspace       TEXT   NOT NULL,
    message_id      TEXT   NOT NULL,
    conversation_id TEXT   NOT NULL,
    route           TEXT   NOT NULL,
    author_kind     TEXT   NOT NULL,
    state           TEXT   NOT NULL,
    attempt         BIGINT NOT NULL,
    next_at         BIGINT,
    not_after       BIGINT,
    error           TEXT,
    seq             BIGINT NOT NULL,
    PRIMARY KEY (workspace, message_id)
);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_open ON deliveries (workspace, conversation_id) WHERE state = 'queued';
CREATE TABLE consents (
    workspace   TEXT   NOT NULL,
    identity_id TEXT   NOT NULL,
    purpose     TEXT   NOT NULL,
    granted     BIGINT NOT NULL,
    basis       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    PRIMARY KEY (workspace, identity_id, purpose)
);
