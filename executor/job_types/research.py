"""Research: a look into one question, deeper where that is asked for, published as a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from executor.job_types.base import BadPayload, JobType
from executor.job_types.templates import Templates
from executor.model import Job

DEPTHS = ("standard", "deep")


def _read(args: Mapping[str, str], _: Path) -> Mapping[str, str]:
    depth = args.get("depth") or DEPTHS[0]
    if depth not in DEPTHS:
        listed = ", ".join(f"`{each}`" for each in DEPTHS)
        raise BadPayload(f"There is no depth `{depth}`. There are: {listed}.", "depth")
    return {"prompt": args["prompt"], "depth": depth}


def _words(job: Job, templates: Templates) -> Mapping[str, str]:
    depth = job.payload.get("depth", DEPTHS[0])
    return {"depth": depth, "stages": templates.fill(f"research_{depth}", {}).strip()}


RESEARCH = JobType(name="research", timeout_s=600, publishes=True, read=_read, words=_words)
