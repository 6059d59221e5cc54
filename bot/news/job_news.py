"""The news of one job: its card, its pages of output, its last word, its files."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

from bot.news import announcements
from bot.news.leavings import Leavings, find
from bot.news.newsroom import Newsroom, live_url
from bot.news.pacing import Budget, Line, Method, Pacing, Urgency, now_s
from bot.news.reception import Reception, Remedy
from bot.news.rhythm import Rhythm
from bot.news.steps import Step, change
from bot.news.story import Story
from bot.news.transcript import Page
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
from executor.steps import reach
from executor.wakeups import Bell, job_topic

log = logging.getLogger(__name__)

_LOOK_S = 30.0
_NOWHERE = ""
"""Stands for the message id of what the platform will never take."""
_UNSURE_S = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds to wait after each answer that was lost."""


class JobNews:
    """Says one thing at a time, always the most urgent, always as things stand when its turn comes."""

    def __init__(self, newsroom: Newsroom, platform: ChatPlatform, pacing: Pacing, job: Job) -> None:
        self._newsroom = newsroom
        self._platform = platform
        self._pacing = pacing
        caps = platform.caps
        self._story = Story(newsroom.storage, job, caps.page_chars, unfolds=caps.unfolds)
        self._card_said: Announcement | None = None
        quiet = (platform.name, job.origin.channel) in newsroom.quiet
        self._rhythm = Rhythm(job.id, caps.least_edit_gap_s, quiet=quiet)
        self._line = Line()
        self._unsure = 0
        self._hold_until = 0.0
        self._reception = Reception()
        self._leavings: Leavings | None = None
        self._absent: set[str] = set()
        """What was looked for, after its answer got lost, and does not stand."""

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
        step = await self._next_step()
        if step is None:
            self._line.leave()
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

    async def _next_step(self) -> Step | None:
        card = self._story.entry(outbox.CARD)
        if self._reception.shut(ended=self._job.status.final):
            return await self._privately()
        if not card.message_id:
            return self._card(card)
        if not self._job.status.final:
            return self._card(card) if card.due else self._page() or self._tick(card)
        if self._leavings is None:
            root, most = self._newsroom.jobs / self._job.id / "results", self._platform.caps.file_bytes
            self._leavings = await asyncio.to_thread(find, root, self._job, most)
        step = self._last_step(card) or await self._file()
        if step is None:
            await self._close(*self._story.entries)
        return step

    async def _privately(self) -> Step | None:
        """What the channel does not take, to whoever asked: why, and at the end the last word."""
        told = self._story.entry(outbox.NOTICE).shown or self._story.entry(outbox.CARD).message_id
        if not told and not self._job.status.final:
            says = announcements.unheard(self._job, self._reception.advice(self._platform.name))
            lost = self._is_lost(self._story.entry(outbox.NOTICE))
            return Step(kind=outbox.NOTICE, urgency=Urgency.STATE, seq=1, says=says, lost=lost)
        step = self._result()
        if step is None:
            await self._close(*self._story.entries)
        return step

    def _last_step(self, card: Entry) -> Step | None:
        """After the end: the last word first, then the card, then what the pages still lack."""
        return (
            (None if self._story.begun else self._page())
            or self._result()
            or (self._card(card) if card.due else None)
            or self._page()
            or self._refused()
        )

    def _refused(self) -> Step | None:
        entry = self._story.entry(outbox.REFUSED)
        if not entry.due or entry.message_id == _NOWHERE:
            return None
        return Step(
            kind=outbox.REFUSED,
            urgency=Urgency.STATE,
            seq=entry.wanted,
            says=announcements.refused(self._job, self._story.refused),
            message_id=entry.message_id,
            lost=self._is_lost(entry),
        )

    def _card(self, card: Entry) -> Step:
        says = announcements.card(
            self._job,
            step=self._story.transcript.step,
            now=self._newsroom.clock.now(),
            public_url=self._newsroom.public_url,
            hindrance=self._story.hindrance,
            since=self._story.since,
            sandbox=self._newsroom.sandbox,
            todos=self._story.todos,
            live_url=live_url(self._newsroom.public_url, self._platform.name, self._job),
        )
        changed = change(self._card_said, says)
        urgency = Urgency.BUTTONS if changed is None else changed
        return Step(
            kind=outbox.CARD,
            urgency=min(urgency, Urgency.BUTTONS) if card.due else urgency,
            seq=card.wanted,
            says=says,
            message_id=card.message_id or None,
            lost=self._is_lost(card),
        )

    def _tick(self, card: Entry) -> Step | None:
        if self._reception.frozen or self._rhythm.quiet or self._rhythm.card_in_s(Urgency.TOOL) > 0:
            return None
        step = self._card(card)
        if self._rhythm.card_in_s(step.urgency) > 0:
            return None
        if step.says == self._card_said:
            self._rhythm.card_shown()
            return None
        return step

    def _page(self) -> Step | None:
        """The first page that does not show all it should. After the end, no page is begun but the first.

        One that was begun before and whose answer got lost may stand: it is looked for.
        """
        if (
            self._rhythm.quiet
            if self._job.status.final
            else self._rhythm.muted or self._rhythm.text_in_s() > 0
        ):
            return None
        for number, page in enumerate(self._story.output.pages):
            entry = self._story.entry(outbox.page(number))
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
            urgency=Urgency.FINAL if self._job.status.final and not self._story.begun else Urgency.TEXT,
            seq=page.seq,
            says=announcements.page(page.text, self._job),
            message_id=entry.message_id,
            lost=self._is_lost(entry),
        )

    def _result(self) -> Step | None:
        entry = self._story.entry(outbox.RESULT)
        if not entry.due:
            return None
        url = self._newsroom.public_url
        if self._reception.is_private(outbox.RESULT):
            advice = self._reception.advice(self._platform.name)
            says = announcements.told_alone(self._job, url, most=self._story.most, advice=advice)
        else:
            above = self._story.output.stands_above
            left_out = self._leavings.left_out if self._leavings else ""
            says = announcements.result(self._job, url, most=self._story.most, above=above, left_out=left_out)
        lost = self._is_lost(entry)
        return Step(kind=outbox.RESULT, urgency=Urgency.FINAL, seq=entry.wanted, says=says, lost=lost)

    async def _file(self) -> Step | None:
        report, output = self._story.entry(outbox.REPORT), self._story.entry(outbox.OUTPUT)
        if report.due and self._job.report_slug:
            content = await asyncio.to_thread(_read, self._newsroom.reports / self._job.report_slug)
            if content:
                name = f"report-{self._job.short_id}.html"
                return self._attach(report, Attachment(name=name, title="The report", content=content))
        if (
            output.due
            and self._story.output.left_out
            and not (self._rhythm.quiet and self._story.output.fits)
        ):
            content = self._story.transcript.whole.encode(errors="replace")
            name = f"output-{self._job.short_id}.md"
            return self._attach(output, Attachment(name=name, title="The whole output", content=content))
        return await self._left_file()

    async def _left_file(self) -> Step | None:
        """The first of the files that the agent left which does not stand yet."""
        owed, leavings = self._story.entry(outbox.FILES), self._leavings
        if leavings is None or not owed.due:
            return None
        for leaving in leavings.files:
            entry = self._story.entry(outbox.left(leaving.name))
            if entry.message_id is None and (file := await leavings.attachment(leaving)):
                return self._attach(replace(entry, wanted=owed.wanted), file)
        return None

    def _attach(self, entry: Entry, file: Attachment) -> Step:
        lost = self._is_lost(entry)
        return Step(kind=entry.kind, urgency=Urgency.TEXT, seq=entry.wanted, says=file, lost=lost)

    async def _close(self, *kinds: str) -> None:
        """Nothing of these kinds is left to show; says so where an entry still waits."""
        for kind in kinds:
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
            await self._shown(step.kind, step.seq, heads or _NOWHERE)
        if step.kind == outbox.CARD and not stood:
            self._newsroom.report_shut(self._platform.name, self._job.origin.channel, error)

    def _lost_with(self, kind: str) -> list[str]:
        """What else is said anew with a message that is gone: the thread of a card that was its head."""
        if kind != outbox.CARD or self._job.origin.thread is not None:
            return []
        return [outbox.RESULT, *(each for each in self._story.entries if each.startswith("page:"))]

    async def _say(self, step: Step) -> None:
        if step.method is Method.FIND:
            await self._find(step)
            return
        if step.message_id is not None and isinstance(step.says, Announcement):
            await self._platform.edit(await self._place(step.kind), step.message_id, step.says)
            reach("message edited")
            await self._shown(step.kind, step.seq, None)
        else:
            self._absent.discard(step.kind)
            await self._newsroom.storage.outbox.begin(self._job.id, step.kind, step.seq)
            await self._shown(step.kind, step.seq, await self._post(step))
        if isinstance(step.says, Announcement) and step.kind == outbox.CARD:
            self._card_said = step.says

    async def _find(self, step: Step) -> None:
        """Whether an earlier send of the step came through although its answer was lost."""
        try:
            found = await self._platform.find(await self._place(step.kind), self._key(step))
        except Refused:
            found = None  # a second message is better than none
        if found is None:
            self._absent.add(step.kind)
            return
        # What it says may be older than what is due: only what is never edited is shown by being there.
        reach("message found")
        edited = step.kind in (outbox.CARD, outbox.REFUSED) or step.kind.startswith("page:")
        seq = 0 if edited else step.seq
        await self._shown(step.kind, seq, found)

    def _is_lost(self, entry: Entry) -> bool:
        return entry.sending and entry.kind not in self._absent

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


def _read(report: Path) -> bytes:
    """The report's page; nothing where somebody has removed it since."""
    try:
        return (report / "index.html").read_bytes()
    except OSError:
        return b""
