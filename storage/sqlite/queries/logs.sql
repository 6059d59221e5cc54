-- name: insert_session
INSERT INTO session_logs (id, date, workspace, content, created_at)
VALUES (:id, :date, :workspace, :content, :now)
RETURNING *;

-- name: insert_velocity
INSERT INTO velocity_logs (id, date, workspace, task_id, minutes, notes, created_at)
VALUES (:id, :date, :workspace, :task_id, :minutes, :notes, :now)
RETURNING *;

-- name: sessions
-- The latest day first, and of one day what was written down last.
SELECT * FROM session_logs
WHERE date BETWEEN :since AND :until AND (date, created_at, id) < (:before_day, :before_at, :before)
  AND (:workspace IS NULL OR workspace = :workspace)
ORDER BY date DESC, created_at DESC, id DESC LIMIT :limit;

-- name: velocity
SELECT * FROM velocity_logs
WHERE date BETWEEN :since AND :until AND (date, created_at, id) < (:before_day, :before_at, :before)
  AND (:workspace IS NULL OR workspace = :workspace)
ORDER BY date DESC, created_at DESC, id DESC LIMIT :limit;

-- name: velocity_of_task
SELECT * FROM velocity_logs
WHERE task_id = :task_id AND date BETWEEN :since AND :until
  AND (date, created_at, id) < (:before_day, :before_at, :before)
  AND (:workspace IS NULL OR workspace = :workspace)
ORDER BY date DESC, created_at DESC, id DESC LIMIT :limit;

-- name: minutes_of_task
SELECT coalesce(sum(minutes), 0) FROM velocity_logs WHERE task_id = :task_id;

-- name: session
SELECT * FROM session_logs WHERE id = :id;

-- name: entry
SELECT * FROM velocity_logs WHERE id = :id;
