-- Whether what the CLI of an attempt printed is not kept whole: it was too much, or its disk was full.
ALTER TABLE attempts ADD COLUMN log_truncated INTEGER NOT NULL DEFAULT 0 CHECK (log_truncated IN (0, 1));
