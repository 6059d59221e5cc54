-- What people asked for that lacks an answer of theirs, such as in which workspace. Kept for a day.

CREATE TABLE drafts (
    id            TEXT PRIMARY KEY,
    delivery      TEXT NOT NULL,
    verb          TEXT NOT NULL,
    platform      TEXT NOT NULL,
    team          TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    user_name     TEXT NOT NULL,
    channel       TEXT NOT NULL,
    thread        TEXT,
    args          TEXT NOT NULL,
    files         TEXT NOT NULL,
    choices       TEXT NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;

CREATE INDEX drafts_by_age ON drafts (created_at);
