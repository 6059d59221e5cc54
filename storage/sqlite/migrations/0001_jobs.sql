-- Jobs, their attempts, their event logs and what must be announced of them.

CREATE TABLE jobs (
    id                  TEXT PRIMARY KEY,
    type                TEXT NOT NULL,
    status              TEXT NOT NULL CHECK (status IN
        ('pending', 'scheduled', 'running', 'done', 'failed', 'rate_limited', 'cancelled')),
    payload             TEXT NOT NULL,
    provider            TEXT NOT NULL,
    model               TEXT NOT NULL,
    effort              TEXT NOT NULL,
    workspace           TEXT NOT NULL,
    platform            TEXT NOT NULL,
    team                TEXT NOT NULL,
    channel             TEXT NOT NULL,
    thread              TEXT,
    user_id             TEXT NOT NULL,
    user_name           TEXT NOT NULL,
    parent_job_id       TEXT REFERENCES jobs (id),
    session_id          TEXT,
    dedupe_key          TEXT UNIQUE,
    worker              TEXT,
    seq                 INTEGER NOT NULL DEFAULT 0,
    attempt             INTEGER NOT NULL DEFAULT 0,
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    scheduled_at        TEXT,
    retry_at            TEXT,
    cancel_requested_at TEXT,
    cancelled_by        TEXT NOT NULL DEFAULT '',
    started_at          TEXT,
    finished_at         TEXT,
    reason              TEXT NOT NULL DEFAULT '',
    message             TEXT NOT NULL DEFAULT '',
    result              TEXT NOT NULL DEFAULT '',
    report_slug         TEXT,
    cost_usd            REAL,
    turns               INTEGER,
    duration_ms         INTEGER,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (status <> 'scheduled' OR scheduled_at IS NOT NULL),
    CHECK (status <> 'rate_limited' OR retry_at IS NOT NULL),
    CHECK (cancel_requested_at IS NULL OR status IN ('running', 'done', 'failed', 'cancelled'))
) STRICT;

CREATE INDEX jobs_waiting ON jobs (status, created_at) WHERE status IN ('pending', 'scheduled', 'rate_limited');
CREATE INDEX jobs_newest ON jobs (created_at DESC);

-- A job that ended is continued by one job at a time: two presses of Resume start one.
CREATE UNIQUE INDEX one_live_successor ON jobs (parent_job_id)
    WHERE parent_job_id IS NOT NULL AND status IN ('pending', 'scheduled', 'running', 'rate_limited');

-- Two live processes never share a conversation.
CREATE UNIQUE INDEX one_process_per_session ON jobs (provider, session_id)
    WHERE session_id IS NOT NULL AND status = 'running';

CREATE TABLE attempts (
    job_id       TEXT NOT NULL REFERENCES jobs (id),
    number       INTEGER NOT NULL CHECK (number >= 1),
    worker       TEXT NOT NULL,
    pid          INTEGER,
    pid_started  INTEGER,
    boot_id      TEXT,
    started_at   TEXT NOT NULL,
    ended_at     TEXT,
    outcome      TEXT,
    reason       TEXT NOT NULL DEFAULT '',
    cost_usd     REAL,
    turns        INTEGER,
    duration_ms  INTEGER,
    PRIMARY KEY (job_id, number),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX one_open_attempt ON attempts (job_id) WHERE ended_at IS NULL;

CREATE TABLE events (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    seq    INTEGER NOT NULL CHECK (seq >= 1),
    at     TEXT NOT NULL,
    kind   TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    job_id     TEXT NOT NULL REFERENCES jobs (id),
    kind       TEXT NOT NULL,
    wanted     INTEGER NOT NULL,
    shown      INTEGER NOT NULL DEFAULT 0,
    message_id TEXT,
    sending    INTEGER NOT NULL DEFAULT 0 CHECK (sending IN (0, 1)),
    PRIMARY KEY (job_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_due ON outbox (job_id) WHERE shown < wanted;
