"""What becomes of words that are said to a running Claude Code, by what it really printed then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.backends.base import Stage
from executor.backends.claude_events import ClaudeDecoder
from executor.backends.claude_session import ClaudeSession
from executor.events import Activity, ReplyBegun, ReplyTaken, ToolEnded, TurnInterrupted

RECORDINGS = Path(__file__).parents[1] / "recordings" / "claude"
SAID = "21111111-1111-4111-8111-111111111111"
"""What the recordings call the words that were said while the first turn ran."""
OF_REPLIES = ReplyBegun | ReplyTaken | TurnInterrupted


def replay(name: str, *, interrupt: bool = False) -> tuple[list[Activity], list[Stage], ClaudeDecoder]:
    """All that happened, and the stages come to, where reply 7 is written as soon as that is possible."""
    decoder = ClaudeDecoder()
    lines = (RECORDINGS / f"{name}.ndjson").read_text().splitlines()
    seen: list[Activity] = []
    message, stages = b"", [decoder.session.stage]
    for line in lines:
        if not message and decoder.session.stage is Stage.BUSY:
            message = decoder.session.message(7, "go on")
            assert not interrupt or decoder.session.interrupt()
        uuid = json.loads(message)["uuid"] if message else SAID
        seen += decoder.stdout(line.replace(SAID, uuid).encode())
        if decoder.session.stage is not stages[-1]:
            stages.append(decoder.session.stage)
    return seen, stages, decoder


def of_replies(seen: list[Activity]) -> list[Activity]:
    return [each for each in seen if isinstance(each, OF_REPLIES)]


@pytest.mark.parametrize("name", ["live_taken_up"])
def test_words_are_taken_up_within_the_turn_or_after_it_and_the_end_is_told(name: str) -> None:
    seen, stages, _ = replay(name)
    assert of_replies(seen) == [ReplyBegun(reply=7), ReplyTaken(reply=7)]
    assert stages == [Stage.STARTING, Stage.BUSY, Stage.IDLE]


def test_an_interrupted_turn_makes_way_for_the_words() -> None:
    seen, stages, _ = replay("live_interrupt_for", interrupt=True)
    assert of_replies(seen) == [TurnInterrupted(), ReplyBegun(reply=7), ReplyTaken(reply=7)]
    assert stages == [Stage.STARTING, Stage.BUSY, Stage.IDLE]
    (tool,) = [each for each in seen if isinstance(each, ToolEnded)]
    assert (tool.ok, tool.stopped) == (False, True)


def test_after_a_turn_that_went_wrong_nothing_more_is_said() -> None:
    seen, stages, _ = replay("live_limit")
    assert stages == [Stage.STARTING, Stage.BUSY, Stage.SPENT]
    # What was said before that was answered all the same.
    assert of_replies(seen) == [ReplyBegun(reply=7), ReplyTaken(reply=7)]


def test_a_turn_that_went_wrong_takes_none_of_its_words() -> None:
    session = ClaudeSession()
    name = json.loads(session.message(7, "go on"))["uuid"]
    assert session.told(lifecycle(name, "started")) == (ReplyBegun(reply=7),)
    assert not session.turn_ended({"is_error": True, "terminal_reason": "api_error"})
    assert session.stage is Stage.SPENT


def test_words_that_were_taken_up_just_before_the_interrupt_are_not_taken_to_be_answered() -> None:
    session = ClaudeSession()
    name = json.loads(session.message(7, "go on"))["uuid"]
    assert session.interrupt()
    session.told(lifecycle(name, "started"))
    assert not session.turn_ended({"is_error": True, "terminal_reason": "aborted_tools"})
    assert session.stage is Stage.SPENT


@pytest.mark.parametrize("recording", ["hello", "live_multi"])
def test_a_version_that_does_not_tell_is_given_no_words(recording: str) -> None:
    assert replay(recording)[1] == [Stage.STARTING, Stage.SPENT]


@pytest.mark.parametrize("state", ["cancelled", "discarded", "refused"])
def test_words_that_it_does_not_take_up_are_not_waited_for(state: str) -> None:
    session = ClaudeSession()
    name = json.loads(session.message(7, "go on"))["uuid"]
    assert not session.told(lifecycle(name, state))
    assert session.stage is Stage.SPENT


def test_it_is_interrupted_once_and_only_for_something() -> None:
    session = ClaudeSession()
    assert session.interrupt() == b""
    session.message(7, "go on")
    request = json.loads(session.interrupt())
    assert (request["type"], request["request"]) == ("control_request", {"subtype": "interrupt"})
    assert session.interrupt() == b""


@given(st.text())
def test_any_words_make_one_line(text: str) -> None:
    line = ClaudeSession().message(1, text)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert json.loads(line)["message"]["content"][0]["text"] == text.encode(errors="replace").decode()


@given(st.lists(st.sampled_from(["say", "start", "good", "bad"]), max_size=30))
def test_each_reply_is_begun_once_and_taken_at_most_once_after_that(steps: list[str]) -> None:
    seen: list[Activity] = []
    names: list[str] = []
    session, said = ClaudeSession(), 0
    session.told(lifecycle("prompt", "started"))
    for step in steps:
        if step == "say" and session.stage is not Stage.SPENT:
            said += 1
            names.append(json.loads(session.message(said, "words"))["uuid"])
        elif step == "start" and names:
            seen += session.told(lifecycle(names.pop(0), "started"))
        elif step in ("good", "bad"):
            seen += session.turn_ended({"is_error": step == "bad"})
    begun = [each.reply for each in seen if isinstance(each, ReplyBegun)]
    taken = [each.reply for each in seen if isinstance(each, ReplyTaken)]
    assert begun == list(range(1, len(begun) + 1))
    assert len(set(taken)) == len(taken) and set(taken) <= set(begun)
    if session.stage is Stage.IDLE:
        assert not names and (set(taken) == set(begun))


def lifecycle(name: str, state: str) -> dict[str, Any]:
    return {"type": "command_lifecycle", "command_uuid": name, "state": state}
