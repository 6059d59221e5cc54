-- A job may work through a program: how many steps of it are done, and which attempt did the last of them.
ALTER TABLE jobs ADD COLUMN step INTEGER NOT NULL DEFAULT 0 CHECK (step >= 0);
ALTER TABLE jobs ADD COLUMN before_step INTEGER NOT NULL DEFAULT 0 CHECK (before_step >= 0);

-- What is noted of a new job is one trigger: with two of them, of which one writes to a full-text table, SQLite 3.40
-- finds no table `jobs` any more in a connection under which the schema has changed.
DROP TRIGGER count_new_job;
DROP TRIGGER index_new_job;
CREATE TRIGGER note_new_job AFTER INSERT ON jobs BEGIN
    UPDATE job_counts SET number = number + 1 WHERE status = new.status;
    INSERT INTO job_words (rowid, words, facets)
    SELECT number, words, facets FROM job_texts WHERE number = new.rowid;
END;
