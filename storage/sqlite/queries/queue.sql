-- name: startable
-- The jobs whose time has come, the oldest first; what others leave room for is for queueing.turns to say.
SELECT id, platform || ':' || team || ':' || user_id AS person, priority, type, provider, session_id, workspace
FROM jobs
WHERE status IN ('pending', 'scheduled', 'rate_limited')
  AND (:only IS NULL OR id = :only)
  AND (status <> 'scheduled' OR scheduled_at <= :now)
  AND (status <> 'rate_limited' OR retry_at <= :now)
  AND provider IN (SELECT value FROM json_each(:providers))
  AND provider NOT IN (SELECT provider FROM provider_limits WHERE resets_at > :now)
ORDER BY created_at, id;

-- name: running
SELECT id, platform || ':' || team || ':' || user_id AS person, priority, type, provider, session_id, workspace
FROM jobs WHERE status = 'running';

-- name: hindrance
-- What keeps a job from starting now that waits for no time of its own; no row where nothing does. That its
-- provider is switched off, also of one whose time is still to come.
SELECT * FROM (
    SELECT :switched_on IS NOT NULL
               AND provider NOT IN (SELECT value FROM json_each(:switched_on)) AS switched_off,
           status = 'pending' OR coalesce(retry_at, scheduled_at) <= :now AS its_time,
           CASE WHEN limited_until > :now THEN limited_until END AS limited_until,
           session_holder,
           (SELECT other.id FROM jobs AS other
            WHERE job.type IN (SELECT value FROM json_each(:writers))
              AND other.status = 'running' AND other.workspace = job.workspace
              AND other.type IN (SELECT value FROM json_each(:writers))) AS workspace_holder,
           provider_running >= coalesce(
               (SELECT value FROM json_each(:provider_slots) WHERE key = job.provider), 1000000) AS provider_full,
           (SELECT count(*) FROM jobs AS other WHERE other.status = 'running') >= :slots AS full
    FROM waiting AS job
    WHERE id = :id)
WHERE switched_off
   OR its_time AND (limited_until IS NOT NULL OR session_holder IS NOT NULL OR workspace_holder IS NOT NULL
                    OR provider_full OR full);

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
INSERT INTO provider_limits (provider, resets_at, seen_at) VALUES (:provider, :resets_at, :now)
ON CONFLICT (provider) DO UPDATE SET resets_at = max(resets_at, excluded.resets_at), seen_at = excluded.seen_at;

-- name: limits
SELECT provider, resets_at FROM provider_limits WHERE resets_at > :now ORDER BY resets_at;

-- name: forget_limit
DELETE FROM provider_limits WHERE provider = :provider;

-- name: forget_session
UPDATE jobs SET session_id = NULL WHERE id = :id;

-- name: attempts
SELECT * FROM attempts WHERE job_id = :job_id ORDER BY number;
