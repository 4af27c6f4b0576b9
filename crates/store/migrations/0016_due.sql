-- `document_labels` has a further field, `due`: when a document's validity ends or its review is due, the earlier of the two, in
-- milliseconds with leading zeros. The service fills it with the other labels of these documents.
UPDATE documents SET title_folded = NULL WHERE metadata LIKE '%"valid_until":"%' OR metadata LIKE '%"review_by":"%';
