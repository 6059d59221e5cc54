"""What is to be said next of a job: always the most urgent, always as things stand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from bot.news import announcements, questions
from bot.news.leavings import Leavings, find
from bot.news.newsroom import Newsroom, live_url
from bot.news.pacing import Urgency
from bot.news.reception import Reception
from bot.news.rhythm import Rhythm
from bot.news.steps import Step, change
from bot.news.story import Story
from bot.news.transcript import Page
from bot.platforms.base import Announcement, Attachment, ChatPlatform
from executor import outbox
from executor.model import Job
from executor.outbox import Entry
from executor.questions import QuestionState

NOWHERE = ""
"""Stands for the message id of what the platform will never take."""


class Agenda:
    """Reads the story, the rhythm and the reception of a job; says nothing itself."""

    def __init__(
        self,
        newsroom: Newsroom,
        platform: ChatPlatform,
        story: Story,
        rhythm: Rhythm,
        reception: Reception,
    ) -> None:
        self._newsroom = newsroom
        self._platform = platform.name
        self._file_bytes = platform.caps.file_bytes
        self._story = story
        self._rhythm = rhythm
        self._reception = reception
        self._leavings: Leavings | None = None
        self.card_said: Announcement | None = None
        """The card as it stands."""
        self.absent: set[str] = set()
        """What was looked for, after its answer got lost, and does not stand."""

    @property
    def _job(self) -> Job:
        return self._story.job

    @property
    def all_said(self) -> bool:
        """Whether, where nothing is due now, nothing ever will be of what there is."""
        ended = self._job.status.final
        return ended or self._reception.shut(ended=ended)

    async def next_step(self) -> Step | None:
        """None where nothing is due now."""
        card = self._story.entry(outbox.CARD)
        if self._reception.shut(ended=self._job.status.final):
            return self._privately()
        if not card.message_id:
            return self._card(card)
        if not self._job.status.final:
            news = self._question() or (self._card(card) if card.due else self._update())
            return news or self._page() or self._tick(card)
        if self._leavings is None:
            root, most = self._newsroom.jobs / self._job.id / "results", self._file_bytes
            self._leavings = await asyncio.to_thread(find, root, self._job, most)
        return self._last_step(card) or await self._file()

    def _privately(self) -> Step | None:
        """What the channel does not take, to whoever asked: why, and at the end the last word."""
        told = self._story.entry(outbox.NOTICE).shown or self._story.entry(outbox.CARD).message_id
        if not told and not self._job.status.final:
            says = announcements.unheard(self._job, self._reception.advice(self._platform))
            lost = self._is_lost(self._story.entry(outbox.NOTICE))
            return Step(kind=outbox.NOTICE, urgency=Urgency.STATE, seq=1, says=says, lost=lost)
        return self._question() or self._result()

    def _last_step(self, card: Entry) -> Step | None:
        """After the end: the last word first, then the card, then what the pages still lack."""
        return (
            (None if self._story.begun else self._page())
            or self._update()
            or self._result()
            or (self._card(card) if card.due else None)
            or self._question()
            or self._page()
            or self._refused()
        )

    def _refused(self) -> Step | None:
        entry = self._story.entry(outbox.REFUSED)
        if not entry.due or entry.message_id == NOWHERE:
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
            progress=self._story.progress,
            live_url=live_url(self._newsroom.public_url, self._platform, self._job),
        )
        changed = change(self.card_said, says)
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
        if step.says == self.card_said:
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
            if entry.message_id == NOWHERE:
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

    def _question(self) -> Step | None:
        """The first question that does not stand as it is, or lacks the file with what is left out."""
        for asked in self._story.questions:
            entry, file = self._story.entry(outbox.question(asked.number)), None
            if entry.due:
                says = questions.question(asked, self._job, most=self._story.most)
                if self._reception.is_private(entry.kind):
                    advice = self._reception.advice(self._platform)
                    says = questions.told_alone(says, asked, advice=advice)
                return Step(
                    kind=entry.kind,
                    urgency=Urgency.STATE,
                    seq=entry.wanted,
                    says=says,
                    message_id=entry.message_id or None,
                    lost=self._is_lost(entry),
                )
            added = self._story.entry(outbox.detail(asked.number))
            wanted = asked.state is QuestionState.OPEN and added.message_id is None
            if entry.message_id and (added.due or wanted):
                file = questions.detail(asked, self._job, most=self._story.most)
            if file is not None:
                return replace(self._attach(added, file, entry.wanted), urgency=Urgency.STATE)
        return None

    def _update(self) -> Step | None:
        """The first thing that the agent told people which does not stand yet."""
        for told in self._story.updates:
            entry = self._story.entry(outbox.update(told.number))
            if entry.due:
                says, lost = announcements.update(told, self._job), self._is_lost(entry)
                return Step(kind=entry.kind, urgency=Urgency.STATE, seq=entry.wanted, says=says, lost=lost)
        return None

    def _result(self) -> Step | None:
        entry = self._story.entry(outbox.RESULT)
        if not entry.due:
            return None
        url = self._newsroom.public_url
        if self._reception.is_private(outbox.RESULT):
            advice = self._reception.advice(self._platform)
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
                return self._attach(entry, file, owed.wanted)
        return None

    def _attach(self, entry: Entry, file: Attachment, wanted: int | None = None) -> Step:
        lost, seq = self._is_lost(entry), wanted or entry.wanted
        return Step(kind=entry.kind, urgency=Urgency.TEXT, seq=seq, says=file, lost=lost)

    def _is_lost(self, entry: Entry) -> bool:
        return entry.sending and entry.kind not in self.absent


def _read(report: Path) -> bytes:
    """The report's page; nothing where somebody has removed it since."""
    try:
        return (report / "index.html").read_bytes()
    except OSError:
        return b""
