-- A workspace's own choices, by name: `level` is how sure its answers have to be.
CREATE TABLE settings (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    name       TEXT   NOT NULL,
    value      TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, name)
);

-- Answers are asked again, newest first, and forgotten when they are old.
CREATE INDEX answers_by_time ON answers (workspace, created_at);
