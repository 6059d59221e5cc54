-- name: insert
-- A new job, with its first event to follow in the same transaction.
INSERT INTO jobs (id, type, status, payload, provider, model, effort, workspace, platform, team, channel, thread,
                  user_id, user_name, parent_job_id, session_id, scheduled_at, schedule_id, task_id, dedupe_key,
                  worktree, step, priority, seq, message, created_at, updated_at)
VALUES (:id, :type, :status, :payload, :provider, :model, :effort, :workspace, :platform, :team, :channel, :thread,
        :user_id, :user_name, :parent_job_id, :session_id, :scheduled_at, :schedule_id, :task_id, :dedupe_key,
        :worktree, :step, :priority, 1, :note, :now, :now);

-- name: by_id
SELECT * FROM jobs WHERE id = :id;

-- name: by_dedupe_key
-- The job that an earlier delivery of the same request made.
SELECT * FROM jobs WHERE dedupe_key = :dedupe_key;

-- name: newest_in_thread
-- Of the jobs that stand in a thread, or whose card is the head of it.
SELECT * FROM jobs WHERE rowid = (
    SELECT max(number) FROM (
        SELECT rowid AS number FROM jobs
        WHERE platform = :platform AND channel = :channel AND thread = :thread
        UNION ALL
        SELECT jobs.rowid FROM outbox JOIN jobs ON jobs.id = outbox.job_id
        WHERE kind = 'card' AND message_id = :thread AND platform = :platform AND channel = :channel));

-- name: live_successor
-- The unfinished job that goes on with a job that ended.
SELECT * FROM jobs
WHERE parent_job_id = :parent_job_id AND status IN ('pending', 'scheduled', 'running', 'rate_limited');

-- name: by_prefix
-- Ids are hexadecimal, so 'g' ends the range of every prefix.
SELECT * FROM jobs WHERE id >= :prefix AND id < :prefix || 'g' ORDER BY created_at DESC LIMIT :limit;

-- name: start
-- Compare-and-set: only a job that waits starts, and its next attempt and event get their numbers.
UPDATE jobs SET status = 'running', worker = :worker, attempt = attempt + 1, seq = seq + 1, retry_at = NULL,
                reason = '', message = '', started_at = coalesce(started_at, :now), updated_at = :now
WHERE id = :id AND status IN (SELECT value FROM json_each(:sources))
RETURNING *;

-- name: move
-- Compare-and-set out of running, or out of waiting when cancelled.
UPDATE jobs SET status = :target, seq = seq + 1, worker = NULL, reason = :reason, message = :message,
                live = 0, result = CASE WHEN :result = '' THEN result ELSE :result END,
                retry_at = :retry_at, cancelled_by = :cancelled_by, finished_at = :finished_at,
                report_slug = coalesce(:report_slug, report_slug),
                cost_usd = :cost_usd, turns = :turns, duration_ms = :duration_ms, updated_at = :now
WHERE id = :id AND status = :status AND attempt = :attempt
RETURNING *;

-- name: ask_cancel
-- The first wish counts.
UPDATE jobs SET cancel_requested_at = :now, cancelled_by = :by, live = 0, updated_at = :now
WHERE id = :id AND status = 'running' AND cancel_requested_at IS NULL;

-- name: hurry
-- The time that the job waits for is now.
UPDATE jobs SET retry_at = CASE WHEN retry_at IS NULL THEN NULL ELSE :now END,
                scheduled_at = CASE WHEN scheduled_at IS NULL THEN NULL ELSE :now END, updated_at = :now
WHERE id = :id AND status IN ('scheduled', 'rate_limited');

-- name: alter
-- The time that the job waits for, where it waits for one, and the task that it is done for.
UPDATE jobs SET scheduled_at = CASE WHEN :at IS NOT NULL AND status = 'scheduled' THEN :at ELSE scheduled_at END,
                retry_at = CASE WHEN :at IS NOT NULL AND status = 'rate_limited' THEN :at ELSE retry_at END,
                task_id = :task_id, updated_at = :now
WHERE id = :id AND (:at IS NULL OR status IN ('scheduled', 'rate_limited'))
RETURNING *;

-- name: by_session
-- The last job that had this conversation.
SELECT * FROM jobs WHERE session_id = :session_id ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: hand_over
-- Another provider knows nothing of the conversation.
UPDATE jobs SET provider = :provider, model = :model, session_id = NULL WHERE id = :id;

-- name: advance
-- Steps of its program are done; the attempts at the next one are counted from here.
UPDATE jobs SET step = :step, before_step = attempt WHERE id = :id;

-- name: set_session
-- What a CLI says must not fail: a conversation that another running job has stays that job's.
UPDATE OR IGNORE jobs SET session_id = :session_id WHERE id = :id;

-- name: is_running
SELECT 1 FROM jobs WHERE id = :id AND status = 'running' AND attempt = :attempt;

-- name: open_attempt
INSERT INTO attempts (job_id, number, worker, started_at) VALUES (:job_id, :number, :worker, :now);

-- name: set_process
UPDATE attempts SET pid = :pid, pid_started = :pid_started, boot_id = :boot_id
WHERE job_id = :job_id AND number = :number AND ended_at IS NULL;

-- name: end_attempt
UPDATE attempts SET ended_at = :now, outcome = :outcome, reason = :reason, log_truncated = :log_truncated,
                    cost_usd = :cost_usd, turns = :turns, duration_ms = :duration_ms
WHERE job_id = :job_id AND number = :number AND ended_at IS NULL;

-- name: open_attempts
-- Only a bot that died makes a job suspicious: one that was told to stop did so of its own accord.
SELECT jobs.*, attempts.pid, attempts.pid_started, attempts.boot_id,
       (SELECT count(*) FROM attempts AS past
        WHERE past.job_id = jobs.id AND past.number > jobs.before_step AND past.reason = 'restart') AS crashes
FROM attempts JOIN jobs ON jobs.id = attempts.job_id
WHERE attempts.ended_at IS NULL ORDER BY attempts.started_at;

-- name: next_seq
-- Takes the number of the job's next event.
UPDATE jobs SET seq = seq + 1 WHERE id = :id RETURNING seq;

-- name: append_event
INSERT INTO events (job_id, seq, at, kind, body) VALUES (:job_id, :seq, :at, :kind, :body);

-- name: events_after
SELECT * FROM events WHERE job_id = :job_id AND seq > :after ORDER BY seq LIMIT :limit;

-- name: want
-- An announcement should show the log up to this event.
INSERT INTO outbox (job_id, kind, wanted) VALUES (:job_id, :kind, :wanted)
ON CONFLICT (job_id, kind) DO UPDATE SET wanted = excluded.wanted;

-- name: show_again
-- What an announcement shows has changed without an event.
UPDATE outbox SET shown = min(shown, wanted - 1) WHERE job_id = :job_id AND kind = :kind;

-- name: insert_report
-- A job may name a task that is not on the board.
INSERT INTO reports (slug, job_id, task_id, title, description, workspace, created_at, updated_at)
VALUES (:slug, :job_id, (SELECT id FROM tasks WHERE id = :task_id), :title, :description, :workspace, :now, :now);

-- name: parcels_in_use
-- The parcels of what has not ended, or ended since: jobs, schedules, replies that wait or that a session took.
SELECT DISTINCT json_extract(file.value, '$.parcel')
FROM (
    SELECT json_extract(payload, '$.files') AS files FROM jobs
    WHERE json_extract(payload, '$.files') IS NOT NULL AND (finished_at IS NULL OR finished_at >= :since)
    UNION ALL
    SELECT json_extract(payload, '$.files') FROM schedules
    WHERE deleted_at IS NULL AND json_extract(payload, '$.files') IS NOT NULL
    UNION ALL
    SELECT files FROM replies WHERE files <> '' AND (state IN ('waiting', 'handed', 'begun') OR (
        taken_by = job_id AND EXISTS (
            SELECT 1 FROM jobs WHERE id = job_id AND (finished_at IS NULL OR finished_at >= :since))))
) AS named, json_each(named.files) AS file;
