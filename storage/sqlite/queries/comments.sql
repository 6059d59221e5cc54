-- name: by_id
SELECT * FROM comments WHERE id = :id AND deleted_at IS NULL;

-- name: place
-- Where a page goes on, and what a request has made: also a comment that has been deleted since.
SELECT * FROM comments WHERE id = :id;

-- name: insert
INSERT INTO comments (id, target_type, target_id, author, content, created_at)
VALUES (:id, :target_type, :target_id, :author, :content, :now)
RETURNING *;

-- name: edit
-- Compare-and-set on the author.
UPDATE comments SET content = :content, edited_at = :now
WHERE id = :id AND author = :author AND deleted_at IS NULL
RETURNING *;

-- name: delete
UPDATE comments SET deleted_at = :now WHERE id = :id AND author = :author AND deleted_at IS NULL;

-- name: newest
SELECT * FROM comments
WHERE target_type = :target_type AND target_id = :target_id AND deleted_at IS NULL
  AND (created_at, id) < (:before_at, :before)
ORDER BY created_at DESC, id DESC LIMIT :limit;
