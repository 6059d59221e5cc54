"""One module per type of job, beside its prompts."""

from __future__ import annotations

from collections.abc import Mapping

from executor.job_types.autopilot import AUTOPILOT
from executor.job_types.base import JobType
from executor.job_types.clara import CLARA
from executor.job_types.research import RESEARCH
from executor.job_types.session import SESSION
from executor.job_types.workflow import WORKFLOW

JOB_TYPES: Mapping[str, JobType] = {
    job_type.name: job_type for job_type in (RESEARCH, SESSION, WORKFLOW, CLARA, AUTOPILOT)
}
