"""A bot on Slack of which one thing at a time is asked, with a CLI that says when it was started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.simulators.slack import Rules
from tests.stage import Stage, set_stage

# bash reads the clock without starting anything; $EPOCHREALTIME is time.time().
_CLI = """\
#!/bin/bash
echo "${EPOCHREALTIME/,/.}" > "$BIFROST_RESULTS/started"
echo '{"type":"result","subtype":"success","is_error":false,"result":"Hello!","num_turns":1}'
"""


def make_cli(place: Path) -> str:
    """A claude that writes down when it was started, says hello and ends."""
    path = place / "claude"
    path.write_text(_CLI)
    path.chmod(0o700)
    return str(path)


def started_at(results: Path) -> float:
    """When the CLI with these results was started, as time.time() counts."""
    return float((results / "started").read_text())


@asynccontextmanager
async def idle_bot(place: Path, *, executable: str = "") -> AsyncIterator[Stage]:
    """The bot on the Slack simulator, both without the pace of one message a second and channel.

    It is asked faster than people would ask it; waiting for its turn to speak is not what is measured.
    """
    async with set_stage(place, executable=executable, rules=Rules(rate_limits=False)) as stage:
        assert stage.bifrost.slack is not None
        platform = stage.bifrost.slack.platform
        platform.caps = replace(
            platform.caps, edits_per_minute=60_000, edit_burst=1000, posts_per_minute=60_000, post_burst=1000
        )
        yield stage
