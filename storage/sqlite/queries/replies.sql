-- name: delivered
-- The job that a message went to: it made it, or was taken by it, or waits for its end.
SELECT * FROM jobs WHERE dedupe_key = :delivery
UNION ALL
SELECT * FROM jobs WHERE id = (SELECT coalesce(taken_by, job_id) FROM replies WHERE delivery = :delivery)
LIMIT 1;

-- name: keep
INSERT INTO replies (job_id, delivery, text, files, platform, team, channel, thread, user_id, user_name, created_at)
VALUES (:job_id, :delivery, :text, :files, :platform, :team, :channel, :thread, :user_id, :user_name, :now);

-- name: count
UPDATE jobs SET replies = (SELECT count(*) FROM replies WHERE job_id = :job_id AND state = 'waiting')
WHERE id = :job_id;

-- name: answered
SELECT * FROM jobs WHERE replies > 0 AND status IN ('done', 'failed', 'cancelled');

-- name: waiting
SELECT * FROM replies WHERE job_id = :job_id AND state = 'waiting' ORDER BY id;

-- name: take
UPDATE replies SET state = 'taken', taken_by = :taken_by WHERE job_id = :job_id AND state = 'waiting';

-- name: drop
UPDATE replies SET state = 'dropped' WHERE job_id = :job_id AND state = 'waiting';

-- name: wait_for
-- Another job goes on with the one that they were for: they wait for that one.
UPDATE replies SET job_id = :successor WHERE job_id = :job_id AND state = 'waiting';
