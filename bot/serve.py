"""`bifrost serve` and `bifrost demo`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import faulthandler
import gc
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from rich.console import Console

from bot.app import Bifrost
from bot.client import connect
from bot.house import House, open_house
from bot.job_command import CHANNEL
from bot.settings import Settings, Web
from bot.terminal import ChannelView, open_console, say
from executor.model import Job, JobStatus
from executor.steps import reach
from executor.wakeups import MESSAGES, TOLD

DEMO_COMMAND = "research --provider rehearsal how are jobs kept and announced?"
_AFTER_DEMO = (
    "The page that these links lead to has ended with the demo: without --once it stays. Your own bot: "
    "bifrost serve, and bifrost doctor for what Slack, Discord and other agents need."
)
_LOOK_S = 5.0
_CLOSE_S = 30.0
"""Seconds that all the doors and the store are given, past the time that jobs have."""
_T = TypeVar("_T")


async def serve(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until SIGINT or SIGTERM. Raises DataDirInUse, and OSError where the port is taken."""
    stop = asyncio.Event()
    async with open_house(settings, environment) as house, _running(house, stop) as bifrost:
        console = open_console()
        _greet(console, house, bifrost)
        await stop.wait()
        if console.is_terminal:
            drain_s = settings.drain_seconds
            console.print(f"Stopping: running jobs have {drain_s:g} s to end. Ctrl-C again stops at once.")


async def demo(settings: Settings, environment: Mapping[str, str], *, once: bool) -> int:
    """Runs one research job by rehearsal through #dev and shows what the channel shows. Returns exit status.

    Without `once` it goes on serving. A port that is taken is replaced by a free one.
    """
    console = open_console()
    stop = asyncio.Event()
    settings = _with_free_port(settings)
    async with open_house(settings, environment) as house, _running(house, stop) as bifrost:
        console.rule("#dev", style="dim")
        job = await _unless(stop, _rehearse(house, bifrost, console))
        console.rule(style="dim")
        if job is not None and not once:
            _greet(console, house, bifrost)
            await stop.wait()
        if once:
            console.print(_AFTER_DEMO, style="dim")
        return 0 if job is not None and job.status is JobStatus.DONE else 1


async def _rehearse(house: House, bifrost: Bifrost, console: Console) -> Job | None:
    """Types the command as a person would, and prints the channel until all of the job is told."""
    view, seen = ChannelView(console), await house.storage.messages.revision()
    with house.wakeups.listen(MESSAGES, TOLD) as bell:
        async with connect(bifrost.server.url, house.data.api_token()) as client:
            console.print(f"{datetime.now():%H:%M:%S}  /job {DEMO_COMMAND}", style="bold")
            told = await client.command(DEMO_COMMAND)
        if not told.ok:
            say(console, told.text)
            return None
        while True:
            # In this order: of a job that has ended, all that must be told of its end is due by then.
            job = await house.storage.jobs.job(told.job_id)
            due = await house.storage.outbox.any_due([told.job_id])
            for message in await house.storage.messages.changed_after(CHANNEL, seen):
                seen = message.revision
                view.show(message)
            if job is None or (job.status.final and not due):
                return job
            await bell.wait(_LOOK_S)


async def _unless(stop: asyncio.Event, work: Coroutine[object, object, _T]) -> _T | None:
    """What `work` comes to; None where `stop` is set first."""
    loop = asyncio.get_running_loop()
    working, stopping = loop.create_task(work), loop.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


@asynccontextmanager
async def _running(house: House, stop: asyncio.Event) -> AsyncIterator[Bifrost]:
    """The bot at work, every door open; it closes in good order when the block ends or a signal comes.

    `stop` is set also when the bot ends by itself, which only a fault can bring about: it is raised here.
    """
    bifrost = Bifrost(house, serve=True)
    loop = asyncio.get_running_loop()
    running = loop.create_task(bifrost.run(stop))
    running.add_done_callback(lambda _: stop.set())
    within_s = house.settings.drain_seconds + house.settings.grace_seconds + _CLOSE_S
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, stop, running, within_s)
    try:
        await _unless(stop, bifrost.started.wait())
        gc.freeze()  # what the libraries have made stays: to look through it all takes Python 50 ms each time
        if running.done():
            await running
        house.data.address.write_text(bifrost.server.url)
        reach("address written")
        yield bifrost
    finally:
        stop.set()
        house.data.address.unlink(missing_ok=True)
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _stop(stop: asyncio.Event, running: asyncio.Task[None], within_s: float) -> None:
    """The first signal closes in good order, the second at once. Either way the process ends `within_s`."""
    if stop.is_set():
        running.cancel()
    else:
        # Also where a thread hangs in the kernel: then it says where everybody stood, and exits with 1.
        faulthandler.dump_traceback_later(within_s, exit=True)
    stop.set()


def _greet(console: Console, house: House, bifrost: Bifrost) -> None:
    console.print(f"Bifrost serves {bifrost.server.url}", style="bold")
    console.print(f"  agents: {', '.join(house.workshop.backends)}")
    for name, path in house.settings.directories.items():
        fault = "" if path.is_dir() else ", which is not there: make it, or correct it under [workspaces]"
        console.print(f"  workspace {name}: {path}{fault}")
    console.print(f"  data: {house.data.root}")
    if house.settings.slack.bot_token.get_secret_value():
        console.print("  Slack: connecting …")
    if house.settings.discord.token.get_secret_value():
        console.print("  Discord: connecting …")
    console.print("Log in, once, within 15 minutes:")
    console.print(f"  {bifrost.server.login_link()}")
    console.print("Stop with Ctrl-C.", style="dim")


def port_is_taken(web: Web) -> bool:
    """Whether somebody else listens where the page would. Raises OSError for an address that is not ours."""
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    try:
        with socket.create_server((web.host, web.port), family=family):
            return False
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return True


def _with_free_port(settings: Settings) -> Settings:
    if not port_is_taken(settings.web):
        return settings
    return settings.model_copy(update={"web": settings.web.model_copy(update={"port": 0})})
