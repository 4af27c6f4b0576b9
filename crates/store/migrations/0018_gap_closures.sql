-- Gaps that a person closed: `filled` covers questions up to then, `out_of_scope` also later ones.
CREATE TABLE gap_closures (
    workspace TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    question  TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    closed_by TEXT   NOT NULL,
    closed_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, id)
);
