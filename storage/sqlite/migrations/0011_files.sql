-- Files that people send lie in parcels; a payload or a reply names those that are its own.

ALTER TABLE replies ADD COLUMN files TEXT NOT NULL DEFAULT '';

-- Parcels that nothing names are removed: whatever names one is found without reading all jobs.
CREATE INDEX jobs_with_files ON jobs (finished_at) WHERE json_extract(payload, '$.files') IS NOT NULL;
CREATE INDEX replies_with_files ON replies (job_id) WHERE state = 'waiting' AND files <> '';
