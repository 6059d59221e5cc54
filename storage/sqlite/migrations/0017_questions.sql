-- What agents ask people while they work, and what was decided.
CREATE TABLE questions (
    id          TEXT PRIMARY KEY,
    job_id      TEXT NOT NULL REFERENCES jobs (id),
    number      INTEGER NOT NULL CHECK (number > 0),
    state       TEXT NOT NULL CHECK (state IN ('open', 'decided', 'expired', 'withdrawn')),
    asked       TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    grant_text  TEXT NOT NULL,
    attempt     INTEGER,
    request     TEXT NOT NULL,
    told        INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    asked_at    TEXT NOT NULL,
    expires_at  TEXT,
    verdict     TEXT CHECK (verdict IN ('approve', 'always', 'deny', 'answer')),
    decided_by  TEXT,
    choices     TEXT,
    words       TEXT,
    decided_at  TEXT,
    again       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job_id, number),
    CHECK (state <> 'open' OR (attempt IS NULL) = (expires_at IS NULL)),
    CHECK (told = 0 OR state = 'decided'),
    CHECK ((state = 'expired') = (again > 0)),
    CHECK ((state = 'decided') = (verdict IS NOT NULL) AND (verdict IS NULL) = (decided_by IS NULL)
           AND (verdict IS NULL) = (choices IS NULL) AND (verdict IS NULL) = (words IS NULL)
           AND (verdict IS NULL) = (decided_at IS NULL))
) STRICT;

-- How many questions of the job nobody has decided yet: with one of them it starts no attempt, and does not end.
ALTER TABLE jobs ADD COLUMN asking INTEGER NOT NULL DEFAULT 0
    CHECK (asking = 0 OR (asking > 0 AND status NOT IN ('done', 'failed', 'cancelled')));
