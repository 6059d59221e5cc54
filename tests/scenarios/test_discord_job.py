"""A person runs `/job …` in #dev on Discord, an agent works, and the channel sees it all."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from bot.configuration import load
from bot.doctor import examine
from bot.findings import Finding
from bot.house import House
from bot.settings import Settings
from executor.model import Job, JobStatus
from executor.wakeups import TOLD, job_topic
from tests.fsck import check
from tests.simulators.discord import Channel, DiscordSimulator, Message, Person
from tests.stage import running

LATER_S = 30.0
pytestmark = pytest.mark.timeout(120)


class Scene:
    """Discord with #dev, Ann who may use the bot and Eve who may not; the bot comes and goes."""

    def __init__(self, discord: DiscordSimulator, place: Path) -> None:
        self.discord = discord
        self.dev: Channel = discord.channel("dev")
        self.ann: Person = discord.person("Ann")
        self.eve: Person = discord.person("Eve")
        self._place = place

    def settings(self, step_seconds: float = 0.0, replies: str = "button") -> Settings:
        """With the agent that needs no account, so slow."""
        workspace = self._place / "workspace"
        workspace.mkdir(exist_ok=True)
        (workspace / "sessions.py").write_text("def cache_session(key):\n    return SESSIONS[key]\n")
        config = self._place / "bifrost.toml"
        config.write_text(
            f"""
            data_dir = "{self._place / "data"}"
            grace_seconds = 2
            drain_seconds = 0
            workspaces = {{ main = "{workspace}" }}
            web = {{ port = 0, public_url = "https://bifrost.example" }}
            agents = {{ providers = ["rehearsal"], rehearsal = {{ step_seconds = {step_seconds} }} }}
            [discord]
            token = "{self.discord.token}"
            api_url = "{self.discord.api_url}"
            guilds = ["{self.discord.guild.id}"]
            channels = ["{self.dev.id}"]
            people = {json.dumps([self.ann.id])}
            admins = {json.dumps([self.ann.id])}
            replies = "{replies}"
            """
        )
        return load(config, {})

    async def sees(self, condition: Callable[[], object], what: str) -> None:
        await self.discord.until(condition, timeout=LATER_S, what=what)

    @property
    def card(self) -> Message:
        return self.dev.messages[0]

    @property
    def replies(self) -> list[Message]:
        return [reply for card in self.dev.messages if card.thread for reply in card.thread.messages]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with DiscordSimulator() as discord:
        yield Scene(discord, tmp_path)
    check(tmp_path / "data" / "bifrost.db")


@asynccontextmanager
async def bot(scene: Scene, step_seconds: float = 0.0, replies: str = "button") -> AsyncIterator[House]:
    async with running(scene.settings(step_seconds, replies)) as (house, _):
        yield house


async def ended(house: House) -> Job:
    """The newest job, once it has ended and all of it is told."""
    async with asyncio.timeout(LATER_S):
        (newest,) = await house.storage.jobs.jobs(limit=1)
        with house.wakeups.listen(job_topic(newest.id)) as bell:
            while not (job := await house.storage.jobs.job(newest.id) or newest).status.final:
                await bell.wait(1)
        with house.wakeups.listen(TOLD) as bell:
            while await house.storage.outbox.any_due([job.id]):
                await bell.wait(1)
    return job


async def test_research_is_told_in_the_channel_and_in_its_thread(scene: Scene) -> None:
    async with bot(scene) as house:
        asked = await scene.ann.runs(
            "/job research", {"prompt": "how do we cache sessions?"}, channel=scene.dev
        )
        assert asked.is_private
        assert asked.text.startswith("Queued as")
        job = await ended(house)

    assert job.status is JobStatus.DONE
    assert len(scene.dev.messages) == 1
    card = scene.card
    for part in ("done", "how do we cache sessions?", "Ann", "rehearsal", "cost: ", "turns: ", "duration: "):
        assert part in card.plain
    assert card.buttons == ["Resume", "Reply", "Retry", "Report"]
    assert card.accent == 0x57F287
    assert card.thread is not None
    assert card.thread.name == f"research {job.short_id} · how do we cache sessions?"
    page, *_, result, report = scene.replies
    assert "cache_session" in page.content
    assert "@Ann" in result.plain
    assert report.files[0].name == f"report-{job.short_id}.html"
    assert [ping.whom for ping in scene.discord.pings] == ["Ann"]
    assert scene.discord.throttled == []


async def test_cancel_then_resume_then_a_restart_and_the_buttons_still_work(scene: Scene) -> None:
    async with bot(scene, step_seconds=1) as house:
        await scene.ann.runs("/job session", {"prompt": "where is cache_session?"}, channel=scene.dev)
        await scene.sees(lambda: scene.replies, "output in the thread")
        asked = await scene.ann.clicks(scene.card, "Cancel")
        assert asked.original is not None
        assert scene.card.buttons[:2] == ["Cancel", "Reply"], "nothing is stopped before it is confirmed"
        stopped = await scene.ann.clicks(asked.original, "Yes, cancel")
        assert "Stopping job" in stopped.text
        first = await ended(house)
        assert first.status is JobStatus.CANCELLED
        assert "cancelled" in scene.card.plain

    async with bot(scene) as house:
        done = await scene.ann.clicks(scene.card, "Resume")
        assert not done.failed
        second = await ended(house)
        assert (second.status, second.parent_job_id) == (JobStatus.DONE, first.id)
        assert second.session_id == first.session_id
        assert len(scene.dev.messages) == 1, "the second card stands in the thread of the first"

        card = next(message for message in scene.replies if second.short_id in message.plain)
        opened = await scene.ann.clicks(card, "Reply")
        await scene.ann.submits(opened, {"prompt": "and the tests?"})
        third = await ended(house)
        assert (third.prompt, third.parent_job_id) == ("and the tests?", second.id)
        assert len(await house.storage.jobs.jobs()) == 3


async def test_a_stranger_reads_why_and_nobody_else_does(scene: Scene) -> None:
    async with bot(scene) as house:
        asked = await scene.eve.runs("/job research", {"prompt": "x"}, channel=scene.dev)
        assert asked.is_private
        assert f"add `{scene.eve.id}` to `people` under `[discord]`" in asked.text
        assert await scene.eve.types("/job cancel", "id", "", channel=scene.dev) == []
        assert await house.storage.jobs.jobs() == []
    assert scene.dev.messages == []


async def test_a_token_that_discord_refuses_stops_discord_alone(scene: Scene) -> None:
    async with running(scene.settings()) as (house, bifrost):
        assert bifrost.discord_problem == ""
        with _refused() as refused:
            scene.discord.gateway.drop(4004)
            await asyncio.wait_for(refused.wait(), LATER_S)
        assert "bot token" in bifrost.discord_problem
        assert await house.storage.jobs.jobs() == []


async def test_a_thread_is_one_conversation_also_over_an_absence(scene: Scene) -> None:
    scene.discord.allow_content()
    async with bot(scene, replies="all", step_seconds=0.3) as house:
        await scene.ann.runs("/job research", {"prompt": "how do we cache?"}, channel=scene.dev)
        await scene.sees(lambda: scene.dev.messages and "Reply" in scene.card.buttons, "a job that runs")
        await scene.sees(lambda: scene.card.thread and scene.replies, "its output in its thread")
        thread = scene.card.thread
        assert thread is not None
        first = scene.discord.say(scene.ann, thread, "and the tests")
        aside = scene.discord.say(scene.eve, thread, "nice")
        await scene.sees(lambda: first.reactions, "eyes")
        job = await ended(house)
        assert job.status is JobStatus.DONE, job
    said = [scene.discord.say(scene.ann, thread, words) for words in ("now the docs", "and the log")]
    for _ in range(2):
        async with bot(scene, replies="all") as house:
            await scene.sees(lambda: all(each.reactions for each in said), "eyes")
            job = await ended(house)
    async with bot(scene) as house:
        jobs = await house.storage.jobs.jobs()
    prompts = [each.prompt for each in reversed(jobs)]
    assert prompts[0] == "how do we cache?"
    assert " ".join("\n".join(prompts[1:]).split()) == "and the tests now the docs and the log"
    assert job.session_id == jobs[-1].session_id
    assert not aside.reactions


async def test_the_form_of_a_job_that_runs_is_a_reply_to_it(scene: Scene) -> None:
    async with bot(scene, step_seconds=0.5) as house:
        await scene.ann.runs("/job research", {"prompt": "how do we cache?"}, channel=scene.dev)
        await scene.sees(lambda: scene.dev.messages and "Reply" in scene.card.buttons, "a job that runs")
        opened = await scene.ann.clicks(scene.card, "Reply")
        done = await scene.ann.submits(opened, {"prompt": "and the tests"})
        assert "Your reply is kept" in done.text
        await scene.sees(lambda: "Take the reply now" in scene.card.buttons, "that it waits")
        await ended(house)


async def test_the_doctor_tries_the_token(tmp_path: Path) -> None:
    async with DiscordSimulator() as discord:
        settings = Scene(discord, tmp_path).settings()

        async def found() -> Finding:
            findings = await examine(settings, {"PATH": "/usr/bin:/bin"}, None)
            return next(finding for finding in findings if finding.what == "discord")

        assert ((await found()).ok, (await found()).seen) == (True, "as bifrost")
        settings = Scene(discord, tmp_path).settings(replies="all")
        assert "Message Content Intent" in (await found()).advice
        discord.allow_content()
        assert (await found()).ok
        discord.refuse_token()
        refused = await found()
        assert (refused.ok, refused.seen) == (False, "401: Unauthorized")
        assert "developer portal" in refused.advice


@contextmanager
def _refused() -> Iterator[asyncio.Event]:
    """Set once the log says that Discord will not have us."""
    said = asyncio.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("discord.refused"):
                said.set()

    logger, listener = logging.getLogger("bot.app"), Listener()
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)


async def test_an_admin_gets_a_link_to_the_page_alone(scene: Scene) -> None:
    async with bot(scene):
        asked = await scene.ann.runs("/job web", {}, channel=scene.dev)
        assert asked.is_private
        assert "<https://bifrost.example/login/" in asked.text, (
            "in brackets, so that nobody looks at it ahead"
        )
        assert not scene.dev.messages
