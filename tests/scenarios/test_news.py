"""What people read of a job on Slack, also where Slack refuses, delays, loses or repeats something."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from bot.configuration import load
from bot.news import words
from executor.model import JobStatus
from tests.fsck import check
from tests.simulators.slack import Call, Message
from tests.stage import Stage, Wishes, hang_backdrop, running, set_stage

pytestmark = pytest.mark.timeout(60)
SLOWLY: dict[str, Any] = {"provider": "rehearsal", "step_seconds": 0.3}


def direct(stage: Stage) -> list[Message]:
    """What the bot has told Ann alone, in messages that stay."""
    return stage.slack.messages(stage.slack.dm(stage.ann))


def results(stage: Stage) -> list[Message]:
    return [reply for reply in stage.replies() if "@Ann" in reply.plain]


async def works(stage: Stage) -> Message:
    """The card of a job of Ann's that has begun to work."""
    await stage.ann.command("/job", "session how do we cache?", channel=stage.dev)
    await stage.slack.until(stage.replies, what="live output")
    return stage.card()


async def test_a_job_where_the_bot_is_no_member_runs_and_its_asker_learns_why_nothing_shows(
    tmp_path: Path,
) -> None:
    """F44."""
    async with set_stage(tmp_path, **SLOWLY) as stage:
        stage.dev.bot_is_member = False
        await stage.ann.command("/job", "research how do we cache sessions?", channel=stage.dev)
        job = await stage.ended()

        assert job.status is JobStatus.DONE
        why, last = direct(stage)
        assert "invite me there with `/invite @Bifrost`" in why.plain
        assert f"/job show {job.short_id}" in why.plain
        assert job.result.strip()[:100] in last.plain
        assert last.buttons == ["Report"]
        assert stage.slack.messages(stage.dev) == []
        shown = await stage.ann.command("/job", f"show {job.short_id}", channel=stage.dev)
        assert "- done · cost" in shown.plain


async def test_a_bot_that_is_invited_while_the_job_runs_tells_the_end_in_the_channel(tmp_path: Path) -> None:
    """F44."""
    async with set_stage(tmp_path, **SLOWLY) as stage:
        stage.dev.bot_is_member = False
        await stage.ann.command("/job", "session how do we cache?", channel=stage.dev)
        await stage.slack.until(lambda: direct(stage), what="why nothing shows")
        stage.dev.bot_is_member = True
        await stage.ended()
        assert "done" in stage.card().plain
        assert len(results(stage)) == len(direct(stage)) == 1


@pytest.mark.parametrize("shuts", ["archived", "bot_is_member"])
async def test_a_channel_that_is_shut_in_mid_job_leaves_the_last_word_to_the_asker(
    tmp_path: Path, shuts: str
) -> None:
    """F44."""
    async with set_stage(tmp_path, **SLOWLY) as stage:
        await works(stage)
        setattr(stage.dev, shuts, shuts == "archived")
        job = await stage.ended()
        (last,) = direct(stage)
        assert job.result.strip()[:100] in last.plain
        assert "the channel does not take it" in last.plain


async def test_a_channel_that_is_deleted_in_mid_job_ends_quietly(tmp_path: Path) -> None:
    """F44."""
    async with set_stage(tmp_path, **SLOWLY) as stage:
        await works(stage)
        calls = len(stage.slack.calls)
        card, page = stage.card(), stage.replies()[0]
        del stage.slack.workspace.channels[stage.dev.id]
        await stage.ended()
        (last,) = direct(stage)
        assert "I see no such channel" in last.plain
        refused = Counter(_about(call) for call in stage.slack.calls[calls:] if call.error)
        # The last word, which then goes to Ann, and each file once: what takes no words may take files, and
        # nobody is sent them elsewhere. So is what the page has become; and the card twice at most: a change
        # in mid-job, which freezes it, and its end, as the channel may be back by then.
        most = {"the last word": 1, "The whole output": 1, "report.md": 1, page.ts: 1, card.ts: 2}
        assert refused <= Counter(most)
        assert refused["the last word"] == refused["report.md"] == 1


def _about(call: Call) -> str:
    """What a call would have said: the message that it edits, the title of a file, or the last word."""
    if call.method == "files.completeUploadExternal":
        return str(orjson.loads(call.args["files"])[0]["title"])
    return str(call.args["ts"]) if call.method == "chat.update" else "the last word"


async def test_a_card_that_is_deleted_in_mid_job_is_posted_again_and_goes_on(tmp_path: Path) -> None:
    """F44."""
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=30) as stage:
        card = await works(stage)
        stage.slack.workspace.delete(card)
        job = (await stage.house.storage.jobs.jobs())[0]
        await stage.ann.command("/job", f"cancel {job.short_id}", channel=stage.dev)
        await stage.ended()
        assert "cancelled by: ann" in stage.card().plain
        assert stage.card().buttons == ["Resume", "Retry"]
        assert len(results(stage)) == 1, "under the new card"
        assert len(stage.slack.messages(stage.dev)) == 1


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_a_slack_that_wants_us_to_wait_delays_the_news_and_not_the_job(
    tmp_path: Path, method: str
) -> None:
    """F41."""
    async with set_stage(tmp_path, **SLOWLY) as stage:
        await works(stage)
        stage.slack.fail_next(method, retry_after=3)
        job = await stage.job(lambda job: job.status.final, within_s=2.5)
        await stage.ended()
        assert len(results(stage)) == 1
        assert job.result.strip()[:100] in results(stage)[0].plain
        assert "done" in stage.card().plain
        assert len(stage.slack.throttled) == 1


async def test_a_slack_that_fails_or_loses_its_answers_repeats_nothing_and_drops_nothing(
    tmp_path: Path,
) -> None:
    """F42."""
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=0) as stage:
        stage.slack.fail_next("chat.postMessage", status=503)
        stage.slack.fail_next("chat.postMessage", drop_after_store=True, times=2)
        await stage.ann.command("/job", "session how do we cache?", channel=stage.dev)
        await stage.ended()
        assert len(stage.slack.messages(stage.dev)) == 1
        assert "done" in stage.card().plain
        assert len(results(stage)) == 1
        assert len({reply.plain for reply in stage.replies()}) == len(stage.replies())


async def test_a_prompt_is_shown_to_the_letter_and_calls_nobody(tmp_path: Path) -> None:
    typed = "*x* <!here> # h _y_ `z` :tada: [a](https://b.example)"
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.ann.command("/job", f"session {typed}", channel=stage.dev)
        await stage.ended()
        (quote,) = [block for block in stage.card().blocks if "*x*" in str(block)]
        assert quote["text"] == {
            "type": "plain_text",
            "text": typed.replace("<", "&lt;").replace(">", "&gt;"),
            "emoji": False,
        }
        assert {ping.whom for ping in stage.slack.pings} == {"Ann"}


async def test_a_mention_is_shown_with_a_name_and_what_held_the_job(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=0) as stage:
        await stage.ann.mention(stage.dev, "session how do we cache?")
        await stage.slack.until(lambda: len(stage.slack.messages(stage.dev)) == 2, what="a card")
        await stage.ended()
        assert "by: ann · " in stage.card(1).plain
        assert f"sandbox: {words.sandbox(stage.house.sandbox.mode)}" in stage.card(1).plain


async def test_a_click_counts_once_however_it_comes_and_also_after_a_restart(tmp_path: Path) -> None:
    """F48: pressed by two people, delivered twice, replayed, and all that to a bot that was started again."""
    async with hang_backdrop(tmp_path, Wishes(provider="rehearsal", step_seconds=0)) as backdrop:
        slack, (ann, bob, _) = backdrop.slack, backdrop.people
        dev, settings = slack.channel("dev"), load(backdrop.config, {})
        async with running(settings):
            await ann.command("/job", "session how do we cache?", channel=dev)
            (card,) = await slack.until(lambda: [m for m in dev.messages if "Retry" in m.buttons])
        async with running(settings) as (house, _):
            slack.duplicate_next(new_envelope_id=True)
            await asyncio.gather(*(who.click(card, "Retry") for who in (ann, bob)))
            await slack.until(lambda: bob.ephemerals, what="a reason for Bob")
            assert "started by somebody else" in bob.ephemerals[-1].plain
            for click in [each for each in slack.deliveries if each.kind == "interactive"]:
                await slack.redeliver(click, new_envelope_id=True)
            assert len(await house.storage.jobs.jobs()) == 2
    check(settings.data_dir / "bifrost.db")
