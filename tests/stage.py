"""The whole bot on a stage: the real app, the real CLIs, and loopback servers in place of the world."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.app import Bifrost
from bot.configuration import load
from bot.house import House, open_house
from bot.platforms.slack.grants import EVENTS, SCOPES
from bot.settings import Settings
from executor.model import Job
from executor.wakeups import TOLD, job_topic
from tests.clis import cli
from tests.forge import ADDRESS
from tests.fsck import check
from tests.simulators.models import ModelSimulator
from tests.simulators.models.environments import (
    ANTHROPIC_KEY,
    ANTHROPIC_TOKEN,
    GEMINI_KEY,
    OPENAI_KEY,
)
from tests.simulators.slack import Channel, Message, Person, Rules, SlackSimulator

_PROVIDERS = ("claude", "gemini", "rehearsal")
_CLAUDE_KEYS = {
    False: f'ANTHROPIC_API_KEY = "{ANTHROPIC_KEY}"',
    True: f'CLAUDE_CODE_OAUTH_TOKEN = "{ANTHROPIC_TOKEN}"',
}
START_S = 15.0
END_S = 45.0
"""Seconds that a real CLI may take on a busy machine; a bound, not an expectation."""


@dataclass(kw_only=True)
class Stage:
    """What a story needs. `ann` and `bob` may use the bot in #dev, `eve` may not."""

    slack: SlackSimulator
    models: ModelSimulator
    settings: Settings
    dev: Channel
    ann: Person
    bob: Person
    eve: Person
    house: House
    bifrost: Bifrost

    async def job(self, condition: Callable[[Job], bool], *, number: int = 0, within_s: float = END_S) -> Job:
        """The `number`-th newest job, as soon as `condition` holds of it."""
        async with asyncio.timeout(within_s):
            (*_, found) = (await self.house.storage.jobs.jobs(limit=number + 1))[: number + 1]
            with self.house.wakeups.listen(job_topic(found.id)) as bell:
                while True:
                    job = await self.house.storage.jobs.job(found.id)
                    if job is not None and condition(job):
                        return job
                    await bell.wait(1)

    async def ended(self, *, number: int = 0, within_s: float = END_S) -> Job:
        """The `number`-th newest job, once it has ended and all of it is told."""
        job = await self.job(lambda job: job.status.final, number=number, within_s=within_s)
        async with asyncio.timeout(within_s):
            with self.house.wakeups.listen(TOLD) as bell:
                while await self.house.storage.outbox.any_due([job.id]):
                    await bell.wait(1)
        return job

    def card(self, number: int = 0) -> Message:
        """The `number`-th message in #dev itself."""
        return self.slack.messages(self.dev)[number]

    def replies(self) -> list[Message]:
        """What stands in the threads of #dev."""
        return [reply for card in self.slack.messages(self.dev) for reply in card.thread]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the bot is set up. `executable` stands in for the real claude."""

    provider: str = "claude"
    http: bool = False
    """Slack calls the bot, instead of being listened to over a socket."""
    oauth: bool = False
    executable: str = ""
    step_seconds: float = 0
    slots: int = 4
    drain_seconds: float = 0
    inactivity: str = "5m"
    permissions: str = "bypass"
    """What agents may do in `main` without asking."""
    patience: str = "30m"
    """How long a job waits for a person with its process."""
    replies: str = "mention"
    admin: bool = False
    """Whether Ann is an admin of the bot."""
    workspaces: Mapping[str, Path] = field(default_factory=dict)
    """Others than `main`."""
    worktrees: bool = False
    """Whether there is a workspace `tree`, a git repository, whose jobs work in worktrees."""
    more: str = ""
    """Sections of the configuration beside these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """The world around the bot, and the configuration that points it there."""

    slack: SlackSimulator
    models: ModelSimulator
    config: Path
    people: list[Person]


@asynccontextmanager
async def hang_backdrop(place: Path, wishes: Wishes, rules: Rules | None = None) -> AsyncIterator[Backdrop]:
    """Slack and the model APIs on loopback, and a configuration for them under `place`."""
    async with SlackSimulator(scopes=SCOPES, events=EVENTS, rules=rules) as slack, ModelSimulator() as models:
        slack.channel("dev")
        people = [slack.person(name) for name in ("Ann", "Bob", "Eve")]
        config = _write_config(place, slack, models, people[:2], wishes)
        yield Backdrop(slack=slack, models=models, config=config, people=people)


@asynccontextmanager
async def set_stage(place: Path, rules: Rules | None = None, **wishes: Any) -> AsyncIterator[Stage]:
    """A stage as `wishes` say (fields of Wishes). When it is struck, the database must be sound."""
    async with hang_backdrop(place, Wishes(**wishes), rules) as backdrop:
        settings = load(backdrop.config, {})
        async with running(settings) as (house, bifrost):
            if settings.slack.signing_secret.get_secret_value():
                backdrop.slack.call_at(f"{bifrost.server.url}/slack/events")
            ann, bob, eve = backdrop.people
            yield Stage(
                slack=backdrop.slack,
                models=backdrop.models,
                settings=settings,
                dev=backdrop.slack.channel("dev"),
                ann=ann,
                bob=bob,
                eve=eve,
                house=house,
                bifrost=bifrost,
            )
    check(settings.data_dir / "bifrost.db")


@asynccontextmanager
async def running(
    settings: Settings, connects: Sequence[str] = ("slack", "discord"), *, only: str | None = None
) -> AsyncIterator[tuple[House, Bifrost]]:
    """The bot, once it `connects`, with every other door open; it is stopped as SIGTERM would stop it.

    `only` is the one job that its workers may have.
    """
    environment = {"PATH": os.environ["PATH"]}
    stop = asyncio.Event()
    async with open_house(settings, environment) as house:
        bifrost = Bifrost(house, serve=True, only=only)
        working = asyncio.create_task(bifrost.run(stop))
        try:
            async with asyncio.timeout(START_S):
                await bifrost.started.wait()
                if bifrost.slack is not None and "slack" in connects:
                    await bifrost.slack.ready.wait()
                if bifrost.discord is not None and "discord" in connects:
                    await bifrost.discord.ready.wait()
            yield house, bifrost
        finally:
            stop.set()
            await asyncio.wait_for(working, START_S)


def _write_config(
    place: Path, slack: SlackSimulator, models: ModelSimulator, people: list[Person], wishes: Wishes
) -> Path:
    workspace = place / "workspace"
    workspace.mkdir(exist_ok=True)
    main = f'{{ path = "{workspace}", permissions = "{wishes.permissions}" }}'
    workspaces = ", ".join(f'{name} = "{path}"' for name, path in wishes.workspaces.items())
    if wishes.worktrees:
        workspaces += (
            f', tree = {{ path = "{_plant(place / "tree")}", worktrees = true, pull_requests = "{ADDRESS}" }}'
        )
    (workspace / "sessions.py").write_text("def cache_session(key):\n    return SESSIONS[key]\n")
    codex = _write_codex(place, models)
    if wishes.provider == "codex":
        _settle_codex(place / "data" / "agents" / "main", models)
    order = [wishes.provider, *(each for each in _PROVIDERS if each != wishes.provider)]
    path = place / "bifrost.toml"
    path.write_text(
        f"""
        data_dir = "{place / "data"}"
        grace_seconds = 2
        drain_seconds = {wishes.drain_seconds}
        slots = {wishes.slots}
        question_patience = "{wishes.patience}"
        workspaces = {{ main = {main}{workspaces and ", "}{workspaces.removeprefix(", ")} }}
        web = {{ port = 0 }}
        inactivity = {{ claude = "{wishes.inactivity}", gemini = "{wishes.inactivity}" }}
        [slack]
        bot_token = "{slack.bot_token}"
        {f'signing_secret = "{slack.signing_secret}"' if wishes.http else f'app_token = "{slack.app_token}"'}
        api_url = "{slack.base_url}"
        replies = "{wishes.replies}"
        channels = ["{slack.channel("dev").id}"]
        people = {json.dumps([person.id for person in people])}
        admins = {json.dumps([people[0].id] if wishes.admin else [])}
        [agents]
        providers = {json.dumps(order)}
        rehearsal = {{ step_seconds = {wishes.step_seconds} }}
        [agents.claude]
        executable = "{wishes.executable or cli("claude")}"
        allow_root = true
        [agents.claude.environment]
        {_CLAUDE_KEYS[wishes.oauth]}
        ANTHROPIC_BASE_URL = "{models.url}"
        [agents.gemini]
        executable = "{cli("gemini")}"
        [agents.gemini.environment]
        GEMINI_API_KEY = "{GEMINI_KEY}"
        GOOGLE_GEMINI_BASE_URL = "{models.url}"
        [agents.codex]
        executable = "{codex}"
        [agents.codex.environment]
        CODEX_API_KEY = "{OPENAI_KEY}"
        {wishes.more}
        """
    )
    return path


def _plant(tree: Path) -> Path:
    """A git repository with one commit."""
    tree.mkdir(exist_ok=True)
    (tree / "code.txt").write_text("one\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-qm", "Begin")):
        subprocess.run(("git", *words), cwd=tree, check=True)
    return tree


def _write_codex(place: Path, models: ModelSimulator) -> Path:
    """A codex that refuses to start from a home that does not name the simulator.

    Its endpoint can be set in its home alone: without, it would ask the provider that is built in.
    """
    script = place / "codex"
    script.write_text(
        f"""#!/bin/sh
        if [ "$1" = --version ] || grep -qF "{models.url}/v1" "$CODEX_HOME/config.toml"
        then exec "{cli("codex")}" "$@"
        fi
        echo "config.toml does not name the simulator" >&2
        exit 97
        """
    )
    script.chmod(0o755)
    return script


def _settle_codex(homes: Path, models: ModelSimulator) -> None:
    models.codex_env(homes)
    (homes / "codex").mkdir(exist_ok=True)
    (homes / ".codex" / "config.toml").replace(homes / "codex" / "config.toml")
    (homes / ".codex").rmdir()
