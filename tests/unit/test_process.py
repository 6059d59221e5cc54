"""Real processes: what goes in arrives, what comes out is heard, and none is left."""

from __future__ import annotations

import asyncio
import os
import signal
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from executor.backends.base import Command
from executor.processes import process as process_module
from executor.processes.lines import LINE_CAP
from executor.processes.process import Process, spawn
from executor.processes.sandbox import Mode, Sandbox
from executor.processes.shims import Shims
from tests.programs import alive_with, python, run, shell
from tests.walls import wall

MB = 1024 * 1024
NAP = "sleep 1000"


@dataclass
class Heard:
    """Keeps the lines of a stream, and says when the first has come."""

    lines: list[bytes] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, lines: Sequence[bytes]) -> None:
        self.lines += lines
        self.first.set()


@dataclass
class Run:
    """A process that is being read."""

    process: Process
    reading: asyncio.Task[int]
    out: Heard
    err: Heard


@pytest.fixture(params=list(Mode))
async def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return await wall(request.param)


@pytest.fixture
async def shims(sandbox: Sandbox) -> AsyncIterator[Shims]:
    """Their own grace is so long that no test passes by waiting for its end."""
    async with Shims(sandbox.argv, grace_s=1000) as shims:
        yield shims


@pytest.fixture
def token() -> Iterator[str]:
    """A word on the command line of all processes of a test, of which none may be left."""
    token = uuid4().hex
    yield token
    assert alive_with(token) == []


@asynccontextmanager
async def running(shims: Shims, command: Command) -> AsyncIterator[Run]:
    process = await spawn(shims, command)
    out, err = Heard(), Heard()
    reading = asyncio.create_task(process.read(command.stdin, out, err))
    try:
        yield Run(process, reading, out, err)
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        await process.close(grace_s=0)


async def result_of(shims: Shims, command: Command) -> tuple[int, list[bytes], list[bytes]]:
    async with asyncio.timeout(20), running(shims, command) as run:
        return await run.reading, run.out.lines, run.err.lines


# In and out


async def test_what_is_fed_arrives_byte_for_byte(shims: Shims) -> None:
    text = b"--help\n$(id) \xff\x00 `id`"
    code, out, _ = await result_of(shims, shell("cat", stdin=text))
    assert (code, b"\n".join(out)) == (0, text)


async def test_both_streams_are_heard_each_in_order(shims: Shims) -> None:
    script = "for n in 1 2 3; do echo out $n; echo err $n >&2; done"
    code, out, err = await result_of(shims, shell(script))
    assert code == 0
    assert out == [b"out 1", b"out 2", b"out 3"]
    assert err == [b"err 1", b"err 2", b"err 3"]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -KILL $$", -signal.SIGKILL),
        ("kill -SEGV $$", -signal.SIGSEGV),
        ("kill -ABRT $$", -signal.SIGABRT),
        ("exit 143", 143),
        ("exit 144", 144),
        ("exit 173", 173),
    ],
)
async def test_the_end_is_told_as_exit_code_or_signal(shims: Shims, script: str, code: int) -> None:
    """F33."""
    assert (await result_of(shims, shell(script)))[0] == code


async def test_bytes_that_are_no_text_are_kept_and_so_is_a_last_line_without_newline(shims: Shims) -> None:
    _, out, _ = await result_of(shims, shell(r"printf '\377\376\000\033[31m\nlast'"))
    assert out == [b"\xff\xfe\x00\x1b[31m", b"last"]


async def test_a_line_of_fifty_megabytes_is_cut_in_bounded_memory(shims: Shims) -> None:
    """F23."""
    command = python("import sys\nfor _ in range(50): sys.stdout.write('x' * 1048576)\nprint('\\nnext')")
    tracemalloc.start()
    try:
        code, out, _ = await result_of(shims, command)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (code, len(out[0]), out[1]) == (0, LINE_CAP + len(b" [48234496 bytes left out]"), b"next")
    assert peak < 4 * LINE_CAP


async def test_a_process_starts_in_its_directory_with_only_its_own_environment(
    shims: Shims, tmp_path: Path
) -> None:
    script = "import os; print(os.getcwd(), *os.environ, sep='\\n')"
    command = run(python(script).argv, cwd=tmp_path)
    code, (cwd, *names), _ = await result_of(shims, command)
    assert (code, cwd) == (0, os.fsencode(tmp_path))
    assert set(names) <= {b"PATH", b"LC_CTYPE", b"PWD"}  # Python and bwrap add the last two by themselves


async def test_a_process_is_in_another_session_than_ours(shims: Shims, token: str) -> None:
    async with asyncio.timeout(20), running(shims, shell(f"echo on; {NAP} # {token}")) as run:
        await run.out.first.wait()
        # From outside: in a namespace of its own, a process sees 0 for a session that began without.
        assert {os.getsid(pid) for pid in alive_with(token)}.isdisjoint({os.getsid(0)})
        assert alive_with(token)


async def test_input_that_nobody_reads_is_no_failure(shims: Shims) -> None:
    assert (await result_of(shims, shell("exit 3", stdin=b"x" * 5 * MB)))[0] == 3
    assert (await result_of(shims, shell("exec 0<&-; echo on; exit 4", stdin=b"x" * 5 * MB)))[:2] == (
        4,
        [b"on"],
    )


async def test_nobody_waits_for_input_to_be_read(shims: Shims) -> None:
    code, out, _ = await result_of(shims, shell("echo done; exit 0", stdin=b"x" * 5 * MB))
    assert (code, out) == (0, [b"done"])


async def test_nothing_is_lost_where_the_one_who_listens_is_slow(
    shims: Shims, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "_DRAIN_S", 0.05)
    gate, heard = asyncio.Event(), Heard()

    async def slow(lines: Sequence[bytes]) -> None:
        await gate.wait()
        await heard(lines)

    command = python("print('x' * 300_000)\nprint('result')")
    process = await spawn(shims, command)
    async with asyncio.timeout(20):
        reading = asyncio.create_task(process.read(b"", slow, slow))
        assert (await asyncio.wait([reading], timeout=1))[1]
        assert not process.running
        gate.set()
        assert await reading == 0
        await process.close(grace_s=0)
    assert heard.lines == [b"x" * 300_000, b"result"]


# What cannot be started


@pytest.mark.parametrize(
    ("argv", "error"),
    [(["/no/such/cli"], FileNotFoundError), (["no-such-cli"], FileNotFoundError), (["/"], PermissionError)],
)
async def test_a_cli_that_cannot_be_started_is_an_os_error(
    shims: Shims, argv: list[str], error: type[OSError]
) -> None:
    with pytest.raises(error):
        await spawn(shims, run(argv))


async def test_a_directory_that_is_gone_is_an_os_error(shims: Shims, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await spawn(shims, run(["true"], cwd=tmp_path / "gone"))


# What is left


async def test_a_grandchild_that_holds_the_output_open_neither_delays_the_end_nor_survives_it(
    shims: Shims, token: str
) -> None:
    """F30."""
    code, _, _ = await result_of(shims, shell(f"{NAP} & sleep 0.3; exit 3 # {token}"))
    assert code == 3


DAEMON = f"""
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("up", flush=True)
        os.execvp("sh", ["sh", "-c", "{NAP}; : " + sys.argv[1]])
    os._exit(0)
os.wait()
os._exit(5)
"""


async def test_a_daemon_that_holds_the_output_open_neither_delays_the_end_nor_survives_it(
    shims: Shims, token: str
) -> None:
    """F30."""
    command = python(DAEMON)
    code, _, _ = await result_of(shims, run([*command.argv, token]))
    assert code == 5


async def test_a_child_in_a_session_of_its_own_does_not_outlive_a_leader_that_crashed(
    shims: Shims, token: str
) -> None:
    script = f"setsid sh -c '{NAP} & echo; wait # {token}' & sleep 0.2; kill -KILL $$"
    assert (await result_of(shims, shell(script)))[0] == -signal.SIGKILL


async def test_a_sandbox_that_cannot_be_made_is_told_in_its_own_words() -> None:
    sandbox = await wall(Mode.PIDNS)
    async with (
        asyncio.timeout(10),
        Shims((*sandbox.argv, "--bind", "/no/such", "/mnt"), grace_s=5) as shims,
        running(shims, shell("exit 0")) as run,
    ):
        assert await run.reading != 0
        assert "/no/such" in run.process.refusal


async def test_a_program_that_fails_does_not_pass_for_a_sandbox_that_does(shims: Shims) -> None:
    async with asyncio.timeout(10), running(shims, shell("echo bwrap: no >&2; exit 1")) as run:
        assert await run.reading == 1
        assert run.process.refusal == ""


# Stopping


async def test_a_process_is_asked_first_and_its_last_words_are_heard(shims: Shims) -> None:
    script = f"trap 'echo bye; exit 5' TERM; echo; {NAP} & wait"
    async with asyncio.timeout(10), running(shims, shell(script)) as run:
        await run.out.first.wait()
        await run.process.stop(grace_s=5)
        assert await run.reading == 5
    assert run.out.lines[-1] == b"bye"


async def test_who_ignores_the_request_is_killed_after_the_grace(shims: Shims, token: str) -> None:
    """F27."""
    script = f"trap '' TERM; {NAP} & echo; wait # {token}"
    async with asyncio.timeout(10), running(shims, shell(script)) as run:
        await run.out.first.wait()
        await run.process.stop(grace_s=0.1)
        assert await run.reading == -signal.SIGKILL


async def test_the_whole_tree_is_stopped_whatever_its_sessions(shims: Shims, token: str) -> None:
    script = f"setsid sh -c '{NAP} & setsid {NAP} & echo; wait # {token}' & {NAP} & wait"
    async with asyncio.timeout(10), running(shims, shell(script)) as run:
        await run.out.first.wait()
        await run.process.stop(grace_s=0)
        await run.reading


async def test_a_stop_in_a_hurry_gives_no_grace(shims: Shims) -> None:
    async with asyncio.timeout(10), running(shims, shell(f"trap '' TERM; echo; {NAP} & wait")) as run:
        await run.out.first.wait()
        stopping = asyncio.create_task(run.process.stop(grace_s=1000))
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        assert await run.reading == -signal.SIGKILL


async def test_stopping_again_takes_no_grace_away_and_after_the_end_does_no_harm(shims: Shims) -> None:
    script = f"trap 'sleep 0.3; exit 5' TERM; echo; {NAP} & wait"
    async with asyncio.timeout(10), running(shims, shell(script)) as run:
        await run.out.first.wait()
        await asyncio.gather(run.process.stop(grace_s=5), run.process.stop(grace_s=5))
        assert await run.reading == 5
        assert not run.process.running
        await run.process.stop(grace_s=5)
        await run.process.close(grace_s=5)


async def test_a_read_that_is_cancelled_leaves_the_process_to_be_closed(shims: Shims, token: str) -> None:
    script = f"{NAP} & echo; wait # {token}"
    async with asyncio.timeout(10), running(shims, shell(script, stdin=b"x" * MB)) as run:
        await run.out.first.wait()
        run.reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run.reading
        assert alive_with(token) != []
        await run.process.close(grace_s=5)


async def test_a_listener_that_fails_ends_the_read_and_leaves_the_process_to_be_closed(
    shims: Shims, token: str
) -> None:
    async def fail(lines: Sequence[bytes]) -> None:
        raise ZeroDivisionError

    process = await spawn(shims, shell(f"echo; {NAP} & wait # {token}"))
    async with asyncio.timeout(10):
        with pytest.raises(ExceptionGroup) as raised:
            await process.read(b"", fail, fail)
        assert raised.group_contains(ZeroDivisionError)
        await process.close(grace_s=5)


async def test_a_start_that_is_cancelled_at_any_moment_leaves_nothing_behind(
    shims: Shims, token: str
) -> None:
    for offset in range(20):
        starting = asyncio.create_task(spawn(shims, shell(f"{NAP} & {NAP} # {token}")))
        for _ in range(offset):
            await asyncio.sleep(0)
        starting.cancel()
        async with asyncio.timeout(10):
            with suppress(asyncio.CancelledError):
                await (await starting).close(grace_s=0)
    assert alive_with(token) == []


async def test_no_file_is_left_open_however_a_read_ended(sandbox: Sandbox) -> None:
    noisy = shell("exec yes")
    before = open_files()
    gate = asyncio.Event()

    async def stuck(lines: Sequence[bytes]) -> None:
        gate.set()
        await asyncio.Event().wait()

    async with Shims(sandbox.argv, grace_s=1000) as shims:
        for _ in range(5):
            gate.clear()
            process = await spawn(shims, noisy)
            async with asyncio.timeout(10):
                reading = asyncio.create_task(process.read(b"x" * MB, stuck, stuck))
                await gate.wait()
                await asyncio.wait([reading], timeout=0.1)  # until all buffers are full
                reading.cancel()
                await asyncio.wait([reading])
                await process.close(grace_s=0)
            await result_of(shims, shell("echo; exit 1"))
    await asyncio.sleep(0)
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
