"""Jobs under a reaper, alone and around a namespace: what they get, and how they start and end."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from executor.backends.base import Command
from executor.processes import reaper
from executor.processes.sandbox import Mode, Sandbox
from executor.processes.shims import Shims
from executor.processes.supervised import Cause, Ended, Shim, Supervised
from tests.programs import python, run, shell
from tests.walls import wall

GRACE_S = 30.0
"""So long that no test passes by waiting for its end."""

_LIBC_SIGNALS = 0b11 << 31
"""32 and 33 are the C library's own: what was started by posix_spawn, as by make, has them ignored."""


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Neither processes, nor zombies, nor descriptors."""
    children, descriptors = set(reaper.children()), descriptors_now()
    yield
    assert set(reaper.children()) <= children
    assert descriptors_now() == descriptors


def descriptors_now() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(params=list(Mode))
async def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return await wall(request.param)


@pytest.fixture
async def shims(sandbox: Sandbox) -> AsyncIterator[Shims]:
    async with asyncio.timeout(20), Shims(sandbox.argv, GRACE_S) as shims:
        yield shims


async def read(job: Supervised, stdin: bytes = b"") -> tuple[bytes, bytes, Ended]:
    """All that the job says, and its end."""
    job.stdin.write(stdin)
    job.stdin.close()
    said, complained, ended = await asyncio.gather(job.stdout.read(), job.stderr.read(), job.wait())
    job.close()
    return said, complained, ended


async def says(job: Supervised, line: bytes) -> None:
    assert await job.stdout.readline() == line


async def test_a_job_has_its_streams_and_its_exit_code(shims: Shims) -> None:
    job = await shims.spawn(shell("cat; echo trouble >&2; exit 7"))
    said, complained, ended = await read(job, stdin=b"to be read")
    assert (said, complained) == (b"to be read", b"trouble\n")
    assert ended == Ended(code=7, cause=Cause.EXIT, killed=False)


async def test_a_job_gets_its_own_environment_and_directory_and_nothing_of_ours(
    shims: Shims, tmp_path: Path
) -> None:
    command = Command(argv=("env",), env={"PATH": os.environ["PATH"], "WORD": "ä\n"}, stdin=b"", cwd=tmp_path)
    said, _, _ = await read(await shims.spawn(command))
    lines = set(said.decode().split("\n")) - {f"PWD={tmp_path}"}  # which bwrap adds
    assert lines == {f"PATH={os.environ['PATH']}", "WORD=ä", ""}
    said, _, _ = await read(await shims.spawn(replace(command, argv=("pwd",))))
    assert said.decode().strip() == str(tmp_path)
    said, _, _ = await read(await shims.spawn(run(["ls", "/proc/self/fd"])))
    assert said.split() == [b"0", b"1", b"2", b"3"]  # the last is ls reading the directory


async def test_a_job_has_limits_and_the_signals_of_a_fresh_process(shims: Shims) -> None:
    script = "import resource as r; print(*(r.getrlimit(k) for k in (r.RLIMIT_CORE, r.RLIMIT_FSIZE)))"
    said, _, _ = await read(await shims.spawn(python(script)))
    assert said.decode().strip() == f"(0, 0) {(16 * 1024**3, 16 * 1024**3)}"
    said, _, _ = await read(
        await shims.spawn(run(["grep", "-E", "^Sig(Ign|Blk)|^NoNew", "/proc/self/status"]))
    )
    blocked, ignored, no_new = (int(line.split()[1], 16) for line in said.splitlines())
    assert (blocked, ignored & ~_LIBC_SIGNALS, no_new) == (0, 0, 1)


async def test_an_order_may_be_large(shims: Shims) -> None:
    words = {f"WORD{number}": "x" * 100_000 for number in range(12)}
    command = run(["sh", "-c", "echo $WORD0$WORD11"])
    said, _, _ = await read(await shims.spawn(replace(command, env={**command.env, **words})))
    assert len(said) == 200_001


async def test_a_job_that_is_asked_to_end_may_clean_up(shims: Shims, tmp_path: Path) -> None:
    script = f"trap 'echo tidy > {tmp_path}/note; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
    job = await shims.spawn(shell(script))
    await says(job, b"ready\n")
    job.stop()
    _, _, ended = await read(job)
    assert ended == Ended(code=0, cause=Cause.STOP, killed=False)
    assert (tmp_path / "note").read_text() == "tidy\n"


async def test_a_job_that_is_asked_twice_has_no_grace(shims: Shims) -> None:
    job = await shims.spawn(shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"))
    await says(job, b"ready\n")
    began = time.monotonic()
    ended = await job.kill()
    job.close()
    assert ended == Ended(code=-signal.SIGKILL, cause=Cause.STOP, killed=True)
    assert time.monotonic() - began < 2


async def test_f30_what_holds_the_output_open_ends_with_the_first_process(shims: Shims) -> None:
    job = await shims.spawn(shell("setsid sleep 600 & echo done"))
    said, _, ended = await read(job)
    assert said == b"done\n"
    assert ended == Ended(code=0, cause=Cause.EXIT, killed=False)


async def test_a_signal_that_ends_a_job_is_told(shims: Shims) -> None:
    _, _, ended = await read(await shims.spawn(shell("kill -KILL $$")))
    assert ended.code in (-signal.SIGKILL, 128 + signal.SIGKILL)  # bwrap knows no other way to say it
    assert ended.cause is Cause.EXIT


async def test_jobs_can_be_started_all_at_once(shims: Shims) -> None:
    jobs = await asyncio.gather(*(shims.spawn(shell(f"echo {number}")) for number in range(5)))
    said = await asyncio.gather(*map(read, jobs))
    assert [lines for lines, _, _ in said] == [f"{number}\n".encode() for number in range(5)]


async def test_f31_a_program_that_cannot_be_started_is_told_by_name(shims: Shims, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(FileNotFoundError) as missing:
        await shims.spawn(run(["no-such-program"]))
    assert missing.value.filename == "no-such-program"
    with pytest.raises(PermissionError):
        await shims.spawn(run([str(tmp_path / "plain")]))
    with pytest.raises(FileNotFoundError) as nowhere:
        await shims.spawn(run(["true"], cwd=tmp_path / "nowhere"))
    assert nowhere.value.filename == str(tmp_path / "nowhere")


async def test_words_that_no_program_can_be_given_are_refused(shims: Shims) -> None:
    for words, number in ((["a\0b"], errno.EINVAL), (["x" * 200_000], errno.E2BIG)):
        with pytest.raises(OSError) as refused:
            await shims.spawn(run(["/bin/echo", *words]))
        assert refused.value.errno == number


async def test_f31_a_broken_program_does_not_pass_for_one_that_failed(
    shims: Shims, sandbox: Sandbox, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    if sandbox.mode is Mode.REAPER:
        with pytest.raises(FileNotFoundError):
            await shims.spawn(run([str(broken)]))
        return
    _, complained, ended = await read(await shims.spawn(run([str(broken)])))
    assert ended.cause is Cause.SANDBOX
    assert b"broken" in complained


async def test_a_start_that_is_cancelled_leaves_nothing(shims: Shims) -> None:
    for turns in range(8):
        spawning = asyncio.ensure_future(shims.spawn(shell("trap '' TERM; sleep 600")))
        for _ in range(turns):
            await asyncio.sleep(0)
        spawning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await spawning


async def test_leaving_ends_every_job(sandbox: Sandbox) -> None:
    async with asyncio.timeout(20):
        async with Shims(sandbox.argv, GRACE_S) as shims:
            job = await shims.spawn(shell("trap '' TERM; echo ready; sleep 600"))
            await says(job, b"ready\n")
        assert job.ended == Ended(code=-signal.SIGKILL, cause=Cause.STOP, killed=True)


async def test_a_reaper_that_died_while_it_waited_is_replaced() -> None:
    before = set(reaper.children())
    async with asyncio.timeout(20), Shims((), GRACE_S) as shims:
        (warm,) = set(reaper.children()) - before
        os.kill(warm, signal.SIGKILL)
        os.waitid(os.P_PID, warm, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - dead, and still to be found so
        said, _, _ = await read(await shims.spawn(shell("echo here")))
    assert said == b"here\n"


def test_a_reaper_that_waits_ends_with_its_bot() -> None:
    shim = Shim(umask=-1)
    shim.control.close()
    assert shim.process.wait(timeout=10) == 0
    shim.close()


async def test_f28_a_reaper_that_is_killed_is_no_end_of_the_job(shims: Shims) -> None:
    job = await shims.spawn(shell("setsid sleep 600 & echo ready; wait"))
    await says(job, b"ready\n")
    os.kill(job.record.pid, signal.SIGKILL)
    _, _, ended = await read(job)
    assert ended.cause is Cause.LOST


async def test_children_are_found_on_kernels_that_keep_no_list_of_them(
    shims: Shims, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await shims.spawn(shell("sleep 600 & echo ready; wait"))
    await says(job, b"ready\n")
    listed = set(reaper.children()), set(reaper.below([job.record.pid]))
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    assert (set(reaper.children()), set(reaper.below([job.record.pid]))) == listed
    assert job.record.pid in listed[0]
    assert len(listed[1]) >= 2
    monkeypatch.undo()
    await job.kill()
    job.close()


def test_the_reaper_needs_nothing_of_ours() -> None:
    text = Path(reaper.__file__).read_text()
    assert "import executor" not in text
    assert "from executor" not in text
    assert sys.flags.isolated == 0  # so that this says something: the bot's own Python has our packages
