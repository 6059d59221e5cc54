"""Runs Codex."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson

from executor.agent_tools import LONGEST_CALL_S, NAME
from executor.backends.base import Checkup, Command, Launch
from executor.backends.checkup import check
from executor.backends.codex_endings import CODEX
from executor.backends.codex_events import CodexDecoder
from executor.backends.commandline import checked, directory, locate
from executor.backends.environment import agent_environment, agent_zone
from executor.workspaces import Permissions

_TRIED = "0.169.0"
# Of no version npm takes the newest that the installed Node fits, which may be an old one.
_INSTALL = f"Install it with `npm install -g @openai/codex@{_TRIED}`, or set where it is for the provider."
_BASE_URL = "OPENAI_BASE_URL"
_SETTINGS = (
    "check_for_update_on_startup=false",
    "analytics.enabled=false",
    # A login shell puts a PATH of the machine's in the place of the one that it is given.
    "allow_login_shell=false",
)


class Codex:
    """The backend of OpenAI's CLI.

    `environment` is what this provider alone needs: its key and, as OPENAI_BASE_URL, another endpoint than
    the usual one. Whatever else there is can be set in the `config.toml` of its home.
    """

    provider = "codex"
    keeps = frozenset(Permissions)

    def __init__(self, executable: str = "codex", *, environment: Mapping[str, str]) -> None:
        self._executable = executable
        self._own = {name: value for name, value in environment.items() if name != _BASE_URL}
        self._endpoint = _endpoint(environment.get(_BASE_URL, ""))

    def command(self, launch: Launch) -> Command:
        """The process that does `launch`. Raises CliMissing, and ValueError for what is no session id."""
        env = agent_environment(launch, {**self._own, "CODEX_HOME": str(launch.home)})
        # What is no id of a conversation would silently begin a new one.
        session = None if launch.session_id is None else checked(launch.session_id)
        effort = (f"model_reasoning_effort={launch.effort}",) if launch.effort else ()
        held = _held(launch)
        argv = [
            locate(self.provider, self._executable, env["PATH"], _INSTALL),
            "exec",
            *(("resume",) if session else ()),
            *("--json", "--skip-git-repo-check"),
            *(("-m", launch.model) if launch.model else ()),
            *(("--dangerously-bypass-approvals-and-sandbox",) if not held else ()),
            *(
                word
                for setting in (*_SETTINGS, *effort, *held, *self._endpoint, *_tools(launch))
                for word in ("-c", setting)
            ),
            *((session,) if session else ()),
            "-",
        ]
        # On standard input a prompt has no limit of length and is not in the list of processes.
        return Command(argv=argv, env=env, stdin=launch.prompt.encode(errors="replace"), cwd=launch.workspace)

    def decoder(self, launch: Launch) -> CodexDecoder:
        """A fresh decoder for the attempt that does `launch`."""
        return CodexDecoder(workspace=directory(launch.workspace), zone=agent_zone(self._own))

    async def checkup(self) -> Checkup:
        """Looks for the executable, its version and its login. Bounded in time."""
        problem = (
            "" if CODEX.key in self._own else f"There is no key: put {CODEX.key} into the bot's environment."
        )
        return await check(self.provider, self._executable, advice=_INSTALL, tried=_TRIED, problem=problem)


def _endpoint(url: str) -> Sequence[str]:
    """The settings that make it ask elsewhere. It would not read the variable itself."""
    if not url:
        return ()
    provider = {"name": "endpoint", "base_url": url, "env_key": CODEX.key, "wire_api": "responses"}
    settings = {f"model_providers.endpoint.{name}": value for name, value in provider.items()}
    settings["model_provider"] = "endpoint"
    return [f"{name}={orjson.dumps(value).decode()}" for name, value in settings.items()]


def _held(launch: Launch) -> tuple[str, ...]:
    """What its own sandbox lets it do. It cannot ask: all else fails. None of them: it is not held."""
    if launch.permissions is Permissions.BYPASS:
        return ()
    mode = "read-only" if launch.permissions is Permissions.ASK else "workspace-write"
    places = orjson.dumps([directory(launch.results)]).decode()
    return (
        'approval_policy="never"',
        f'sandbox_mode="{mode}"',
        f"sandbox_workspace_write.writable_roots={places}",
    )


def _tools(launch: Launch) -> Iterator[str]:
    """Our tools and nobody else's: what an agent leaves in its home must start nothing in the next job."""
    servers = dict.fromkeys(_named(launch.home), "{enabled=false}")
    if launch.tools is not None:
        # Else the newest models are told the name of the server alone, and have to search for its tools.
        yield f'features.code_mode.direct_only_tool_namespaces=["mcp__{NAME}"]'
        command, *arguments = launch.tools.argv
        # What it hands on to a server of tools has to be named.
        server = {
            "enabled": True,
            "command": command,
            "args": arguments,
            "env_vars": [*launch.tools.env],
            "tool_timeout_sec": LONGEST_CALL_S,
            # Else it may not use them where it may not do all, as nobody is there to approve.
            "default_tools_approval_mode": "approve",
        }
        servers[NAME] = _inline({key: orjson.dumps(value).decode() for key, value in server.items()})
    if servers:
        yield f"mcp_servers={_inline(servers)}"


def _inline(table: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{orjson.dumps(key).decode()}={value}" for key, value in table.items()) + "}"


def _named(home: Path) -> Sequence[str]:
    """The servers that its home names. Where its settings cannot be read, it refuses to start by itself."""
    try:
        return [*tomllib.loads((home / "config.toml").read_text(encoding="utf-8")).get("mcp_servers", {})]
    except (OSError, ValueError, TypeError):
        return []
