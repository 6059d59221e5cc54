"""A session: general work on a task, as in an interactive session with the agent."""

from __future__ import annotations

from executor.job_types.base import JobType

SESSION = JobType(name="session", timeout_s=600, writes=True)
