"""`bifrost task …` and its like: the tools of agents as commands, in the shells of jobs and for people.

An agent types many of them, so they need nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from bot.agent.bridge import Bot, Refused, Reply, Service, perform
from bot.agent.bridge import main as serve_tools
from bot.agent.command_line import USAGE, Command, parser, usage
from bot.agent.plain import said, table, whole

REFUSED = 1
"""Exit status of what was not done."""
TOOL_SERVER = "agent-tools"

COMMANDS = (
    Command("task list", "list_tasks", columns=("id", "status", "priority", "workspace", "name")),
    Command("task show", "read_task", ("id",)),
    Command("task create", "create_task", ("id", "name"), says="Task {id} is created as {status}: {name}"),
    Command("task update", "update_task", ("id",), says="Task {id} is changed, now {status}: {name}"),
    Command("feedback list", "list_feedback", columns=("id", "status", "priority", "content")),
    Command("feedback add", "file_feedback", ("content",), says="Feedback {id} is filed as {status}."),
    Command(
        "feedback process", "process_feedback", ("id", "processed_note"), says="Feedback {id} is {status}."
    ),
    Command(
        "comment list",
        "list_comments",
        ("target_type", "target_id"),
        columns=("created_at", "author", "content"),
    ),
    Command(
        "comment add",
        "comment",
        ("target_type", "target_id", "content"),
        says="{author} has commented on {target_type} {target_id}.",
    ),
    Command("report list", "list_reports", columns=("id", "status", "created_at", "title")),
    Command(
        "report publish", "publish_report", ("markdown",), file="markdown", says="{title} is published: {url}"
    ),
    Command("report archive", "archive_report", ("id",), says="The report is {status}: {title}"),
    Command("progress", "progress", ("done", "total", "note"), says="People see it on the card of the job."),
    Command("update", "post_update", ("text",), says="Update {number} is posted."),
    Command("ask", "ask_person", ("question", "choices"), says="{by}: {answer}"),
)
"""A tool that is not named here is for CLIs that start a server of tools."""
FIRST_WORDS = frozenset({TOOL_SERVER, *(command.words.split()[0] for command in COMMANDS)})
JOBS_ALONE = frozenset({"progress", "update", "ask"})
"""Those that mean nothing outside of one."""
TOLD = (
    "Commands of Bifrost, which runs your job: in your shell `bifrost task|feedback|comment|report --help` "
    "tells how to read and change its records; `bifrost progress DONE TOTAL [NOTE]` shows people how far you "
    "are; `bifrost update TEXT` posts into the thread of your job; `bifrost ask QUESTION [CHOICE …]` asks "
    "people and waits for their answer. BIFROST_JOB_ID is the id of your job."
)
"""For an agent whose CLI starts no server of tools. Its first words are known to the rehearsal agent."""


def main() -> int:
    """The program `bifrost` of a job's shell. Returns the exit status."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    words, bot = sys.argv[1:], Bot(os.environ)
    if words == [TOOL_SERVER]:
        serve_tools()
        return 0
    try:
        return run(words, bot, bot.tools())
    except Refused as error:
        return _refuse(error)


def run(words: Sequence[str], service: Service, tools: Sequence[Mapping[str, Any]]) -> int:
    """Does what `words` say by `tools`, which are all that there are. Returns the exit status."""
    known = {tool["name"]: {**tool, "description": _in_shell(tool["description"])} for tool in tools}
    command, rest = _command(words, known)
    if command is None:
        return _overview(words, known)
    tool = known[command.tool]
    options = vars(parser(command, tool).parse_args(rest))
    as_json = options.pop("json")
    try:
        reply = perform(service, tool, _read(options, command.file))
    except Refused as error:
        return _refuse(error)
    _show(command, reply, as_json)
    return 0


def _in_shell(description: str) -> str:
    """Of other tools it speaks by their names."""
    for command in COMMANDS:
        if "_" in command.tool:
            description = description.replace(command.tool, f"`bifrost {command.words}`")
    return description


def _command(words: Sequence[str], known: Mapping[str, Any]) -> tuple[Command | None, Sequence[str]]:
    for command in COMMANDS:
        own = command.words.split()
        if command.tool in known and list(words[: len(own)]) == own:
            return command, words[len(own) :]
    return None, words


def _refuse(error: Refused) -> int:
    _say(str(error), sys.stderr)
    return REFUSED


def _overview(words: Sequence[str], known: Mapping[str, Any]) -> int:
    """Says what there is, where `words` make no command of it. Returns the exit status."""
    asked = [word for word in words if word not in ("-h", "--help")]
    offered = [command for command in COMMANDS if command.tool in known]
    near = [command for command in offered if asked and command.words.split()[0] == asked[0]]
    helped = len(asked) < len(words) and len(asked) <= bool(near)
    out = sys.stdout if helped else sys.stderr
    if not helped:
        typed = " ".join(["bifrost", *asked])
        _say(f"`{typed}` is no command here. There are:" if asked else "There are these commands:", out)
    lines = {usage(command, known[command.tool]): known[command.tool] for command in near or offered}
    width = max(map(len, lines), default=0)
    for line, tool in lines.items():
        _say(f"  {line:{width}}  {tool['description'].partition('. ')[0].rstrip('.')}.", out)
    _say("Each tells with --help what it takes, and answers with --json in JSON.", out)
    return 0 if helped else USAGE


def _read(options: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The options, with what is to be read of a file or of standard input. Raises Refused."""
    read = dict(options)
    for name, value in options.items():
        if value == "-":
            read[name] = sys.stdin.read()
        elif name == file:
            try:
                read[name] = Path(value).read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                raise Refused(f"{value} cannot be read: {error.strerror}.") from None
    return read


def _show(command: Command, reply: Reply, as_json: bool) -> None:
    if as_json:
        _say(json.dumps(reply.body, ensure_ascii=False, indent=2))
    elif command.columns:
        for line in table(reply.body, command.columns):
            _say(line)
        if not reply.body:
            _say("There are none.", sys.stderr)
    elif command.says:
        _say(said(command.says, reply.body))
    else:
        for line in whole(reply.body):
            _say(line)
    if reply.more:
        _say(f"There are more: go on with `--cursor {reply.body[-1]['id']}`.", sys.stderr)


def _say(line: str, out: TextIO | None = None) -> None:
    (out or sys.stdout).write(f"{line}\n")
