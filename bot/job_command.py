"""`bifrost job …`: the commands of chat, typed in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bot.client import ServerGone, Told, connect
from bot.data_dir import DataDir, DataDirInUse
from bot.desk.asks import Invocation
from bot.desk.commands import BY_VERB, JOB_COMMANDS, Misunderstood, Takes, no_option, shown
from bot.desk.option_table import TIME_OPTIONS
from bot.house import House, open_house
from bot.local_files import offer, without_files
from bot.settings import Settings
from bot.terminal import EXIT_CODES, LiveView, open_console, say
from bot.watch_command import watch
from bot.web.callers import OWNER
from executor.events import Body, Moved, ReportPublished
from executor.model import JobStatus, Origin
from executor.wakeups import job_topic

USAGE = 2
"""Exit status for words that make no command."""
CHANNEL = "dev"

_STARTING = frozenset({"resume", "retry", *(command.verb for command in JOB_COMMANDS)})
_DASHED = re.compile(r"--[A-Za-z][\w-]*(=.*)?")
_LOOK_S = 5.0
_HERE = """\
**In a terminal alone**
- `bifrost job run COMMAND`: start a job, follow it to its end, and exit as that ends
- `bifrost job watch ID [--exit-status]`: follow a job of the serving bot
- `--file PATH`: send a file along with what starts a job; it may come often"""
_WAITS = (
    "No bot is serving here, so it waits for `bifrost serve`. With `bifrost job run …` it starts at once."
)


class Door(Protocol):
    """Where commands are typed: at this process's own desk, or at that of a running server."""

    async def command(self, text: str, files: Sequence[Path] = ()) -> Told:
        """Does what would be typed after `/job` in #dev, with files."""

    def events(self, job_id: str) -> AsyncGenerator[Body, None]:
        """The log of a job."""


async def run_job(words: Sequence[str], settings: Settings, environment: Mapping[str, str]) -> int:
    """Does what `words` say; `run VERB …` and `watch ID` follow the job to its end. Returns the exit status.

    Where a server works on the data directory, it is asked; otherwise everything runs in this process.
    """
    if words[:1] == ["watch"]:
        return await watch(words[1:], settings)
    if words[:1] == ["help"] and words[1:] in (["run"], ["watch"]):
        say(open_console(), _HERE)
        return 0
    run = words[:1] == ["run"]
    try:
        said, files = without_files(words[1:] if run else words)
        text = _text(said)
    except Misunderstood as error:
        say(open_console(stderr=True), error.text)
        return USAGE
    data = DataDir(settings.data_dir)
    try:
        async with open_house(settings, environment) as house:
            return await _here(house, text, files, run)
    except DataDirInUse:
        if not data.address.exists():
            raise
        async with connect(data.address.read_text().strip(), data.api_token()) as client:
            told = await _type(client, text, files)
            if not _starts(text, told):
                return _status(told)
            if run:
                return await _follow(client, told.job_id, data)
            say(open_console(), f"`bifrost job watch {told.job_id[:6]}` follows it.")
            return 0


def _text(words: Sequence[str]) -> str:
    """The words as one command. The shell has told prompt and options apart already; that is kept."""
    if words[:1] in (["--help"], ["-h"]):
        return "help"
    command = BY_VERB.get(words[0].lower()) if words else None
    if command is None or command.takes is not Takes.PROMPT:
        return " ".join(words)
    options: list[str] = []
    prompt: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        name, given, value = word.partition("=")
        if word == "--":
            prompt.extend(rest)
        elif name in {f"--{option.name}" for option in command.options}:
            options.append(f"{name}={_value(name, value if given else next(rest, ''))}")
        elif _DASHED.fullmatch(word):
            raise no_option(command, name.removeprefix("--"))
        else:
            prompt.append(word)
    return " ".join([command.verb, *options, "--", *prompt])


def _value(name: str, value: str) -> str:
    if name.removeprefix("--") in {option.name for option in TIME_OPTIONS} and '"' not in value:
        return f'"{value}"'
    if value.split() not in ([], [value]):
        raise Misunderstood(f"`{shown(value)}` cannot be the value of `{name}`: a plain name is.")
    return value


async def _here(house: House, text: str, files: Sequence[Path], run: bool) -> int:
    door = _OwnDesk(house)
    told = await _type(door, text, files)
    if not _starts(text, told):
        return _status(told)
    if not run:
        open_console().print(_WAITS)
        return 0
    from bot.app import Bifrost  # here: whoever lists jobs need not wait for the libraries of all platforms

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Bifrost(house, serve=False, only=told.job_id).run(stop))
        try:
            return await _follow(door, told.job_id, house.data)
        finally:
            stop.set()


async def _type(door: Door, text: str, files: Sequence[Path]) -> Told:
    told = await door.command(text, files)
    say(open_console(stderr=not told.ok), told.text)
    if text.strip() == "help":
        say(open_console(), f"\n{_HERE}")
    return told


def _status(told: Told) -> int:
    return 0 if told.ok else USAGE


def _starts(text: str, told: Told) -> bool:
    """Whether what was typed has set a job going."""
    return told.ok and bool(told.job_id) and text.split()[0].lower() in _STARTING


async def _follow(door: Door, job_id: str, data: DataDir) -> int:
    """Shows the job to its end, or until it waits for a limit. Returns the exit status."""
    console, status, report = open_console(), None, None
    view = LiveView(console)
    cancelling: list[asyncio.Future[Told]] = []
    async with contextlib.aclosing(door.events(job_id)) as events:
        with _on_interrupt(
            lambda: cancelling.append(asyncio.ensure_future(door.command(f"cancel {job_id}")))
        ):
            async for body in events:
                view.show(body)
                if isinstance(body, ReportPublished):
                    report = data.reports / body.slug / "index.html"
                if isinstance(body, Moved) and (body.status.final or body.status is JobStatus.RATE_LIMITED):
                    status = body.status
                    break
    await asyncio.gather(*cancelling)
    if status is None:
        raise ServerGone("The bot stopped. The job goes on when it is started again.")
    console.print()
    say(console, (await door.command(f"show {job_id}")).text)
    if report is not None:
        console.print(f"- report file: {report}")
    return EXIT_CODES.get(status, 1)


class _OwnDesk:
    """A door without a server."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._seen = 0

    async def command(self, text: str, files: Sequence[Path] = ()) -> Told:
        invocation = Invocation(
            text=text,
            origin=Origin(actor=OWNER, channel=CHANNEL),
            delivery=f"cli:{uuid.uuid4()}",
            files=[offer(path) for path in files],
        )
        answer = await self._house.desk.command(invocation)
        if answer.job is None:
            return Told(ok=answer.ok, text=answer.text, job_id="")
        self._seen = answer.job.seq
        return Told(ok=answer.ok, text=answer.text, job_id=answer.job.id)

    async def events(self, job_id: str) -> AsyncGenerator[Body, None]:
        """What happens to the job from now on."""
        seen = self._seen
        with self._house.wakeups.listen(job_topic(job_id)) as bell:
            while True:
                for event in await self._house.storage.jobs.events(job_id, seen):
                    seen = event.seq
                    yield event.body
                await bell.wait(_LOOK_S)


@contextlib.contextmanager
def _on_interrupt(act: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C stops the job and not its follower, which then shows how the job ends."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
