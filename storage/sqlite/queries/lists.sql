-- name: newest
-- A page of all jobs, or of those of one team. Of each type and status the newest are read off an index, and no
-- more of them than are told; `found` counts those, the page among them.
WITH bucket AS (
    SELECT known.type, wanted.value AS status FROM job_types AS known, json_each(:statuses) AS wanted
    WHERE known.type = coalesce(:type, known.type)
), found AS MATERIALIZED (
    SELECT json_extract(listed.value, '$[0]') AS created_at, json_extract(listed.value, '$[1]') AS id
    FROM bucket, json_each((
        SELECT json_group_array(json_array(created_at, id)) FROM (
            SELECT created_at, id FROM jobs AS each
            WHERE each.type = bucket.type AND each.status = bucket.status
              AND (each.created_at, each.id) < (:before_at, :before)
              AND (:platform IS NULL OR (each.platform = :platform AND each.team = :team))
            ORDER BY created_at DESC, id DESC LIMIT :most))) AS listed
    ORDER BY created_at DESC, id DESC LIMIT :most
)
SELECT jobs.*, (SELECT count(*) FROM found) AS found
FROM (SELECT id FROM found ORDER BY created_at DESC, id DESC LIMIT :limit) JOIN jobs USING (id)
ORDER BY jobs.created_at DESC, jobs.id DESC;

-- name: newest_seen
-- The same of the jobs of one channel and of one person.
WITH bucket AS (
    SELECT known.type, wanted.value AS status FROM job_types AS known, json_each(:statuses) AS wanted
    WHERE known.type = coalesce(:type, known.type)
), found AS MATERIALIZED (
    SELECT json_extract(listed.value, '$[0]') AS created_at, json_extract(listed.value, '$[1]') AS id
    FROM bucket, json_each((
        SELECT json_group_array(json_array(created_at, id)) FROM (
            SELECT created_at, id FROM jobs AS here
            WHERE here.platform = :platform AND here.team = :team AND here.channel = :channel
              AND here.type = bucket.type AND here.status = bucket.status
              AND (here.created_at, here.id) < (:before_at, :before)
            ORDER BY created_at DESC, id DESC LIMIT :most))) AS listed
    UNION
    SELECT json_extract(listed.value, '$[0]'), json_extract(listed.value, '$[1]')
    FROM bucket, json_each((
        SELECT json_group_array(json_array(created_at, id)) FROM (
            SELECT created_at, id FROM jobs AS own
            WHERE own.platform = :platform AND own.team = :team AND own.user_id = :user_id
              AND own.type = bucket.type AND own.status = bucket.status
              AND (own.created_at, own.id) < (:before_at, :before)
            ORDER BY created_at DESC, id DESC LIMIT :most))) AS listed
    ORDER BY created_at DESC, id DESC LIMIT :most
)
SELECT jobs.*, (SELECT count(*) FROM found) AS found
FROM (SELECT id FROM found ORDER BY created_at DESC, id DESC LIMIT :limit) JOIN jobs USING (id)
ORDER BY jobs.created_at DESC, jobs.id DESC;

-- name: newest_of_task
-- The same of the jobs of one task, which are few.
WITH found AS MATERIALIZED (
    SELECT created_at, id FROM jobs AS each
    WHERE each.task_id = :task_id AND each.type = coalesce(:type, each.type)
      AND each.status IN (SELECT value FROM json_each(:statuses))
      AND (each.created_at, each.id) < (:before_at, :before)
      AND (:platform IS NULL OR (each.platform = :platform AND each.team = :team))
      AND (coalesce(:channel, :user_id) IS NULL OR each.channel = :channel OR each.user_id = :user_id)
    ORDER BY created_at DESC, id DESC LIMIT :most
)
SELECT jobs.*, (SELECT count(*) FROM found) AS found
FROM (SELECT id FROM found ORDER BY created_at DESC, id DESC LIMIT :limit) JOIN jobs USING (id)
ORDER BY jobs.created_at DESC, jobs.id DESC;

-- name: newest_asking
-- The same of the jobs that wait for an answer, whatever else is asked for: they are few.
WITH found AS MATERIALIZED (
    SELECT created_at, id FROM jobs AS each
    WHERE each.asking > 0 AND each.task_id IS coalesce(:task_id, each.task_id)
      AND each.type = coalesce(:type, each.type)
      AND each.status IN (SELECT value FROM json_each(:statuses))
      AND (each.created_at, each.id) < (:before_at, :before)
      AND (:platform IS NULL OR (each.platform = :platform AND each.team = :team))
      AND (coalesce(:channel, :user_id) IS NULL OR each.channel = :channel OR each.user_id = :user_id)
    ORDER BY created_at DESC, id DESC LIMIT :most
)
SELECT jobs.*, (SELECT count(*) FROM found) AS found
FROM (SELECT id FROM found ORDER BY created_at DESC, id DESC LIMIT :limit) JOIN jobs USING (id)
ORDER BY jobs.created_at DESC, jobs.id DESC;
