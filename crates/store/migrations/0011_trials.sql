-- What is tried out is searched in memory and not stored any more. What a crash left of it goes; its chunks are found no more
-- once they are not here.
DELETE FROM chunks WHERE EXISTS (SELECT 1 FROM documents d
    WHERE d.workspace = chunks.workspace AND d.id = chunks.document_id AND d.staged = 1);
DELETE FROM document_versions WHERE EXISTS (SELECT 1 FROM documents d
    WHERE d.workspace = document_versions.workspace AND d.id = document_versions.document_id AND d.staged = 1);
DELETE FROM documents WHERE staged = 1;
ALTER TABLE documents DROP COLUMN staged;
