-- The board of tasks: what stands below a task, and which projects there are.

CREATE INDEX tasks_by_parent ON tasks (parent_id, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_by_project ON tasks (project);
