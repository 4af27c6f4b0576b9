-- Of a transcript of speech: which version of the turn a message holds; 0 if it has no versions.
ALTER TABLE messages ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
CREATE INDEX messages_out ON messages (workspace, inbox_id, seq) WHERE direction = 'out';
CREATE INDEX messages_by_age ON messages (workspace, inbox_id, at) WHERE erased_at IS NULL;
