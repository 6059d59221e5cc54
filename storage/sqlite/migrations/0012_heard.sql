-- Up to when a platform was heard of what people write in threads: what they write while the bot is away is
-- read back from there. What was said before this table was there is not looked at again.

CREATE TABLE heard (
    platform      TEXT PRIMARY KEY,
    at            TEXT NOT NULL
) STRICT;

INSERT INTO heard (platform, at)
SELECT DISTINCT platform, strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now') FROM jobs;

CREATE INDEX jobs_ended ON jobs (finished_at) WHERE finished_at IS NOT NULL;
