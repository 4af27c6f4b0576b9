-- Up to where the mailbox of an inbox was read.
CREATE TABLE mail_cursors (
    workspace    TEXT   NOT NULL,
    inbox_id     TEXT   NOT NULL,
    -- Which mailbox it is: host, port, user and folder, a line each. The position is worth nothing in another.
    mailbox      TEXT   NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid          BIGINT NOT NULL,
    -- Mails that the server received before this second are not read.
    since        BIGINT NOT NULL,
    PRIMARY KEY (workspace, inbox_id)
);
