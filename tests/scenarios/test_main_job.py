"""A person types `/job …` in #dev, a real CLI works, and the channel sees it all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from executor.model import Job, JobStatus
from tests.stage import Stage, set_stage

WAIT = "python3 -c 'import time; time.sleep(1000)'"
pytestmark = [pytest.mark.cli, pytest.mark.timeout(180)]


@pytest.mark.parametrize(("provider", "cost"), [("claude", "cost: $0.01"), ("gemini", "cost: unknown")])
async def test_research_publishes_a_report_and_says_what_it_took(
    tmp_path: Path, provider: str, cost: str
) -> None:
    async with set_stage(tmp_path, provider=provider) as stage:
        reply = await stage.ann.command(
            "/job", "research how do we cache sessions? [[report:caching]]", channel=stage.dev
        )
        assert reply.plain.startswith("Queued as")

        job = await stage.ended()
        assert job.status is JobStatus.DONE

        card = stage.card()
        for part in ("done", "how do we cache sessions?", "ann", provider, cost, "turns: 2", "duration: "):
            assert part in card.plain
        assert card.buttons == ["Resume", "Retry", "Report"]
        states = [state for version in card.history for state in _states(version.text)]
        assert states == sorted(states, key=("pending", "running", "done").index)

        page, *_, result, attached = card.thread
        assert "- 🔧 " in page.plain, "a compact line for the tool call"
        assert "@Ann" in result.plain
        assert "## Findings" in result.plain
        assert sum(said.plain.count("## Findings") for said in card.thread) == 1, "the answer stands once"
        assert cost in result.plain
        assert b"<h1" in attached.files[0].content
        await _report_can_be_read(stage)
        assert [ping.whom for ping in stage.slack.pings] == ["Ann"]


async def test_resume_goes_on_with_the_same_session_in_the_same_thread(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "session remember the number 7 [[hello]]", channel=stage.dev)
        first = await stage.ended()

        short = first.id[:4]
        reply = await stage.ann.command("/job", f"resume {short} which number? [[recall]]", channel=stage.dev)
        assert reply.plain.startswith("Queued as")
        second = await stage.ended()

        assert second.status is JobStatus.DONE
        assert second.parent_job_id == first.id
        assert second.session_id == first.session_id
        assert second.usage.cost_usd == pytest.approx(0.00672), "its own cost, not the session's total"
        cards = [message for message in stage.card().thread if second.short_id in message.plain]
        assert cards, "the new job's card stands in the thread of the first"
        assert len(stage.slack.messages(stage.dev)) == 1


@pytest.mark.parametrize("button", ["Resume", "Retry"])
async def test_the_buttons_of_an_ended_job_start_one_new_job_however_often_they_are_clicked(
    tmp_path: Path, button: str
) -> None:
    """F48."""
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "session say hello [[hello]]", channel=stage.dev)
        first = await stage.ended()
        card = stage.card()

        await asyncio.gather(stage.ann.click(card, button), stage.ann.click(card, button))
        second = await stage.ended()

        assert second.parent_job_id == first.id
        assert (second.session_id == first.session_id) == (button == "Resume")
        assert len(await stage.house.storage.jobs.jobs()) == 2
        assert (await stage.house.storage.jobs.job(first.id)) == first, "what is final stays final"


async def test_cancel_stops_a_running_job_and_everything_it_started(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", f"session wait [[bash:{WAIT}]]", channel=stage.dev)
        await stage.slack.until(
            lambda: any("time.sleep(1000)" in reply.plain for reply in stage.replies()),
            timeout=40,
            what="the tool call in the thread",
        )
        head = stage.card()
        assert head.buttons == ["Cancel"]

        await stage.ann.click(head, "Cancel")
        job = await stage.ended()

        assert job.status is JobStatus.CANCELLED
        assert "cancelled" in head.plain
        assert "ann" in head.plain
        assert "Cancel" not in head.buttons
        assert not any("failed" in reply.plain for reply in head.thread), "it was stopped"
        assert not _running_commands("time.sleep(1000)")


async def test_a_waiting_job_can_be_cancelled_and_never_starts(tmp_path: Path) -> None:
    async with set_stage(tmp_path, slots=1) as stage:
        await stage.ann.command("/job", "session wait [[hang:1000]]", channel=stage.dev)
        await stage.job(lambda job: job.status is JobStatus.RUNNING)
        await stage.ann.command("/job", "session never [[hello]]", channel=stage.dev)
        waiting = (await stage.house.storage.jobs.jobs())[0]

        reply = await stage.ann.command("/job", f"cancel {waiting.id[:8]}", channel=stage.dev)
        assert "is cancelled" in reply.plain
        ended = await stage.ended()
        assert (ended.status, ended.attempt) == (JobStatus.CANCELLED, 0)


async def test_long_output_rolls_over_and_is_attached_whole(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "session write a lot [[long:40000,0.002]]", channel=stage.dev)
        job = await stage.ended()

        assert job.status is JobStatus.DONE
        thread = stage.card().thread
        pages = [m for m in thread if not m.files and "@Ann" not in m.plain]
        assert 2 <= len(pages) <= 5
        for page in pages:
            assert page.plain.count("```") % 2 == 0, "every fence is closed where a page ends"
        (whole,) = [m.files[0] for m in thread if m.files and m.files[0].name.startswith("output-")]
        assert job.result.strip()[-200:] in whole.text
        assert len(whole.text) >= 40_000
        assert not stage.slack.throttled, "paced, so never told to wait"


async def test_a_mention_runs_a_job_in_its_thread(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        head = await stage.ann.mention(stage.dev, "session say hello & go [[hello]]")
        job = await _first_job(stage)
        assert job.prompt == "say hello & go [[hello]]"
        await stage.ended()
        assert "eyes" in head.reactions


async def test_a_bare_command_opens_a_form_that_runs_a_job(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "", channel=stage.dev)
        view = await stage.ann.wait_view()
        names = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        prompt = next(name for name in names if "prompt" in name)

        assert await stage.ann.submit(view, {prompt: " "}), "an empty prompt is refused beside its field"
        assert await stage.ann.submit(view, {prompt: "--model opus? [[hello]]"}) is None
        job = await stage.ended()
        assert job.prompt == "--model opus? [[hello]]"
        assert job.status is JobStatus.DONE


async def _first_job(stage: Stage) -> Job:
    await stage.slack.until(lambda: len(stage.slack.messages(stage.dev)) > 1, timeout=5, what="a card")
    return (await stage.house.storage.jobs.jobs())[0]


async def _report_can_be_read(stage: Stage) -> None:
    job = (await stage.house.storage.jobs.jobs())[0]
    url = f"{stage.bifrost.server.url}/reports/{job.report_slug}/"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        page = await response.text()
        assert response.status == 200
        assert "script" not in response.headers["Content-Security-Policy"].replace("script-src 'none'", "")
    assert "Next steps" in page
    assert "http://" not in page.split("<body")[1].replace("http://127.0.0.1", "")


def _states(text: str) -> list[str]:
    return [state for state in ("pending", "running", "done") if f"· {state}" in text]


def _running_commands(words: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line and "pytest" not in line:
            found.append(line)
    return found
