-- A job may work through a program: how many steps of it are done, and which attempt did the last of them.
ALTER TABLE jobs ADD COLUMN step INTEGER NOT NULL DEFAULT 0 CHECK (step >= 0);
ALTER TABLE jobs ADD COLUMN before_step INTEGER NOT NULL DEFAULT 0 CHECK (before_step >= 0);
