-- name: matching
-- Of the newest :window jobs that match, those of the wanted statuses and days, the newest first.
WITH found AS MATERIALIZED (
    SELECT rowid AS number FROM job_words
    WHERE job_words MATCH :match AND rowid < :before ORDER BY rowid DESC LIMIT :window
)
SELECT jobs.*, jobs.rowid AS number FROM found JOIN jobs ON jobs.rowid = found.number
WHERE jobs.status IN (SELECT value FROM json_each(:statuses))
  AND jobs.created_at >= :since AND jobs.created_at < :until
ORDER BY found.number DESC LIMIT :limit;

-- name: matching_asking
-- The same of the jobs that wait for an answer: each of those few is asked whether it matches, however old it is.
SELECT jobs.*, jobs.rowid AS number
FROM jobs INDEXED BY jobs_asking CROSS JOIN job_words ON job_words.rowid = jobs.rowid
WHERE jobs.asking > 0 AND jobs.rowid < :before AND job_words MATCH :match
  AND jobs.status IN (SELECT value FROM json_each(:statuses))
  AND jobs.created_at >= :since AND jobs.created_at < :until
ORDER BY jobs.rowid DESC LIMIT :limit;

-- name: looked_at
-- The job at which a look at that many that match ends; none where they are fewer.
SELECT id FROM jobs WHERE rowid = (
    SELECT rowid FROM job_words
    WHERE job_words MATCH :match AND rowid < :before ORDER BY rowid DESC LIMIT 1 OFFSET :window - 1);

-- name: number_of
SELECT rowid FROM jobs WHERE id = :id;

-- name: counts
SELECT status, number FROM job_counts;

-- name: asking
-- How many jobs wait for an answer.
SELECT count(*) FROM jobs WHERE asking > 0;

-- name: successor
-- The newest job that goes on with this one.
SELECT * FROM jobs WHERE parent_job_id = :id ORDER BY rowid DESC LIMIT 1;

-- name: turns
-- What happened to the job itself, beside what its agent did; the kinds are listed as the partial index lists them.
SELECT * FROM events
WHERE job_id = :job_id AND kind IN ('moved', 'cancel_asked', 'reply_kept', 'report_published')
ORDER BY seq DESC LIMIT :limit;

-- name: todos
SELECT * FROM events WHERE job_id = :job_id AND kind = 'todos_changed' ORDER BY seq DESC LIMIT 1;
