"""A day at a team's: every type of job, done by each real CLI, asked for on Slack and on Discord."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp
import pytest

from executor.model import Job, JobStatus
from executor.wakeups import TOLD, job_topic
from storage.hub.authors import OWNER
from storage.hub.feedback import FeedbackStatus, NewFeedback
from storage.hub.logs import LogFilter
from storage.hub.tasks import Area, NewTask, TaskChanges, TaskStatus
from tests.simulators.discord import Channel, DiscordSimulator, Person
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(180)]
Ask = Callable[[str, Mapping[str, str]], Awaitable[None]]
END_S = 120.0
"""Seconds for all five, side by side on a busy machine; a bound, not an expectation."""
COMMANDS = {
    "claude": (".claude/commands/greet.md", "Greet $ARGUMENTS warmly.\n"),
    "gemini": (".gemini/commands/greet.toml", 'prompt = "Greet {{args}} warmly."\n'),
    "codex": (".codex/prompts/greet.md", "Greet $ARGUMENTS warmly.\n"),
}
COMMIT = "git -c user.name=Agent -c user.email=agent@example.org commit -qm"


def repository(place: Path, provider: str) -> Path:
    """A checkout that brings a command of its own."""
    workspace = place / "workspace"
    path, text = COMMANDS[provider]
    file = workspace / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    subprocess.run(["git", "init", "-q", workspace], check=True, timeout=10)
    return workspace


def commits(workspace: Path) -> list[str]:
    """What each commit says, the first one first."""
    log = ["git", "-C", str(workspace), "log", "--reverse", "--format=%s"]
    return subprocess.run(log, check=True, timeout=10, capture_output=True, text=True).stdout.splitlines()


def step(number: int) -> str:
    """A step of a program in which the agent commits a file."""
    done = f"echo {number} > step-{number} && git add step-{number} && {COMMIT} 'Step {number}'"
    return f"- Step {number}: [[bash:{done}]]"


def discord_section(discord: DiscordSimulator, ann: Person) -> str:
    """Settings by which the bot works for her in Discord, too."""
    return f"""
        [discord]
        token = "{discord.token}"
        api_url = "{discord.api_url}"
        guilds = ["{discord.guild.id}"]
        channels = ["{discord.channel("dev").id}"]
        people = {json.dumps([ann.id])}
        """


def on_slack(stage: Stage) -> Ask:
    """Types the command as a person on Slack does."""

    async def ask(verb: str, options: Mapping[str, str]) -> None:
        words = "".join(f" --{name} {value}" for name, value in options.items() if name != "prompt")
        reply = await stage.ann.command("/job", f"{verb}{words} -- {options['prompt']}", channel=stage.dev)
        assert reply.plain.startswith("Queued as"), reply.plain

    return ask


def on_discord(ann: Person, dev: Channel) -> Ask:
    """Fills in the options as a person on Discord does."""

    async def ask(verb: str, options: Mapping[str, str]) -> None:
        reply = await ann.runs(f"/job {verb}", options, channel=dev)
        assert reply.text.startswith("Queued as"), reply.text

    return ask


async def all_told(stage: Stage) -> dict[str, Job]:
    """The jobs by their types, once each has ended and all is told of it."""
    jobs: dict[str, Job] = {}
    store = stage.house.storage
    async with asyncio.timeout(END_S):
        for newest in await store.jobs.jobs():
            with stage.house.wakeups.listen(job_topic(newest.id)) as bell:
                while not (job := await store.jobs.job(newest.id) or newest).status.final:
                    await bell.wait(1)
            jobs[job.type] = job
        with stage.house.wakeups.listen(TOLD) as bell:
            while await store.outbox.any_due([job.id for job in jobs.values()]):
                await bell.wait(1)
    return jobs


async def ask_for_all(stage: Stage, ask: Ask) -> None:
    """One job of each type; what their agents do is written into what is asked for."""
    store = stage.house.storage
    filed = await store.feedback.add(NewFeedback(content="The login page is slow"), OWNER)
    await store.tasks.add(NewTask(id="A82", name="Fix the cache", workspace=Area.DEV), OWNER)
    await store.tasks.change("A82", TaskChanges(status=TaskStatus.READY), OWNER)
    steps = "\n".join(map(step, (1, 2)))
    await ask("research", {"prompt": 'sessions [[use:publish_report {"markdown":"# How sessions live"}]]'})
    await ask(
        "clara",
        {
            "prompt": 'sweep [[use:create_task {"id":"d-slow","name":"A fast login","workspace":"dev"}'
            f'|process_feedback {{"id":"{filed.id}","processed_note":"Task d-slow"}}]]'
        },
    )
    await ask("workflow", {"prompt": "/greet Bob [[hello]]"})
    await ask("session", {"task": "A82", "prompt": '[[use:update_task {"id":"A82","status":"active"}]]'})
    await ask("autopilot", {"prompt": steps})


@pytest.mark.parametrize(
    ("provider", "platform"),
    [("claude", "slack"), ("gemini", "discord"), ("codex", "slack")],
)
async def test_every_type_of_job_leaves_what_it_is_for(provider: str, platform: str, tmp_path: Path) -> None:
    workspace = repository(tmp_path, provider)
    async with DiscordSimulator() as discord:
        ann = discord.person("Ann")
        more = discord_section(discord, ann)
        async with set_stage(tmp_path, provider=provider, slots=5, more=more) as stage:
            dev = discord.channel("dev")
            await ask_for_all(stage, on_slack(stage) if platform == "slack" else on_discord(ann, dev))
            jobs = await all_told(stage)
            assert {job.type: (job.status, job.message) for job in jobs.values()} == {
                each: (JobStatus.DONE, jobs[each].message)
                for each in ("research", "clara", "workflow", "session", "autopilot")
            }
            await _left_behind(stage, jobs, workspace)
            channel = stage.slack.messages(stage.dev) if platform == "slack" else dev.messages
            assert len([card for card in channel if "done" in card.plain]) == 5


async def _left_behind(stage: Stage, jobs: Mapping[str, Job], workspace: Path) -> None:
    store = stage.house.storage
    url = f"{stage.bifrost.server.url}/reports/{jobs['research'].report_slug}/"
    async with aiohttp.ClientSession() as session, session.get(url) as page:
        assert "How sessions live" in await page.text()
    (feedback,) = await store.feedback.newest()
    assert (feedback.status, feedback.processed_note) == (FeedbackStatus.PROCESSED, "Task d-slow")
    tasks = {task.id: task.status for task in await store.tasks.tasks()}
    assert tasks == {"A82": TaskStatus.ACTIVE, "d-slow": TaskStatus.DRAFT}
    (spent,) = await store.logs.velocity(LogFilter(task_id="A82"))
    assert spent.notes == f"session {jobs['session'].short_id}, done"
    told = "\n".join(text for request in stage.models.requests for text in request.texts)
    assert "Greet Bob [[hello]] warmly." in told
    autopilot = jobs["autopilot"]
    assert (autopilot.step, autopilot.attempt) == (2, 2), "each step is an attempt of its own"
    assert commits(workspace) == ["Step 1", "Step 2"]
