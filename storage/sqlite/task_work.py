"""What a job has done for its task, written down as the job ends: in the same transaction, so just once."""

from __future__ import annotations

import sqlite3
from math import ceil

from executor.model import Job
from storage.sqlite.queries import load

_SQL, _TASKS = load("logs"), load("tasks")
_MOST_MINUTES = 24 * 60
_MOST = 500
"""Characters of the job's last word that the log repeats."""


def write_down(connection: sqlite3.Connection, job: Job, now: str) -> None:
    """The minutes that a job took, and what came of it; nothing unless it has ended, and had a known task."""
    if not job.status.final or job.task_id is None or job.started_at is None:
        return
    task = connection.execute(_TASKS["by_id"], {"id": job.task_id}).fetchone()
    if task is None:
        return
    minutes = ceil((job.usage.duration_ms or 0) / 60_000)
    said = f"{job.type} {job.short_id}, {job.status.value}"
    values = {
        "id": job.id,
        "now": now,
        "date": now[:10],
        "workspace": task["workspace"],
        "task_id": job.task_id,
        "minutes": max(1, min(minutes, _MOST_MINUTES)),
        "notes": said,
        "content": f"**{job.task_id} {task['name']}**: {said}.\n\n{_last_word(job)}".strip(),
    }
    connection.execute(_SQL["insert_velocity"], values).fetchone()
    connection.execute(_SQL["insert_session"], values).fetchone()


def _last_word(job: Job) -> str:
    text = (job.result or job.message).strip()
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"
