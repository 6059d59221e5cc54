"""What Claude Code asks before it goes on, as people read it, and the lines that it is answered with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.backends.base import Stage
from executor.backends.claude_events import ClaudeDecoder
from executor.backends.claude_session import ClaudeSession
from executor.events import Activity, Noticed
from executor.questions import Asked, Decision, QuestionKind, Verdict
from tests.unit.odd_json import odd_events

RECORDINGS = Path(__file__).parents[1] / "recordings" / "claude"
YES = Decision(verdict=Verdict.APPROVE, by="Ann")
NO = Decision(verdict=Verdict.DENY, by="Ann", text="too risky")
IN_WORKSPACE = "change files in the workspace"


def asks(session: ClaudeSession, tool: str, given: object, name: str = "r1") -> tuple[Asked, ...]:
    """What it asks before it uses the tool."""
    request = {"subtype": "can_use_tool", "tool_name": tool, "input": given, "tool_use_id": "t1"}
    session.requested({"type": "control_request", "request_id": name, "request": request})
    assert name in session.pending
    return tuple(session.asked(name))


def answered(session: ClaudeSession, *decisions: Decision, name: str = "r1") -> Any:
    """What the CLI reads."""
    line = session.answer(name, decisions)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    message = json.loads(line)
    assert (message["type"], message["response"]["request_id"]) == ("control_response", name)
    assert name not in session.pending
    return message["response"]["response"]


def replay(name: str) -> tuple[ClaudeDecoder, list[tuple[str, ...]], list[Stage]]:
    """The decoder at the end, and the requests and stages that it came by."""
    decoder = ClaudeDecoder(workspace="/workspace")
    pending: list[tuple[str, ...]] = [()]
    stages = [decoder.session.stage]
    for line in (RECORDINGS / f"{name}.ndjson").read_bytes().splitlines():
        decoder.stdout(line)
        if tuple(decoder.session.pending) != pending[-1]:
            pending.append(tuple(decoder.session.pending))
        if decoder.session.stage is not stages[-1]:
            stages.append(decoder.session.stage)
    return decoder, pending, stages


def test_its_questions_are_read_as_it_really_sends_them() -> None:
    decoder, pending, _ = replay("live_asks")
    (request,) = pending[-1]
    colour, sizes = decoder.session.asked(request)
    assert (colour.kind, colour.text, colour.several) == (QuestionKind.CHOICE, "Which colour?", False)
    assert [choice.label for choice in colour.choices] == ["Red", "Blue"]
    assert (sizes.text, sizes.several) == ("Which sizes?", True)
    said = (
        Decision(verdict=Verdict.ANSWER, by="Ann", text="green"),
        Decision(verdict=Verdict.ANSWER, by="Ann", choices=("S", "M"), text="no others"),
    )
    told = answered(decoder.session, *said, name=request)
    assert told["updatedInput"]["answers"] == {"Which colour?": "green", "Which sizes?": "S, M, no others"}
    assert len(told["updatedInput"]["questions"]) == 2


def test_a_plan_is_read_as_it_really_sends_it_and_what_people_denied_is_no_news() -> None:
    decoder = ClaudeDecoder()
    seen: list[Activity] = []
    for line in (RECORDINGS / "live_plan.ndjson").read_bytes().splitlines():
        seen += decoder.stdout(line)
        for request in decoder.session.pending:
            (plan,) = decoder.session.asked(request)
            assert (plan.kind, plan.detail) == (QuestionKind.PLAN, "# The plan\n\n1. look around\n")
            told = answered(decoder.session, NO, name=request)
            assert told == {"behavior": "deny", "message": "Ann said no: too risky"}
    assert not [each for each in seen if isinstance(each, Noticed)]


def test_what_it_gives_up_waits_no_more_and_is_answered_with_nothing() -> None:
    decoder, pending, _ = replay("live_asks_cancelled")
    assert [len(each) for each in pending] == [0, 1, 0]
    (request,) = pending[1]
    assert decoder.session.asked(request) == ()
    assert decoder.session.answer(request, [YES]) == b""


def test_its_turn_is_not_over_as_long_as_agents_of_its_own_are_at_work() -> None:
    _, _, stages = replay("live_delegates")
    assert stages == [Stage.STARTING, Stage.BUSY, Stage.IDLE]
    lines = (RECORDINGS / "live_delegates.ndjson").read_bytes().splitlines()
    decoder = ClaudeDecoder()
    for line in lines[: 1 + next(n for n, each in enumerate(lines) if b'"type":"result"' in each)]:
        decoder.stdout(line)
    assert decoder.session.stage is Stage.BUSY, "its first turn has ended, and its agent has not"


def test_a_command_is_shown_to_the_letter_with_all_that_changes_what_it_does() -> None:
    session = ClaudeSession("/w")
    given = {"command": "make \\\n  all", "description": "Build", "timeout": 5, "run_in_background": True}
    (asked,) = asks(session, "Bash", given)
    assert asked.detail == 'make \\\n  all\n# {"run_in_background": true}'
    assert (asked.syntax, asked.grant) == ("bash", f"run this very command: {asked.detail}")
    assert answered(session, YES) == {"behavior": "allow", "updatedInput": given}


@pytest.mark.parametrize(
    ("tool", "given", "shown"),
    [
        ("Write", {"content": "one\n"}, "@@ -1,3 +1 @@\n one\n-two\n-three"),
        ("Edit", {"old_string": "two", "new_string": "2"}, "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three"),
        (
            "MultiEdit",
            {"edits": [{"old_string": "o", "new_string": "0", "replace_all": True}]},
            "@@ -1,3 +1,3 @@\n-one\n-two\n+0ne\n+tw0\n three",
        ),
    ],
)
def test_a_change_is_shown_as_a_diff(tmp_path: Path, tool: str, given: dict[str, Any], shown: str) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    (asked,) = asks(ClaudeSession(str(tmp_path)), tool, {"file_path": str(tmp_path / "a.txt"), **given})
    assert (asked.text, asked.syntax, asked.grant) == ("Change a.txt", "diff", IN_WORKSPACE)
    assert asked.detail == f"--- a.txt\n+++ a.txt\n{shown}"


def test_a_cell_of_a_notebook_is_shown_as_a_diff_too(tmp_path: Path) -> None:
    cells = [{"id": "c1", "source": ["a = 1\n", "b = 2\n"]}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells}))
    given = {"notebook_path": "n.ipynb", "cell_id": "c1", "new_source": "a = 1\nb = 3\n"}
    (asked,) = asks(ClaudeSession(str(tmp_path)), "NotebookEdit", given)
    assert asked.detail.endswith(" a = 1\n-b = 2\n+b = 3")


def test_a_new_file_is_shown_whole(tmp_path: Path) -> None:
    given = {"file_path": "src/new.py", "content": "print()\n"}
    (asked,) = asks(ClaudeSession(str(tmp_path)), "Write", given)
    assert asked.text == "Create src/new.py"
    assert asked.detail == "--- /dev/null\n+++ src/new.py\n@@ -0,0 +1 @@\n+print()"


@pytest.mark.parametrize("path", ["/etc/motd", "../beside", ".git/hooks/pre-commit", "a/.env", "out/x"])
def test_a_yes_for_the_job_is_never_for_what_lies_elsewhere_or_is_gone_by(tmp_path: Path, path: str) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "out").symlink_to(tmp_path)
    given = {"file_path": path, "content": "x"}
    (asked,) = asks(ClaudeSession(str(workspace)), "Write", given)
    assert asked.grant == ""


def test_what_cannot_be_shown_as_a_diff_is_shown_as_it_was_asked(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    session = ClaudeSession(str(tmp_path))
    (pipe,) = asks(session, "Write", {"file_path": "pipe", "content": "x"})
    (lost,) = asks(session, "Edit", {"file_path": "none", "old_string": "a", "new_string": "b"}, "r2")
    (web,) = asks(session, "WebFetch", {"url": "https://example.com", "prompt": "p"}, "r3")
    assert [each.syntax for each in (pipe, lost, web)] == ["json"] * 3
    assert (web.text, web.grant) == ("Use WebFetch: https://example.com", "use the tool WebFetch")
    assert json.loads(web.detail) == {"url": "https://example.com", "prompt": "p"}


@given(
    tool=st.sampled_from(["Bash", "Edit", "MultiEdit", "NotebookEdit", "AskUserQuestion", "X"]),
    odd=odd_events(
        ["a"], "command questions question options label edits old_string file_path", "one two x.txt"
    ),
)
def test_whatever_it_sends_it_can_be_asked_and_answered(tool: str, odd: dict[str, Any]) -> None:
    session = ClaudeSession("/nowhere")
    asked = asks(session, tool, odd)
    assert asked and all(each.fingerprint for each in asked)
    assert answered(session, *[NO] * len(asked))["behavior"] == "deny"
