-- :jobs jobs that ended, one a minute, the last of them just now: nine of ten done, the others failed.
BEGIN;
INSERT INTO jobs (id, type, status, payload, provider, model, effort, workspace, platform, team, channel, user_id,
                  user_name, seq, attempt, created_at, updated_at, started_at, finished_at, result, cost_usd, turns,
                  duration_ms)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :jobs),
     moments AS (SELECT n, strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', 'now', (n - :jobs) || ' minutes') AS at FROM numbers)
SELECT lower(hex(randomblob(16))), CASE n % 3 WHEN 0 THEN 'research' ELSE 'session' END,
       CASE n % 10 WHEN 0 THEN 'failed' ELSE 'done' END, json_object('prompt', 'Tidy room ' || n), 'rehearsal',
       'rehearsal', 'medium', 'main', 'web', '', 'dev', 'owner', 'Owner', 3, 1, at, at, at, at,
       'Room ' || n || ' is tidy.', 0.25, 3, 4200
FROM moments;
INSERT INTO attempts (job_id, number, worker, started_at, ended_at, outcome, cost_usd, turns, duration_ms)
SELECT id, 1, 'bench', started_at, finished_at, status, cost_usd, turns, duration_ms FROM jobs;
INSERT INTO events (job_id, seq, at, kind, body)
SELECT jobs.id, seq.value, finished_at, 'moved',
       json_object('transition', CASE seq.value WHEN 1 THEN 'submit' WHEN 2 THEN 'start' WHEN 3 THEN
                       CASE status WHEN 'done' THEN 'finish' ELSE 'fail' END END,
                   'status', CASE seq.value WHEN 1 THEN 'pending' WHEN 2 THEN 'running' ELSE status END,
                   'attempt', min(seq.value - 1, 1), 'reason', '', 'message', '', 'by', '')
FROM jobs, json_each('[1, 2, 3]') AS seq;
INSERT INTO outbox (job_id, kind, wanted, shown, message_id)
SELECT jobs.id, kind.value, 3, 3, 'm-' || jobs.id FROM jobs, json_each('["card", "pages", "result", "output"]') AS kind;
COMMIT;
