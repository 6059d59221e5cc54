"""What a type of job is: what it takes, how it words its prompt, how long it may take, what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from executor.files import File, all_of, came_with, worded
from executor.job_types.templates import Templates
from executor.model import EARLIER, RESUMED_SESSION, Job
from executor.programs import Step

_TEMPLATES = Templates()


class BadPayload(Exception):
    """What was asked for is nothing that this type does. The text is a sentence for the person who asked."""

    def __init__(self, text: str, field: str = "prompt") -> None:
        super().__init__(text)
        self.field = field


def prompt_alone(args: Mapping[str, str], _: Path) -> Mapping[str, str]:
    """The payload of a type that takes a prompt and nothing else."""
    return {"prompt": args["prompt"]}


def _nothing(job: Job, templates: Templates) -> Mapping[str, str]:
    return {}


def _no_steps(job: Job) -> Sequence[Step]:
    return ()


def _not_verbatim(job: Job, workspace: Path) -> str | None:
    return None


def _no_offers(workspace: Path, providers: Sequence[str]) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobType:
    """`timeout_s` bounds one attempt; of a type with steps, all of them together.

    A type that publishes leaves a report for people to read.
    """

    name: str
    timeout_s: float
    publishes: bool = False
    writes: bool = False
    """Whether it changes its workspace: then one of its sort at a time works there."""
    read: Callable[[Mapping[str, str], Path], Mapping[str, str]] = prompt_alone
    """From what was asked for (the options by name, and `prompt`) and the directory of the workspace to a
    payload. Raises BadPayload."""
    words: Callable[[Job, Templates], Mapping[str, str]] = _nothing
    """What its templates name beside the prompt."""
    steps: Callable[[Job], Sequence[Step]] = _no_steps
    """Those that are attempts of their own, one after the other."""
    verbatim: Callable[[Job, Path], str | None] = _not_verbatim
    """What the CLI must be given exactly as it is, for a new conversation, where it is such a thing."""
    offers: Callable[[Path, Sequence[str]], Sequence[str]] = _no_offers
    """Prompts to choose from, in a workspace and for some providers."""

    def prompt(
        self,
        job: Job,
        results: Path,
        received: Path,
        workspace: Path = Path(),
        templates: Templates = _TEMPLATES,
    ) -> str:
        """What the agent is told; `received` is where the files lie that people sent."""

        def with_files(words: str) -> str:
            return worded(words, came_with(job.payload), received)

        given = self.verbatim(job, workspace) if job.session_id is None else None
        if given is not None:
            return with_files(given)
        values = {**self.words(job, templates), "results": results}
        if "step" in values:
            values["step"] = with_files(str(values["step"]))
        words = with_files(job.prompt)
        if job.session_id is None and EARLIER in job.payload:
            before = [file for file in all_of(job.payload) if file.earlier]
            earlier = worded(job.payload[EARLIER], before, received)
            words = templates.fill("afresh", {"prompt": words, "earlier": earlier})
        return templates.fill(self._template(job), {**values, "prompt": words})

    def _template(self, job: Job) -> str:
        """A new conversation gets the type's own words, and after an interruption or a limit only the word to
        go on. One that was begun by another job gets the person's new words, each time: nothing says whether
        an earlier attempt got as far as to read them.
        """
        steps = self.steps(job)
        if job.session_id is None and not (steps and EARLIER in job.payload and not job.before_step):
            return self.name
        if job.before_step:
            return f"{self.name}_step" if job.tries == 1 else f"{self.name}_continued"
        if job.session_id is not None and RESUMED_SESSION not in job.payload and job.attempt > 1:
            return f"{self.name}_continued" if steps else "continued"
        return f"{self.name}_follow_up" if not steps or job.step < len(steps) else "session_follow_up"

    def reply(
        self,
        job: Job,
        words: str,
        came_with: Sequence[File],
        results: Path,
        received: Path,
        templates: Templates = _TEMPLATES,
    ) -> str:
        """What the agent is told of what a person says to it while it does `job`."""
        told = worded(words, came_with, received)
        name = "session_follow_up" if self.steps(job) else f"{self.name}_follow_up"
        return templates.fill(name, {**self.words(job, templates), "prompt": told, "results": results})
