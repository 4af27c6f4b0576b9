-- A workspace's own words for the same thing: a JSON list of lists, replaced as a whole. The version counts
-- replacements.
CREATE TABLE synonyms (
    workspace  TEXT   NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    version    BIGINT NOT NULL,
    groups     TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);
