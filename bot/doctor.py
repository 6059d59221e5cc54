"""`bifrost doctor`: does the things that must work, and says of each what it saw and what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import advisories, logins
from bot.data_dir import DataDir
from bot.desk.access import EVERYBODY
from bot.findings import Finding
from bot.house import known_backends, own_environments
from bot.serve import port_is_taken
from bot.settings import Settings
from bot.slack_checks import slack_app
from bot.workspace_checks import shut_out
from bot.worktree_checks import repository_of
from executor.backends.base import Backend
from executor.backends.checkup import check
from executor.processes.sandbox import Mode, find_sandbox
from storage import check_database

_CHAT_S = 5
_MAY_READ = 1 << 18 | 1 << 19
"""The flags of a Discord application that may read what people write, verified or not."""
_ROOM_MB = 100
"""A job alone may print 64 MiB, and 16 are held in reserve."""


async def examine(
    settings: Settings, environment: Mapping[str, str], config: Path | None
) -> Sequence[Finding]:
    """Tries everything; takes a few seconds."""
    known, own = known_backends(settings, environment), own_environments(settings, environment)
    named = (*settings.agents.providers, *settings.agents.others)
    shared = [each for each in settings.workspaces.items() if each[1].worktrees]
    node = (await check("node", "node", advice="")).version
    agents = await asyncio.gather(
        *(_agent(each, name in named, own.get(name, {}), node) for name, each in known.items())
    )
    return [
        _configuration(settings, config),
        _data_dir(settings),
        await asyncio.to_thread(_database, DataDir(settings.data_dir)),
        *(_workspace(name, settings) for name in settings.workspaces),
        *await asyncio.gather(*(repository_of(*each) for each in shared)),
        *agents,
        _aiohttp(),
        _sqlite(),
        await _sandbox(settings),
        await slack_app(settings.slack),
        await _discord(settings),
        _page(settings),
        _user(),
    ]


def report(findings: Sequence[Finding], console: Console) -> None:
    """The findings as a table."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        mark, style = ("✔", "green") if finding.ok else ("✘", "red") if finding.needed else ("–", "yellow")
        table.add_row(Text(mark, style=style), finding.what, Text(finding.seen))
        if finding.advice:
            table.add_row("", "", Text(f"→ {finding.advice}", style=style))
    console.print(table, soft_wrap=False)
    faults = sum(not finding.ok and finding.needed for finding in findings)
    console.print(f"{faults} to mend." if faults else "Ready.", style="bold red" if faults else "bold green")


def as_data(findings: Sequence[Finding]) -> list[dict[str, object]]:
    """The findings for scripts."""
    return [asdict(finding) for finding in findings]


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether the bot can do its work."""
    return all(finding.ok or not finding.needed for finding in findings)


def _configuration(settings: Settings, path: Path | None) -> Finding:
    if path is None:
        return Finding(what="configuration", ok=True, seen="defaults (no bifrost.toml)")
    advice = []
    if settings.slack.bot_token.get_secret_value() or settings.discord.token.get_secret_value():
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            advice.append(f"Others can read it and there is a token: `chmod 600 {path}`.")
        if any(path.is_relative_to(place) for place in settings.directories.values()):
            advice.append("It lies in a workspace, where agents can read it: keep tokens elsewhere.")
    return Finding(what="configuration", ok=not advice, needed=False, seen=str(path), advice=" ".join(advice))


def _data_dir(settings: Settings) -> Finding:
    data = DataDir(settings.data_dir)
    try:
        data.make()
        probe = data.root / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding(
            what="data directory",
            ok=False,
            seen=f"{data.root}: {error.strerror}",
            advice="Make it writable for this user, or set `data_dir`.",
        )
    free_mb = shutil.disk_usage(data.root).free // 1_000_000
    seen = f"{data.root} ({free_mb:,} MB free)"
    advice = "Make room there: on a full disk Bifrost takes no new work in." if free_mb < _ROOM_MB else ""
    return Finding(what="data directory", ok=not advice, seen=seen, advice=advice)


def _database(data: DataDir) -> Finding:
    if not data.database.exists():
        return Finding(what="database", ok=True, seen="none yet; it is made at the first start")
    try:
        seen = check_database(data.database)
    except sqlite3.DatabaseError as error:
        return Finding(
            what="database",
            ok=False,
            seen=f"{data.database}: {error}",
            advice="Restore it from a backup; Bifrost never deletes it by itself.",
        )
    return Finding(what="database", ok=True, seen=f"{data.database} ({seen})")


def _workspace(name: str, settings: Settings) -> Finding:
    path, data = settings.directories[name], settings.data_dir
    what, seen = f"workspace {name}", str(path)
    if not path.is_dir():
        advice = f"Make the directory, or correct `{name}` under [workspaces]."
        return Finding(what=what, ok=False, seen=seen, advice=advice)
    if data.resolve().is_relative_to(path.resolve()):
        advice = (
            f"It holds Bifrost's own data ({data}), which agents can then read: set `data_dir` elsewhere."
        )
        return Finding(what=what, ok=False, needed=False, seen=seen, advice=advice)
    nobody = shut_out(settings.workspaces[name].people, _let_in(settings))
    if nobody:
        advice = (
            f"No platform lets in {', '.join(nobody)}, who stand in `people` of `{name}`: add them to "
            "`people` under [slack] or [discord] too, or correct the ids."
        )
        return Finding(what=what, ok=False, needed=False, seen=seen, advice=advice)
    permissions = settings.workspaces[name].permissions
    return Finding(what=what, ok=True, seen=f"{seen} (permissions: {permissions})")


def _let_in(settings: Settings) -> dict[str, frozenset[str]]:
    """Whom each platform lets in: all, where it goes by roles, of whose bearers we know nothing."""
    slack, discord = settings.slack, settings.discord
    return {
        "slack": slack.people | slack.admins,
        "discord": frozenset({EVERYBODY}) if discord.roles else discord.people | discord.admins,
        "web": frozenset({EVERYBODY}),
    }


async def _agent(backend: Backend, needed: bool, own: Mapping[str, str], node: str) -> Finding:
    checkup, provider = await backend.checkup(), backend.provider
    problem, login = checkup.problem, ""
    if not problem:
        taken, login = await logins.answer(provider, own)
        problem = "" if taken else f"Put a valid key for {provider} into the bot's environment."
    warning = advisories.warning(provider, checkup, node)
    version = checkup.version or ("not found" if checkup.problem else "")
    seen = f"{version} {checkup.executable}".strip()
    return Finding(
        what=f"agent {provider}",
        ok=not (problem or warning),
        needed=needed and bool(problem),
        seen=f"{seen} ({login})" if login else seen,
        advice=" ".join(filter(None, (problem, warning))),
    )


def _aiohttp() -> Finding:
    faults = advisories.known("aiohttp", aiohttp.__version__)
    told = "; ".join(f"{each.id}: {each.what}" for each in faults)
    advice = (
        f"It has known faults ({told}). Install Bifrost again, with its constraints.txt." if faults else ""
    )
    return Finding(what="aiohttp", ok=not faults, needed=False, seen=aiohttp.__version__, advice=advice)


def _sqlite() -> Finding:
    """Its fault is none here: of a bot one connection alone writes, and one bot at a time uses a database."""
    version = sqlite3.sqlite_version
    note = ", whose fault with two writers at once does not matter: there is one"
    faults = advisories.known("SQLite", version)
    return Finding(what="SQLite", ok=True, needed=False, seen=f"{version}{note if faults else ''}")


async def _sandbox(settings: Settings) -> Finding:
    sandbox = await find_sandbox()
    ok, needed = sandbox.mode is Mode.PIDNS, settings.require_sandbox
    if ok:
        return Finding(what="sandbox", ok=ok, needed=needed, seen=f"{sandbox.mode} by {sandbox.argv[0]}")
    advice = "Make bwrap work for this user: without it, jobs can see and signal each other and the bot."
    return Finding(
        what="sandbox", ok=ok, needed=needed, seen=f"{sandbox.mode}: {sandbox.problem}", advice=advice
    )


async def _discord(settings: Settings) -> Finding:
    discord = settings.discord
    token = discord.token.get_secret_value()
    if not token:
        advice = "Put the bot's token under [discord]."
        return Finding(what="discord", ok=False, needed=False, seen="no token set", advice=advice)
    if not (discord.channels and (discord.people or discord.roles or discord.admins)):
        advice = "Name channels and people under [discord]; as long as they are empty, everybody is refused."
        return Finding(what="discord", ok=False, seen="nobody may use it", advice=advice)
    headers = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (bifrost, doctor)"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_CHAT_S)) as session,
            session.get(f"{discord.api_url.rstrip('/')}/users/@me", headers=headers) as response,
            session.get(f"{discord.api_url.rstrip('/')}/applications/@me", headers=headers) as about,
        ):
            answer, application = await response.json(), await about.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Finding(what="discord", ok=False, seen=f"no answer: {error}", advice="Check the network.")
    if response.status != 200:
        advice = "Reset the bot's token in the developer portal and copy the new one."
        return Finding(what="discord", ok=False, seen=str(answer.get("message")), advice=advice)
    if discord.replies == "all" and not int(application.get("flags") or 0) & _MAY_READ:
        advice = (
            "Switch on Message Content Intent on the page Bot of the developer portal, or set `replies` "
            'under [discord] to "button".'
        )
        return Finding(what="discord", ok=False, seen="the bot may not read messages", advice=advice)
    return Finding(what="discord", ok=True, seen=f"as {answer.get('username')}")


def _page(settings: Settings) -> Finding:
    address = DataDir(settings.data_dir).address
    if address.exists():
        return Finding(what="page", ok=True, seen=f"{address.read_text()} (a bot is serving)")
    web = settings.web
    try:
        why = "the port is taken" if port_is_taken(web) else ""
    except OSError as error:
        why = str(error.strerror)
    seen = f"http://{web.host}:{web.port}"
    if why:
        advice = "Set another `host` or `port` under [web]."
        return Finding(what="page", ok=False, seen=f"{seen}: {why}", advice=advice)
    return Finding(what="page", ok=True, seen=seen)


def _user() -> Finding:
    root = os.geteuid() == 0
    advice = "Run the bot as a user of its own: agents can do whatever it can." if root else ""
    seen = "root" if root else f"user {os.geteuid()}"
    return Finding(what="runs as", ok=not root, needed=False, seen=seen, advice=advice)
