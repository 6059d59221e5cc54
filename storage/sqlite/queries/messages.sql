-- name: by_key
SELECT * FROM messages WHERE key = :key;

-- name: by_id
SELECT * FROM messages WHERE id = :id;

-- name: insert
INSERT INTO messages (id, channel, thread, sender, type, content, metadata, key, revision, created_at, updated_at)
VALUES (:id, :channel, :thread, :sender, :type, :content, :metadata, :key,
        (SELECT coalesce(max(revision), 0) + 1 FROM messages), :now, :now)
RETURNING *;

-- name: change
UPDATE messages SET content = :content, metadata = :metadata, updated_at = :now,
                    revision = (SELECT max(revision) + 1 FROM messages)
WHERE id = :id
RETURNING *;

-- name: changed_after
-- New and changed messages of a channel, in the order of their changes.
SELECT * FROM messages WHERE channel = :channel AND revision > :revision ORDER BY revision LIMIT :limit;

-- name: latest
-- The channel as a reader sees it who comes in now: the newest heads of threads.
SELECT * FROM messages WHERE channel = :channel AND thread IS NULL ORDER BY rowid DESC LIMIT :limit;

-- name: replies
-- In the order in which they came, which the clock may not tell: it can be set back.
SELECT * FROM messages WHERE thread = :thread ORDER BY rowid;

-- name: revision
SELECT coalesce(max(revision), 0) FROM messages;
