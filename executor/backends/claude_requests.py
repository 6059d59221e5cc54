"""What Claude Code asks before it uses a tool, in words for people, and what it is answered."""

from __future__ import annotations

import difflib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from executor.backends.fields import mapping, telling, within, word
from executor.questions import Asked, Choice, Decision, QuestionKind

_LARGEST = 2_000_000
"""Bytes of a file that is shown as a diff; a change of a larger one is shown as what the tool was given."""
_PLAIN = frozenset({"command", "description", "timeout"})
"""What a command may come with that does not change what it does."""
_IN_WORKSPACE = "change files in the workspace"


def asked(request: Mapping[str, Any], workspace: str) -> Sequence[Asked]:
    """What the person is asked. Reads the file that is to be changed."""
    tool, given = word(request.get("tool_name")), mapping(request.get("input"))
    match tool:
        case "AskUserQuestion":
            return [_choice(each) for each in _questions(given)] or [_other(tool, given, workspace)]
        case "ExitPlanMode":
            return [_plan(given)]
        case "Bash" if word(given.get("command")):
            return [_command(given)]
        case "Edit" | "MultiEdit" | "Write" | "NotebookEdit":
            return [_change(tool, given, workspace)]
    return [_other(tool, given, workspace)]


def answer(request: Mapping[str, Any], decisions: Sequence[Decision]) -> dict[str, Any]:
    """What the CLI is told."""
    no = next((decision for decision in decisions if not decision.allows), None)
    if no is not None:
        why = f": {no.text}" if no.text else "."
        return {"behavior": "deny", "message": f"{no.by} said no{why}"}
    given = mapping(request.get("input"))
    if request.get("tool_name") == "AskUserQuestion":
        said = [decision.said for decision in decisions]
        answers = dict(zip(map(_words, _questions(given)), said, strict=False))
        return {"behavior": "allow", "updatedInput": {**given, "answers": answers}}
    return {"behavior": "allow", "updatedInput": given}


def _listed(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _questions(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in _listed(given.get("questions")) if _words(each)]


def _words(question: Mapping[str, Any]) -> str:
    return word(question.get("question"))


def _choice(question: Mapping[str, Any]) -> Asked:
    options = [
        Choice(label=_flat(option.get("label")), description=_flat(option.get("description")))
        for option in _listed(question.get("options"))
    ]
    return Asked(
        kind=QuestionKind.CHOICE,
        text=_words(question),
        choices=tuple(option for option in options if option.label),
        several=question.get("multiSelect") is True,
    )


def _flat(value: object) -> str:
    return " ".join(word(value).split())


def _plan(given: Mapping[str, Any]) -> Asked:
    return Asked(
        kind=QuestionKind.PLAN,
        text="Do as this plan says",
        detail=word(given.get("plan")),
        syntax="markdown",
    )


def _command(given: Mapping[str, Any]) -> Asked:
    """The command to the letter; what else the tool was told stands below it."""
    told = {name: value for name, value in given.items() if name not in _PLAIN and value}
    command = word(given.get("command")) + (f"\n# {json.dumps(told)}" if told else "")
    return Asked(
        kind=QuestionKind.APPROVAL,
        text="Run a command",
        detail=command,
        syntax="bash",
        grant=f"run this very command: {command}",
    )


def _other(tool: str, given: Mapping[str, Any], workspace: str) -> Asked:
    about = telling(given, workspace)
    return Asked(
        kind=QuestionKind.APPROVAL,
        text=f"Use {tool}: {about}" if about else f"Use {tool}",
        detail=orjson.dumps(given, option=orjson.OPT_INDENT_2).decode(),
        syntax="json",
        grant=f"use the tool {tool}" if tool else "",
    )


def _change(tool: str, given: Mapping[str, Any], workspace: str) -> Asked:
    path = word(given.get("file_path")) or word(given.get("notebook_path"))
    place = Path(workspace, path)
    before = _text(place)
    versions = None if before is None else _versions(tool, given, before)
    if not path or versions is None:
        return _other(tool, given, workspace)
    shown, is_new = within(path, workspace), not os.path.lexists(place)
    old, new = (text.splitlines() for text in versions)
    lines = difflib.unified_diff(old, new, "/dev/null" if is_new else shown, shown, lineterm="")
    return Asked(
        kind=QuestionKind.APPROVAL,
        text=f"{'Create' if is_new else 'Change'} {_flat(shown)}",
        detail="\n".join(lines) or "(no line is changed)",
        syntax="diff",
        grant=_IN_WORKSPACE if _is_plainly_within(place, workspace) else "",
    )


def _text(path: Path) -> str | None:
    """What stands in a file, nothing where there is none; None where it cannot be shown."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            return None  # a pipe would be waited for
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return None


def _versions(tool: str, given: Mapping[str, Any], before: str) -> tuple[str, str] | None:
    """What is there and what shall be; None where that cannot be told."""
    match tool:
        case "Write":
            return before, word(given.get("content"))
        case "NotebookEdit":
            return _cell(given, before), word(given.get("new_source"))
    edits = _listed(given.get("edits")) if tool == "MultiEdit" else [given]
    after = before
    for edit in edits:
        old, new = word(edit.get("old_string")), word(edit.get("new_string"))
        if old and old not in after:
            return None
        after = after.replace(old, new, -1 if edit.get("replace_all") is True else 1) if old else new + after
    return before, after


def _cell(given: Mapping[str, Any], notebook: str) -> str:
    """What stands in the cell that is changed; nothing where one is added."""
    if given.get("edit_mode") == "insert":
        return ""
    try:
        cells = _listed(mapping(orjson.loads(notebook)).get("cells"))
    except orjson.JSONDecodeError:
        return ""
    source = next((each.get("source") for each in cells if each.get("id") == given.get("cell_id")), "")
    return "".join(map(word, source)) if isinstance(source, list) else word(source)


def _is_plainly_within(path: Path, workspace: str) -> bool:
    """Whether it really lies in the workspace, and not among what git, an editor or a CLI goes by there."""
    try:
        inside = path.resolve().relative_to(Path(workspace).resolve())
    except (OSError, ValueError, RuntimeError):
        return False
    return bool(workspace) and not any(part.startswith(".") for part in inside.parts)
