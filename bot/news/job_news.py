"""The news of one job: its card, its pages of output, its last word, its files."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.news import announcements
from bot.news.newsroom import Budgets, Newsroom
from bot.news.output import Output
from bot.news.pacing import Budget, Line, Urgency
from bot.news.reception import Reception, Remedy
from bot.news.transcript import Page, Transcript
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
from executor.outbox import Entry
from executor.queueing import Hindrance
from executor.steps import reach
from executor.wakeups import Bell, job_topic

log = logging.getLogger(__name__)

_TICK_S = 15.0
"""Seconds between two looks at a card that may have changed without news: by time alone, by other jobs."""
_LOOK_S = 30.0
_MARGIN = 200
"""Characters that the last word keeps free beside the answer."""
_NOWHERE = ""
"""Stands for the message id of what the platform will never take."""
_UNSURE_S = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds to wait after each answer that was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next thing to say: announcement `kind`, which will then show the log up to event `seq`."""

    kind: str
    urgency: Urgency
    seq: int
    says: Announcement | Attachment
    message_id: str | None = None
    """The message to edit; None says it anew."""


class JobNews:
    """Says one thing at a time, always the most urgent, always as things stand when its turn comes."""

    def __init__(self, newsroom: Newsroom, platform: ChatPlatform, budgets: Budgets, job: Job) -> None:
        self._newsroom = newsroom
        self._platform = platform
        self._budgets = budgets
        self._job = job
        self._entries: Mapping[str, Entry] = {}
        self._transcript = Transcript(platform.caps.page_chars)
        self._hindrance: Hindrance | None = None
        self._card_said: Announcement | None = None
        self._read_to = 0
        self._text_at, self._ticked_at = 0.0, time.monotonic()
        self._line = Line()
        self._unsure = 0
        self._hold_until = 0.0
        self._since: tuple[int, datetime | None] = (0, None)
        """The attempt that runs, and when it would have begun, had the job never waited."""
        self._reception = Reception()

    async def run(self) -> None:
        """Tells all there is to tell of the job; returns when it has ended and all is told."""
        with self._newsroom.wakeups.listen(job_topic(self._job.id)) as bell:
            try:
                while await self._advance(bell):
                    pass
            finally:
                self._line.leave()

    async def _advance(self, bell: Bell) -> bool:
        """One look at how things stand: says what is due, or waits for a turn or for news."""
        await asyncio.sleep(max(0.0, self._hold_until - time.monotonic()))
        await self._catch_up()
        step = await self._next_step()
        if step is None:
            self._line.leave()
            if self._settled():
                return False
            await bell.wait(self._pause_s())
        elif self._line.stand(self._budget_of(step), step.urgency, bell):
            await self._say_or_hold(step)
        else:
            await bell.wait(_LOOK_S)
        return True

    def _budget_of(self, step: Step) -> Budget:
        return self._budgets.posts if step.message_id is None else self._budgets.edits

    async def _catch_up(self) -> None:
        storage = self._newsroom.storage
        # The entries first: what is then read of the job is at least as new as what they want to be shown.
        self._entries = await storage.outbox.of_job(self._job.id)
        self._job = await storage.jobs.job(self._job.id) or self._job
        self._hindrance = await storage.jobs.hindrance(self._job.id)
        if self._since[0] != self._job.attempt:
            self._since = (self._job.attempt, await self._running_since())
        while events := await storage.jobs.events(self._job.id, self._read_to):
            for event in events:
                self._transcript.add(event.seq, event.body)
            self._read_to = events[-1].seq

    async def _running_since(self) -> datetime | None:
        attempts = await self._newsroom.storage.jobs.attempts(self._job.id)
        ran = timedelta(milliseconds=self._job.usage.duration_ms or 0)
        return attempts[-1].started_at - ran if attempts else None

    async def _next_step(self) -> Step | None:
        card = self._entry(outbox.CARD)
        if self._reception.shut(ended=self._job.status.final):
            return await self._privately()
        if not card.message_id:
            return self._card(card)
        if not self._job.status.final:
            return self._card(card) if card.due else self._page() or self._tick(card)
        step = self._last_step(card) or await self._file()
        if step is None:
            await self._close(*self._entries)
        return step

    async def _privately(self) -> Step | None:
        """What the channel does not take, to whoever asked: why, and at the end the last word."""
        told = self._entry(outbox.NOTICE).shown or self._entry(outbox.CARD).message_id
        if not told and not self._job.status.final:
            says = announcements.unheard(self._job, self._reception.advice(self._platform.name))
            return Step(kind=outbox.NOTICE, urgency=Urgency.STATE, seq=1, says=says)
        step = self._result()
        if step is None:
            await self._close(*self._entries)
        return step

    def _last_step(self, card: Entry) -> Step | None:
        """After the end: the last word first, then the card, then what the pages still lack."""
        return (
            (None if self._begun() else self._page())
            or self._result()
            or (self._card(card) if card.due else None)
            or self._page()
        )

    def _card(self, card: Entry, urgency: Urgency = Urgency.STATE) -> Step:
        says = announcements.card(
            self._job,
            step=self._transcript.step,
            now=self._newsroom.clock.now(),
            public_url=self._newsroom.public_url,
            hindrance=self._hindrance,
            since=self._since[1],
            sandbox=self._newsroom.sandbox,
        )
        message_id = card.message_id or None
        return Step(kind=outbox.CARD, urgency=urgency, seq=card.wanted, says=says, message_id=message_id)

    def _tick(self, card: Entry) -> Step | None:
        if self._reception.frozen or self._ticked_at + _TICK_S > time.monotonic():
            return None
        step = self._card(card, Urgency.TICK)
        if step.says == self._card_said:
            self._ticked_at = time.monotonic()
            return None
        return step

    def _page(self) -> Step | None:
        """The first page that does not show all it should. After the end, no page is begun but the first.

        One that was begun before and whose answer got lost may stand: it is looked for.
        """
        if not self._job.status.final and self._gap_s() > 0:
            return None
        for number, page in enumerate(self._output.pages):
            entry = self._entry(outbox.page(number))
            if entry.message_id == _NOWHERE:
                continue
            begun = entry.message_id is not None or entry.sending
            if not begun and self._job.status.final and number > 0:
                return None
            if entry.message_id is None or entry.shown < page.seq:
                return self._page_step(entry, page)
        return None

    def _page_step(self, entry: Entry, page: Page) -> Step:
        return Step(
            kind=entry.kind,
            # The last word waits for the first page, so that one goes with it; no other is urgent.
            urgency=Urgency.FINAL if self._job.status.final and not self._begun() else Urgency.TEXT,
            seq=page.seq,
            says=announcements.page(page.text, self._job),
            message_id=entry.message_id,
        )

    def _result(self) -> Step | None:
        entry = self._entry(outbox.RESULT)
        if not entry.due:
            return None
        url = self._newsroom.public_url
        if self._reception.is_private(outbox.RESULT):
            advice = self._reception.advice(self._platform.name)
            says = announcements.told_alone(self._job, url, most=self._most, advice=advice)
        else:
            above = self._output.stands_above
            says = announcements.result(self._job, url, most=self._most, above=above)
        return Step(kind=outbox.RESULT, urgency=Urgency.FINAL, seq=entry.wanted, says=says)

    async def _file(self) -> Step | None:
        report, output = self._entry(outbox.REPORT), self._entry(outbox.OUTPUT)
        if report.due and self._job.report_slug:
            content = await asyncio.to_thread(_read, self._newsroom.reports / self._job.report_slug)
            if content:
                return self._attach(report, f"report-{self._job.short_id}.html", "The report", content)
        if output.due and self._output.left_out:
            content = self._transcript.whole.encode(errors="replace")
            return self._attach(output, f"output-{self._job.short_id}.md", "The whole output", content)
        return None

    def _attach(self, entry: Entry, name: str, title: str, content: bytes) -> Step:
        attachment = Attachment(name=name, title=title, content=content)
        return Step(kind=entry.kind, urgency=Urgency.TEXT, seq=entry.wanted, says=attachment)

    async def _close(self, *kinds: str) -> None:
        """Nothing of these kinds is left to show; says so where an entry still waits."""
        for kind in kinds:
            entry = self._entry(kind)
            if entry.due:
                await self._shown(kind, entry.wanted, None)
        self._entries = await self._newsroom.storage.outbox.of_job(self._job.id)

    async def _say_or_hold(self, step: Step) -> None:
        try:
            await self._say(step)
            self._unsure = 0
            if isinstance(step.says, Announcement) and step.kind == outbox.CARD:
                self._card_said = step.says
                if step.message_id is None:
                    self._reception.opened()
        except Throttled as error:
            log.info("news.throttled", extra={"job_id": self._job.id, "method": error.method})
            self._budget_of(step).pause(error.retry_after_s)
        except Unsure:
            log.warning("news.unsure", extra={"job_id": self._job.id, "kind": step.kind})
            wait_s = _UNSURE_S[min(self._unsure, len(_UNSURE_S) - 1)]
            self._unsure += 1
            self._hold_until = time.monotonic() + wait_s
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
            await self._shown(step.kind, step.seq, heads or _NOWHERE)
        if step.kind == outbox.CARD and not stood:
            self._newsroom.report_shut(self._platform.name, self._job.origin.channel, error)

    def _lost_with(self, kind: str) -> list[str]:
        """What else is said anew with a message that is gone: the thread of a card that was its head."""
        if kind != outbox.CARD or self._job.origin.thread is not None:
            return []
        return [outbox.RESULT, *(each for each in self._entries if each.startswith("page:"))]

    async def _say(self, step: Step) -> None:
        if step.message_id is not None and isinstance(step.says, Announcement):
            await self._platform.edit(await self._place(step.kind), step.message_id, step.says)
            reach("message edited")
            await self._shown(step.kind, step.seq, None)
            return
        if self._entry(step.kind).sending and await self._find(step):
            return
        await self._newsroom.storage.outbox.begin(self._job.id, step.kind, step.seq)
        await self._shown(step.kind, step.seq, await self._post(step))

    async def _find(self, step: Step) -> bool:
        """Whether an earlier send of the step came through although its answer was lost."""
        try:
            found = await self._platform.find(await self._place(step.kind), self._key(step))
        except Refused:
            return False  # a second message is better than none
        if found is None:
            return False
        # What it says may be older than what is due: only what is never edited is shown by being there.
        reach("message found")
        seq = 0 if step.kind == outbox.CARD or step.kind.startswith("page:") else step.seq
        await self._shown(step.kind, seq, found)
        return True

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
            self._ticked_at = time.monotonic()
        elif kind.startswith("page:"):
            self._text_at = time.monotonic()

    async def _place(self, kind: str) -> Place:
        origin = self._job.origin
        if self._reception.is_private(kind):
            return await self._platform.direct(origin.actor.team, origin.actor.user_id)
        thread = origin.thread
        if thread is None and kind != outbox.CARD:
            thread = self._entry(outbox.CARD).message_id
        return Place(team=origin.actor.team, channel=origin.channel, thread=thread)

    def _entry(self, kind: str) -> Entry:
        blank = Entry(job_id=self._job.id, kind=kind, wanted=0, shown=0, message_id=None, sending=False)
        return self._entries.get(kind, blank)

    def _begun(self) -> bool:
        return self._entry(outbox.page(0)).message_id is not None

    @property
    def _most(self) -> int:
        """Characters of the answer that the last word may carry."""
        return self._platform.caps.page_chars - _MARGIN

    @property
    def _output(self) -> Output:
        done = self._job.status is JobStatus.DONE
        pages = range(len(self._transcript.pages))
        return Output(
            transcript=self._transcript,
            answer=self._job.result.replace("\r\n", "\n").strip() if done else "",
            most=self._most,
            seq=self._job.seq,
            begun={number for number in pages if self._entry(outbox.page(number)).message_id},
        )

    def _settled(self) -> bool:
        return self._job.status.final and not any(entry.due for entry in self._entries.values())

    def _gap_s(self) -> float:
        return self._text_at + self._platform.caps.least_edit_gap_s - time.monotonic()

    def _pause_s(self) -> float:
        """Seconds until something is due without news: held-back text, or a tick of the clock."""
        waits = [_LOOK_S]
        if self._gap_s() > 0:
            waits.append(self._gap_s())
        shows = self._entry(outbox.CARD).message_id and not self._reception.frozen
        if shows and not self._job.status.final and not self._reception.shut(ended=False):
            waits.append(max(0.05, self._ticked_at + _TICK_S - time.monotonic()))
        return min(waits)


def _read(report: Path) -> bytes:
    """The report's page; nothing where somebody has removed it since."""
    try:
        return (report / "index.html").read_bytes()
    except OSError:
        return b""
