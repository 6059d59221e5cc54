"""Runs Claude Code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from uuid import uuid4

import orjson

from executor.agent_tools import LONGEST_CALL_S, NAME
from executor.backends.base import Checkup, Command, Launch
from executor.backends.checkup import check
from executor.backends.claude_endings import CLAUDE, NOT_AS_ROOT
from executor.backends.claude_events import ClaudeDecoder
from executor.backends.claude_session import user_message
from executor.backends.commandline import directory, locate, resuming
from executor.backends.environment import agent_environment, agent_zone, routes
from executor.workspaces import Permissions

_TRIED = "2.1.329"
# Of no version npm takes the newest that the installed Node fits, which may be an old one.
_INSTALL = (
    f"Install it with `npm install -g @anthropic-ai/claude-code@{_TRIED}`, or set where it is for the "
    "provider."
)
_CREDENTIALS = frozenset(
    {
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
    }
)
_ENDPOINTS = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_UNIX_SOCKET",
    "CLAUDE_CODE_API_BASE_URL",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
)
_SWITCHES = {
    # Else it asks the model before it knows its tools.
    "MCP_CONNECTION_NONBLOCKING": "0",
    "MCP_TOOL_TIMEOUT": str(LONGEST_CALL_S * 1000),
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    # The tool that writes its list of what to do, which newer models do not get by default; without tasks it
    # is one that tells the whole list at once.
    "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1",
    "CLAUDE_CODE_ENABLE_TASKS": "0",
}


class Claude:
    """The backend of Anthropic's CLI.

    `environment` is what this provider alone needs: its credential and, where it is another, its endpoint.
    `allow_root` lets it work without asking as root, which it refuses. `max_retries` is small, because
    long waits are the executor's business.
    """

    provider = "claude"
    keeps = frozenset(Permissions)

    def __init__(
        self,
        executable: str = "claude",
        *,
        environment: Mapping[str, str],
        allow_root: bool = False,
        max_retries: int = 3,
    ) -> None:
        self._executable = executable
        self._own = {
            **environment,
            **_SWITCHES,
            **({"IS_SANDBOX": "1"} if allow_root else {}),
            "CLAUDE_CODE_MAX_RETRIES": str(max_retries),
        }

    def command(self, launch: Launch) -> Command:
        """The process that does `launch`. Raises CliMissing, and ValueError for what is no session id.

        Writes the settings of the attempt.
        """
        env = agent_environment(launch, {**self._own, "CLAUDE_CONFIG_DIR": str(launch.home)})
        argv = [
            locate(self.provider, self._executable, env["PATH"], _INSTALL),
            "-p",
            *("--input-format", "stream-json"),
            *("--output-format", "stream-json", "--verbose", "--include-partial-messages"),
            *(("--model", launch.model) if launch.model else ()),
            *(("--effort", launch.effort) if launch.effort else ()),
            *_budget(launch.budget_usd),
            *resuming(launch.session_id),
            *_asking(launch),
            *("--settings", _settle_in(launch, env)),
            *_tools(launch),
        ]
        # On standard input a prompt has no limit of length and is not in the list of processes.
        prompt = user_message(launch.prompt, str(uuid4()))
        return Command(argv=argv, env=env, stdin=prompt, cwd=launch.workspace)

    def decoder(self, launch: Launch) -> ClaudeDecoder:
        """A fresh decoder for the attempt that does `launch`."""
        return ClaudeDecoder(
            workspace=directory(launch.workspace),
            resumed=launch.session_id is not None,
            zone=agent_zone(self._own),
        )

    async def checkup(self) -> Checkup:
        """Looks for the executable, its version and its login. Bounded in time."""
        return await check(
            self.provider, self._executable, advice=_INSTALL, tried=_TRIED, problem=self._problem()
        )

    def _problem(self) -> str:
        if _CREDENTIALS.isdisjoint(self._own):
            return f"There is no key: put {CLAUDE.key} into the bot's environment."
        if os.geteuid() == 0 and "IS_SANDBOX" not in self._own:
            return f"It refuses to work as root: {NOT_AS_ROOT}"
        return ""


def _asking(launch: Launch) -> list[str]:
    """Whatever it asks, and its own questions in any mode, it asks us."""
    asks_us = ("--permission-prompt-tool", "stdio")
    if launch.permissions is Permissions.BYPASS:
        return ["--dangerously-skip-permissions", *asks_us]
    mode = "acceptEdits" if launch.permissions is Permissions.EDITS else "default"
    return ["--permission-mode", mode, *asks_us]


def _settle_in(launch: Launch, environment: Mapping[str, str]) -> str:
    """Writes settings that go before those of a repository, which would else say where its requests go.

    Returns their path: on the command line, others could read them.
    """
    launch.temp.mkdir(parents=True, exist_ok=True)
    path = launch.temp / "claude-settings.json"
    settings = {"env": routes(environment, *_ENDPOINTS), "permissions": _allowed(launch)}
    path.write_bytes(orjson.dumps(settings))
    return str(path)


def _allowed(launch: Launch) -> dict[str, list[str]]:
    """What it need not ask for: our tools, the web's answers, and the places of what it gets and leaves."""
    return {
        "allow": [f"mcp__{NAME}", "WebSearch", f"Edit(/{directory(launch.results)}/**)"],
        "additionalDirectories": [directory(each) for each in (launch.results, *launch.received)],
    }


def _tools(launch: Launch) -> list[str]:
    """Our tools and nobody else's: a repository may name servers of its own, which are programs to run."""
    servers = {}
    if launch.tools is not None:
        command, *arguments = launch.tools.argv
        # Else the model does not see them, and has to search for them first.
        servers[NAME] = {"type": "stdio", "command": command, "args": arguments, "alwaysLoad": True}
    return ["--mcp-config", orjson.dumps({"mcpServers": servers}).decode(), "--strict-mcp-config"]


def _budget(usd: float | None) -> list[str]:
    """It counts what this process costs, and not what the conversation has cost before."""
    return [] if usd is None else ["--max-budget-usd", f"{usd:.4f}"]
