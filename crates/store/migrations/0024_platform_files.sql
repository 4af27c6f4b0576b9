-- Messages with files that are still to be fetched from their platform.
CREATE TABLE platform_files (
    workspace  TEXT   NOT NULL,
    message_id TEXT   NOT NULL,
    attempt    BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    PRIMARY KEY (workspace, message_id)
);
CREATE INDEX platform_files_due ON platform_files (next_at);
