"""The rehearsal backend's decoder: whatever comes in, it names what happened and how it ended."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.backends.base import Backend, Launch
from executor.backends.rehearsal import Rehearsal, RehearsalDecoder
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.model import OutcomeKind, Usage

RESULT = b'{"type":"result","ok":true,"text":"Done.","cost_usd":0.0,"turns":4,"duration_ms":12}'


@pytest.mark.parametrize(
    ("line", "activity"),
    [
        (b'{"type":"session","session_id":"s"}', SessionOpened(session_id="s", model="rehearsal")),
        (b'{"type":"text","text":"Hello"}', TextWritten(text="Hello")),
        (
            b'{"type":"tool_started","id":"1","name":"Read","detail":"a.py:1"}',
            ToolStarted(tool_id="1", name="Read", detail="a.py:1"),
        ),
        (b'{"type":"tool_ended","id":"1","ok":true}', ToolEnded(tool_id="1", ok=True)),
        (b'{"type":"notice","text":"No model"}', Noticed(text="No model")),
    ],
)
def test_each_line_says_what_happened(line: bytes, activity: Activity) -> None:
    assert RehearsalDecoder().stdout(line) == (activity,)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[1]",
        b"{",
        b"\xff\xfe",
        b'{"type":"unheard of"}',
        b'{"type":"text"}',
        b'{"type":"text","text":1}',
        b'{"type":"tool_ended","id":"1","ok":"yes"}',
        b'{"type":"result","ok":1,"text":"Done."}',
        b'{"type":["result"]}',
        b'{"a":' * 100_000,
        b"Traceback (most recent call last):",
    ],
)
def test_a_line_that_is_none_of_the_agents_says_nothing(line: bytes) -> None:
    decoder = RehearsalDecoder()
    assert decoder.stdout(line) == ()
    assert decoder.conclude(0).reason == "no_result"


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
KINDS = st.sampled_from(["session", "text", "tool_started", "tool_ended", "notice", "result"])
OBJECTS = st.fixed_dictionaries(
    {"type": KINDS | VALUES},
    optional=dict.fromkeys(
        ("session_id", "id", "name", "detail", "ok", "text", "reason", "cost_usd", "turns", "duration_ms"),
        VALUES,
    ),
)


@given(st.binary() | OBJECTS.map(lambda value: json.dumps(value).encode()))
def test_no_line_raises(line: bytes) -> None:
    decoder = RehearsalDecoder()
    decoder.stdout(line)
    decoder.stderr(line)
    assert decoder.conclude(0).kind in (OutcomeKind.DONE, OutcomeKind.FAILED)


def test_a_result_is_the_end_whatever_the_exit_code_says() -> None:
    for exit_code in (0, 1, -15):
        decoder = RehearsalDecoder()
        assert decoder.stdout(RESULT) == ()
        outcome = decoder.conclude(exit_code)
        assert (outcome.kind, outcome.result) == (OutcomeKind.DONE, "Done.")
        assert outcome.usage == Usage(cost_usd=0.0, turns=4, duration_ms=12)


def test_a_session_that_is_gone_is_named_as_the_reason() -> None:
    decoder = RehearsalDecoder()
    decoder.stdout(b'{"type":"result","ok":false,"reason":"session_not_found","text":""}')
    outcome = decoder.conclude(1)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "session_not_found")
    assert "Start a new job" in outcome.message


def test_a_failure_for_an_unheard_of_reason_is_an_error() -> None:
    decoder = RehearsalDecoder()
    decoder.stdout(b'{"type":"result","ok":false,"reason":"moon","text":"The moon fell."}')
    outcome = decoder.conclude(1)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "error")
    assert "The moon fell." in outcome.message


@pytest.mark.parametrize(
    ("exit_code", "reason"), [(0, "no_result"), (1, "exit"), (-9, "killed"), (-15, "killed"), (143, "killed")]
)
def test_an_end_without_a_result_is_a_failure(exit_code: int, reason: str) -> None:
    outcome = RehearsalDecoder().conclude(exit_code)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, reason)
    assert outcome.message
    assert outcome.usage.cost_usd == 0.0


def test_the_last_complaint_is_quoted() -> None:
    decoder = RehearsalDecoder()
    for line in (b"Traceback", b"OSError: No space left on device", b"  "):
        assert decoder.stderr(line) == ()
    assert "No space left on device" in decoder.conclude(1).message


def test_there_is_never_a_verdict_before_the_end() -> None:
    decoder = RehearsalDecoder()
    decoder.stdout(RESULT)
    assert decoder.verdict is None


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    return Launch(
        prompt="--help",
        model="",
        effort="high",
        session_id=None,
        workspace=tmp_path / "workspace",
        home=tmp_path / "home",
        results=tmp_path / "results",
        temp=tmp_path / "temp",
    )


def test_the_prompt_goes_in_on_standard_input_alone(launch: Launch) -> None:
    backend: Backend = Rehearsal(step_seconds=1.5)
    command = backend.command(launch)
    assert command.stdin == b"--help"
    assert "--help" not in command.argv
    assert command.argv[:2] == [sys.executable, "-I"]
    assert "--step-seconds=1.5" in command.argv
    assert command.env["BIFROST_RESULTS"] == str(launch.results)


def test_nothing_of_the_bots_own_environment_passes(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    assert "xoxb-1" not in Rehearsal().command(launch).env.values()


def test_each_new_conversation_has_an_id_of_its_own(launch: Launch) -> None:
    assert Rehearsal().command(launch).argv != Rehearsal().command(launch).argv


async def test_it_is_always_ready() -> None:
    checkup = await Rehearsal().checkup()
    assert checkup.executable == sys.executable
    assert checkup.version.startswith("3.")
    assert checkup.problem == ""
