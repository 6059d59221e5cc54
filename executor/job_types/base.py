"""What a type of job is: how it words its prompt, how long it may take, what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from executor.files import File, all_of, came_with, worded
from executor.model import EARLIER, RESUMED_SESSION, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class JobType:
    """`timeout_s` bounds one attempt. A type that publishes leaves a report for people to read."""

    name: str
    timeout_s: float
    publishes: bool = False
    writes: bool = False
    """Whether it changes its workspace: then one of its sort at a time works there."""

    def prompt(self, job: Job, results: Path, received: Path) -> str:
        """What the agent is told; `received` is where the files lie that people sent.

        A new conversation gets the type's own words, and after an interruption or a limit only the word to
        go on. One that was begun by another job gets the person's new words, each time: nothing says whether
        an earlier attempt got as far as to read them.
        """
        if job.session_id is None:
            name = self.name
        elif RESUMED_SESSION in job.payload or job.attempt == 1:
            return self.reply(job.prompt, came_with(job.payload), results, received)
        else:
            name = "continued"
        words = worded(job.prompt, came_with(job.payload), received)
        if job.session_id is None and EARLIER in job.payload:
            before = [file for file in all_of(job.payload) if file.earlier]
            earlier = worded(job.payload[EARLIER], before, received)
            words = _template("afresh").substitute(prompt=words, earlier=earlier)
        return _template(name).substitute(
            prompt=words, results=results, depth=job.payload.get("depth", "standard")
        )

    def reply(self, words: str, came_with: Sequence[File], results: Path, received: Path) -> str:
        """What the agent is told of what a person says to it after its first turn."""
        told = worded(words, came_with, received)
        return _template(f"{self.name}_follow_up").substitute(prompt=told, results=results)


def _template(name: str) -> Template:
    return Template(files("executor.job_types").joinpath(f"{name}.md").read_text())
