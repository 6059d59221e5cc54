-- name: insert
INSERT INTO schedules (id, expression, zone, missed, type, payload, provider, model, effort, workspace, priority,
                       platform, team, channel, thread, user_id, user_name, dedupe_key,
                       next_run, counted_at, created_at)
VALUES (:id, :expression, :zone, :missed, :type, :payload, :provider, :model, :effort, :workspace, :priority,
        :platform, :team, :channel, :thread, :user_id, :user_name, :dedupe_key,
        :next_run, :counted_at, :created_at)
ON CONFLICT (dedupe_key) DO NOTHING;

-- name: by_dedupe_key
-- The schedule that an earlier delivery of the same request made.
SELECT *, NULL AS unfinished_job_id FROM schedules WHERE dedupe_key = :dedupe_key;

-- name: by_prefix
-- Ids are hexadecimal, so 'g' ends the range of every prefix.
SELECT *, (SELECT id FROM jobs WHERE id = last_job_id AND finished_at IS NULL) AS unfinished_job_id
FROM schedules
WHERE id >= :prefix AND id < :prefix || 'g' AND deleted_at IS NULL ORDER BY created_at DESC LIMIT :limit;

-- name: next_ones
-- Those that are not deleted: the next to run first, the paused ones last.
SELECT *, NULL AS unfinished_job_id FROM schedules
WHERE deleted_at IS NULL ORDER BY paused_at IS NOT NULL, next_run, id LIMIT :limit;

-- name: due
-- Those whose time has come, with the job of the run before where that has not ended.
SELECT *, (SELECT id FROM jobs WHERE id = last_job_id AND finished_at IS NULL) AS unfinished_job_id
FROM schedules
WHERE paused_at IS NULL AND deleted_at IS NULL AND next_run <= :now
ORDER BY next_run LIMIT :limit;

-- name: counted_after
-- Those whose next run was computed by a clock that was ahead.
SELECT *, NULL AS unfinished_job_id FROM schedules
WHERE paused_at IS NULL AND deleted_at IS NULL AND counted_at > :now;

-- name: next_run
SELECT min(next_run) AS moment FROM schedules WHERE paused_at IS NULL AND deleted_at IS NULL;

-- name: take
-- Compare-and-set: only the run that was seen is dealt with.
UPDATE schedules SET next_run = :next_run, counted_at = :now, last_at = :due_at, last_key = :key
WHERE id = :id AND next_run = :seen AND paused_at IS NULL AND deleted_at IS NULL;

-- name: dealt_with
SELECT 1 FROM fires WHERE schedule_id = :id AND key = :key;

-- name: record
INSERT INTO fires (schedule_id, key, due_at, fired_at, verdict, note, job_id)
VALUES (:id, :key, :due_at, :now, :verdict, :note, :job_id);

-- name: set_job
UPDATE schedules SET last_job_id = :job_id WHERE id = :id;

-- name: count_anew
UPDATE schedules SET next_run = :next_run, counted_at = :now
WHERE id = :id AND next_run = :seen AND paused_at IS NULL AND deleted_at IS NULL;

-- name: pause
UPDATE schedules SET paused_at = :now WHERE id = :id AND paused_at IS NULL AND deleted_at IS NULL;

-- name: resume
UPDATE schedules SET paused_at = NULL, next_run = :next_run, counted_at = :now
WHERE id = :id AND paused_at IS NOT NULL AND deleted_at IS NULL;

-- name: delete
-- What ran stays on record.
UPDATE schedules SET deleted_at = :now WHERE id = :id AND deleted_at IS NULL;

-- name: latest_fires
SELECT * FROM fires WHERE schedule_id = :id ORDER BY due_at DESC LIMIT :limit;
