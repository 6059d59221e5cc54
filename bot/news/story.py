"""What is known of a job: the job itself, its log as pages, and what stands of it already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.news.output import Output
from bot.news.progress import progress_of
from bot.news.transcript import Transcript
from bot.platforms.base import Progress
from executor import outbox
from executor.endings import HANDED_OVER, STALE
from executor.events import (
    Body,
    Moved,
    ProgressTold,
    QuestionAsked,
    QuestionClosed,
    ReplyRefused,
    TodosChanged,
    UpdatePosted,
)
from executor.model import Job, JobStatus
from executor.outbox import Entry
from executor.questions import Question
from executor.queueing import Hindrance
from storage import Storage

_MARGIN = 200
"""Characters that the last word keeps free beside the answer."""


class Story:
    """As the store told it at the last `catch_up`. A page of it may hold `page_chars` characters."""

    def __init__(self, storage: Storage, job: Job, page_chars: int, *, unfolds: bool = False) -> None:
        self.job = job
        self.entries: Mapping[str, Entry] = {}
        self.transcript = Transcript(page_chars, unfolds=unfolds)
        self.hindrance: Hindrance | None = None
        self.progress: Progress | None = None
        """How far the agent is, by its own list or as it told, whichever came last."""
        self.updates: list[UpdatePosted] = []
        """What its agent told people while it worked."""
        self.questions: Sequence[Question] = ()
        """What its agent has asked people, the first one first."""
        self.refused: list[ReplyRefused] = []
        """What was replied to it and is not gone on with."""
        self.since: datetime | None = None
        """When the attempt that runs would have begun, had the job never waited."""
        self.most = page_chars - _MARGIN
        """Characters of the answer that the last word may carry."""
        self._storage = storage
        self._attempt = 0
        self._read_to = 0
        self._asked = False

    async def catch_up(self) -> None:
        """Reads what is new."""
        # The entries first: what is then read of the job is at least as new as what they want to be shown.
        await self.reread()
        jobs = self._storage.jobs
        self.job = await jobs.job(self.job.id) or self.job
        self.hindrance = await jobs.hindrance(self.job.id)
        if self._attempt != self.job.attempt:
            self._attempt, self.since = self.job.attempt, await self._running_since()
        while events := await jobs.events(self.job.id, self._read_to):
            for event in events:
                self.transcript.add(event.seq, event.body)
                self._note(event.body)
            self._read_to = events[-1].seq
        if self._asked:
            self.questions, self._asked = await self._storage.questions.of_job(self.job.id), False

    def _note(self, body: Body) -> None:
        match body:
            case ReplyRefused():
                self.refused.append(body)
            case TodosChanged(items=items):
                self.progress = progress_of(items)
            case ProgressTold(done=done, total=total, note=note):
                self.progress = Progress(done=done, total=total, note=note)
            case UpdatePosted():
                self.updates.append(body)
            case QuestionAsked() | QuestionClosed():
                self._asked = True
            case Moved(reason=reason) if reason in (STALE, HANDED_OVER):
                self.progress = None  # whoever goes on knows nothing of it

    async def reread(self) -> None:
        """Reads what stands, and what is due, anew."""
        self.entries = await self._storage.outbox.of_job(self.job.id)

    def entry(self, kind: str) -> Entry:
        """The announcement of this kind, which may not be due yet."""
        blank = Entry(job_id=self.job.id, kind=kind, wanted=0, shown=0, message_id=None, sending=False)
        return self.entries.get(kind, blank)

    @property
    def begun(self) -> bool:
        """Whether any output stands."""
        return self.entry(outbox.page(0)).message_id is not None

    @property
    def settled(self) -> bool:
        """Whether it has ended and all is told."""
        return self.job.status.final and not any(entry.due for entry in self.entries.values())

    @property
    def output(self) -> Output:
        done = self.job.status is JobStatus.DONE
        pages = range(len(self.transcript.pages))
        return Output(
            transcript=self.transcript,
            answer=self.job.result.replace("\r\n", "\n").strip() if done else "",
            most=self.most,
            seq=self.job.seq,
            begun={number for number in pages if self.entry(outbox.page(number)).message_id},
        )

    async def _running_since(self) -> datetime | None:
        attempts = await self._storage.jobs.attempts(self.job.id)
        ran = timedelta(milliseconds=self.job.usage.duration_ms or 0)
        return attempts[-1].started_at - ran if attempts else None
