-- Jobs that wait for an answer are few, and found among any number of others.
CREATE INDEX jobs_asking ON jobs (created_at, id) WHERE asking > 0;
