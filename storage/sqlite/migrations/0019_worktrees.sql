-- A job may work in a git worktree of its own, and what it leaves there waits for somebody to decide about it.
CREATE TABLE worktrees (
    id            TEXT PRIMARY KEY REFERENCES jobs (id),
    checkout      TEXT NOT NULL,
    branch        TEXT NOT NULL,
    base          TEXT NOT NULL,
    tip           TEXT NOT NULL DEFAULT '',
    state         TEXT NOT NULL DEFAULT 'used'
        CHECK (state IN ('used', 'left', 'empty', 'merged', 'kept', 'discarded')),
    updated_at    TEXT NOT NULL
) STRICT;

CREATE INDEX worktrees_open ON worktrees (state, updated_at) WHERE state IN ('used', 'left');

-- The worktree in which a job works, by the job that began it, and what it left there, as JSON.
ALTER TABLE jobs ADD COLUMN worktree TEXT REFERENCES worktrees (id);
ALTER TABLE jobs ADD COLUMN work TEXT;

CREATE INDEX jobs_by_worktree ON jobs (worktree) WHERE worktree IS NOT NULL;
