-- name: add
-- The same delivery has the same id.
INSERT INTO drafts (
  id, delivery, verb, platform, team, user_id, user_name, channel, thread, args, files, choices, created_at
) VALUES (
  :id, :delivery, :verb, :platform, :team, :user_id, :user_name, :channel, :thread, :args, :files, :choices, :now
)
ON CONFLICT (id) DO NOTHING;

-- name: forget_old
DELETE FROM drafts WHERE created_at < :old;

-- name: draft
SELECT * FROM drafts WHERE id = :id AND created_at >= :old;
