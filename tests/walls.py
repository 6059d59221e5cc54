"""The ways that jobs are held, for tests that hold in each."""

from __future__ import annotations

import pytest

from executor.processes.sandbox import Mode, Sandbox, find_sandbox


async def wall(mode: Mode) -> Sandbox:
    """The sandbox of this mode; skips the test, with the reason, where this machine makes none."""
    if mode is Mode.REAPER:
        return Sandbox(mode=mode)
    sandbox = await find_sandbox()
    if sandbox.mode is not mode:
        pytest.skip(sandbox.problem)
    return sandbox
