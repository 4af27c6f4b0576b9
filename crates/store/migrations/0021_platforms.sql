-- The newest token of a platform for a free reply in a conversation, until it is used.
CREATE TABLE reply_tokens (
    workspace       TEXT   NOT NULL,
    conversation_id TEXT   NOT NULL,
    token           TEXT   NOT NULL,
    at              BIGINT NOT NULL,
    PRIMARY KEY (workspace, conversation_id)
);
