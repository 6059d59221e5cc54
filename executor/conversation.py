"""What people say to a job while it runs: handed to its session, until there is nothing left to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from executor.backends.base import Session, Stage
from executor.files import File
from executor.model import Job
from executor.processes.process import Process
from executor.requests import Requests
from executor.steps import reach
from executor.wakeups import Wakeups, control_topic

_LOOK_S = 10.0
"""Seconds after which a reply is found although its wake-up got lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A reply that is the running attempt's to answer. `number` counts up; `urgent`: it shall not wait."""

    number: int
    text: str
    files: Sequence[File]
    urgent: bool


class Mailbox(Protocol):
    """What was said to running jobs. Each call is one transaction.

    A reply waits for the job's end, or is handed to its attempt. A turn begins with it there, and takes it;
    where the attempt ends before that, it waits again.
    """

    async def open(self, job: Job) -> None:
        """From now on replies are handed to this attempt: those that wait, and what comes."""

    async def handed(self, job: Job) -> Sequence[Handed]:
        """What was handed to this attempt and not begun with, in the order in which it came."""

    async def shut(self, job: Job, last: int | None) -> bool:
        """Hands nothing more to this attempt. False, and nothing changes, where more than reply `last` was.

        None for `last` shuts it whatever was.
        """


class Conversation:
    """One attempt's session as people talk to it, from its first turn until its input ends.

    `requests` are what it asks people, `word` words a reply for the agent, and `heard` is called when the
    session is given something to do.
    """

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        requests: Requests,
        wakeups: Wakeups,
        job: Job,
        session: Session,
        process: Process,
        word: Callable[[Handed], str],
        heard: Callable[[], None],
    ) -> None:
        self._mailbox = mailbox
        self._requests = requests
        self._wakeups = wakeups
        self._job = job
        self._session = session
        self._process = process
        self._word = word
        self._heard = heard
        self._open = False
        self._last = 0
        self._urged: set[int] = set()

    async def run(self) -> None:
        """Talks until the session has ended its turns and nobody has said more. Rung by the control topic."""
        with self._wakeups.listen(control_topic(self._job.id)) as bell:
            while not await self._ended():
                await bell.wait(_LOOK_S)
        self._process.end_input()
        reach("input ended")

    async def _ended(self) -> bool:
        """Says what there is to say. Whether that was all."""
        await self._requests.serve(self._write)
        if self._session.stage is Stage.SPENT:
            return await self._mailbox.shut(self._job, None)
        if self._session.stage is Stage.STARTING:
            return False
        if not self._open:
            await self._mailbox.open(self._job)
            self._open = True
        await self._hand_over(await self._mailbox.handed(self._job))
        ended = self._session.stage is Stage.IDLE and not self._session.pending
        return ended and await self._mailbox.shut(self._job, self._last)

    async def _hand_over(self, replies: Sequence[Handed]) -> None:
        for reply in replies:
            if reply.number > self._last:
                self._last = reply.number
                await self._write(self._session.message(reply.number, self._word(reply)))
                reach("reply written")
        urgent = {reply.number for reply in replies if reply.urgent} - self._urged
        if urgent and (line := self._session.interrupt()):
            self._urged |= urgent
            await self._write(line)
            reach("interrupt written")

    async def _write(self, data: bytes) -> None:
        self._heard()
        await self._process.write(data)
