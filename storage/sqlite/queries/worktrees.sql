-- name: worktree
SELECT * FROM worktrees WHERE id = :id;

-- name: use
INSERT INTO worktrees (id, checkout, branch, base, updated_at) VALUES (:id, :checkout, :branch, :base, :now)
ON CONFLICT (id) DO UPDATE SET state = 'used', branch = excluded.branch, base = excluded.base, updated_at = :now;

-- name: work_in
UPDATE jobs SET worktree = :id WHERE id = :job_id;

-- name: move_worktree
-- Compare-and-set.
UPDATE worktrees SET state = :state, tip = :tip, updated_at = :now
WHERE id = :id AND state IN (SELECT value FROM json_each(:sources));

-- name: secure
UPDATE worktrees SET tip = :tip WHERE id = :id;

-- name: set_work
UPDATE jobs SET work = :work, updated_at = :now WHERE id = :job_id;

-- name: jobs_with_work
-- Every job that left something there: the cards of all of them tell what becomes of it.
SELECT id, work FROM jobs WHERE worktree = :id AND work IS NOT NULL ORDER BY created_at, id;

-- name: abandoned
SELECT * FROM worktrees WHERE state = 'used' AND NOT EXISTS (
    SELECT 1 FROM jobs WHERE jobs.worktree = worktrees.id
    AND status IN ('pending', 'scheduled', 'running', 'rate_limited'));

-- name: undecided
SELECT * FROM worktrees WHERE state = 'left' AND updated_at < :before;

-- name: last_job
SELECT id FROM jobs WHERE worktree = :id ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: busy
SELECT id FROM jobs
WHERE worktree = :id AND id <> :but AND status IN ('pending', 'scheduled', 'running', 'rate_limited') LIMIT 1;

-- name: writer
SELECT id FROM jobs WHERE status = 'running' AND worktree IS NULL
AND workspace IN (SELECT value FROM json_each(:workspaces)) AND type IN (SELECT value FROM json_each(:types)) LIMIT 1;

-- name: worktrees
SELECT id FROM worktrees;
