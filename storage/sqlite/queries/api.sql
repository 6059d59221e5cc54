-- name: add_token
INSERT INTO api_tokens (id, name, scope, token_hash, created_at, expires_at)
VALUES (:id, :name, :scope, :token_hash, :now, :expires_at);

-- name: token
-- The one that still holds.
SELECT * FROM api_tokens
WHERE token_hash = :token_hash AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now);

-- name: tokens
SELECT * FROM api_tokens ORDER BY created_at, id;

-- name: revoke_token
UPDATE api_tokens SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL;

-- name: answer
SELECT request, status, body FROM answers WHERE caller = :caller AND key = :key AND created_at > :before;

-- name: keep_answer
INSERT INTO answers (caller, key, request, status, body, created_at)
VALUES (:caller, :key, :request, :status, :body, :now)
ON CONFLICT DO UPDATE SET request = excluded.request, status = excluded.status, body = excluded.body,
                          created_at = excluded.created_at;

-- name: forget_answers
DELETE FROM answers WHERE created_at <= :before;

-- name: usage
-- Sums by day, and by one thing more where `by` names it.
SELECT day,
       CASE :by WHEN 'type' THEN type WHEN 'provider' THEN provider WHEN 'model' THEN model
                WHEN 'person' THEN person ELSE '' END AS key,
       max(name) AS name, sum(jobs) AS jobs, sum(attempts) AS attempts,
       sum(cost_usd) AS cost_usd, sum(turns) AS turns, sum(duration_ms) AS duration_ms
FROM usage_days WHERE day BETWEEN :first AND :last
  -- `whose` ends with a colon, so that nobody is taken for one whose id begins alike.
  AND substr(person || ':', 1, length(:whose)) = :whose
GROUP BY 1, 2 ORDER BY 1 DESC, 2;

-- name: text_tail
-- The last of what the agent wrote, from the end; as much as the reader takes.
SELECT json_extract(body, '$.text') AS text FROM events
WHERE job_id = :job_id AND kind = 'text_written' ORDER BY seq DESC;

-- name: text_size
SELECT coalesce(sum(length(CAST(json_extract(body, '$.text') AS BLOB))), 0) AS size FROM events
WHERE job_id = :job_id AND kind = 'text_written';
