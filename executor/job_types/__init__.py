"""One module per type of job, beside its prompt."""

from __future__ import annotations

from collections.abc import Mapping

from executor.job_types.base import JobType
from executor.job_types.research import RESEARCH
from executor.job_types.session import SESSION

JOB_TYPES: Mapping[str, JobType] = {job_type.name: job_type for job_type in (RESEARCH, SESSION)}
