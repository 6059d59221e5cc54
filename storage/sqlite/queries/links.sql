-- name: task
SELECT 1 FROM tasks WHERE id = :id;

-- name: report
SELECT 1 FROM reports WHERE id = :id;

-- name: job
SELECT 1 FROM jobs WHERE id = :id;
