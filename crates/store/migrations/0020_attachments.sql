-- Files of messages. Their content is beside the store, in a file named by `id`, stored once per workspace and content.
CREATE TABLE attachments (
    workspace    TEXT   NOT NULL REFERENCES workspaces (id),
    id           TEXT   NOT NULL,
    sha256       TEXT   NOT NULL,
    content_type TEXT   NOT NULL,
    n_bytes      BIGINT NOT NULL,
    -- `storing`: the file is being written. `stored`: it is complete. `removing`: it is being removed.
    state        TEXT   NOT NULL,
    -- When it was last uploaded.
    used_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX attachments_by_content ON attachments (workspace, sha256) WHERE state = 'stored';
CREATE INDEX attachments_by_state ON attachments (state, used_at);
CREATE TABLE message_attachments (
    workspace  TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    PRIMARY KEY (workspace, message_id, sha256)
);
CREATE INDEX message_attachments_by_content ON message_attachments (workspace, sha256);
-- A disconnected inbox has no secrets; its settings still say how long its messages are kept.
ALTER TABLE inboxes ADD COLUMN disconnected_at BIGINT;
