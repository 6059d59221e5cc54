-- Jobs are found by the words of their prompts and by what they are of; how many stand where is counted as they move.

CREATE TABLE job_counts (
    status TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO job_counts (status, number)
SELECT wanted.value, (SELECT count(*) FROM jobs WHERE status = wanted.value)
FROM json_each('["pending", "scheduled", "running", "done", "failed", "rate_limited", "cancelled"]') AS wanted;

CREATE TRIGGER count_new_job AFTER INSERT ON jobs BEGIN
    UPDATE job_counts SET number = number + 1 WHERE status = new.status;
END;

CREATE TRIGGER count_moved_job AFTER UPDATE OF status ON jobs WHEN old.status <> new.status BEGIN
    UPDATE job_counts SET number = number - 1 WHERE status = old.status;
    UPDATE job_counts SET number = number + 1 WHERE status = new.status;
END;

-- A job's words under the number of its row, which grows from job to job. What it is of stands there as one word
-- each, spelled in hexadecimal so that no name is taken apart; the digit behind keeps the stemmer off.
CREATE VIEW job_texts AS
SELECT rowid AS number, id,
       substr(coalesce(json_extract(payload, '$.prompt'), ''), 1, 2000) AS words,
       't' || hex(lower(type)) || '0 p' || hex(lower(provider)) || '0 w' || hex(lower(workspace)) || '0 c'
       || hex(lower(channel)) || '0 u' || hex(lower(user_id)) || '0 u' || hex(lower(user_name)) || '0' AS facets
FROM jobs;

CREATE VIRTUAL TABLE job_words USING fts5 (words, facets, content = '', detail = 'column', tokenize = 'porter unicode61');

INSERT INTO job_words (rowid, words, facets) SELECT number, words, facets FROM job_texts ORDER BY number;

CREATE TRIGGER index_new_job AFTER INSERT ON jobs BEGIN
    INSERT INTO job_words (rowid, words, facets)
    SELECT number, words, facets FROM job_texts WHERE number = new.rowid;
END;

-- A job that another provider goes on with is that one's from then on.
CREATE TRIGGER unindex_handed_over_job BEFORE UPDATE OF provider ON jobs WHEN old.provider <> new.provider BEGIN
    INSERT INTO job_words (job_words, rowid, words, facets)
    SELECT 'delete', number, words, facets FROM job_texts WHERE number = old.rowid;
END;

CREATE TRIGGER index_handed_over_job AFTER UPDATE OF provider ON jobs WHEN old.provider <> new.provider BEGIN
    INSERT INTO job_words (rowid, words, facets)
    SELECT number, words, facets FROM job_texts WHERE number = new.rowid;
END;

-- A log of a hundred thousand events tells its few turns without being read.
CREATE INDEX events_turning ON events (job_id, seq)
    WHERE kind IN ('moved', 'cancel_asked', 'reply_kept', 'report_published');
CREATE INDEX events_todos ON events (job_id, seq) WHERE kind = 'todos_changed';

-- Who goes on with a job.
CREATE INDEX jobs_by_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;
