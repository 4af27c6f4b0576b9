-- What lists filter documents by, so that a page of 100,000 does not read their metadata. The service fills the columns of
-- rows that were written before: folding needs its tables. NULL until then.
ALTER TABLE documents ADD COLUMN kind TEXT;
-- The id in bytes. A database may order text by a language, which separates ids of one folder.
ALTER TABLE documents ADD COLUMN sort_key BYTEA;
-- Title and id, folded, cut to what fits an index.
ALTER TABLE documents ADD COLUMN title_folded TEXT;
-- FAQ only: question, variants and answers, folded.
ALTER TABLE documents ADD COLUMN faq_folded TEXT;
CREATE INDEX documents_listed ON documents (workspace, sort_key, kind, status, title_folded) WHERE deleted = 0;
CREATE INDEX documents_listed_by_kind ON documents (workspace, kind, sort_key, status, title_folded) WHERE deleted = 0;
CREATE INDEX documents_not_listed ON documents (workspace, id) WHERE title_folded IS NULL;

-- A row for each tag, each audience and the parent of a document.
CREATE TABLE document_labels (
    workspace TEXT  NOT NULL,
    -- `tag`, `audience` or `parent`.
    field     TEXT  NOT NULL,
    name      TEXT  NOT NULL,
    sort_key  BYTEA NOT NULL,
    PRIMARY KEY (workspace, field, name, sort_key)
);
CREATE INDEX document_labels_by_document ON document_labels (workspace, sort_key);

-- What lists filter answers by: a narrow row for each, deleted with its answer. An empty outcome is not filled yet.
CREATE TABLE answer_facts (
    workspace  TEXT   NOT NULL,
    answer_id  TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    outcome    TEXT   NOT NULL,
    -- Empty where there is none.
    reason     TEXT   NOT NULL,
    channel    TEXT,
    -- JSON: the tags of the request, and the cited documents.
    tags       TEXT   NOT NULL,
    cited      TEXT   NOT NULL,
    PRIMARY KEY (workspace, answer_id),
    FOREIGN KEY (workspace, answer_id) REFERENCES answers (workspace, id) ON DELETE CASCADE
);
CREATE INDEX answer_facts_by_time ON answer_facts (workspace, created_at, answer_id, outcome, reason);
CREATE INDEX answer_facts_unfilled ON answer_facts (workspace, answer_id) WHERE outcome = '';
INSERT INTO answer_facts (workspace, answer_id, created_at, outcome, reason, tags, cited)
    SELECT workspace, id, created_at, '', '', '[]', '[]' FROM answers;

-- Jobs are listed newest first, with the number of their items by state.
CREATE INDEX jobs_by_time ON jobs (workspace, created_at, id);
CREATE INDEX job_items_by_state ON job_items (workspace, job, state, ordinal);
-- The files of failed items, which are kept for some days so that they can be run again.
CREATE INDEX job_items_failed ON job_items (workspace, job) WHERE state = 'failed' AND bytes IS NOT NULL;
