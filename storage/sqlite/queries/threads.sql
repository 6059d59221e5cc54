-- name: open_threads
-- Threads in which people may speak to a job: it has not ended, or only lately. The latest first.
-- That of a card of which nobody knows whether it was posted is not known either, and is empty.
WITH spoken_of AS (
    SELECT id, created_at FROM jobs WHERE status IN ('pending', 'scheduled', 'rate_limited')
    UNION ALL
    SELECT id, created_at FROM jobs WHERE status = 'running'
    UNION ALL
    SELECT id, created_at FROM jobs WHERE finished_at >= :since
)
SELECT jobs.team AS team, jobs.channel AS channel, coalesce(jobs.thread, message_id, '') AS thread,
       min(jobs.created_at) AS since
FROM spoken_of JOIN jobs USING (id) LEFT JOIN outbox ON outbox.job_id = jobs.id AND outbox.kind = 'card'
WHERE jobs.platform = :platform AND (coalesce(jobs.thread, message_id, '') <> '' OR outbox.sending)
GROUP BY 1, 2, 3 ORDER BY max(jobs.created_at) DESC LIMIT :most;

-- name: heard
SELECT at FROM heard WHERE platform = :platform;

-- name: hear
INSERT INTO heard (platform, at) VALUES (:platform, :at)
ON CONFLICT (platform) DO UPDATE SET at = max(at, excluded.at);
