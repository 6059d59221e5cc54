-- name: by_id
SELECT * FROM feedback WHERE id = :id;

-- name: insert
INSERT INTO feedback (id, content, workspace, priority, status, target, linked_type, linked_id, source,
                      processed_note, created_at, updated_at)
VALUES (:id, :content, :workspace, :priority, :status, :target, :linked_type, :linked_id, :source, '', :now, :now)
RETURNING *;

-- name: change
-- Compare-and-set on the status, by which the change was judged.
UPDATE feedback SET content = :content, workspace = :workspace, priority = :priority, status = :status,
                    target = :target, linked_type = :linked_type, linked_id = :linked_id,
                    processed_note = :processed_note,
                    processed_at = CASE WHEN :status = 'processed' THEN :now END, updated_at = :now
WHERE id = :id AND status = :seen
RETURNING *;

-- name: newest
SELECT * FROM feedback
WHERE (created_at, id) < (:before_at, :before) AND (:workspace IS NULL OR workspace = :workspace)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: newest_of_status
SELECT * FROM feedback
WHERE status = :status AND (created_at, id) < (:before_at, :before)
  AND (:workspace IS NULL OR workspace = :workspace)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: newest_of_link
SELECT * FROM feedback
WHERE linked_type = :linked_type AND linked_id = :linked_id AND (created_at, id) < (:before_at, :before)
ORDER BY created_at DESC, id DESC LIMIT :limit;
