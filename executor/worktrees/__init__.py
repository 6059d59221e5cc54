"""A git worktree per job, and what becomes of the work in it."""
