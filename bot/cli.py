"""The command line."""

from __future__ import annotations

import asyncio
import errno
import faulthandler
import json
import logging
import os
import sqlite3
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from bot.agent.commands import FIRST_WORDS, JOBS_ALONE
from bot.agent.commands import main as in_job
from bot.configuration import BadConfiguration, find_file, forget_secrets, load
from bot.data_dir import DataDir, DataDirInUse
from bot.logs import log_to_stderr
from bot.settings import Settings
from executor.agent_tools import TOKEN

_T = TypeVar("_T")

CONFIGURATION = 78
"""Exit status for a configuration that cannot be used (EX_CONFIG)."""
_RESTORE = (
    "Restore the database from a backup: in the data directory, which `bifrost doctor` names, move "
    "bifrost.db, bifrost.db-wal and bifrost.db-shm aside, copy the backup to bifrost.db, and start again. "
    "Nothing has been changed or deleted."
)
_OTHER_PORT = "Set another `host` or `port` under [web]."
_PORT_FAULTS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
_WORDS_OF_ITS_OWN: dict[str, Any] = {
    "allow_extra_args": True,
    "allow_interspersed_args": False,  # what follows the first word is the command's, a lone `--` too
    "ignore_unknown_options": True,
    "help_option_names": [],
}
ConfigOption = Annotated[Path | None, typer.Option(help="The configuration file.", show_default=False)]
"""Every command takes it."""


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"bifrost {version('bifrost')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Chat-ops for AI coding agents: jobs asked for on Slack, on Discord or on the bot's own page."""


@app.command()
def serve(config: ConfigOption = None) -> None:
    """Serve the page and the chat platforms, and run jobs."""
    settings, environment = _open(config)
    from bot.serve import serve as run

    log_to_stderr(logging.INFO)
    _run(run(settings, environment))


@app.command()
def demo(
    config: ConfigOption = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when the report is published.")] = False,
) -> None:
    """Run one research job by rehearsal through #dev, and show the channel."""
    settings, environment = _open(config)
    from bot.serve import demo as run

    log_to_stderr(logging.WARNING)
    raise typer.Exit(_run(run(settings, environment, once=once)))


@app.command(context_settings=_WORDS_OF_ITS_OWN)
def job(context: typer.Context, config: ConfigOption = None) -> None:
    """The commands of chat: `job run research "…"` follows a job to its end, `job help` lists all.

    `--file PATH`, which may come often, sends a file along. `job watch ID` follows one of the serving bot,
    and with `--exit-status` exits as that ends.

    Exit status: 0 done, 1 failed or cancelled, 2 words that make no command, 75 waiting for a usage limit.
    """
    settings, environment = _open(config)
    from bot.job_command import run_job

    log_to_stderr(logging.WARNING)
    raise typer.Exit(_run(run_job(context.args, settings, environment)))


def records(context: typer.Context, config: ConfigOption = None) -> None:
    """Does what is typed after one of the words below."""
    settings, _ = _open(config)
    from bot.record_commands import run_record_command

    words = [str(context.info_name), *context.args]
    raise typer.Exit(run_record_command(words, DataDir(settings.data_dir)))


for word, purpose in (
    ("task", "Tasks of the running bot: list, show, create, update."),
    ("feedback", "Feedback: list, add, process."),
    ("comment", "Comments on a task, a report or a job: list, add."),
    ("report", "Reports: list, publish, archive."),
):
    app.command(word, help=purpose, context_settings=_WORDS_OF_ITS_OWN)(records)


@app.command("agent-tools")
def agent_tools() -> None:
    """The server of an agent's tools (MCP on standard input and output), as the CLI of a job starts it."""
    from bot.agent.bridge import main as serve_tools

    serve_tools()


@app.command()
def doctor(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Try everything the bot needs, and say what is missing. Exit status 1 where it cannot work."""
    settings, environment = _open(config)
    from bot.doctor import as_data, examine, healthy, report
    from bot.terminal import open_console

    findings = _run(examine(settings, environment, find_file(config, environment)))
    if as_json:
        typer.echo(json.dumps(as_data(findings), indent=2))
    else:
        report(findings, open_console())
    raise typer.Exit(0 if healthy(findings) else 1)


@app.command()
def login(config: ConfigOption = None) -> None:
    """Print a link that logs a browser in to the running bot, once, within 15 minutes."""
    settings, _ = _open(config)
    data = DataDir(settings.data_dir)
    if not data.address.exists():
        raise _failure(f"No bot is serving on {data.root}. Start one with `bifrost serve`.", 1)
    from bot.client import login_link

    typer.echo(_run(login_link(data.address.read_text().strip(), data.api_token())))


token = typer.Typer(no_args_is_help=True, help="Make, list and end the tokens of the HTTP API.")
app.add_typer(token, name="token")


@token.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for.", show_default=False)],
    scope: Annotated[str, typer.Option(help="read, run (which has jobs done, too) or admin.")] = "read",
    days: Annotated[int | None, typer.Option(help="How long it holds.", show_default="for good")] = None,
    config: ConfigOption = None,
) -> None:
    """Make a token and print it: it is told now, and never again."""
    settings, _ = _open(config)
    from bot.token_command import BadToken, create

    try:
        made = _run(create(settings, name, scope, days))
    except BadToken as error:
        raise _failure(str(error), 2) from None
    typer.echo(f"Token {made.id} of scope {made.scope}. Keep what follows: it is not shown again.", err=True)
    typer.echo(made.token)


@token.command("list")
def list_tokens(config: ConfigOption = None) -> None:
    """Print all tokens, but for what their bearers send."""
    settings, _ = _open(config)
    from bot.token_command import listing

    for line in _run(listing(settings)) or ["There are none. `bifrost token create NAME` makes one."]:
        typer.echo(line)


@token.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)], config: ConfigOption = None
) -> None:
    """End a token at once."""
    settings, _ = _open(config)
    from bot.token_command import BadToken, revoke

    try:
        _run(revoke(settings, token_id))
    except BadToken as error:
        raise _failure(str(error), 1) from None
    typer.echo(f"Token {token_id} is revoked.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make.", show_default=False)],
    config: ConfigOption = None,
) -> None:
    """Copy the database to FILE, also while the bot runs. Reports lie beside it, in plain files."""
    settings, _ = _open(config)
    from bot.backup import NoBackup, copy_database

    try:
        typer.echo(copy_database(DataDir(settings.data_dir).database, file))
    except NoBackup as error:
        raise _failure(str(error), 1) from None


def main() -> None:
    """The program `bifrost`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no emoji is no reason to fail
    # A shell of a job comes here where its profile has put the job's own command out of reach.
    if sys.argv[1:2] and sys.argv[1] in (FIRST_WORDS if TOKEN in os.environ else JOBS_ALONE):
        sys.exit(in_job())
    app()


def _open(config: Path | None) -> tuple[Settings, dict[str, str]]:
    """The settings and the environment they came from, which from then on holds no secret of ours."""
    environment = dict(os.environ)
    try:
        settings = load(find_file(config, environment), environment)
    except BadConfiguration as error:
        raise _failure(str(error), CONFIGURATION) from None
    forget_secrets(os.environ)
    forget_secrets(environment)
    return settings, environment


def _run(work: Coroutine[object, object, _T]) -> _T:
    """Runs it; what an operator can mend becomes a sentence instead of a stack."""
    from bot.client import ServerGone
    from bot.outages import cannot_start
    from executor.ports import StoreFault, StoreUnavailable
    from executor.processes.sandbox import SandboxMissing
    from storage import NewerSchema

    try:
        return asyncio.run(work)
    except (DataDirInUse, ServerGone) as error:
        raise _failure(str(error), 1) from None
    except (NewerSchema, SandboxMissing) as error:
        raise _failure(str(error), CONFIGURATION) from None
    except StoreUnavailable as error:
        raise _failure(cannot_start(error.fault), 1) from None
    except sqlite3.DatabaseError as error:
        raise _failure(f"The database cannot be used: {error}. {_RESTORE}", CONFIGURATION) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _failure(cannot_start(StoreFault.FULL), 1) from None
        if error.errno in _PORT_FAULTS:
            raise _failure(
                f"The page cannot be served at {error.filename}: {os.strerror(error.errno)}. {_OTHER_PORT}", 1
            ) from None
        if error.filename is None:
            raise
        advice = "`bifrost doctor` says what is missing."
        raise _failure(f"{error.filename}: {error.strerror}. {advice}", CONFIGURATION) from None
    finally:
        faulthandler.cancel_dump_traceback_later()  # it has ended in time


def _failure(text: str, status: int) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(status)
