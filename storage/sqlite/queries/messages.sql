-- name: by_key
SELECT * FROM messages WHERE key = :key;

-- name: by_id
SELECT * FROM messages WHERE id = :id AND deleted_at IS NULL;

-- name: insert
INSERT INTO messages (id, channel, thread, sender, type, content, metadata, key, revision, created_at, updated_at)
VALUES (:id, :channel, :thread, :sender, :type, :content, :metadata, :key,
        (SELECT coalesce(max(revision), 0) + 1 FROM messages), :now, :now)
RETURNING *;

-- name: change
UPDATE messages SET content = :content, metadata = :metadata, updated_at = :now,
                    revision = (SELECT max(revision) + 1 FROM messages)
WHERE id = :id AND deleted_at IS NULL
RETURNING *;

-- name: edit
UPDATE messages SET content = :content, edited_at = :now, updated_at = :now,
                    revision = (SELECT max(revision) + 1 FROM messages)
WHERE id = :id AND deleted_at IS NULL
RETURNING *;

-- name: delete
-- Its key is free again: what it announced may be said in another message.
UPDATE messages SET deleted_at = :now, key = NULL, updated_at = :now,
                    revision = (SELECT max(revision) + 1 FROM messages)
WHERE id = :id AND deleted_at IS NULL;

-- name: changed_after
-- New and changed messages of a channel, and those that were deleted, in the order of their changes.
SELECT * FROM messages WHERE channel = :channel AND revision > :revision ORDER BY revision LIMIT :limit;

-- name: latest
-- The channel as a reader sees it who comes in now: the newest heads of threads.
SELECT * FROM messages WHERE channel = :channel AND thread IS NULL AND deleted_at IS NULL
ORDER BY rowid DESC LIMIT :limit;

-- name: replies
-- In the order in which they came, which the clock may not tell: it can be set back.
SELECT * FROM messages WHERE thread = :thread AND deleted_at IS NULL ORDER BY rowid;

-- name: history
-- A channel and its threads, from the newest message back.
SELECT * FROM messages
WHERE channel = :channel AND deleted_at IS NULL AND (created_at, id) < (:before_at, :before)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: since
-- The same forth, from a moment on.
SELECT * FROM messages
WHERE channel = :channel AND deleted_at IS NULL AND created_at > :since
ORDER BY created_at, rowid LIMIT :limit;

-- name: place
-- Where a page goes on: also after a message that has been deleted since.
SELECT created_at FROM messages WHERE id = :id;

-- name: revision
SELECT coalesce(max(revision), 0) FROM messages;

-- name: mark
-- A mark only moves on: two pages that show the channel may tell of it in any order.
INSERT INTO read_marks (channel, reader, message_id, read_at)
SELECT channel, :reader, id, :now FROM messages WHERE id = :message_id AND channel = :channel
ON CONFLICT (channel, reader) DO UPDATE SET message_id = excluded.message_id, read_at = excluded.read_at
WHERE (SELECT rowid FROM messages WHERE id = excluded.message_id)
    > (SELECT rowid FROM messages WHERE id = read_marks.message_id);

-- name: channels
-- What others wrote in a channel itself past the reader's mark, counted up to :most.
SELECT channels.channel AS name,
       (SELECT count(*) FROM (
            SELECT 1 FROM messages
            WHERE messages.channel = channels.channel AND thread IS NULL AND deleted_at IS NULL
              AND sender <> :reader
              AND messages.rowid > coalesce((SELECT seen.rowid FROM read_marks JOIN messages AS seen
                                             ON seen.id = message_id
                                             WHERE read_marks.channel = channels.channel AND reader = :reader), 0)
            LIMIT :most)) AS unread,
       (SELECT max(created_at) FROM messages WHERE messages.channel = channels.channel) AS latest_at
FROM channels ORDER BY name;
