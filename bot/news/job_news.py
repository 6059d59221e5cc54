"""The news of one job: its card, its pages of output, its last word, its files."""

from __future__ import annotations

import asyncio
import logging

from bot.news.agenda import NOWHERE, Agenda
from bot.news.newsroom import Newsroom
from bot.news.pacing import Budget, Line, Method, Pacing, Urgency, now_s
from bot.news.reception import Reception, Remedy
from bot.news.rhythm import Rhythm
from bot.news.steps import Step
from bot.news.story import Story
from bot.platforms.base import (
    Announcement,
    Attachment,
    ChatPlatform,
    Place,
    Refused,
    Throttled,
    Unsure,
)
from executor import outbox
from executor.model import Job, JobStatus
from executor.steps import reach
from executor.wakeups import Bell, job_topic

log = logging.getLogger(__name__)

_LOOK_S = 30.0
_IN_ITS_THREAD = ("page:", "update:", "question:", "detail:")
"""What the kinds of messages begin with that are gone when the head of their thread is."""
_UNSURE_S = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds to wait after each answer that was lost."""


class JobNews:
    """Says one thing at a time, as things stand when its turn comes."""

    def __init__(self, newsroom: Newsroom, platform: ChatPlatform, pacing: Pacing, job: Job) -> None:
        self._newsroom = newsroom
        self._platform = platform
        self._pacing = pacing
        caps = platform.caps
        self._story = Story(newsroom.storage, job, caps.page_chars, unfolds=caps.unfolds)
        quiet = (platform.name, job.origin.channel) in newsroom.quiet
        self._rhythm = Rhythm(job.id, caps.least_edit_gap_s, quiet=quiet)
        self._line = Line()
        self._unsure = 0
        self._hold_until = 0.0
        self._reception = Reception()
        self._agenda = Agenda(newsroom, platform, self._story, self._rhythm, self._reception)

    @property
    def _job(self) -> Job:
        return self._story.job

    async def run(self) -> None:
        """Tells all there is to tell of the job; returns when it has ended and all is told."""
        with self._newsroom.wakeups.listen(job_topic(self._job.id)) as bell:
            try:
                while await self._advance(bell):
                    pass
            finally:
                self._line.leave()
                self._rhythm.rest()

    async def _advance(self, bell: Bell) -> bool:
        """One look at how things stand: says what is due, or waits for a turn or for news."""
        await asyncio.sleep(max(0.0, self._hold_until - now_s()))
        await self._story.catch_up()
        self._keep_time()
        step = await self._agenda.next_step()
        if step is None:
            self._line.leave()
            if self._agenda.all_said:
                await self._close()
            if self._story.settled:
                return False
            await bell.wait(self._pause_s())
        elif self._line.stand(self._budget_of(step.method, step.kind), step.urgency, bell):
            await self._say_or_hold(step)
        else:
            await bell.wait(_LOOK_S)
        return True

    def _budget_of(self, method: Method, kind: str) -> Budget:
        if self._reception.is_private(kind):
            return self._pacing.budget(method, f"@{self._job.origin.actor.user_id}", None)
        return self._pacing.budget(method, self._job.origin.channel, self._thread(kind))

    def _keep_time(self) -> None:
        if self._job.status is JobStatus.RUNNING and self._story.entry(outbox.CARD).message_id:
            edit = Method.EDIT
            self._rhythm.stream(self._budget_of(edit, outbox.CARD), self._budget_of(edit, outbox.page(0)))
        else:
            self._rhythm.rest()

    async def _close(self) -> None:
        """Nothing is left to show; says so where an entry still waits."""
        for kind in self._story.entries:
            entry = self._story.entry(kind)
            if entry.due:
                await self._shown(kind, entry.wanted, None)
        await self._story.reread()

    async def _say_or_hold(self, step: Step) -> None:
        try:
            await self._say(step)
            self._unsure = 0
        except Throttled as error:
            log.info("news.throttled", extra={"job_id": self._job.id, "method": error.method})
            self._budget_of(step.method, step.kind).pause(error.retry_after_s)
        except Unsure:
            log.warning("news.unsure", extra={"job_id": self._job.id, "kind": step.kind})
            wait_s = _UNSURE_S[min(self._unsure, len(_UNSURE_S) - 1)]
            self._unsure += 1
            self._hold_until = now_s() + wait_s
        except Refused as error:
            await self._give_up(step, error)

    async def _give_up(self, step: Step, error: Refused) -> None:
        """What is refused is not tried for ever: it is said anew, said elsewhere, or left."""
        log.warning("news.refused", extra={"job_id": self._job.id, "kind": step.kind, "code": error.code})
        stood, ended = step.message_id is not None, self._job.status.final
        remedy = self._reception.refused(step.kind, error, stood=stood, ended=ended)
        if remedy is Remedy.SAY_ANEW:
            await self._newsroom.storage.outbox.forget(self._job.id, [step.kind, *self._lost_with(step.kind)])
        elif remedy is Remedy.LEAVE_DUE:
            await self._shown(step.kind, 0, None)
            if stood:
                await self._newsroom.storage.outbox.forget(self._job.id, [outbox.RESULT])
        else:
            heads = step.message_id if step.kind == outbox.CARD else None
            await self._shown(step.kind, step.seq, heads or NOWHERE)
        if step.kind == outbox.CARD and not stood:
            self._newsroom.report_shut(self._platform.name, self._job.origin.channel, error)

    def _lost_with(self, kind: str) -> list[str]:
        """What else is said anew with a message that is gone: the thread of a card that was its head."""
        if kind != outbox.CARD or self._job.origin.thread is not None:
            return []
        return [
            outbox.RESULT,
            *(each for each in self._story.entries if each.startswith(_IN_ITS_THREAD)),
        ]

    async def _say(self, step: Step) -> None:
        if step.method is Method.FIND:
            await self._find(step)
            return
        if step.message_id is not None and step.kind == outbox.CARD and step.says == self._agenda.card_said:
            await self._shown(step.kind, step.seq, None)  # as it stands: what has happened does not show
        elif step.message_id is not None and isinstance(step.says, Announcement):
            await self._platform.edit(await self._place(step.kind), step.message_id, step.says)
            reach("message edited")
            await self._shown(step.kind, step.seq, None)
        else:
            self._agenda.absent.discard(step.kind)
            await self._newsroom.storage.outbox.begin(self._job.id, step.kind, step.seq)
            await self._shown(step.kind, step.seq, await self._post(step))
        if isinstance(step.says, Announcement) and step.kind == outbox.CARD:
            self._agenda.card_said = step.says

    async def _find(self, step: Step) -> None:
        """Whether an earlier send of the step came through although its answer was lost."""
        try:
            found = await self._platform.find(await self._place(step.kind), self._key(step))
        except Refused:
            found = None  # a second message is better than none
        if found is None:
            self._agenda.absent.add(step.kind)
            return
        # What it says may be older than what is due: only what is never edited is shown by being there.
        reach("message found")
        edited = step.kind in (outbox.CARD, outbox.REFUSED) or step.kind.startswith(("page:", "question:"))
        seq = 0 if edited else step.seq
        await self._shown(step.kind, seq, found)

    async def _post(self, step: Step) -> str:
        place = await self._place(step.kind)
        if isinstance(step.says, Attachment):
            message_id = await self._platform.attach(place, step.says)
            reach("file attached")
        else:
            message_id = await self._platform.post(place, step.says, self._key(step))
            reach("message posted")
        return message_id

    def _key(self, step: Step) -> str:
        return step.says.name if isinstance(step.says, Attachment) else f"{self._job.id}:{step.kind}"

    async def _shown(self, kind: str, seq: int, message_id: str | None) -> None:
        await self._newsroom.storage.outbox.shown(self._job.id, kind, seq, message_id)
        if kind == outbox.CARD:
            self._rhythm.card_shown()
            if message_id:
                self._reception.opened()
        elif kind.startswith("page:"):
            self._rhythm.text_shown()

    async def _place(self, kind: str) -> Place:
        origin = self._job.origin
        if self._reception.is_private(kind):
            return await self._platform.direct(origin.actor.team, origin.actor.user_id)
        return Place(team=origin.actor.team, channel=origin.channel, thread=self._thread(kind))

    def _thread(self, kind: str) -> str | None:
        thread = self._job.origin.thread
        return self._story.entry(outbox.CARD).message_id if thread is None and kind != outbox.CARD else thread

    def _pause_s(self) -> float:
        """Seconds until something is due without news: held-back text, or a tick of the clock."""
        waits = [_LOOK_S]
        if not self._rhythm.muted and self._rhythm.text_in_s() > 0:
            waits.append(self._rhythm.text_in_s())
        shows = (
            self._story.entry(outbox.CARD).message_id
            and not self._reception.frozen
            and not self._rhythm.quiet
        )
        if shows and not self._job.status.final and not self._reception.shut(ended=False):
            step_s = self._rhythm.card_in_s(Urgency.TOOL)
            waits.append(max(0.05, step_s if step_s > 0 else self._rhythm.card_in_s(Urgency.TEXT)))
        return min(waits)
