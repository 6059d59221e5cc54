"""An agent that begins at once and ends when the test says so: a recorded stream with a wait in it."""

from __future__ import annotations

from pathlib import Path

RECORDING = Path(__file__).parents[1] / "recordings" / "claude" / "hello.ndjson"


class WaitingAgent:
    """The executable `place`/agent, to be run in place of claude in `place`/workspace."""

    def __init__(self, place: Path) -> None:
        self.executable = place / "agent"
        self._go = place / "workspace" / "go"
        first, *rest = RECORDING.read_text().splitlines(keepends=True)
        (place / "first.ndjson").write_text(first)
        (place / "rest.ndjson").write_text("".join(rest))
        self.executable.write_text(
            f"#!/bin/sh\nread -r _\ncat {place}/first.ndjson\n"
            f"until [ -e {self._go} ]; do sleep 0.02; done\ncat {place}/rest.ndjson\n"
        )
        self.executable.chmod(0o755)

    def let_go(self) -> None:
        """Lets it, and all that follow, come to their end."""
        self._go.touch()
