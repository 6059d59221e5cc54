-- The records that people and agents share: tasks, feedback, comments, logs, preferences, and who has read what.

CREATE TABLE tasks (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL CHECK (name <> ''),
    description TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('draft', 'idea', 'ready', 'backlog', 'active', 'done', 'archived')),
    workspace   TEXT NOT NULL CHECK (workspace IN ('agentic', 'dev', 'work', 'life')),
    project     TEXT NOT NULL,
    priority    TEXT NOT NULL CHECK (priority IN ('urgent', 'high', 'normal', 'low')),
    deps        TEXT NOT NULL CHECK (json_type(deps) = 'array'),
    parent_id   TEXT REFERENCES tasks (id) CHECK (parent_id <> id),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;

CREATE INDEX tasks_newest ON tasks (created_at, id);
CREATE INDEX tasks_by_status ON tasks (status, created_at, id);

CREATE TABLE feedback (
    id             TEXT PRIMARY KEY,
    content        TEXT NOT NULL CHECK (content <> ''),
    workspace      TEXT CHECK (workspace IN ('agentic', 'dev', 'work', 'life')),
    priority       TEXT NOT NULL CHECK (priority IN ('urgent', 'high', 'normal', 'low')),
    status         TEXT NOT NULL CHECK (status IN ('open', 'processed', 'parked', 'archived')),
    target         TEXT NOT NULL,
    linked_type    TEXT CHECK (linked_type IN ('task', 'report', 'job')),
    linked_id      TEXT,
    source         TEXT NOT NULL CHECK (source IN ('portal', 'clara', 'claudebot', 'agent', 'slack', 'discord')),
    processed_at   TEXT,
    processed_note TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    CHECK ((status = 'processed') = (processed_at IS NOT NULL)),
    CHECK ((status = 'processed') = (processed_note <> '')),
    CHECK ((linked_type IS NULL) = (linked_id IS NULL))
) STRICT;

CREATE INDEX feedback_newest ON feedback (created_at, id);
CREATE INDEX feedback_by_status ON feedback (status, created_at, id);
CREATE INDEX feedback_by_link ON feedback (linked_type, linked_id) WHERE linked_id IS NOT NULL;

CREATE TABLE comments (
    id          TEXT PRIMARY KEY,
    target_type TEXT NOT NULL CHECK (target_type IN ('task', 'report', 'job')),
    target_id   TEXT NOT NULL,
    author      TEXT NOT NULL CHECK (author <> ''),
    content     TEXT NOT NULL CHECK (content <> ''),
    created_at  TEXT NOT NULL,
    edited_at   TEXT,
    deleted_at  TEXT
) STRICT;

CREATE INDEX comments_of ON comments (target_type, target_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE session_logs (
    id         TEXT PRIMARY KEY,
    date       TEXT NOT NULL CHECK (date IS strftime('%Y-%m-%d', date)),
    workspace  TEXT NOT NULL CHECK (workspace IN ('agentic', 'dev', 'work', 'life')),
    content    TEXT NOT NULL CHECK (content <> ''),
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX session_logs_by_date ON session_logs (date, created_at, id);

CREATE TABLE velocity_logs (
    id         TEXT PRIMARY KEY,
    date       TEXT NOT NULL CHECK (date IS strftime('%Y-%m-%d', date)),
    workspace  TEXT NOT NULL CHECK (workspace IN ('agentic', 'dev', 'work', 'life')),
    task_id    TEXT REFERENCES tasks (id),
    minutes    INTEGER NOT NULL CHECK (minutes BETWEEN 1 AND 1440),
    notes      TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX velocity_logs_by_date ON velocity_logs (date, created_at, id);
CREATE INDEX velocity_logs_by_task ON velocity_logs (task_id, date, created_at, id) WHERE task_id IS NOT NULL;

CREATE TABLE preferences (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Reports get an id, as all that can be commented on has one.
CREATE TABLE all_reports (
    id          TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    slug        TEXT NOT NULL UNIQUE,
    job_id      TEXT REFERENCES jobs (id),
    task_id     TEXT REFERENCES tasks (id),
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    workspace   TEXT NOT NULL,
    type        TEXT NOT NULL DEFAULT 'normal' CHECK (type IN ('normal', 'slide')),
    status      TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'backlog', 'archived')),
    tags        TEXT NOT NULL DEFAULT '[]' CHECK (json_type(tags) = 'array'),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;

INSERT INTO all_reports (slug, job_id, title, description, workspace, type, status, created_at, updated_at)
SELECT slug, job_id, title, description, workspace, type, status, created_at, updated_at FROM reports;
DROP TABLE reports;
ALTER TABLE all_reports RENAME TO reports;

CREATE INDEX reports_newest ON reports (created_at, id);
CREATE INDEX reports_by_status ON reports (status, created_at, id);
CREATE INDEX reports_by_job ON reports (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX reports_by_task ON reports (task_id) WHERE task_id IS NOT NULL;

ALTER TABLE messages ADD COLUMN edited_at TEXT;
ALTER TABLE messages ADD COLUMN deleted_at TEXT;
CREATE INDEX messages_by_time ON messages (channel, created_at, id);

-- The channels that there are, one step of an index each.
CREATE VIEW channels AS
WITH RECURSIVE known (channel) AS (
    SELECT min(channel) FROM messages
    UNION ALL
    SELECT (SELECT min(channel) FROM messages WHERE channel > known.channel) FROM known
    WHERE known.channel IS NOT NULL
)
SELECT channel FROM known WHERE channel IS NOT NULL;

-- The last message that a reader has seen of a channel.
CREATE TABLE read_marks (
    channel    TEXT NOT NULL,
    reader     TEXT NOT NULL,
    message_id TEXT NOT NULL REFERENCES messages (id),
    read_at    TEXT NOT NULL,
    PRIMARY KEY (channel, reader)
) STRICT, WITHOUT ROWID;
