"""Research: a deep look into one question, published as a report."""

from __future__ import annotations

from executor.job_types.base import JobType

RESEARCH = JobType(name="research", timeout_s=600, publishes=True)
