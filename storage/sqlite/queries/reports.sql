-- name: by_id
SELECT * FROM reports WHERE id = :id;

-- name: by_slug
SELECT * FROM reports WHERE slug = :slug;

-- name: insert
INSERT INTO reports (id, slug, task_id, title, description, workspace, type, status, tags, created_at, updated_at)
VALUES (:id, :slug, :task_id, :title, :description, :workspace, :type, :status, :tags, :now, :now)
ON CONFLICT (slug) DO NOTHING
RETURNING *;

-- name: change
UPDATE reports SET title = :title, description = :description, workspace = :workspace, type = :type,
                   status = :status, task_id = :task_id, tags = :tags, updated_at = :now
WHERE id = :id
RETURNING *;

-- name: newest
SELECT * FROM reports
WHERE (created_at, id) < (:before_at, :before) AND (:workspace IS NULL OR workspace = :workspace)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: newest_of_status
SELECT * FROM reports
WHERE status = :status AND (created_at, id) < (:before_at, :before)
  AND (:workspace IS NULL OR workspace = :workspace)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: of_task
SELECT * FROM reports WHERE task_id = :task_id ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: counts
SELECT wanted.value AS status, (SELECT count(*) FROM reports WHERE status = wanted.value) AS number
FROM json_each('["active", "backlog", "archived"]') AS wanted;
