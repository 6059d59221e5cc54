-- name: startable
-- The jobs whose time has come, the oldest first; what others leave room for is for queueing.turns to say.
SELECT id, platform || ':' || team || ':' || user_id AS person, priority, type, provider, session_id, workspace,
       coalesce(worktree, id) AS worktree
FROM jobs
WHERE status IN ('pending', 'scheduled', 'rate_limited') AND asking = 0
  AND (:only IS NULL OR id = :only)
  AND (status <> 'scheduled' OR scheduled_at <= :now)
  AND (status <> 'rate_limited' OR retry_at <= :now)
  AND provider IN (SELECT value FROM json_each(:providers))
  AND provider NOT IN (SELECT provider FROM provider_limits WHERE resets_at > :now)
ORDER BY created_at, id;

-- name: running
SELECT id, platform || ':' || team || ':' || user_id AS person, priority, type, provider, session_id, workspace,
       coalesce(worktree, id) AS worktree
FROM jobs WHERE status = 'running';

-- name: waiting
-- A job that waits: for an answer, for a time of its own, until when its provider is limited.
SELECT id, platform || ':' || team || ':' || user_id AS person, priority, type, provider, session_id, workspace,
       coalesce(worktree, id) AS worktree, asking > 0 AS asked,
       status = 'pending' OR coalesce(retry_at, scheduled_at) <= :now AS its_time,
       (SELECT resets_at FROM provider_limits AS known
        WHERE known.provider = jobs.provider AND resets_at > :now) AS limited_until
FROM jobs WHERE id = :id AND status IN ('pending', 'scheduled', 'rate_limited');

-- name: next_moment
-- When the next job that waits for a time may start. One whose time has come waits for something else.
SELECT min(moment) FROM (
    SELECT coalesce(retry_at, scheduled_at) AS moment FROM jobs
    WHERE status IN ('pending', 'scheduled', 'rate_limited') AND status <> 'pending'
    UNION ALL
    SELECT resets_at FROM provider_limits AS known
    WHERE EXISTS (SELECT 1 FROM jobs WHERE provider = known.provider
                  AND status IN ('pending', 'scheduled', 'rate_limited')))
WHERE moment > :after;

-- name: keep_limit
-- Of two notices the later moment counts: the other limit would only be run into again.
INSERT INTO provider_limits (provider, resets_at, seen_at) VALUES (:provider, :resets_at, :seen_at)
ON CONFLICT (provider) DO UPDATE SET resets_at = max(resets_at, excluded.resets_at), seen_at = excluded.seen_at;

-- name: limits
SELECT provider, resets_at FROM provider_limits WHERE resets_at > :now ORDER BY resets_at;

-- name: forget_limit
DELETE FROM provider_limits WHERE provider = :provider;

-- name: forget_session
UPDATE jobs SET session_id = NULL WHERE id = :id;

-- name: attempts
SELECT * FROM attempts WHERE job_id = :job_id ORDER BY number;
