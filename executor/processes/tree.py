"""Finds and ends the processes that a job has started, by parent and by session, as /proc shows them."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from executor.ports import ProcessRecord

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class _Stat:
    pid: int
    state: str
    parent: int
    session: int
    started: int


def process_record(pid: int) -> ProcessRecord | None:
    """Names the process for good; None where it is gone already."""
    stat = _read_stat(str(pid))
    if stat is None:
        return None
    return ProcessRecord(pid=pid, started=stat.started, boot_id=boot_id())


def boot_id() -> str:
    """Tells this run of the kernel from every other; pids and start times mean nothing across it."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class ProcessTree:
    """The processes below `leader`, which leads a session of its own.

    Whatever was once seen as a member stays one, so that a child whose parent has died is not lost. A process
    that daemonises before it is first seen gets away: only a supervisor around the job can hold that one.
    """

    def __init__(self, leader: ProcessRecord) -> None:
        self._members = {(leader.pid, leader.started)}

    def alive(self) -> list[int]:
        """Pids of all members that still run."""
        stats = _all_stats()
        self._grow(stats)
        return [
            stat.pid for stat in stats if (stat.pid, stat.started) in self._members and stat.state not in "ZX"
        ]

    def terminate(self) -> None:
        """Asks every member to end."""
        for pid in self.alive():
            _signal(pid, signal.SIGTERM)

    def kill(self) -> bool:
        """Ends every member by force; True once none is left. Frozen first, so that none can fork away."""
        found = self.alive()
        if not found:
            return True
        for pid in found:
            _signal(pid, signal.SIGSTOP)
        remaining = self.alive()
        for pid in remaining:
            _signal(pid, signal.SIGKILL)
        return not remaining

    def _grow(self, stats: list[_Stat]) -> None:
        current = {stat.pid: stat.started for stat in stats}
        while True:
            parents = {pid for pid, started in self._members if current.get(pid) == started}
            # The kernel keeps a dead leader's number while its session lives; a stranger that has the number
            # now proves that session gone.
            sessions = {pid for pid, started in self._members if current.get(pid, started) == started}
            found = {
                (stat.pid, stat.started)
                for stat in stats
                if stat.parent in parents or stat.session in sessions
            }
            if found <= self._members:
                return
            self._members |= found


def _all_stats() -> list[_Stat]:
    with os.scandir(_PROC) as entries:
        stats = [_read_stat(entry.name) for entry in entries if entry.name.isdigit()]
    return [stat for stat in stats if stat is not None]


def _read_stat(pid: str) -> _Stat | None:
    # Bare system calls: all of /proc is read on the event loop, and pathlib takes twice as long.
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        line = os.read(descriptor, 4096)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    # The command name stands in parentheses and may hold any character, a parenthesis too.
    fields = line[line.rindex(b")") + 2 :].split()
    return _Stat(
        pid=int(pid),
        state=fields[0].decode(),
        parent=int(fields[1]),
        session=int(fields[3]),
        started=int(fields[19]),
    )


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
