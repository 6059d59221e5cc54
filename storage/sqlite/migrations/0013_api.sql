-- What the HTTP API needs: tokens, answers that may be asked for again, tasks of jobs, and what was used when.

-- Of a token only its hash is kept: who reads this file can call nobody with it.
CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    scope      TEXT NOT NULL CHECK (scope IN ('read', 'run', 'admin')),
    token_hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
) STRICT;

-- The same key from the same caller is answered the same for a day.
CREATE TABLE answers (
    caller     TEXT NOT NULL,
    key        TEXT NOT NULL,
    request    TEXT NOT NULL,
    status     INTEGER NOT NULL,
    body       BLOB NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_by_age ON answers (created_at);

ALTER TABLE jobs ADD COLUMN task_id TEXT;

CREATE INDEX jobs_by_task ON jobs (task_id, created_at, id) WHERE task_id IS NOT NULL;
CREATE INDEX jobs_by_session ON jobs (session_id) WHERE session_id IS NOT NULL;

-- What attempts took, by the day on which they ended (UTC): a few rows a day, however many jobs there are.
-- NULL is what nobody told us, which is not zero.
CREATE TABLE usage_days (
    day         TEXT NOT NULL,
    type        TEXT NOT NULL,
    provider    TEXT NOT NULL,
    model       TEXT NOT NULL,
    person      TEXT NOT NULL,
    name        TEXT NOT NULL,
    jobs        INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    cost_usd    REAL,
    turns       INTEGER,
    duration_ms INTEGER,
    PRIMARY KEY (day, type, provider, model, person)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_days
SELECT substr(ended_at, 1, 10), type, provider, model, platform || ':' || team || ':' || user_id, max(user_name),
       count(*) FILTER (WHERE number = 1), count(*),
       sum(attempts.cost_usd), sum(attempts.turns), sum(attempts.duration_ms)
FROM attempts JOIN jobs ON jobs.id = attempts.job_id
WHERE ended_at IS NOT NULL
GROUP BY 1, 2, 3, 4, 5;

CREATE TRIGGER attempt_was_used AFTER UPDATE OF ended_at ON attempts
WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
BEGIN
    INSERT INTO usage_days
    SELECT substr(NEW.ended_at, 1, 10), type, provider, model, platform || ':' || team || ':' || user_id, user_name,
           NEW.number = 1, 1, NEW.cost_usd, NEW.turns, NEW.duration_ms
    FROM jobs WHERE id = NEW.job_id
    ON CONFLICT DO UPDATE SET
        name = excluded.name,
        jobs = jobs + excluded.jobs,
        attempts = attempts + 1,
        cost_usd = coalesce(cost_usd + excluded.cost_usd, cost_usd, excluded.cost_usd),
        turns = coalesce(turns + excluded.turns, turns, excluded.turns),
        duration_ms = coalesce(duration_ms + excluded.duration_ms, duration_ms, excluded.duration_ms);
END;
