-- name: by_id
SELECT * FROM tasks WHERE id = :id;

-- name: insert
INSERT INTO tasks (id, name, description, status, workspace, project, priority, deps, parent_id, created_at, updated_at)
VALUES (:id, :name, :description, :status, :workspace, :project, :priority, :deps, :parent_id, :now, :now)
ON CONFLICT (id) DO NOTHING
RETURNING *;

-- name: change
-- Compare-and-set on the status, by which the change was judged.
UPDATE tasks SET name = :name, description = :description, status = :status, workspace = :workspace,
                 project = :project, priority = :priority, deps = :deps, parent_id = :parent_id, updated_at = :now
WHERE id = :id AND status = :seen
RETURNING *;

-- name: newest
SELECT * FROM tasks
WHERE (created_at, id) < (:before_at, :before)
  AND (:workspace IS NULL OR workspace = :workspace) AND (:project IS NULL OR project = :project)
  AND (:priority IS NULL OR priority = :priority)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: newest_of_status
SELECT * FROM tasks
WHERE status = :status AND (created_at, id) < (:before_at, :before)
  AND (:workspace IS NULL OR workspace = :workspace) AND (:project IS NULL OR project = :project)
  AND (:priority IS NULL OR priority = :priority)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: needed_by
-- A task that waits for itself: it is reached from what it shall wait for.
WITH RECURSIVE needed (id) AS (
    SELECT value FROM json_each(:deps)
    UNION
    SELECT each.value FROM needed JOIN tasks ON tasks.id = needed.id, json_each(tasks.deps) AS each
)
SELECT 1 FROM needed WHERE id = :id;

-- name: above
-- A task that stands below itself.
WITH RECURSIVE above (id) AS (
    SELECT :parent_id
    UNION
    SELECT tasks.parent_id FROM above JOIN tasks ON tasks.id = above.id WHERE tasks.parent_id IS NOT NULL
)
SELECT 1 FROM above WHERE id = :id;

-- name: counts
SELECT wanted.value AS status, (
    SELECT count(*) FROM tasks
    WHERE status = wanted.value AND (:workspace IS NULL OR workspace = :workspace)
      AND (:project IS NULL OR project = :project) AND (:priority IS NULL OR priority = :priority)
) AS number
FROM json_each('["draft", "idea", "ready", "backlog", "active", "done", "archived"]') AS wanted;

-- name: projects
SELECT DISTINCT project FROM tasks WHERE project > '' ORDER BY project LIMIT :limit;

-- name: waited_for
-- In the order in which they are named.
SELECT tasks.* FROM json_each((SELECT deps FROM tasks WHERE id = :id)) AS each JOIN tasks ON tasks.id = each.value
ORDER BY each.key;

-- name: waiting
SELECT * FROM tasks WHERE EXISTS (SELECT 1 FROM json_each(tasks.deps) AS each WHERE each.value = :id)
ORDER BY created_at, id LIMIT :limit;

-- name: children
SELECT * FROM tasks WHERE parent_id = :id ORDER BY created_at, id LIMIT :limit;
