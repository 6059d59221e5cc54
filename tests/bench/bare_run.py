"""A job's CLI without a bot around it: the baseline of what the bot adds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from executor.backends.base import Command, Launch
from executor.model import Job
from executor.workshop import Workshop


def bare_command(workshop: Workshop, job: Job, place: Path) -> Command:
    """What the first attempt of `job` ran, word for word, with results of its own under `place`."""
    results, temp = place / "results", place / "temp"
    for directory in (results, temp):
        directory.mkdir(exist_ok=True)
    launch = Launch(
        prompt=workshop.job_types[job.type].prompt(replace(job, session_id=None), results, workshop.received),
        model=workshop.catalog.cli_id(job.model),
        effort=job.effort,
        session_id=None,
        workspace=workshop.workspaces.of(job.workspace).directory,
        home=workshop.homes / job.workspace / job.provider,
        results=results,
        temp=temp,
    )
    return workshop.backends[job.provider].command(launch)


async def run(command: Command) -> bytes:
    """Runs it to its end and reads all that it prints. Raises ValueError where it fails."""
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=command.cwd,
        env=dict(command.env),
    )
    printed, complaints = await process.communicate(command.stdin)
    if process.returncode != 0:
        raise ValueError(f"{command.argv[0]} exited with {process.returncode}: {complaints.decode()}")
    return printed
