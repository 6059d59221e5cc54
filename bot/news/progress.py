"""How far a job is: in the steps of its program, or in the list that its agent has made for itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.platforms.base import Progress
from executor.events import Todo, TodoState
from executor.job_types import JOB_TYPES
from executor.model import Job
from executor.programs import Step


def progress_of(todos: Sequence[Todo]) -> Progress | None:
    """How much of the list is done, and what the agent is at; None where there is no list.

    Not every CLI says what it is at: then it is the first thing that is not done.
    """
    if not todos:
        return None
    active = [todo.text for todo in todos if todo.state is TodoState.ACTIVE]
    left = [todo.text for todo in todos if todo.state is TodoState.PENDING]
    done = sum(todo.state is TodoState.DONE for todo in todos)
    return Progress(done=done, total=len(todos), note=next(iter([*active, *left]), ""))


def program_of(job: Job) -> Sequence[Step]:
    """The steps that are attempts of their own; none where the type of job has no such thing."""
    return JOB_TYPES[job.type].steps(job) if job.type in JOB_TYPES else ()


def progress_in(job: Job) -> Progress | None:
    """The steps of its program, and which is next; None where there is no program, or the job has ended."""
    steps = program_of(job)
    if not steps or job.status.final or job.step >= len(steps):
        return None
    return Progress(done=job.step, total=len(steps), note=steps[job.step].name)
