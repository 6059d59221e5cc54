"""A session: general work, for a task where one is named, as in an interactive session with the agent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from executor.job_types.base import JobType
from executor.job_types.templates import Templates
from executor.model import Job

TASK = "task_text"
"""In a payload: what is on record of the task that it is for."""


def _read(args: Mapping[str, str], _: Path) -> Mapping[str, str]:
    return {name: args[name] for name in ("prompt", TASK) if name in args}


def _words(job: Job, templates: Templates) -> Mapping[str, str]:
    task = job.payload.get(TASK, "")
    return {"task": f"\n{templates.fill('session_task', {'task': task})}" if task else ""}


SESSION = JobType(name="session", timeout_s=600, writes=True, read=_read, words=_words)
