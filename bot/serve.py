"""`bifrost serve` and `bifrost demo`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from rich.console import Console

from bot.app import Bifrost, House, open_house
from bot.client import connect
from bot.job_command import CHANNEL
from bot.settings import Settings
from bot.terminal import ChannelView, took
from executor.model import Job
from executor.wakeups import MESSAGES, TOLD

DEMO_PROMPT = "how are jobs kept and announced?"


async def serve(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serves until SIGINT or SIGTERM. Raises DataDirInUse, and OSError where the port is taken."""
    stop = asyncio.Event()
    async with open_house(settings, environment) as house, _running(house, environment, stop) as bifrost:
        _greet(Console(highlight=False), house, bifrost)
        await stop.wait()


async def demo(settings: Settings, environment: Mapping[str, str], *, once: bool) -> int:
    """Runs one research job by rehearsal through #dev and shows what the channel shows. Returns exit status.

    Without `once` it goes on serving. A port that is taken is replaced by a free one.
    """
    console = Console(highlight=False, width=110)
    stop = asyncio.Event()
    settings = _with_free_port(settings)
    async with open_house(settings, environment) as house, _running(house, environment, stop) as bifrost:
        console.rule("#dev")
        job = await _rehearse(house, bifrost, console)
        console.rule()
        if job is None:
            return 1
        console.print(f"{job.status.value}: {took(job)}")
        console.print(f"Report: {bifrost.server.url}/reports/{job.report_slug}/", soft_wrap=True)
        if not once:
            _greet(console, house, bifrost)
            await stop.wait()
        return 0 if job.report_slug else 1


async def _rehearse(house: House, bifrost: Bifrost, console: Console) -> Job | None:
    """Types the command as a person would, and prints the channel until the job's last word is told."""
    view, seen = ChannelView(console), await house.storage.messages.revision()
    with house.wakeups.listen(MESSAGES, TOLD) as bell:
        async with connect(bifrost.server.url, house.data.api_token()) as client:
            console.print(f"> /job research --provider rehearsal {DEMO_PROMPT}", style="bold")
            told = await client.command(f"research --provider rehearsal {DEMO_PROMPT}")
        if not told.ok:
            console.print(told.text)
            return None
        while True:
            for message in await house.storage.messages.changed_after(CHANNEL, seen):
                seen = message.revision
                view.show(message)
            job = await house.storage.jobs.job(told.job_id)
            if job is None or (job.status.final and not await house.storage.outbox.any_due([job.id])):
                return job
            await bell.wait(5)


@asynccontextmanager
async def _running(
    house: House, environment: Mapping[str, str], stop: asyncio.Event
) -> AsyncIterator[Bifrost]:
    """The bot at work, every door open; it closes in good order when the block ends or a signal comes."""
    bifrost = Bifrost(house, environment, serve=True)
    loop = asyncio.get_running_loop()
    running = loop.create_task(bifrost.run(stop))
    started = loop.create_task(bifrost.started.wait())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, stop, running)
    try:
        await asyncio.wait({running, started}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        house.data.address.write_text(bifrost.server.url)
        yield bifrost
    finally:
        stop.set()
        started.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        house.data.address.unlink(missing_ok=True)


def _stop(stop: asyncio.Event, running: asyncio.Task[None]) -> None:
    """The first signal closes in good order, the second at once."""
    if stop.is_set():
        running.cancel()
    stop.set()


def _greet(console: Console, house: House, bifrost: Bifrost) -> None:
    providers = ", ".join(house.workshop.backends)
    console.print(f"Bifrost serves {bifrost.server.url}  (providers: {providers}; data: {house.data.root})")
    console.print("Log in, once, within 15 minutes:", style="bold")
    console.print(f"  {bifrost.server.login_link()}", soft_wrap=True)
    if house.settings.slack.bot_token.get_secret_value():
        console.print("Slack: connecting …")
    console.print("Stop with Ctrl-C.")


def _with_free_port(settings: Settings) -> Settings:
    try:
        with socket.create_server((settings.web.host, settings.web.port)):
            return settings
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        web = settings.web.model_copy(update={"port": 0})
        return settings.model_copy(update={"web": web})
