-- name: updates
-- What a job has posted; a job may post few.
SELECT events.body FROM outbox JOIN events ON events.job_id = outbox.job_id AND events.seq = outbox.wanted
WHERE outbox.job_id = :job_id AND outbox.kind LIKE 'update:%';

-- name: published
SELECT count(*) FROM reports WHERE job_id = :job_id;

-- name: show_report
-- The last one that a job publishes is the one that its card leads to.
UPDATE jobs SET report_slug = :slug, updated_at = :now WHERE id = :job_id;
