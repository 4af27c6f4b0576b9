-- Cases are distilled by the durable queue: those that wait when this is applied.
INSERT INTO queue (id, workspace, kind, dedup_key, payload, state, attempts, runs, due_at, last_error, actor, created_at)
SELECT 'work_distil_' || workspace, workspace, 'distil', 'migration', '{}', 'ready', 0, 0, 0, '', 'ken', MIN(created_at)
FROM cases WHERE state = 'waiting' GROUP BY workspace;
