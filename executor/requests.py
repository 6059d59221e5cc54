"""What a running CLI asks people: put to them as questions, and answered with what they decide."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from executor.backends.base import Session
from executor.model import Job
from executor.questions import Asked, Decision, Questions
from executor.steps import reach


class Requests:
    """Those of one attempt.

    `expires_at` says until when a question that is asked now may wait, `hide` takes out of a text what nobody
    may see.
    """

    def __init__(
        self,
        *,
        questions: Questions,
        job: Job,
        session: Session,
        expires_at: Callable[[], datetime],
        hide: Callable[[str], str],
    ) -> None:
        self._questions = questions
        self._job = job
        self._session = session
        self._expires_at = expires_at
        self._hide = hide
        self._asked: dict[str, list[str]] = {}
        """The ids of the questions that each request of the CLI has come to."""

    async def serve(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Asks what is new, answers what is decided, and gives up what the CLI has given up."""
        pending = self._session.pending
        for request in pending:
            if request not in self._asked:
                await self._ask(request)
        for request in [each for each in self._asked if each not in pending]:
            del self._asked[request]
            await self._questions.told(self._job, request)
        if not self._asked:
            return
        decided = {
            each.id: each.decision for each in await self._questions.of_attempt(self._job) if each.decision
        }
        for request, ids in list(self._asked.items()):
            if all(each in decided for each in ids):
                await self._answer(request, [decided[each] for each in ids], write)

    async def _ask(self, request: str) -> None:
        asked = await asyncio.to_thread(self._session.asked, request)
        asked = [self._hidden(each) for each in asked]
        if asked:
            questions = await self._questions.ask(self._job, request, asked, self._expires_at())
            if questions:  # else the attempt is no longer the running one, and about to end
                self._asked[request] = [each.id for each in questions]

    async def _answer(
        self, request: str, decisions: list[Decision], write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        await write(self._session.answer(request, decisions))
        reach("answer written")
        del self._asked[request]
        await self._questions.told(self._job, request)

    def _hidden(self, asked: Asked) -> Asked:
        """The file that it wants to change may hold what its line did not."""
        text, detail, grant = map(self._hide, (asked.text, asked.detail, asked.grant))
        return replace(asked, text=text, detail=detail, grant=grant)
