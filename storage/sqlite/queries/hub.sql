-- name: add_login
INSERT INTO logins (token_hash, created_at, expires_at) VALUES (:token_hash, :now, :expires_at);

-- name: login
SELECT 1 FROM logins WHERE token_hash = :token_hash AND expires_at > :now;
