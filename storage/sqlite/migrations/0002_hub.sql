-- What people and agents share: the messages of the page's own channels, the reports, and who is logged in.

CREATE TABLE messages (
    id         TEXT PRIMARY KEY,
    channel    TEXT NOT NULL,
    thread     TEXT REFERENCES messages (id),
    sender     TEXT NOT NULL,
    type       TEXT NOT NULL CHECK (type IN ('text', 'system', 'status')),
    content    TEXT NOT NULL,
    metadata   TEXT NOT NULL DEFAULT '{}',
    key        TEXT UNIQUE,
    revision   INTEGER NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE INDEX messages_by_channel ON messages (channel, thread);
CREATE INDEX messages_by_thread ON messages (thread);

CREATE TABLE reports (
    slug        TEXT PRIMARY KEY,
    job_id      TEXT REFERENCES jobs (id),
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    workspace   TEXT NOT NULL,
    type        TEXT NOT NULL DEFAULT 'normal' CHECK (type IN ('normal', 'slide')),
    status      TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'backlog', 'archived')),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;

CREATE TABLE logins (
    token_hash TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
