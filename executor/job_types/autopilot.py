"""An autopilot: a program that is worked through step by step, each of them an attempt of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from executor.autopilot import BUDGET, FAILURE, GO_ON, PROGRAM
from executor.job_types import program_files
from executor.job_types.base import BadPayload, JobType
from executor.job_types.templates import Templates
from executor.model import Job
from executor.moments import quoted
from executor.programs import Step, parse

FAILURES = ("stop", GO_ON)
"""What a step that failed means; the default first."""
_MOST_USD = 10_000
_SUM = re.compile(r"\d{1,6}(?:\.\d{1,2})?")


def _read(args: Mapping[str, str], workspace: Path) -> Mapping[str, str]:
    text, _ = program_files.read(args["prompt"], workspace)
    failure = args.get("failure") or FAILURES[0]
    if failure not in FAILURES:
        listed = ", ".join(f"`{each}`" for each in FAILURES)
        raise BadPayload(f"A failed step cannot mean `{failure}`. There are: {listed}.", "failure")
    return {"prompt": args["prompt"], PROGRAM: text, FAILURE: failure, **_budget(args.get("budget", ""))}


def _budget(text: str) -> Mapping[str, str]:
    if not text:
        return {}
    if not _SUM.fullmatch(text) or not 0 < float(text) <= _MOST_USD:
        raise BadPayload(
            f"{quoted(text)} is no sum of US dollars, such as `5` or `2.50`, of at most {_MOST_USD}.",
            "budget",
        )
    return {BUDGET: f"{float(text):.2f}"}


def _steps(job: Job) -> Sequence[Step]:
    return parse(job.payload.get(PROGRAM) or job.prompt).steps


def _words(job: Job, _: Templates) -> Mapping[str, str]:
    steps = _steps(job)
    if job.step >= len(steps):
        return {"program": job.payload.get(PROGRAM, ""), "step": job.prompt, "number": "", "total": ""}
    return {
        "program": "\n".join(f"{number}. {step.name}" for number, step in enumerate(steps, 1)),
        "step": steps[job.step].text,
        "number": str(job.step + 1),
        "total": str(len(steps)),
    }


AUTOPILOT = JobType(name="autopilot", timeout_s=3600, writes=True, read=_read, words=_words, steps=_steps)
