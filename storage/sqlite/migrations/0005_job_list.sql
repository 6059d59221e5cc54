-- Whatever a list asks for, each of its statuses and types is one stretch of an index, newest first.

DROP INDEX jobs_newest;
CREATE INDEX jobs_by_type ON jobs (type, status, created_at, id, platform, team);
CREATE INDEX jobs_by_channel ON jobs (platform, team, channel, type, status, created_at, id);
CREATE INDEX jobs_by_person ON jobs (platform, team, user_id, type, status, created_at, id);

-- With the status in it, it answers by itself who runs: else SQLite would rather read all of an index above.
DROP INDEX jobs_running;
CREATE INDEX jobs_running ON jobs (status, provider, id) WHERE status = 'running';

-- The types of all jobs, one step of an index each.
CREATE VIEW job_types AS
WITH RECURSIVE known (type) AS (
    SELECT min(type) FROM jobs
    UNION ALL
    SELECT (SELECT min(type) FROM jobs WHERE type > known.type) FROM known WHERE known.type IS NOT NULL
)
SELECT type FROM known WHERE type IS NOT NULL;
