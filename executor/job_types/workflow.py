"""A workflow: one slash command of the CLI, or a prompt of several steps that the agent shows as it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from executor import slash_commands
from executor.job_types import program_files
from executor.job_types.base import JobType
from executor.job_types.templates import Templates
from executor.model import EARLIER, Job
from executor.programs import parse

PROGRAM = "program"
"""In a payload: the steps, where they came from a file."""


def _read(args: Mapping[str, str], workspace: Path) -> Mapping[str, str]:
    prompt = args["prompt"]
    if slash_commands.is_command(prompt):
        return {"prompt": prompt.strip()}
    text, _ = program_files.read(prompt, workspace)
    return {"prompt": prompt} | ({PROGRAM: text} if text != prompt else {})


def _words(job: Job, templates: Templates) -> Mapping[str, str]:
    if slash_commands.is_command(job.prompt):
        return {"how": f"\n{templates.fill('workflow_command', {'prompt': job.prompt})}"}
    program = parse(job.payload.get(PROGRAM) or job.prompt)
    if len(program.steps) < 2 and PROGRAM not in job.payload:
        return {"how": ""}
    names = "\n".join(f"{number}. {step.name}" for number, step in enumerate(program.steps, 1))
    values = {"program": program.text, "names": names}
    return {"how": f"\n{templates.fill('workflow_steps', values)}"}


def _verbatim(job: Job, workspace: Path) -> str | None:
    if EARLIER in job.payload:
        return None
    return slash_commands.given(job.prompt, workspace, job.provider)


def _offers(workspace: Path, providers: Sequence[str]) -> Sequence[str]:
    found = (slash_commands.commands(workspace, provider) for provider in providers)
    return sorted({command for commands in found for command in commands})


WORKFLOW = JobType(
    name="workflow",
    timeout_s=600,
    writes=True,
    read=_read,
    words=_words,
    verbatim=_verbatim,
    offers=_offers,
)
