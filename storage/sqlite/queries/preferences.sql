-- name: all
-- With the moments at which limits lift, read from where claims read them.
SELECT key, value FROM preferences
UNION ALL
SELECT 'quotaResetTime.' || provider, resets_at FROM provider_limits
UNION ALL
SELECT 'quotaResetTime', max(resets_at) FROM provider_limits HAVING max(resets_at) IS NOT NULL
ORDER BY key;

-- name: set
INSERT INTO preferences (key, value, updated_at) VALUES (:key, :value, :now)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at;

-- name: forget
DELETE FROM preferences WHERE key = :key;

-- name: set_limit
-- What a person says replaces what was read in a notice.
INSERT INTO provider_limits (provider, resets_at, seen_at)
VALUES (coalesce(nullif(:provider, ''), (SELECT value FROM preferences WHERE key = 'defaultProvider'), 'claude'),
        :value, :now)
ON CONFLICT (provider) DO UPDATE SET resets_at = excluded.resets_at, seen_at = excluded.seen_at;

-- name: forget_limits
DELETE FROM provider_limits WHERE provider = coalesce(nullif(:provider, ''), provider);
