"""Runs Gemini CLI."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import orjson

from executor.agent_tools import LONGEST_CALL_S, NAME
from executor.backends.base import Checkup, Command, Launch
from executor.backends.checkup import check
from executor.backends.commandline import directory, locate, resuming
from executor.backends.environment import agent_environment, routes
from executor.backends.gemini_endings import GEMINI
from executor.backends.gemini_events import GeminiDecoder
from executor.workspaces import Permissions

_TRIED = "0.61.0"
# Of no version npm takes the newest that the installed Node fits, which may be an old one.
_INSTALL = (
    f"Install it with `npm install -g @google/gemini-cli@{_TRIED}`, or set where it is for the provider."
)
_MOST_PLACES = 5
_SWITCHES = {
    # In a folder that it does not trust it asks before every tool, or refuses to start.
    "GEMINI_CLI_TRUST_WORKSPACE": "true",
    # Its launcher swallows signals while the child that it started runs on.
    "GEMINI_CLI_NO_RELAUNCH": "true",
}
_MODES = {
    Permissions.BYPASS: "yolo",
    # It cannot ask where it talks to nobody: what it would have to ask for, it does not have.
    Permissions.EDITS: "auto_edit",
    Permissions.ASK: "default",
}
_ENDPOINTS = ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL")
_SETTINGS = {
    # Without selectedType an endpoint in the environment makes it refuse to start.
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False},
}


class Gemini:
    """The backend of Google's CLI.

    `environment` is what this provider alone needs: its key and, where it is another, its endpoint.
    """

    provider = "gemini"
    keeps = frozenset(Permissions)

    def __init__(self, executable: str = "gemini", *, environment: Mapping[str, str]) -> None:
        self._executable = executable
        self._own = {**environment, **_SWITCHES}

    def command(self, launch: Launch) -> Command:
        """The process that does `launch`. Raises CliMissing, and ValueError for what is no session id.

        Writes the CLI's settings where it has others.
        """
        env = agent_environment(launch, {**self._own, "GEMINI_CLI_HOME": str(launch.home)})
        env |= routes(env, *_ENDPOINTS)
        argv = [
            locate(self.provider, self._executable, env["PATH"], _INSTALL),
            *("--output-format", "stream-json", "--approval-mode", _MODES[launch.permissions]),
            *(("-m", launch.model) if launch.model else ()),
            *_outside(launch),
            *resuming(launch.session_id),
            f"--allowed-mcp-server-names={_settle_in(launch)}",
        ]
        # On standard input a prompt has no limit of length and is not in the list of processes.
        return Command(argv=argv, env=env, stdin=launch.prompt.encode(errors="replace"), cwd=launch.workspace)

    def decoder(self, launch: Launch) -> GeminiDecoder:
        """A fresh decoder for the attempt that does `launch`."""
        return GeminiDecoder(workspace=directory(launch.workspace), resumed=launch.session_id is not None)

    async def checkup(self) -> Checkup:
        """Looks for the executable, its version and its login. Bounded in time."""
        problem = (
            ""
            if GEMINI.key in self._own
            else f"There is no key: put {GEMINI.key} into the bot's environment."
        )
        return await check(self.provider, self._executable, advice=_INSTALL, tried=_TRIED, problem=problem)


def _outside(launch: Launch) -> Iterator[str]:
    """Its file tools refuse whatever lies elsewhere than in its workspace, or in one of a few such places."""
    for place in (launch.results, *launch.received)[:_MOST_PLACES]:
        yield from ("--include-directories", str(place))


def _settle_in(launch: Launch) -> str:
    """Writes the CLI's settings. Returns the name that they have for our tools, which nobody can guess.

    The settings of a repository overrule these: it could give a server of its own a name that it knows.
    """
    path = launch.home / ".gemini" / "settings.json"
    before = _read(path)
    known = (before or {}).get("mcpServers") or {}
    name = next((each for each in known if each.startswith(f"{NAME}-")), "")
    name = name or f"{NAME}-{secrets.token_hex(4)}"
    settings = {
        **(_SETTINGS if before is None else before),
        "mcpServers": {name: _server(launch)} if launch.tools else {},
    }
    if settings != before:
        _write(path, settings)
    return name


def _server(launch: Launch) -> dict[str, object]:
    assert launch.tools is not None  # noqa: S101
    command, *arguments = launch.tools.argv
    # Attempts share a home: what differs between them is in the environment of each.
    passed = {variable: f"${variable}" for variable in launch.tools.env}
    return {
        "command": command,
        "args": arguments,
        "env": passed,
        "trust": True,
        "timeout": LONGEST_CALL_S * 1000,
    }


def _read(path: Path) -> dict[str, Any] | None:
    try:
        settings = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return settings if isinstance(settings, dict) else None


def _write(path: Path, settings: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Attempts share a home and may start together: none may read half a file.
    with NamedTemporaryFile(dir=path.parent, prefix="settings-", delete=False) as draft:
        draft.write(orjson.dumps(settings))
    Path(draft.name).replace(path)
