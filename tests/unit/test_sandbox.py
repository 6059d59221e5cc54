"""The wall around a job: found by trying, refused where it is required and missing, and closed to signals."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from executor.processes import sandbox as module
from executor.processes.sandbox import Mode, SandboxMissing, find_sandbox
from executor.processes.shims import Shims
from executor.processes.supervised import Cause
from tests.programs import shell
from tests.walls import wall


def bwrap(place: Path, script: str) -> str:
    """A bwrap that does what `script` does."""
    path = place / "bwrap"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def test_without_bwrap_the_reaper_is_alone_and_doctor_can_say_why() -> None:
    sandbox = await find_sandbox(executable="no-such-bwrap")
    assert (sandbox.mode, sandbox.argv) == (Mode.REAPER, ())
    assert "apt install bubblewrap" in sandbox.problem


async def test_what_bwrap_says_against_it_is_the_reason(tmp_path: Path) -> None:
    refusing = bwrap(tmp_path, "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1")
    sandbox = await find_sandbox(executable=refusing)
    assert (sandbox.mode, sandbox.problem) == (Mode.REAPER, "bwrap: No permissions to create a new namespace")
    with pytest.raises(SandboxMissing) as missing:
        await find_sandbox(required=True, executable=refusing)
    assert missing.value.reason == sandbox.problem


async def test_a_bwrap_that_hangs_counts_as_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PROBE_S", 0.3)
    hanging = bwrap(tmp_path, "trap '' TERM; sleep 600 & wait")
    began = time.monotonic()
    sandbox = await find_sandbox(executable=hanging)
    assert sandbox.mode is Mode.REAPER
    assert "within 0.3 s" in sandbox.problem
    assert time.monotonic() - began < 5


async def test_a_namespace_that_cannot_be_made_is_not_taken_for_a_job_that_failed() -> None:
    sandbox = await wall(Mode.PIDNS)
    async with asyncio.timeout(10), Shims((*sandbox.argv, "--bind", "/no/such", "/mnt"), 1) as shims:
        job = await shims.spawn(shell("exit 0"))
        complained = await job.stderr.read()
        ended = await job.wait()
        job.close()
    assert ended.cause is Cause.SANDBOX
    assert b"/no/such" in complained


@pytest.fixture
def outsider() -> Iterator[subprocess.Popen[bytes]]:
    """A process of a higher number than any that a small job has in a namespace of its own."""
    while True:
        with subprocess.Popen(["sleep", "60"]) as process:
            if process.pid > 64:
                yield process
                process.kill()
                return
            process.kill()


async def test_a_job_in_a_namespace_sees_and_signals_no_process_but_its_own(
    outsider: subprocess.Popen[bytes],
) -> None:
    sandbox = await wall(Mode.PIDNS)
    async with asyncio.timeout(10), Shims(sandbox.argv, 1) as shims:
        job = await shims.spawn(shell(f"ls -d /proc/[0-9]* | wc -l; kill -0 {outsider.pid} 2>&1"))
        lines = (await job.stdout.read()).splitlines()
        ended = await job.wait()
        job.close()
    assert int(lines[0]) < 8
    assert b"No such process" in lines[1]
    assert ended.code != 0


async def test_a_job_sees_nothing_of_a_veiled_place_but_what_it_is_given_of_it(tmp_path: Path) -> None:
    sandbox = await wall(Mode.PIDNS)
    results = tmp_path / "jobs" / "results"
    results.mkdir(parents=True)
    (tmp_path / "token").write_text("secret")
    look = f"ls -A {tmp_path} {tmp_path}/jobs; cat {tmp_path}/token"
    command = replace(
        shell(f"{look}; echo made > {results}/it; touch {tmp_path}/no"), sees=(results, tmp_path / "missing")
    )
    async with asyncio.timeout(10), Shims(sandbox.argv, 1, veiled=tmp_path) as shims:
        job = await shims.spawn(command)
        said = (await job.stdout.read()).decode().split()
        await job.wait()
        job.close()
    assert [word for word in said if not word.endswith(":")] == ["jobs", "results"]
    assert (results / "it").read_text() == "made\n"
    assert not (tmp_path / "no").exists()


async def test_a_cli_may_make_a_sandbox_of_its_own_inside() -> None:
    sandbox = await wall(Mode.PIDNS)
    inner = " ".join(sandbox.argv)
    async with asyncio.timeout(10), Shims(sandbox.argv, grace_s=30) as shims:
        job = await shims.spawn(shell(f"trap 'exit 3' TERM; {inner} sh -c 'echo ready; sleep 60'; wait"))
        assert await job.stdout.readline() == b"ready\n"
        job.stop()
        ended = await job.wait()
        job.close()
    assert (ended.code, ended.killed) == (3, False)
