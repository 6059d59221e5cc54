-- Usage limits of providers, and whose turn it is.

CREATE TABLE provider_limits (
    provider  TEXT PRIMARY KEY,
    resets_at TEXT NOT NULL,
    seen_at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 2);

CREATE INDEX jobs_running ON jobs (provider) WHERE status = 'running';

-- A job that has not ended and does not run, and what the running ones leave it.
CREATE VIEW waiting AS
SELECT job.*,
       (SELECT known.resets_at FROM provider_limits AS known WHERE known.provider = job.provider) AS limited_until,
       (SELECT other.id FROM jobs AS other
        WHERE other.status = 'running' AND other.provider = job.provider
          AND other.session_id = job.session_id) AS session_holder,
       (SELECT count(*) FROM jobs AS other
        WHERE other.status = 'running' AND other.provider = job.provider) AS provider_running,
       (SELECT count(*) FROM jobs AS other
        WHERE other.status = 'running' AND other.platform = job.platform AND other.team = job.team
          AND other.user_id = job.user_id) AS person_running
FROM jobs AS job
WHERE job.status IN ('pending', 'scheduled', 'rate_limited');
