"""Jobs for later and jobs that come again, as people see them: on time, over a restart, looked after."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.configuration import load
from executor.model import JobStatus
from storage.sqlite.rows import to_text
from tests.fsck import check
from tests.simulators.slack import Channel, Ephemeral
from tests.stage import Stage, Wishes, hang_backdrop, running, set_stage

pytestmark = [pytest.mark.timeout(60)]

LATER_S = 20.0


async def test_a_job_for_later_waits_on_its_card_and_starts_on_time(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        reply = await stage.ann.command("/job", "session tidy up --in 1s", channel=stage.dev)
        assert "Scheduled as `" in reply.plain
        assert "(Europe/Berlin), in 1 s" in reply.plain, "Ann's own zone"
        job = await stage.ended()
        assert job.status is JobStatus.DONE
        assert job.scheduled_at is not None and job.started_at is not None
        assert timedelta() <= job.started_at - job.scheduled_at < timedelta(seconds=0.5)
        first, *_, last = (str(version.blocks) for version in stage.card().history)
        assert "⏰" in first and "scheduled" in first
        assert "done" in last and "late" not in last


async def test_a_job_for_later_shows_its_time_and_can_be_run_now_or_called_off(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.ann.command("/job", "session one --in 5h", channel=stage.dev)
        await stage.ann.command("/job", "session two --in 5h", channel=stage.dev)
        await stage.slack.until(lambda: len(stage.slack.messages(stage.dev)) == 2, what="two cards")
        at = (await stage.job(lambda _: True)).scheduled_at
        assert at is not None
        assert f"<!date^{int(at.timestamp())}^" in str(stage.card(1).blocks)
        assert list(stage.card().buttons) == ["Run now", "Cancel"]
        for text in ("list", f"show {(await stage.job(lambda _: True)).short_id}"):
            reply = await stage.ann.command("/job", text, channel=stage.dev)
            assert "scheduled" in reply.plain and "(Europe/Berlin), in 5 h" in reply.plain
        await stage.ann.click(stage.card(0), "Run now")
        assert (await stage.ended(number=1)).status is JobStatus.DONE
        await stage.ann.click(stage.card(1), "Cancel")
        assert (await stage.ended()).status is JobStatus.CANCELLED


REFUSED = [
    ('session x --at "yesterday 9:00"', "Examples: `18:00`"),
    ("session x --at 2020-01-01T10:00Z", "is past"),
    ("session x --in soon", "Examples: `45s`"),
    ('session x --cron "* * * * *"', "the least interval here is 5 min"),
    ('session x --cron "0 0 30 2 *"', "never happens"),
    ("session x --at 18:00 --zone Berlin/Mitte", "is no time zone"),
    ("session x --at 18:00 --cron @daily", "exclude each other"),
    ("schedule pause ffffff", "There is no schedule `ffffff`"),
]


async def test_a_time_that_cannot_be_taken_gets_a_private_sentence_and_changes_nothing(
    tmp_path: Path,
) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        for text, sentence in REFUSED:
            reply = await stage.ann.command("/job", text, channel=stage.dev)
            assert sentence in reply.plain, text
            assert isinstance(reply.shown, Ephemeral)
        assert not stage.slack.messages(stage.dev)
        assert not await stage.house.storage.jobs.jobs()
        assert not await stage.house.storage.schedules.schedules()


async def test_after_a_downtime_what_was_missed_runs_once_and_says_how_late(tmp_path: Path) -> None:
    async with hang_backdrop(tmp_path, Wishes(provider="rehearsal")) as backdrop:
        slack, (ann, *_), settings = backdrop.slack, backdrop.people, load(backdrop.config, {})
        dev = slack.channel("dev")
        async with running(settings):
            await ann.command("/job", "session the one-off --in 1h", channel=dev)
            await ann.command("/job", "session the rhythm --cron @hourly", channel=dev)
            await ann.command("/job", "session the fussy --cron @hourly --missed skip", channel=dev)
            await slack.until(lambda: dev.messages, timeout=LATER_S, what="a card")
        _pass_by(settings.data_dir / "bifrost.db", timedelta(hours=4))
        async with running(settings):
            await slack.until(lambda: _done(dev) == 2, timeout=LATER_S, what="two cards done")
            reply = await ann.command("/job", "schedules", channel=dev)
        one_off, rhythm = sorted((card.plain for card in dev.messages), key=lambda text: "rhythm" in text)
        assert "late: 3 h" in one_off
        # Less than an hour passed until the first run that it missed.
        assert re.search(r"late: [34] h", rhythm) and "schedule: " in rhythm
        assert re.search(r"last: Started [34] h", reply.plain)
        assert re.search(r"last: Left out: it was due [34] h", reply.plain)
    check(settings.data_dir / "bifrost.db")


async def test_a_schedule_is_listed_run_paused_resumed_and_deleted(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:

        async def says(text: str) -> str:
            return (await stage.ann.command("/job", text, channel=stage.dev)).plain

        answer = await says("session tidy up —cron “0 2 * * mon-fri” —zone Europe/Paris")
        (schedule,) = await stage.house.storage.schedules.schedules()
        which = schedule.short_id
        assert f"Schedule `{which}`" in answer and "02:00 (Europe/Paris)" in answer
        assert "`0 2 * * mon-fri`" in await says("schedules")
        assert "Queued as" in await says(f"schedule run {which}")
        job = await stage.ended()
        assert (job.status, job.schedule_id) == (JobStatus.DONE, schedule.id)
        assert f"schedule: {which}" in stage.card().plain
        assert "rests." in await says(f"schedule pause {which}")
        assert "paused" in await says("schedules")
        assert "goes on: next" in await says(f"schedule resume {which}")
        reply = await stage.bob.command("/job", f"schedule delete {which}", channel=stage.dev)
        assert "made by somebody else" in reply.plain
        assert "is deleted" in await says(f"schedule delete {which}")
        assert "Nothing runs again by itself" in await says("schedules")


async def test_a_due_run_is_announced_as_any_job_is(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.ann.command("/job", "session tidy up --cron @hourly", channel=stage.dev)
        await _make_due(stage)
        await stage.slack.until(lambda: _done(stage.dev) == 1, timeout=LATER_S, what="a card done")
        job = await stage.ended()
        assert job.started_at is not None and job.scheduled_at is not None
        assert job.started_at - job.scheduled_at < timedelta(seconds=2)
        assert "late" not in stage.card().plain
        assert any("@Ann" in reply.plain for reply in stage.replies())


async def _make_due(stage: Stage) -> None:
    """The one schedule's next run is a moment from now, as if the hour were over."""
    store = stage.house.storage.schedules
    (schedule,) = await store.schedules()
    now = stage.house.workshop.clock.now()
    await store.count_anew(schedule, now + timedelta(milliseconds=300), now)
    stage.house.wakeups.ring("schedules")


def _pass_by(database: Path, time: timedelta) -> None:
    """As if the bot had been down for so long: what was ahead is so much nearer, or past."""
    columns = (("jobs", "scheduled_at"), ("schedules", "next_run"), ("schedules", "counted_at"))
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in columns:
            rows = connection.execute(f"SELECT id, {column} FROM {table}").fetchall()  # noqa: S608
            for row, at in rows:
                moved = to_text(datetime.fromisoformat(at) - time)
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (moved, row))  # noqa: S608


def _done(channel: Channel) -> int:
    return sum("done" in message.plain for message in channel.messages)
