"""`bifrost job …`: the commands of chat, typed in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence

from rich.console import Console

from bot.app import Bifrost, House, open_house
from bot.client import Client, connect
from bot.data_dir import DataDir, DataDirInUse
from bot.desk.asks import Invocation
from bot.desk.commands import JOB_COMMANDS
from bot.settings import Settings
from bot.terminal import EXIT_CODES, LiveView, markdown, took
from bot.web.server import OWNER
from executor.events import Body, Moved, decode
from executor.model import JobStatus, Origin
from executor.wakeups import job_topic

USAGE = 2
"""Exit status for words that make no command."""
CHANNEL = "dev"


async def run_job(words: Sequence[str], settings: Settings, environment: Mapping[str, str]) -> int:
    """Does what `words` say; `run TYPE …` follows the job to its end. Returns the exit status.

    Where a server works on the data directory, it is asked; otherwise everything runs in this process.
    """
    follow = bool(words) and words[0] == "run"
    text = _text(words[1:]) if follow else " ".join(words)
    console = Console(highlight=False)
    try:
        async with open_house(settings, environment) as house:
            return await _run_here(house, environment, text, follow, console)
    except DataDirInUse:
        data = DataDir(settings.data_dir)
        if not data.address.exists():
            raise
        async with connect(data.address.read_text().strip(), data.api_token()) as client:
            return await _run_there(client, text, follow, console)


def _text(words: Sequence[str]) -> str:
    """The words as one command. The shell has told prompt and options apart already; that is kept."""
    if not words:
        return ""
    options: list[str] = []
    prompt: list[str] = []
    names = {f"--{option.name}" for option in JOB_COMMANDS[0].options}
    rest = iter(words[1:])
    for word in rest:
        if word.partition("=")[0] in names:
            options.append(word if "=" in word else f"{word}={next(rest, '')}")
        elif word != "--":
            prompt.append(word)
    return " ".join([words[0], *options, "--", *prompt])


async def _run_here(
    house: House, environment: Mapping[str, str], text: str, follow: bool, console: Console
) -> int:
    origin = Origin(actor=OWNER, channel=CHANNEL)
    invocation = Invocation(text=text, origin=origin, delivery=f"cli:{uuid.uuid4()}")
    answer = await house.desk.command(invocation)
    markdown(console, answer.text)
    if not answer.ok or not follow or answer.job is None:
        return 0 if answer.ok else USAGE
    job_id = answer.job.id
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Bifrost(house, environment, serve=False).run(stop))
        with _on_interrupt(lambda: group.create_task(house.executor.cancel(job_id, OWNER.name))):
            async with contextlib.aclosing(_events(house, job_id)) as events:
                status = await _show(events, console)
        stop.set()
    job = await house.storage.jobs.job(job_id)
    if job is not None:
        console.print(took(job))
        if job.report_slug:
            console.print(str(house.data.reports / job.report_slug / "index.html"), soft_wrap=True)
    return EXIT_CODES.get(status, 1)


async def _run_there(client: Client, text: str, follow: bool, console: Console) -> int:
    answer = await client.command(text)
    markdown(console, answer.text)
    if not answer.ok or not follow or not answer.job_id:
        return 0 if answer.ok else USAGE
    async with contextlib.aclosing(client.events(answer.job_id)) as events:
        status = await _show((decode(kind, fields) async for kind, fields in events), console)
    return EXIT_CODES.get(status, 1)


async def _events(house: House, job_id: str) -> AsyncGenerator[Body, None]:
    seen = 0
    with house.wakeups.listen(job_topic(job_id)) as bell:
        while True:
            for event in await house.storage.jobs.events(job_id, seen):
                seen = event.seq
                yield event.body
            await bell.wait(5)


async def _show(events: AsyncIterator[Body], console: Console) -> JobStatus:
    """Prints events up to the one that ends the job, or makes it wait for a limit."""
    view = LiveView(console)
    async for body in events:
        view.show(body)
        if isinstance(body, Moved) and (body.status.final or body.status is JobStatus.RATE_LIMITED):
            return body.status
    return JobStatus.FAILED


@contextlib.contextmanager
def _on_interrupt(act: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C stops the job and not its follower, which then shows how the job ends."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
