"""The composition root: names the concrete parts, puts them together, and owns their lifetimes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.data_dir import DataDir
from bot.departure import departing
from bot.desk.access import EVERYBODY, Access, Rule
from bot.desk.desk import Desk
from bot.loop_watch import LoopWatch
from bot.news import words
from bot.news.announcer import Announcer
from bot.news.newsroom import Newsroom
from bot.platforms.base import ChatPlatform, SetupFault
from bot.platforms.discord.adapter import DiscordAdapter
from bot.platforms.slack.adapter import SlackAdapter
from bot.platforms.slack.doors import DIRECT
from bot.platforms.web import WebPlatform
from bot.settings import Cli, Settings
from bot.web.server import OWNER, WebServer
from executor.attempt import Workshop
from executor.backends.base import Backend
from executor.backends.claude import Claude
from executor.backends.codex import Codex
from executor.backends.gemini import Gemini
from executor.backends.rehearsal import Rehearsal
from executor.catalog import Catalog
from executor.executor import Executor
from executor.fallbacks import Fallbacks
from executor.job_types import JOB_TYPES
from executor.job_types.base import JobType
from executor.ports import SystemClock
from executor.processes.privacy import hide_memory, private_files
from executor.processes.sandbox import Sandbox, find_sandbox
from executor.processes.shims import Shims
from executor.queueing import QueueRules
from executor.rescuer import rescue
from executor.retention import Retention
from executor.scheduler import Scheduler
from executor.steps import reach
from executor.wakeups import Wakeups
from executor.worker import Worker
from executor.workspaces import Workspaces
from storage import Storage, open_storage

log = logging.getLogger(__name__)

CLOSE_S = 5.0
"""Seconds that each part is given to close."""
_WARM = 2
"""Reapers that are kept ready: with one alone, the second of two jobs at once waits 0.1 s for its own."""

_CREDENTIALS = {
    "claude": ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    "codex": ("CODEX_API_KEY",),
}
"""What a CLI is given of our own environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The opened parts."""

    settings: Settings
    data: DataDir
    storage: Storage
    wakeups: Wakeups
    executor: Executor
    desk: Desk
    workshop: Workshop
    sandbox: Sandbox


@asynccontextmanager
async def open_house(settings: Settings, environment: Mapping[str, str]) -> AsyncIterator[House]:
    """Locks the data directory, opens the store and settles what an earlier process left open.

    Raises DataDirInUse, SandboxMissing, and what `open_storage` raises.
    """
    hide_memory()
    data = DataDir(settings.data_dir)
    data.make()
    wakeups, backends = Wakeups(), make_backends(settings, environment)
    with private_files() as umask, data.lock():
        reach("data directory locked")
        sandbox = await find_sandbox(required=settings.require_sandbox)
        async with (
            Shims(sandbox.argv, settings.grace_seconds, warm=_WARM, umask=umask) as shims,
            open_storage(
                data.database, wakeups, rules=_queue_rules(settings, backends), reserve=data.reserve
            ) as storage,
        ):
            reach("store opened")
            await rescue(storage.jobs, settings.on_restart)
            reach("attempts rescued")
            data.take_over(next(iter(settings.workspaces)))
            workshop = _equip(settings, backends, data, storage, wakeups, shims)
            yield _build(settings, data, storage, wakeups, workshop, sandbox)


def _equip(
    settings: Settings,
    backends: Mapping[str, Backend],
    data: DataDir,
    storage: Storage,
    wakeups: Wakeups,
    shims: Shims,
) -> Workshop:
    return Workshop(
        store=storage.jobs,
        wakeups=wakeups,
        shims=shims,
        clock=SystemClock(),
        backends=backends,
        job_types=_job_types(settings),
        catalog=Catalog(providers=tuple(backends)),
        workspaces=Workspaces(directories=settings.directories, fallbacks=settings.fallbacks),
        homes=data.homes,
        jobs=data.jobs,
        reports=data.reports,
        grace_s=settings.grace_seconds,
        silence_s=dict(settings.inactivity),
    )


def _build(
    settings: Settings,
    data: DataDir,
    storage: Storage,
    wakeups: Wakeups,
    workshop: Workshop,
    sandbox: Sandbox,
) -> House:
    fallbacks = Fallbacks(catalog=workshop.catalog, workspaces=workshop.workspaces)
    executor = Executor(storage.jobs, fallbacks)
    return House(
        settings=settings,
        data=data,
        storage=storage,
        wakeups=wakeups,
        executor=executor,
        desk=_desk(settings, data, storage, executor, workshop),
        workshop=workshop,
        sandbox=sandbox,
    )


def _desk(
    settings: Settings, data: DataDir, storage: Storage, executor: Executor, workshop: Workshop
) -> Desk:
    return Desk(
        storage=storage,
        executor=executor,
        access=Access(rules=_rules(settings)),
        catalog=workshop.catalog,
        workspaces=workshop.workspaces,
        prompt_limit=settings.prompt_limit,
        clock=workshop.clock,
        zone=settings.clocks,
        public_url=lambda: _public_url(settings, data),
        least_interval=timedelta(minutes=settings.least_schedule_minutes),
    )


def _public_url(settings: Settings, data: DataDir) -> str:
    """Where people reach the page: as the running server says, else as one would that ran."""
    web = settings.web
    if data.address.exists():
        return data.address.read_text().strip()
    return web.public_url.rstrip("/") or f"http://{web.host}:{web.port or 4003}"


def _queue_rules(settings: Settings, backends: Mapping[str, Backend]) -> QueueRules:
    writers = frozenset(name for name, job_type in JOB_TYPES.items() if job_type.writes)
    slots = {str(provider): number for provider, number in settings.provider_slots.items()}
    providers = frozenset(backends)
    return QueueRules(slots=settings.slots, provider_slots=slots, providers=providers, writers=writers)


def _job_types(settings: Settings) -> dict[str, JobType]:
    timeouts_s: dict[str, float] = dict(settings.timeouts)
    return {name: replace(each, timeout_s=timeouts_s[name]) for name, each in JOB_TYPES.items()}


def known_backends(settings: Settings, environment: Mapping[str, str]) -> dict[str, Backend]:
    """A backend per provider that there is."""
    agents = settings.agents
    return {
        "claude": Claude(
            _executable("claude", agents.claude, environment),
            environment=_credentials("claude", environment) | agents.claude.environment,
            allow_root=agents.claude.allow_root,
        ),
        "gemini": Gemini(
            _executable("gemini", agents.gemini, environment),
            environment=_credentials("gemini", environment) | agents.gemini.environment,
        ),
        "codex": Codex(
            _executable("codex", agents.codex, environment),
            environment=_credentials("codex", environment) | agents.codex.environment,
        ),
        "rehearsal": Rehearsal(step_seconds=agents.rehearsal.step_seconds),
    }


def make_backends(settings: Settings, environment: Mapping[str, str]) -> dict[str, Backend]:
    """The backends of the providers that are switched on, the default first.

    Where none are named: those whose CLI is installed, and rehearsal, which needs nothing.
    """
    agents, known = settings.agents, known_backends(settings, environment)
    if agents.providers:
        return {name: known[name] for name in agents.providers}
    for name, cli in (("claude", agents.claude), ("gemini", agents.gemini), ("codex", agents.codex)):
        if shutil.which(_executable(name, cli, environment)) is None:
            del known[name]
    return known


def _executable(name: str, cli: Cli, environment: Mapping[str, str]) -> str:
    return cli.executable or environment.get(f"{name.upper()}_PATH") or name


def _credentials(provider: str, environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in _CREDENTIALS[provider] if name in environment}


def _rules(settings: Settings) -> dict[str, Rule]:
    slack, discord = settings.slack, settings.discord
    owner = frozenset({OWNER.user_id})
    return {
        "web": Rule(channels=frozenset({EVERYBODY}), people=owner, admins=owner),
        "slack": Rule(channels=slack.channels, people=slack.people, admins=slack.admins, direct=DIRECT),
        "discord": Rule(
            channels=discord.channels, people=discord.people, admins=discord.admins, roles=discord.roles
        ),
    }


class Bifrost:
    """The running bot: worker, announcer and, where it serves, the doors.

    `only` is the id of the one job that it shall work on.
    """

    def __init__(
        self, house: House, environment: Mapping[str, str], *, serve: bool, only: str | None = None
    ) -> None:
        self._house = house
        self._worker = Worker(house.workshop, f"process {os.getpid()}", house.settings.slots, only)
        settings, data = house.settings, house.data
        self.started = asyncio.Event()
        """Set when the page can be opened and jobs are run; Slack and Discord connect by themselves."""
        self.slack_problem = ""
        """Why Slack will not have us, in a sentence; empty while all is well."""
        self.discord_problem = ""
        """The same of Discord."""
        self.server = WebServer(
            storage=house.storage,
            wakeups=house.wakeups,
            door=house.desk,
            reports=data.reports,
            files=data.files,
            host=settings.web.host,
            port=settings.web.port,
            public_url=settings.web.public_url,
            api_token=data.api_token(),
            sandbox=house.sandbox.mode,
        )
        self._serve = serve
        self.slack = _slack(settings, house.desk) if serve else None
        self.discord = _discord(settings, house.desk) if serve else None

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then lets what runs end for a while, interrupts the rest, tells the last
        news and closes the doors. Cancelled, it interrupts at once.

        Raises OSError where the page's port is taken.
        """
        async with contextlib.AsyncExitStack() as stack:
            if self._serve:
                await stack.enter_async_context(self.server)
                reach("page opened")
            announcer = Announcer(self._newsroom())
            async with asyncio.TaskGroup() as group:
                telling = _start(group, "announcer", announcer.run())
                within_s = CLOSE_S + self._house.settings.grace_seconds
                working = _start(group, "worker", self._worker.run(), within_s)
                routine = self._routine(group) if self._serve else []
                doors = [_start(group, "slack", self._keep_slack(self.slack))] if self.slack else []
                doors += [_start(group, "discord", self._keep_discord(self.discord))] if self.discord else []
                self.started.set()
                try:
                    await stop.wait()
                    reach("stop begins")
                    await _end(*routine)
                    self._worker.drain()
                    await asyncio.wait({working}, timeout=self._house.settings.drain_seconds)
                finally:
                    self._house.storage.let_go()
                # The doors close last: what still comes in is kept, and what was done is still told.
                await _end(working)
                reach("worker stopped")
                await announcer.catch_up(CLOSE_S)
                await _end(telling)
                await _end(*doors)
                reach("doors closed")

    def _routine(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """What is done by the clock."""
        storage, workshop, settings = self._house.storage, self._house.workshop, self._house.settings
        scheduler = Scheduler(
            storage.schedules, workshop.wakeups, workshop.clock, permit=self._house.desk.refusal
        )
        keep = timedelta(days=settings.retention_days)
        retention = Retention(workshop.store, workshop.clock, workshop.jobs, keep)
        parts = {"scheduler": scheduler.run(), "retention": retention.run(), "loop watch": LoopWatch().run()}
        return [_start(group, name, work) for name, work in parts.items()]

    def _newsroom(self) -> Newsroom:
        house = self._house
        platforms: dict[str, ChatPlatform] = {"web": WebPlatform(house.storage.messages, house.data.files)}
        if self.slack is not None:
            platforms["slack"] = self.slack.platform
        if self.discord is not None:
            platforms["discord"] = self.discord.platform
        url = self.server.url if self._serve else _public_url(house.settings, house.data)
        return Newsroom(
            storage=house.storage,
            wakeups=house.wakeups,
            clock=house.workshop.clock,
            platforms=platforms,
            reports=house.data.reports,
            public_url=url,
            sandbox=words.sandbox(house.sandbox.mode),
            quiet=house.settings.quiet,
        )

    async def _keep_slack(self, slack: SlackAdapter) -> None:
        """A platform that will not have us stops alone: the page and the other platforms go on."""
        try:
            await slack.run()
        except SetupFault as fault:
            self.slack_problem = fault.text
            log.error("slack.refused: %s", fault.text, extra={"code": fault.code})

    async def _keep_discord(self, discord: DiscordAdapter) -> None:
        try:
            await discord.run()
        except SetupFault as fault:
            self.discord_problem = fault.text
            log.error("discord.refused: %s", fault.text, extra={"code": fault.code})


def _slack(settings: Settings, desk: Desk) -> SlackAdapter | None:
    slack = settings.slack
    bot_token, app_token = slack.bot_token.get_secret_value(), slack.app_token.get_secret_value()
    if not bot_token:
        return None
    adapter = SlackAdapter(bot_token=bot_token, app_token=app_token, door=desk, base_url=slack.api_url)
    adapter.platform.caps = slack.pace.set(adapter.platform.caps)
    return adapter


def _discord(settings: Settings, desk: Desk) -> DiscordAdapter | None:
    discord = settings.discord
    token = discord.token.get_secret_value()
    if not token:
        return None
    adapter = DiscordAdapter(token=token, door=desk, guilds=discord.guilds, api_url=discord.api_url)
    adapter.platform.caps = discord.pace.set(adapter.platform.caps)
    return adapter


def _start(
    group: asyncio.TaskGroup,
    name: str,
    work: Coroutine[object, object, None],
    within_s: float = CLOSE_S,
) -> asyncio.Task[None]:
    """`work` as a part of `group`, which once it is to end does not wait for it longer than `within_s`."""
    return group.create_task(departing(name, work, within_s), name=name)


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)  # which they do in time, or are left
