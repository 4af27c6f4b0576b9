-- What is said of one chunk besides its document: for whom it is, the question it answers, its pages (JSON).
ALTER TABLE chunks ADD COLUMN note TEXT NOT NULL DEFAULT '{}';

-- Pages, links and an FAQ's answers, as places in the text (JSON).
ALTER TABLE document_versions ADD COLUMN outline TEXT NOT NULL DEFAULT '{}';

-- A version that takes the live one's place at a time to come. Both have chunks until then.
ALTER TABLE documents ADD COLUMN next_version BIGINT;
ALTER TABLE documents ADD COLUMN next_at BIGINT;
ALTER TABLE documents ADD COLUMN next_first_key BIGINT;
ALTER TABLE documents ADD COLUMN next_n_chunks BIGINT;

-- 1 while a change is only tried out: never listed, counted or found by anyone but who tries it.
ALTER TABLE documents ADD COLUMN staged BIGINT NOT NULL DEFAULT 0;
