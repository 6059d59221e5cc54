-- name: ask
INSERT INTO questions (id, job_id, number, state, asked, fingerprint, grant_text, attempt, request, asked_at, expires_at,
                       verdict, decided_by, choices, words, decided_at)
SELECT :id, :job_id, coalesce(max(number), 0) + 1, :state, :asked, :fingerprint, :grant, :attempt, :request, :now,
       :expires_at, :verdict, :by, :choices, :words, CASE WHEN :verdict IS NOT NULL THEN :now END
FROM questions WHERE job_id = :job_id
RETURNING *;

-- name: adopt
-- The same question of the same request, or of an attempt that has ended.
UPDATE questions SET attempt = :attempt, request = :request, expires_at = coalesce(expires_at, :expires_at)
WHERE id = (
    SELECT id FROM questions
    WHERE job_id = :job_id AND fingerprint = :fingerprint AND state IN ('open', 'decided')
      AND (attempt IS NULL OR (attempt = :attempt AND request = :request))
      AND id NOT IN (SELECT value FROM json_each(:but))
    ORDER BY attempt IS NULL, number LIMIT 1)
RETURNING *;

-- name: granted
-- What was said yes to for the whole of the job.
SELECT * FROM questions
WHERE job_id = :job_id AND grant_text = :grant AND :grant <> '' AND verdict = 'always' LIMIT 1;

-- name: of_attempt
SELECT * FROM questions
WHERE job_id = :job_id AND attempt = :attempt AND state IN ('open', 'decided') AND told = 0 ORDER BY number;

-- name: told
UPDATE questions SET told = 1
WHERE job_id = :job_id AND attempt = :attempt AND request = :request AND state = 'decided';

-- name: give_up
UPDATE questions SET state = 'withdrawn', attempt = NULL
WHERE job_id = :job_id AND attempt = :attempt AND request = :request AND state = 'open'
RETURNING *;

-- name: decide
-- Compare-and-set: the first decision counts. A yes for the whole job is one to all that ask for the same.
UPDATE questions SET state = 'decided', verdict = :verdict, decided_by = :by, choices = :choices, words = :words,
                     decided_at = :now
WHERE state = 'open' AND (id = :id OR (
    :verdict = 'always' AND grant_text <> ''
    AND (job_id, grant_text) IN (SELECT job_id, grant_text FROM questions WHERE id = :id AND state = 'open')))
RETURNING *;

-- name: withdraw
UPDATE questions SET state = 'withdrawn', attempt = NULL WHERE job_id = :job_id AND state = 'open' RETURNING *;

-- name: open
SELECT * FROM questions WHERE job_id = :job_id AND state = 'open' ORDER BY number;

-- name: expire
UPDATE questions SET state = 'expired', attempt = NULL, again = :again WHERE id = :id;

-- name: release
-- No process waits for them any more.
UPDATE questions SET attempt = NULL, expires_at = CASE state WHEN 'open' THEN NULL ELSE expires_at END
WHERE job_id = :job_id AND state IN ('open', 'decided') AND told = 0;

-- name: count
UPDATE jobs SET asking = (SELECT count(*) FROM questions WHERE job_id = :job_id AND state = 'open')
WHERE id = :job_id;

-- name: by_id
SELECT * FROM questions WHERE id = :id;

-- name: of_job
SELECT * FROM questions WHERE job_id = :job_id ORDER BY number;
