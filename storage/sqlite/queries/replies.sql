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
-- Those that nobody has begun with.
UPDATE jobs SET replies = (SELECT count(*) FROM replies WHERE job_id = :job_id AND state IN ('waiting', 'handed'))
WHERE id = :job_id;

-- name: answered
SELECT * FROM jobs WHERE replies > 0 AND status IN ('done', 'failed', 'cancelled');

-- name: waiting
SELECT * FROM replies WHERE job_id = :job_id AND state = 'waiting' ORDER BY id;

-- name: take
UPDATE replies SET state = 'taken', taken_by = :taken_by WHERE job_id = :job_id AND state = 'waiting';

-- name: drop
UPDATE replies SET state = 'dropped' WHERE job_id = :job_id AND state IN ('waiting', 'handed', 'begun');

-- name: refuse
UPDATE replies SET state = 'dropped' WHERE delivery = :delivery AND state = 'waiting';

-- name: wait_for
-- Another job goes on with the one that they were for: they wait for that one.
UPDATE replies SET job_id = :successor WHERE job_id = :job_id AND state = 'waiting';

-- name: open
-- A job that somebody wants stopped is told nothing more.
UPDATE jobs SET live = 1
WHERE id = :job_id AND attempt = :attempt AND status = 'running' AND cancel_requested_at IS NULL
RETURNING live;

-- name: hand
-- To the running attempt, if that takes replies.
UPDATE replies SET state = 'handed', attempt = (SELECT attempt FROM jobs WHERE id = :job_id)
WHERE job_id = :job_id AND state = 'waiting' AND (SELECT live FROM jobs WHERE id = :job_id)
RETURNING user_id, user_name;

-- name: handed
SELECT id, text, files, urgent FROM replies
WHERE job_id = :job_id AND attempt = :attempt AND state = 'handed' ORDER BY id;

-- name: urge
UPDATE replies SET urgent = 1 WHERE job_id = :job_id AND state = 'handed' AND urgent = 0;

-- name: begin
UPDATE replies SET state = 'begun' WHERE id = :reply AND job_id = :job_id AND attempt = :attempt AND state = 'handed';

-- name: end
UPDATE replies SET state = 'taken', taken_by = :job_id
WHERE id = :reply AND job_id = :job_id AND attempt = :attempt AND state = 'begun';

-- name: shut
-- Unless something was handed after what its attempt knows of.
UPDATE jobs SET live = 0
WHERE id = :job_id AND attempt = :attempt AND live = 1 AND (:last IS NULL OR NOT EXISTS (
    SELECT 1 FROM replies WHERE job_id = :job_id AND state = 'handed' AND id > :last))
RETURNING live;

-- name: give_back
-- Their attempt has ended first.
UPDATE replies SET state = 'waiting', attempt = NULL, urgent = 0
WHERE job_id = :job_id AND state IN ('handed', 'begun');
