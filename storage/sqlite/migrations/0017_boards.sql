-- The boards of tasks and reports: what stands below a task, and how many stand where, counted as they move.

CREATE INDEX tasks_by_parent ON tasks (parent_id, created_at, id) WHERE parent_id IS NOT NULL;

CREATE TABLE task_counts (
    status    TEXT NOT NULL,
    workspace TEXT NOT NULL,
    project   TEXT NOT NULL,
    priority  TEXT NOT NULL,
    number    INTEGER NOT NULL,
    PRIMARY KEY (status, workspace, project, priority)
) STRICT, WITHOUT ROWID;

INSERT INTO task_counts (status, workspace, project, priority, number)
SELECT status, workspace, project, priority, count(*) FROM tasks GROUP BY status, workspace, project, priority;

CREATE TRIGGER count_new_task AFTER INSERT ON tasks BEGIN
    INSERT INTO task_counts (status, workspace, project, priority, number)
    VALUES (new.status, new.workspace, new.project, new.priority, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER count_changed_task AFTER UPDATE OF status, workspace, project, priority ON tasks BEGIN
    UPDATE task_counts SET number = number - 1
    WHERE status = old.status AND workspace = old.workspace AND project = old.project AND priority = old.priority;
    INSERT INTO task_counts (status, workspace, project, priority, number)
    VALUES (new.status, new.workspace, new.project, new.priority, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TABLE report_counts (
    status TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO report_counts (status, number)
SELECT wanted.value, (SELECT count(*) FROM reports WHERE status = wanted.value)
FROM json_each('["active", "backlog", "archived"]') AS wanted;

CREATE TRIGGER count_new_report AFTER INSERT ON reports BEGIN
    UPDATE report_counts SET number = number + 1 WHERE status = new.status;
END;

CREATE TRIGGER count_moved_report AFTER UPDATE OF status ON reports WHEN old.status <> new.status BEGIN
    UPDATE report_counts SET number = number - 1 WHERE status = old.status;
    UPDATE report_counts SET number = number + 1 WHERE status = new.status;
END;
