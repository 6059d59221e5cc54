"""What an idle `bifrost serve` holds in memory, in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.bench.resident import resident_mb
from tests.simulators.slack import SlackSimulator
from tests.stage import START_S, Wishes, hang_backdrop

_IDLE_S = 3.0
_MOST_MB = 90


async def measure(place: Path) -> Sequence[Figure]:
    """With Slack connected to the simulator, and without Slack; after three idle seconds each."""
    async with hang_backdrop(place, Wishes(provider="rehearsal")) as backdrop:
        slack = backdrop.slack
        async with _serving(backdrop.config) as process:
            await slack.until(lambda: slack.connections, timeout=START_S, what="a connection")
            with_slack = await _idle(process)
        alone = _without_slack(backdrop.config, slack)
        async with _serving(alone) as process:
            without_slack = await _idle(process)
    return [
        Figure(
            name=f"idle `bifrost serve` {how}", value=value, unit="MB", target=at_most(value, _MOST_MB, "MB")
        )
        for how, value in (("with Slack", with_slack), ("without Slack", without_slack))
    ]


async def _idle(process: Process) -> float:
    await asyncio.sleep(_IDLE_S)
    return resident_mb("VmRSS", process.pid)


def _without_slack(config: Path, slack: SlackSimulator) -> Path:
    text = config.read_text().replace(slack.bot_token, "").replace(slack.app_token, "")
    path = config.with_name("without-slack.toml")
    path.write_text(text)
    return path


@asynccontextmanager
async def _serving(config: Path) -> AsyncIterator[Process]:
    """A running `bifrost serve`, which has said where it serves."""
    program = Path(sys.executable).with_name("bifrost")
    process = await asyncio.create_subprocess_exec(
        program, "serve", "--config", config, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, cwd=config.parent
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            greeting = await process.stdout.readline()
        assert b"serves" in greeting, f"it says {greeting!r}"
        yield process
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), START_S)
