"""Names a process so that a reused pid is never taken for it."""

from __future__ import annotations

from pathlib import Path

from executor.ports import ProcessRecord
from executor.processes import reaper


def process_record(pid: int) -> ProcessRecord | None:
    """Names the process for good; None where it is gone already."""
    process = reaper.look(pid)
    if process is None:
        return None
    return ProcessRecord(pid=pid, started=process.started, boot_id=_boot_id())


def _boot_id() -> str:
    """Tells this run of the kernel from every other; pids and start times mean nothing across it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
