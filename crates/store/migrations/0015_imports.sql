-- Batches of changes that can be undone: imports of files and bulk changes. The last 100 of a workspace are kept.
CREATE TABLE imports (
    workspace  TEXT   NOT NULL REFERENCES workspaces (id),
    -- 1, 2, 3 … within the workspace.
    number     BIGINT NOT NULL,
    id         TEXT   NOT NULL,
    -- `import` or `bulk`.
    kind       TEXT   NOT NULL,
    -- The file's name, or what was changed.
    name       TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    n_added    BIGINT NOT NULL,
    n_changed  BIGINT NOT NULL,
    n_deleted  BIGINT NOT NULL,
    -- The changed documents, each with its state before and its revision after (JSON).
    documents  TEXT   NOT NULL,
    undone_at  BIGINT,
    undone_by  TEXT,
    PRIMARY KEY (workspace, number)
);
CREATE UNIQUE INDEX imports_by_id ON imports (workspace, id);

-- The last change of a document is looked up when a write expects another version.
CREATE INDEX audit_log_by_subject ON audit_log (scope, subject, number);
