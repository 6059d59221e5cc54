-- Jobs that come again, and what became of each of their runs.

CREATE TABLE schedules (
    id          TEXT PRIMARY KEY,
    expression  TEXT NOT NULL,
    zone        TEXT NOT NULL,
    missed      TEXT NOT NULL CHECK (missed IN ('once', 'skip')),
    type        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    provider    TEXT NOT NULL,
    model       TEXT NOT NULL,
    effort      TEXT NOT NULL,
    workspace   TEXT NOT NULL,
    priority    INTEGER NOT NULL DEFAULT 1,
    platform    TEXT NOT NULL,
    team        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    thread      TEXT,
    user_id     TEXT NOT NULL,
    user_name   TEXT NOT NULL,
    dedupe_key  TEXT UNIQUE,
    next_run    TEXT NOT NULL,
    counted_at  TEXT NOT NULL,
    last_at     TEXT,
    last_key    TEXT,
    last_job_id TEXT REFERENCES jobs (id),
    paused_at   TEXT,
    deleted_at  TEXT,
    created_at  TEXT NOT NULL,
    CHECK ((last_at IS NULL) = (last_key IS NULL))
) STRICT;

CREATE INDEX schedules_due ON schedules (next_run) WHERE paused_at IS NULL AND deleted_at IS NULL;
CREATE INDEX schedules_counted ON schedules (counted_at) WHERE paused_at IS NULL AND deleted_at IS NULL;

ALTER TABLE jobs ADD COLUMN schedule_id TEXT REFERENCES schedules (id);

-- The key lets a run happen once: in an hour that comes twice, with two schedulers, after a clock was set back.
CREATE TABLE fires (
    schedule_id TEXT NOT NULL REFERENCES schedules (id),
    key         TEXT NOT NULL,
    due_at      TEXT NOT NULL,
    fired_at    TEXT NOT NULL,
    verdict     TEXT NOT NULL CHECK (verdict IN ('started', 'missed', 'overlapped', 'denied')),
    note        TEXT NOT NULL DEFAULT '',
    job_id      TEXT REFERENCES jobs (id),
    PRIMARY KEY (schedule_id, key),
    CHECK ((verdict = 'started') = (job_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
