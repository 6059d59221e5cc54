"""Whatever a job does, and whoever is killed, no process of it is left (F04, F05, F27, F28, F29)."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from executor.backends.base import Command
from executor.ports import ProcessRecord
from executor.processes import reaper
from executor.processes.orphans import end_left_over
from executor.processes.sandbox import Mode, Sandbox
from executor.processes.shims import Shims
from executor.processes.supervised import Cause, Supervised
from tests.walls import wall

RUNS = 30 if os.environ.get("BIFROST_SOAK") else 3
GRACE_S = 0.2
PYTHON = (sys.executable, "-I", "-S")
HOSTILE = str(Path(__file__).with_name("hostile.py"))


@dataclass(frozen=True)
class Scene:
    """A hostile tree, and how it is found: by a word in its arguments, and by a file that it touches."""

    token: str
    heartbeat: Path

    def command(self, *words: str) -> Command:
        argv = (*PYTHON, HOSTILE, self.token, str(self.heartbeat), *words)
        return Command(argv=argv, env={"PATH": os.environ["PATH"]}, stdin=b"", cwd=Path("/"))

    def living(self) -> set[int]:
        """Found by thread: a process may live on without its first."""
        return {int(pid.name) for pid in Path("/proc").glob("[0-9]*") if self.token.encode() in words(pid)}

    def kill(self) -> None:
        for pid in self.living():
            reaper.send(pid, signal.SIGKILL)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(token=secrets.token_hex(16), heartbeat=tmp_path / "heartbeat")
    scene.heartbeat.touch()
    before = reaper.children()
    yield scene
    scene.kill()  # only where a test has failed is there anything left
    assert set(reaper.children()) <= set(before), "neither processes nor zombies stay with us"


@pytest.fixture(params=list(Mode))
async def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return await wall(request.param)


async def assert_nothing_is_left(scene: Scene) -> None:
    """At this moment, not soon: whoever says that a job has ended must be right."""
    assert scene.living() == set()
    beat = scene.heartbeat.stat().st_mtime_ns
    await asyncio.sleep(0.03)  # fifteen steps of the walker, which hides from every look at /proc
    assert scene.heartbeat.stat().st_mtime_ns == beat


def words(process: Path) -> bytes:
    """The arguments that its threads still have; what is dead has none."""
    found = b""
    with suppress(OSError):
        for thread in (process / "task").iterdir():
            with suppress(OSError):
                found += (thread / "cmdline").read_bytes()
    return found


async def grown(job: Supervised) -> None:
    async with asyncio.timeout(10):
        assert await job.stdout.readline() == b"ready\n"


async def ended(job: Supervised) -> Cause:
    async with asyncio.timeout(10):
        end = await job.wait()
    job.close()
    return end.cause


@pytest.mark.parametrize("run", range(RUNS))
async def test_f27_f29_a_cancelled_job_is_gone_within_a_second_of_its_grace(
    sandbox: Sandbox, scene: Scene, run: int
) -> None:
    async with Shims(sandbox.argv, GRACE_S) as shims:
        job = await shims.spawn(scene.command())
        await grown(job)
        assert len(scene.living()) > 60
        asked = time.monotonic()
        job.stop()
        assert await ended(job) is Cause.STOP
        assert GRACE_S <= time.monotonic() - asked < GRACE_S + 0.8
        await assert_nothing_is_left(scene)


@pytest.mark.parametrize("run", range(RUNS))
async def test_f28_a_job_can_be_cancelled_at_any_moment_of_its_start(
    sandbox: Sandbox, scene: Scene, run: int
) -> None:
    async with Shims(sandbox.argv, GRACE_S) as shims:
        job = await shims.spawn(scene.command())
        await asyncio.sleep(random.uniform(0, 0.12))
        job.stop()
        assert await ended(job) is Cause.STOP
        await assert_nothing_is_left(scene)


@pytest.mark.parametrize("run", range(RUNS))
async def test_f29_a_first_process_that_ends_leaves_nothing_behind(
    sandbox: Sandbox, scene: Scene, run: int
) -> None:
    async with Shims(sandbox.argv, grace_s=30) as shims:
        job = await shims.spawn(scene.command("leave"))
        await grown(job)
        left = time.monotonic()
        assert await ended(job) is Cause.EXIT
        assert time.monotonic() - left < 1
        await assert_nothing_is_left(scene)


@pytest.mark.parametrize("run", range(RUNS))
async def test_f28_a_reaper_killed_in_its_first_milliseconds_leaves_nothing_while_the_bot_lives(
    sandbox: Sandbox, scene: Scene, run: int
) -> None:
    before = set(reaper.children())
    async with Shims(sandbox.argv, GRACE_S) as shims:
        (warm,) = set(reaper.children()) - before
        spawning = asyncio.ensure_future(shims.spawn(scene.command()))
        await asyncio.sleep(random.uniform(0, 0.012))  # half of them before the job's first process is there
        os.kill(warm, signal.SIGKILL)
        with suppress(OSError):
            assert await ended(await spawning) is Cause.LOST
        await assert_nothing_is_left(scene)


async def test_a_reaper_killed_over_a_grown_tree_leaves_nothing_while_the_bot_lives(
    sandbox: Sandbox, scene: Scene
) -> None:
    async with Shims(sandbox.argv, GRACE_S) as shims:
        job = await shims.spawn(scene.command())
        await grown(job)
        os.kill(job.record.pid, signal.SIGKILL)
        assert await ended(job) is Cause.LOST
        await assert_nothing_is_left(scene)


@dataclass
class Bot:
    """A bot in a process of its own."""

    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, sandbox: Sandbox, scene: Scene, grace_s: float) -> Bot:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.small_bot", sandbox.mode, str(grace_s)),
            *scene.command().argv,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        return cls(process)

    async def says(self, word: str) -> list[str]:
        assert self.process.stdout
        async with asyncio.timeout(20):
            words = (await self.process.stdout.readline()).decode().split()
        assert words[0] == word
        return words[1:]

    async def kill(self) -> list[reaper.Process]:
        """Returns what was below it, the reapers too."""
        self.process.send_signal(signal.SIGSTOP)  # so that it starts no reaper while we look
        below = [process for pid in reaper.below([self.process.pid]) if (process := reaper.look(pid))]
        assert below, "it keeps a reaper, job or no job"
        self.process.kill()
        async with asyncio.timeout(5):
            await self.process.wait()
        return below


async def gone(scene: Scene, processes: list[reaper.Process], within_s: float) -> None:
    """Returns when they are; they are not ours, so nobody tells us."""
    try:
        async with asyncio.timeout(within_s):
            while scene.living() or any(map(lives, processes)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"left: {scene.living()} and {[p for p in processes if lives(p)]}")
    bury(*(process.pid for process in processes))


def bury(*pids: int) -> None:
    """The orphans of a bot come to this process, where an earlier test has made it take those."""
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def lives(process: reaper.Process) -> bool:
    with suppress(OSError):
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        state, threads, started = fields[0], int(fields[17]), int(fields[19])
        return started == process.started and (state not in "ZX" or threads > 1)
    return False


@pytest.mark.parametrize("run", range(RUNS))
async def test_f04_f05_a_killed_bot_leaves_nothing(sandbox: Sandbox, scene: Scene, run: int) -> None:
    bot = await Bot.start(sandbox, scene, GRACE_S)
    await bot.says("starting")
    await asyncio.sleep(random.uniform(0, 0.25))
    below = await bot.kill()
    await gone(scene, below, within_s=GRACE_S + 1)
    await assert_nothing_is_left(scene)


async def test_f05_what_a_killed_bot_left_is_ended_at_the_next_start(sandbox: Sandbox, scene: Scene) -> None:
    bot = await Bot.start(sandbox, scene, grace_s=30)
    await bot.says("starting")
    pid, started, boot_id = await bot.says("started")
    record = ProcessRecord(pid=int(pid), started=int(started), boot_id=boot_id)
    await bot.kill()
    assert await end_left_over(record, within_s=5)
    bury(record.pid)
    await assert_nothing_is_left(scene)


async def test_a_record_of_another_process_of_that_number_ends_nobody() -> None:
    async with Shims((), GRACE_S) as shims:
        job = await shims.spawn(Command(argv=("sleep", "60"), env={}, stdin=b"", cwd=Path("/")))
        for other in (
            ProcessRecord(pid=job.record.pid, started=job.record.started + 1, boot_id=job.record.boot_id),
            ProcessRecord(pid=job.record.pid, started=job.record.started, boot_id="earlier"),
        ):
            assert await end_left_over(other, within_s=5)
        assert reaper.look(job.record.pid) is not None
        assert (await job.kill()).cause is Cause.STOP
        job.close()
