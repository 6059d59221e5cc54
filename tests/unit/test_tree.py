"""Who belongs to a job, as /proc shows it: all of its own, and never a stranger."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from executor.ports import ProcessRecord
from executor.processes.tree import ProcessTree, boot_id, process_record
from tests.programs import alive_with, is_alive

NAP = "sleep 1000"


@contextmanager
def started(script: str) -> Iterator[tuple[ProcessRecord, list[int]]]:
    """A process that leads a session, and the pids on the first line that it prints."""
    with subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, text=True
    ) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        record = process_record(process.pid)
        assert record is not None
        try:
            yield record, pids
        finally:
            for pid in (process.pid, *pids):
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)


async def end(tree: ProcessTree) -> None:
    async with asyncio.timeout(10):
        while not tree.kill():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.01)


def test_a_process_has_one_name_for_as_long_as_it_lives() -> None:
    with started(f"echo $$; exec {NAP}") as (record, (pid,)):
        assert (record.pid, record.boot_id) == (pid, boot_id())
        assert record.started > 0
        assert process_record(pid) == record


def test_what_is_gone_has_no_name() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert process_record(process.pid) is None


@pytest.mark.parametrize("name", ["a) S 1 1 (b", "with space", "new\nline", ")"])
def test_a_program_may_have_any_name(name: str, tmp_path: Path) -> None:
    program = tmp_path / name
    shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([program, "1000"], start_new_session=True)
    try:
        record = process_record(process.pid)
        assert record is not None
        assert ProcessTree(record).alive() == [process.pid]
    finally:
        process.kill()
        process.wait()


async def test_children_in_whatever_session_belong_to_it() -> None:
    script = f"setsid sh -c '{NAP} & echo $$ $!; wait' & {NAP} & wait"
    with started(script) as (record, pids):
        tree = ProcessTree(record)
        assert {record.pid, *pids} <= set(tree.alive())
        assert len(tree.alive()) == 4
        await end(tree)
        assert tree.alive() == []
        assert not any(map(is_alive, [record.pid, *pids]))


async def test_a_child_that_was_seen_once_is_not_lost_when_its_parent_dies() -> None:
    with started(f"setsid sh -c '{NAP} & echo $$ $!; wait' & wait") as (record, pids):
        tree = ProcessTree(record)
        tree.alive()
        for parent in (record.pid, pids[0]):
            os.kill(parent, signal.SIGKILL)
        assert pids[1] in tree.alive()
        await end(tree)
        assert not is_alive(pids[1])


async def test_a_child_in_the_session_of_a_dead_leader_is_found_by_who_never_saw_it() -> None:
    with started(f"{NAP} & echo $!; wait") as (record, (child,)):
        os.kill(record.pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, record.pid, 0)
        assert ProcessTree(record).alive() == [child]
        await end(ProcessTree(record))
        assert not is_alive(child)


async def test_a_stranger_that_has_the_number_now_is_left_alone() -> None:
    with started(f"{NAP} & echo $!; wait") as (record, (child,)):
        tree = ProcessTree(replace(record, started=record.started - 1))
        tree.terminate()
        assert tree.kill()
        assert is_alive(record.pid)
        assert is_alive(child)


async def test_what_hops_from_process_to_process_is_caught() -> None:
    token = uuid4().hex
    hop = f'hop() {{ sleep 0.002; hop "{token}" & exit; }}; echo; hop & wait; {NAP} # {token}'
    with started(hop) as (record, _):
        await end(ProcessTree(record))
        assert alive_with(token) == []


def test_asking_ends_those_who_listen() -> None:
    with started(f"echo $$; exec {NAP}") as (record, _):
        ProcessTree(record).terminate()
        _, status = os.waitpid(record.pid, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
