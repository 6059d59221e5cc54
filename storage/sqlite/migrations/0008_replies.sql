-- A message in the thread of a job is a reply to it: threads are looked up by their first message.

CREATE INDEX jobs_by_thread ON jobs (thread) WHERE thread IS NOT NULL;
CREATE INDEX outbox_cards ON outbox (message_id) WHERE kind = 'card' AND message_id IS NOT NULL;

-- Replies to a job that has not ended wait for that: a new job then goes on with them, in their order.
CREATE TABLE replies (
    id            INTEGER PRIMARY KEY,
    job_id        TEXT NOT NULL REFERENCES jobs (id),
    state         TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'dropped')),
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
    CHECK ((state = 'taken') = (taken_by IS NOT NULL))
) STRICT;

CREATE INDEX replies_waiting ON replies (job_id) WHERE state = 'waiting';

-- How many of them wait: counted beside the job, as everybody who looks at it wants to know.
ALTER TABLE jobs ADD COLUMN replies INTEGER NOT NULL DEFAULT 0 CHECK (replies >= 0);

CREATE INDEX jobs_answered ON jobs (id) WHERE replies > 0;
