-- A reply may be handed to the running attempt: a turn begins with it and takes it, else it waits again.
CREATE TABLE live_replies (
    id            INTEGER PRIMARY KEY,
    job_id        TEXT NOT NULL REFERENCES jobs (id),
    state         TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'handed', 'begun', 'taken', 'dropped')),
    attempt       INTEGER,
    urgent        INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0, 1)),
    taken_by      TEXT REFERENCES jobs (id),
    delivery      TEXT NOT NULL UNIQUE,
    text          TEXT NOT NULL,
    platform      TEXT NOT NULL,
    team          TEXT NOT NULL,
    channel       TEXT NOT NULL,
    thread        TEXT,
    user_id       TEXT NOT NULL,
    user_name     TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    CHECK ((state = 'taken') = (taken_by IS NOT NULL)),
    CHECK (state <> 'waiting' OR (attempt IS NULL AND urgent = 0)),
    CHECK (state NOT IN ('handed', 'begun') OR attempt IS NOT NULL)
) STRICT;

INSERT INTO live_replies (id, job_id, state, taken_by, delivery, text, platform, team, channel, thread, user_id,
                          user_name, created_at)
SELECT id, job_id, state, taken_by, delivery, text, platform, team, channel, thread, user_id, user_name, created_at
FROM replies;

DROP TABLE replies;
ALTER TABLE live_replies RENAME TO replies;

CREATE INDEX replies_open ON replies (job_id) WHERE state IN ('waiting', 'handed', 'begun');

-- Whether the running attempt takes replies.
ALTER TABLE jobs ADD COLUMN live INTEGER NOT NULL DEFAULT 0 CHECK (live = 0 OR (live = 1 AND status = 'running'));
