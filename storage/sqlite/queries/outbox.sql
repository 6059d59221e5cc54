-- name: of_job
SELECT * FROM outbox WHERE job_id = :job_id;

-- name: cards
SELECT job_id, message_id FROM outbox
WHERE job_id IN (SELECT value FROM json_each(:job_ids)) AND kind = 'card' AND message_id <> '';

-- name: unsettled_jobs
-- Jobs of which something is still to be shown: all that are not final, and those with an announcement due.
-- (The statuses are listed as the partial indices list them: else SQLite would read all the past.)
SELECT id FROM jobs WHERE status IN ('pending', 'scheduled', 'rate_limited')
UNION
SELECT id FROM jobs WHERE status = 'running'
UNION
SELECT job_id FROM outbox WHERE shown < wanted;

-- name: begin
-- Said before a send: from here on the message may stand.
INSERT INTO outbox (job_id, kind, wanted, sending) VALUES (:job_id, :kind, :wanted, 1)
ON CONFLICT (job_id, kind) DO UPDATE SET sending = 1;

-- name: shown
INSERT INTO outbox (job_id, kind, wanted, shown, message_id) VALUES (:job_id, :kind, :seq, :seq, :message_id)
ON CONFLICT (job_id, kind) DO UPDATE
SET shown = max(shown, excluded.shown), wanted = max(wanted, excluded.shown), sending = 0,
    message_id = coalesce(excluded.message_id, message_id);

-- name: forget
-- Its message is gone: what it showed is to be said anew.
UPDATE outbox SET message_id = NULL, shown = 0, sending = 0 WHERE job_id = :job_id AND kind = :kind;

-- name: any_due
SELECT 1 FROM outbox WHERE shown < wanted AND job_id IN (SELECT value FROM json_each(:job_ids)) LIMIT 1;
