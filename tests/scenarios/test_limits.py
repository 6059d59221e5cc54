"""A usage limit is waited for, on the card and by every job of its provider, and then the work goes on."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.simulators.slack import Message
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(180)]


async def said(stage: Stage, card: Message, *parts: str) -> None:
    await stage.slack.until(
        lambda: all(part in card.plain for part in parts), timeout=30, what=f"{parts} on the card"
    )


async def limited(stage: Stage, seconds: int) -> Message:
    """The card of a job that waits for the usage limit of the real claude."""
    await stage.ann.command("/job", f"session remember 7 [[rluni_once:{seconds}]]", channel=stage.dev)
    await stage.job(lambda job: job.status is JobStatus.RATE_LIMITED)
    card = stage.card()
    await said(stage, card, "rate limited", "goes on: in ", "goes on at: ")
    assert card.buttons == ["Resume now", "Cancel retry"]
    return card


async def test_a_limited_job_counts_down_and_goes_on_by_itself_with_its_session(tmp_path: Path) -> None:
    async with set_stage(tmp_path, oauth=True) as stage:
        card = await limited(stage, 8)
        waiting = (await stage.house.storage.jobs.jobs())[0]
        assert waiting.retry_at is not None
        assert f"<!date^{int(waiting.retry_at.timestamp())}^" in str(card.blocks)

        job = await stage.ended()

        assert (job.status, job.attempt) == (JobStatus.DONE, 2)
        assert job.session_id == waiting.session_id
        assert job.finished_at is not None
        assert job.finished_at > waiting.retry_at
        assert "done" in card.plain
        first, second = await stage.house.storage.jobs.attempts(job.id)
        assert (first.outcome, second.outcome) == ("limited", "done")
        shown = await stage.ann.command("/job", f"show {job.short_id}", channel=stage.dev)
        assert "attempt 1: limited (rate_limit)" in shown.plain
        assert "attempt 2: done" in shown.plain


async def test_other_jobs_of_the_provider_wait_too_say_so_and_resume_now_frees_them(tmp_path: Path) -> None:
    async with set_stage(tmp_path, oauth=True) as stage:
        card = await limited(stage, 3600)
        await stage.bob.command("/job", "research what else? [[hello]]", channel=stage.dev)
        await stage.slack.until(
            lambda: len(stage.slack.messages(stage.dev)) > 1, timeout=10, what="the second card"
        )
        second = stage.card(1)
        await said(stage, second, "pending", "waits for the usage limit of claude until: ")
        other = (await stage.house.storage.jobs.jobs())[0]
        shown = await stage.bob.command("/job", f"show {other.short_id}", channel=stage.dev)
        assert "waits for the usage limit of claude until" in shown.plain

        await stage.ann.click(card, "Resume now")

        assert (await stage.ended(number=1)).status is JobStatus.DONE
        assert (await stage.ended()).status is JobStatus.DONE


async def test_cancel_retry_ends_the_wait(tmp_path: Path) -> None:
    async with set_stage(tmp_path, oauth=True) as stage:
        card = await limited(stage, 3600)
        await stage.ann.click(card, "Cancel retry")
        job = await stage.ended()
        assert (job.status, job.attempt, job.cancelled_by) == (JobStatus.CANCELLED, 1, "ann")


async def test_a_session_that_is_gone_is_started_afresh_and_the_thread_says_so(tmp_path: Path) -> None:
    """F37."""
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "session remember the number 7 [[hello]]", channel=stage.dev)
        first = await stage.ended()
        shutil.rmtree(stage.settings.data_dir / "agents" / "main" / "claude")

        await stage.ann.command("/job", f"resume {first.short_id} which? [[recall]]", channel=stage.dev)
        job = await stage.ended()

        assert (job.status, job.attempt) == (JobStatus.DONE, 2)
        assert job.session_id not in (None, first.session_id)
        thread = "\n".join(reply.plain for reply in stage.replies())
        assert "There is no session to go on with; it starts afresh." in thread


async def test_a_job_is_stopped_when_the_time_is_up_that_was_asked_for(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "session wait [[hang:1000]] --timeout 4s", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.reason) == (JobStatus.FAILED, "timeout")
        assert "after 4 s" in stage.card().plain


async def test_a_cli_that_hangs_is_stopped(tmp_path: Path) -> None:
    """F26."""
    script = tmp_path / "claude"
    script.write_text("#!/bin/sh\necho hello\nexec sleep 1000\n")
    script.chmod(0o755)
    async with set_stage(tmp_path, executable=str(script), inactivity="2s") as stage:
        await stage.ann.command("/job", "session hang", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.reason) == (JobStatus.FAILED, "inactivity")
        assert "claude said nothing for 2 s" in stage.card().plain


async def test_a_bot_that_is_stopped_lets_a_job_end_that_nearly_has(tmp_path: Path) -> None:
    """F50."""
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=0.3, drain_seconds=12) as stage:
        await stage.ann.command("/job", "session how are sessions cached?", channel=stage.dev)
        await stage.job(lambda job: job.status is JobStatus.RUNNING)
    with closing(sqlite3.connect(tmp_path / "data" / "bifrost.db")) as connection:
        assert connection.execute("SELECT status, attempt FROM jobs").fetchall() == [("done", 1)]
