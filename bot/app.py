"""The other half of the composition root: the running bot, its doors and platforms, and their lifetimes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Coroutine
from datetime import timedelta

from bot.departure import departing
from bot.desk.hearing import Hearing
from bot.house import House, decisions_on, public_url
from bot.loop_watch import LoopWatch
from bot.news import words
from bot.news.announcer import Announcer
from bot.news.newsroom import Newsroom
from bot.notices import Notices
from bot.platforms.base import ChatPlatform, SetupFault
from bot.platforms.discord.adapter import DiscordAdapter
from bot.platforms.slack.adapter import SlackAdapter
from bot.platforms.slack.request_url import PATH as SLACK_PATH
from bot.platforms.web import WebPlatform
from bot.settings import Settings
from bot.web.agent_api import AgentApi, PublishingApi
from bot.web.agent_door import AgentDoor
from bot.web.asking_api import AskingApi
from bot.web.endpoints import Endpoint
from bot.web.jobs_api import JobsApi
from bot.web.logs_api import LogsApi
from bot.web.messages_api import MessagesApi
from bot.web.overviews import Overviews
from bot.web.pages.settings import Terms
from bot.web.preferences_api import PreferencesApi
from bot.web.questions_api import QuestionsApi
from bot.web.remarks_api import RemarksApi
from bot.web.schedules_api import SchedulesApi
from bot.web.server import WebServer
from bot.web.tasks_api import TasksApi
from executor.follow_ups import FollowUps
from executor.model import Origin
from executor.retention import Retention
from executor.scheduler import Scheduler
from executor.steps import reach
from executor.worker import Worker
from executor.worktrees.upkeep import Upkeep

log = logging.getLogger(__name__)

CLOSE_S = 5.0
"""Seconds that each part is given to close."""


class Bifrost:
    """The running bot: worker, announcer and, where it serves, the doors.

    `only` is the id of the one job that it shall work on.
    """

    def __init__(self, house: House, *, serve: bool, only: str | None = None) -> None:
        self._house = house
        self._worker = Worker(house.workshop, f"process {os.getpid()}", house.settings.slots, only)
        settings, data = house.settings, house.data
        self.started = asyncio.Event()
        """Set when the page can be opened and jobs are run; Slack and Discord connect by themselves."""
        self.slack_problem = ""
        """Why Slack will not have us, in a sentence; empty while all is well."""
        self.discord_problem = ""
        """The same of Discord."""
        self.slack = _slack(settings, house) if serve else None
        request_url = self.slack.request_url if self.slack else None
        self.server = WebServer(
            storage=house.storage,
            wakeups=house.wakeups,
            door=house.desk,
            reports=data.reports,
            files=data.files,
            terms=Terms(
                defaults=house.desk.defaults,
                providers=house.workshop.catalog.providers,
            ),
            host=settings.web.host,
            port=settings.web.port,
            public_url=settings.web.public_url,
            api_token=data.api_token(),
            sandbox=house.sandbox.mode,
            limits=settings.files.limits,
            called_at={SLACK_PATH: request_url.answer} if request_url else {},
            api=self._api(),
            slack_url=self._slack_url,
        )
        self._serve = serve
        if serve:
            house.desk.page_login.serve(self.server.login_link)
        self.discord = _discord(settings, house) if serve else None
        self._notices = Notices({"slack": settings.slack.admins, "discord": settings.discord.admins})

    def _slack_url(self, origin: Origin, message_id: str) -> str:
        return self.slack.message_url(origin, message_id) if self.slack else ""

    def _api(self) -> list[Endpoint]:
        """What programs may call, beside what the server has of its own."""
        house, workshop = self._house, self._house.workshop
        turned_at, base_url = lambda: self._worker.turned_at, lambda: self.server.url
        return [
            *JobsApi(house.storage, house.desk, house.data.jobs, base_url).endpoints(),
            *QuestionsApi(house.storage, house.desk).endpoints(),
            *SchedulesApi(house.storage.schedules, house.desk).endpoints(),
            *self._shared(),
            *MessagesApi(house.storage.messages).endpoints(),
            *LogsApi(house.storage).endpoints(),
            *PreferencesApi(house.storage.preferences, workshop.catalog, workshop.workspaces).endpoints(),
            *Overviews(house.storage, workshop.catalog, house.desk.defaults, turned_at).endpoints(),
        ]

    def _agent_door(self) -> AgentDoor:
        house = self._house
        house.desk.vouching.ask("web", self.server.tokens.roles_of)
        return AgentDoor(
            house.data.tools_socket,
            passes=house.passes,
            storage=house.storage,
            authorize=house.desk.vouching.authorize,
            api=[
                *AgentApi(house.storage).endpoints(),
                *self._asking().endpoints(),
                *self._shared(),
            ],
        )

    def _asking(self) -> AskingApi:
        workshop = self._house.workshop
        return AskingApi(self._house.storage, workshop.wakeups, workshop.clock, workshop.question_patience_s)

    def _shared(self) -> list[Endpoint]:
        """What programs may call, and agents of running jobs too."""
        storage = self._house.storage
        return [
            *TasksApi(storage).endpoints(),
            *RemarksApi(storage).endpoints(),
            *PublishingApi(storage, self._house.data.reports, self._base_url).endpoints(),
        ]

    def _base_url(self) -> str:
        """Where people reach the page."""
        return self.server.url if self._serve else public_url(self._house.settings, self._house.data)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then lets what runs end for a while, interrupts the rest, tells the last
        news and closes the doors. Cancelled, it interrupts at once.

        Raises OSError where the page's port is taken.
        """
        async with contextlib.AsyncExitStack() as stack:
            if self._serve:
                await stack.enter_async_context(self.server)
                reach("page opened")
            await stack.enter_async_context(self._agent_door())
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
                    reach("stop asked")
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
        """What is done by the clock, or when something else has ended."""
        storage, workshop, settings = self._house.storage, self._house.workshop, self._house.settings
        scheduler = Scheduler(
            storage.schedules, workshop.wakeups, workshop.clock, permit=self._house.desk.refusal
        )
        keep = timedelta(days=settings.retention_days)
        retention = Retention(workshop.store, workshop.clock, workshop.jobs, self._house.parcels, keep)
        upkeep = Upkeep(
            *(workshop.worktrees, decisions_on(workshop), workshop.store),
            *(workshop.wakeups, workshop.clock, keep),
        )
        follow_ups = FollowUps(storage.replies, workshop.wakeups, permit=self._house.desk.reply_refusal)
        parts = {
            "scheduler": scheduler.run(),
            "follow-ups": follow_ups.run(),
            "retention": retention.run(),
            "upkeep": upkeep.run(),
            "loop watch": LoopWatch().run(),
        }
        return [_start(group, name, work) for name, work in parts.items()]

    def _newsroom(self) -> Newsroom:
        house = self._house
        platforms: dict[str, ChatPlatform] = {"web": WebPlatform(house.storage.messages, house.data.files)}
        if self.slack is not None:
            platforms["slack"] = self.slack.platform
        if self.discord is not None:
            platforms["discord"] = self.discord.platform
        return Newsroom(
            storage=house.storage,
            wakeups=house.wakeups,
            clock=house.workshop.clock,
            platforms=platforms,
            reports=house.data.reports,
            jobs=house.data.jobs,
            public_url=self._base_url(),
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
            if self.discord is not None:
                await self._notices.tell(f"Slack: {fault.text}", {"discord": self.discord.platform})

    async def _keep_discord(self, discord: DiscordAdapter) -> None:
        try:
            await discord.run()
        except SetupFault as fault:
            self.discord_problem = fault.text
            log.error("discord.refused: %s", fault.text, extra={"code": fault.code})
            if self.slack is not None:
                await self._notices.tell(f"Discord: {fault.text}", {"slack": self.slack.platform})


def _slack(settings: Settings, house: House) -> SlackAdapter | None:
    slack = settings.slack
    bot_token, app_token = slack.bot_token.get_secret_value(), slack.app_token.get_secret_value()
    if not bot_token:
        return None
    adapter = SlackAdapter(
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=slack.signing_secret.get_secret_value(),
        door=house.desk,
        board=house.board,
        hearing=Hearing("slack", house.storage.threads, house.workshop.clock),
        base_url=slack.api_url,
        overhear=slack.replies == "all",
    )
    adapter.platform.caps = slack.pace.set(adapter.platform.caps)
    return adapter


def _discord(settings: Settings, house: House) -> DiscordAdapter | None:
    discord = settings.discord
    token = discord.token.get_secret_value()
    if not token:
        return None
    adapter = DiscordAdapter(
        token=token,
        door=house.desk,
        hearing=Hearing("discord", house.storage.threads, house.workshop.clock),
        guilds=discord.guilds,
        api_url=discord.api_url,
        overhear=discord.replies == "all",
    )
    adapter.platform.caps = discord.pace.set(adapter.platform.caps)
    house.desk.vouching.ask("discord", adapter.members.roles_of)
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
