"""What an agent asks people while it works, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

import orjson

from executor.model import Job


class QuestionKind(StrEnum):
    """What sort of answer is wanted."""

    APPROVAL = "approval"
    """Whether it may do what `detail` shows to the letter."""
    PLAN = "plan"
    """Whether it shall do as the plan says that `detail` is (Markdown)."""
    CHOICE = "choice"
    """One of its choices, or several, or words of one's own."""


class Verdict(StrEnum):
    """What a person says to a question."""

    APPROVE = "approve"
    ALWAYS = "always"
    """Yes, and to all of the job's questions that have the same grant."""
    DENY = "deny"
    ANSWER = "answer"
    """To a choice: `Decision.choices` and `Decision.text` say what."""


class QuestionState(StrEnum):
    """How far a question is."""

    OPEN = "open"
    DECIDED = "decided"
    EXPIRED = "expired"
    """Nobody decided in time: the job has made room, and the same was asked again."""
    WITHDRAWN = "withdrawn"
    """The job has ended, or asks it no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers that an agent offers. Plain text, on one line each."""

    label: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an agent wants to know."""

    kind: QuestionKind
    text: str
    """The question in a few words, plain text: what it wants to do, or to be told."""
    detail: str = ""
    """All that has to be seen to decide, to the letter: the command, the change as a diff, the plan."""
    syntax: str = ""
    """What the detail is written in, for those who colour it: `bash`, `diff`, `json`, `markdown`."""
    choices: tuple[Choice, ...] = ()
    several: bool = False
    """Whether more than one of the choices may be picked."""
    grant: str = ""
    """What a yes for the whole job lets it do, in words: "run this very command". Empty: none is offered."""

    @property
    def fingerprint(self) -> str:
        """The same for the same question, whichever attempt asks it."""
        return sha256(orjson.dumps(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person has said. `by` is their name, for show."""

    verdict: Verdict
    by: str
    choices: tuple[str, ...] = ()
    """Labels of the choices that were picked."""
    text: str = ""
    """Words of one's own: an answer, or why not."""

    @property
    def allows(self) -> bool:
        """Whether it is a yes."""
        return self.verdict is not Verdict.DENY

    @property
    def said(self) -> str:
        """It in a few words: "approved", "denied: not on a Friday", "Postgres"."""
        match self.verdict:
            case Verdict.APPROVE:
                return "approved"
            case Verdict.ALWAYS:
                return "approved for this job"
            case Verdict.DENY:
                return f"denied: {self.text}" if self.text else "denied"
            case Verdict.ANSWER:
                return ", ".join([*self.choices, *filter(None, [self.text])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of a job as it is kept. Of one job they are numbered 1, 2, 3 … Times are UTC."""

    id: str
    job_id: str
    number: int
    asked: Asked
    state: QuestionState
    asked_at: datetime
    expires_at: datetime | None
    """When the job stops to hold a process for it; None where none is held."""
    attempt: int | None
    """The attempt that waits for the decision; None where no process does."""
    request: str
    """What the CLI calls what it waits for. Several questions may be one request of it."""
    decision: Decision | None = None
    decided_at: datetime | None = None
    again: int = 0
    """The number of the question that asks the same again, where this one expired."""


class Questions(Protocol):
    """The questions of jobs. Each call is one transaction; when it returns, it is kept.

    A job with an open question and no process starts no attempt until it is decided; the next attempt asks
    the same again, and is told. Nothing is decided by the passing of time.
    """

    async def ask(
        self, job: Job, request: str, asked: Sequence[Asked], expires_at: datetime
    ) -> Sequence[Question]:
        """Asks on behalf of the running attempt; nothing where it is no longer that.

        What the job has asked before and was not told of is not asked twice: the question, open or decided
        as it is, belongs to this attempt and `request` from now on. What a grant covers is decided already.
        """

    async def of_attempt(self, job: Job) -> Sequence[Question]:
        """The questions that the running attempt was not told the decision of, in order."""

    async def told(self, job: Job, request: str) -> None:
        """The running attempt was told what was decided of `request`, or has given the request up."""

    async def decide(self, question_id: str, decision: Decision) -> Question | None:
        """The first decision counts: None, and nothing changes, where the question is not open any more."""

    async def question(self, question_id: str) -> Question | None:
        """The question of exactly this id."""

    async def of_job(self, job_id: str) -> Sequence[Question]:
        """All that a job has asked, the first one first."""
