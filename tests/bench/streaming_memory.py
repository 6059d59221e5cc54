"""What each streaming job adds to the memory of `bifrost serve`, a process of its own, on Slack."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.figures import Figure, at_most
from tests.bench.resident import resident_mb
from tests.stage import START_S, Backdrop, Wishes, hang_backdrop

_JOBS = 20
_ROOT = Path(__file__).parents[2]
_STREAMED_S = 30.0
_MOST_MB = 0.5

# A claude that says a line a second; bash waits for input that never comes without starting anything.
_CLI = """\
#!/bin/bash
exec {never}<> <(:)
for ((line = 0; line < LINES_SAID; line++)); do
  text="$line $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM $RANDOM.\\\\n"
  echo '{"type":"stream_event","event":{"type":"content_block_delta",' \\
    '"delta":{"type":"text_delta","text":"'"$text"'"}}}'
  read -r -t 1 -u $never
done
echo '{"type":"result","subtype":"success","is_error":false,"result":"Done.","num_turns":1}'
"""


async def measure(place: Path) -> Sequence[Figure]:
    """After a first short job has loaded what all jobs need, so many stream at once."""
    cli = place / "claude"
    _write(cli, 2)
    wishes = Wishes(executable=str(cli), slots=_JOBS)
    async with hang_backdrop(place, wishes) as backdrop, _serving(backdrop) as process:
        await _asked(backdrop, 1)
        await _cards(backdrop, "· done", 1)
        idle_mb = resident_mb("VmRSS", process.pid)
        _write(cli, 600)
        await _asked(backdrop, _JOBS)
        await _cards(backdrop, "· running", _JOBS)
        await asyncio.sleep(_STREAMED_S)
        added_mb = (resident_mb("VmRSS", process.pid) - idle_mb) / _JOBS
    return [
        Figure(
            name=f"memory added by each of {_JOBS} streaming jobs",
            value=added_mb,
            unit="MB",
            target=at_most(added_mb, _MOST_MB, "MB"),
        )
    ]


def _write(cli: Path, lines: int) -> None:
    cli.write_text(_CLI.replace("LINES_SAID", str(lines)))
    cli.chmod(0o700)


async def _asked(backdrop: Backdrop, number: int) -> None:
    dev = backdrop.slack.channel("dev")
    for _ in range(number):
        reply = await backdrop.people[0].command("/job", "research say much", channel=dev)
        assert reply.shown is not None and reply.plain.startswith("Queued"), reply.plain


async def _cards(backdrop: Backdrop, word: str, number: int) -> None:
    slack, dev = backdrop.slack, backdrop.slack.channel("dev")
    told = lambda: sum(word in card.plain for card in slack.messages(dev)) >= number  # noqa: E731
    await slack.until(told, timeout=90, what=f"{number} cards that say {word}")


@asynccontextmanager
async def _serving(backdrop: Backdrop) -> AsyncIterator[Process]:
    """A running `bifrost serve` that Slack has greeted."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve", "--config", str(backdrop.config)),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=backdrop.config.parent,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    try:
        await backdrop.slack.until(lambda: backdrop.slack.connections, timeout=START_S, what="a connection")
        yield process
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), START_S)
