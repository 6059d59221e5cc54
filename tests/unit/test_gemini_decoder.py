"""How single lines of Gemini CLI, and its complaints, become activities; and what no line may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor.backends.gemini_events import GeminiDecoder
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.model import Outcome, OutcomeKind
from tests.unit.odd_json import odd_events

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


def fresh(*, resumed: bool = False) -> GeminiDecoder:
    return GeminiDecoder(workspace="/workspace", resumed=resumed, now=lambda: NOW)


def read(*events: object, decoder: GeminiDecoder | None = None) -> list[Activity]:
    decoder = decoder or fresh()
    return [seen for event in events for seen in decoder.stdout(orjson.dumps(event))]


def complain(decoder: GeminiDecoder, text: str) -> list[Activity]:
    return [seen for line in text.splitlines() for seen in decoder.stderr(line.encode())]


def says(text: str) -> dict[str, object]:
    return {"type": "message", "role": "assistant", "content": text, "delta": True}


def uses(name: str, **parameters: object) -> dict[str, object]:
    return {"type": "tool_use", "tool_id": "t1", "tool_name": name, "parameters": parameters}


def answers(status: str = "success", **more: object) -> dict[str, object]:
    return {"type": "tool_result", "tool_id": "t1", "status": status, **more}


def result(**more: object) -> dict[str, object]:
    return {"type": "result", "status": "success", "stats": {"duration_ms": 321}, **more}


def failure(message: str, exit_code: int) -> Outcome:
    decoder = fresh()
    read(result(status="error", error={"type": "unknown", "message": message}), decoder=decoder)
    return decoder.conclude(exit_code)


def test_pieces_of_one_answer_are_joined_and_answers_set_apart() -> None:
    decoder = fresh()
    events = (says("Wri"), says("ting."), uses("write_file"), answers(), says("Do"), says("ne."), result())
    text = [seen.text for seen in read(*events, decoder=decoder) if isinstance(seen, TextWritten)]
    assert text == ["Wri", "ting.", "\n\nDo", "ne."]
    outcome = decoder.conclude(0)
    assert outcome.result == "Done."
    assert (outcome.usage.turns, outcome.usage.duration_ms, outcome.usage.cost_usd) == (2, 321, None)


def test_an_answer_that_only_calls_tools_is_a_turn() -> None:
    decoder = fresh()
    read(uses("glob"), uses("glob"), answers(), answers(), says("Done."), result(), decoder=decoder)
    assert decoder.conclude(0).usage.turns == 2


def test_the_session_can_be_resumed_by_its_id() -> None:
    init = {"type": "init", "session_id": "s1", "model": "auto"}
    assert read(init) == [SessionOpened(session_id="s1", model="auto")]


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"description": "List", "command": "ls -l"}, "ls -l"),
        ({"dir_path": "src", "pattern": "TODO"}, "TODO"),
        ({"file_path": "out.txt", "content": "hi\n"}, "out.txt"),
        ({"file_path": "/workspace/src/a.py"}, "src/a.py"),
        ({}, ""),
    ],
)
def test_a_tool_shows_its_one_telling_argument(parameters: dict[str, str], detail: str) -> None:
    assert read(uses("a_tool", **parameters)) == [ToolStarted(tool_id="t1", name="a_tool", detail=detail)]


def test_a_failed_tool_says_why_in_one_line() -> None:
    error = {"type": "tool_not_registered", "message": 'Tool "x" not found.\nDid you mean y?'}
    assert read(answers("error", output="…", error=error)) == [
        ToolEnded(tool_id="t1", ok=False, detail='Tool "x" not found.')
    ]
    assert read(answers()) == [ToolEnded(tool_id="t1", ok=True)]


def test_what_the_cli_warns_of_is_told() -> None:
    warning = {"type": "error", "severity": "warning", "message": "Loop detected, stopping execution"}
    assert read(warning) == [Noticed(text="gemini says: Loop detected, stopping execution")]


def test_an_error_without_a_message_is_explained_by_what_was_said_before() -> None:
    decoder = fresh()
    error = {"type": "error", "message": "The model response was blocked due to safety settings."}
    read(error, result(status="error"), decoder=decoder)
    outcome = decoder.conclude(0)
    assert outcome.reason == "invalid_request"
    assert "blocked due to safety settings" in outcome.message


def test_a_retry_is_told_once_though_its_complaint_takes_three_lines() -> None:
    told = complain(
        fresh(),
        "Attempt 2 failed: You exceeded your current quota. Quota exceeded for metric: requests, limit: 2\n"
        "Please retry in 3.999s.\n"
        "Suggested retry after 3s.. Retrying after 11130ms...",
    )
    assert told == [Noticed(text="gemini is retrying in 12 s (rate limit, attempt 2)")]


def test_a_servers_failure_is_told_without_its_stack() -> None:
    told = complain(
        fresh(),
        'Attempt 1 failed with status 503. Retrying with backoff... _ApiError: {"error":{"code":503}}\n'
        "    at async retryWithBackoff (file:///quota.js:308039:23) {\n  status: 503\n}",
    )
    assert told == [Noticed(text="gemini is retrying (503 server error, attempt 1)")]


def test_a_long_wait_for_a_quota_ends_the_run_at_once() -> None:
    decoder = fresh()
    complain(
        decoder,
        "Attempt 1 failed: You have exhausted your capacity on this model. "
        "Your quota will reset after 3h20m5s.. Retrying after 12832388ms...",
    )
    assert decoder.verdict is not None
    assert decoder.verdict.kind is OutcomeKind.LIMITED
    assert decoder.verdict.resets_at == NOW + timedelta(milliseconds=12_832_388)
    assert decoder.conclude(0) is decoder.verdict


def test_a_wait_beyond_belief_ends_the_run_and_names_no_moment() -> None:
    decoder = fresh()
    complain(decoder, "Attempt 1 failed: quota exceeded. Retrying after 5024ms...")
    complain(decoder, "Attempt 2 failed: quota exceeded. Retrying after 950400000ms...")
    assert decoder.verdict is not None
    assert (decoder.verdict.kind, decoder.verdict.resets_at) == (OutcomeKind.LIMITED, None)


def test_a_long_wait_for_anything_else_is_left_to_the_cli() -> None:
    decoder = fresh()
    complain(decoder, "Attempt 1 failed: fetch failed. Retrying after 90000ms...")
    assert decoder.verdict is None


def test_a_wait_that_is_over_explains_nothing() -> None:
    decoder = fresh()
    complain(decoder, "Attempt 1 failed: quota exceeded. Retrying after 5024ms...")
    read(says("Going on."), decoder=decoder)
    outcome = decoder.conclude(-9)
    assert (outcome.kind, outcome.reason, outcome.resets_at) == (OutcomeKind.FAILED, "killed", None)


def test_the_noise_of_a_start_is_no_complaint() -> None:
    decoder = fresh()
    noise = (
        "Warning: 256-color support not detected.",
        "Ripgrep is not available. Falling back to GrepTool.",
        "YOLO mode is enabled. All tool calls will be automatically approved.",
        "[STARTUP] Phase 'cleanup_ops' was started but never ended. Skipping metrics.",
    )
    assert complain(decoder, "\n".join(noise)) == []
    assert "“" not in decoder.conclude(1).message


def test_colours_are_no_part_of_a_complaint() -> None:
    decoder = fresh()
    complain(decoder, "\x1b[31mGemini CLI is not running in a trusted directory.\x1b[0m")
    assert "(“Gemini CLI is not running in a trusted directory.”)" in decoder.conclude(55).message


@pytest.mark.parametrize(
    ("message", "exit_code", "reason"),
    [
        ('[API Error: {"error":{"code":401,"message":"no"}}]', 145, "auth"),
        ('[API Error: {"error":{"code":400,"message":"API key not valid."}}]', 144, "auth"),
        ("[API Error: models/x is not found for API version v1beta]", 1, "model"),
        ("[API Error: You have exhausted your daily quota on this model.]", 173, "rate_limit"),
        ('[API Error: {"error":{"code":503,"message":"overloaded"}}]', 247, "server_error"),
        ("[API Error: exceeds the maximum number of tokens allowed]", 144, "prompt_too_long"),
        ("[API Error: terminated]", 1, "error"),
        ("", 53, "max_turns"),
        ("", 41, "auth"),
    ],
)
def test_a_failure_gets_the_word_that_fits(message: str, exit_code: int, reason: str) -> None:
    assert failure(message, exit_code).reason == reason


def test_a_daily_quota_without_a_time_comes_back_with_the_providers_day() -> None:
    outcome = failure("[API Error: You have exhausted your daily quota on this model.]", 173)
    assert outcome.resets_at == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def test_a_wait_in_the_answer_itself_is_read() -> None:
    body = '[API Error: {"error":{"code":429,"message":"Slow down.","details":[{"retryDelay":"34.5s"}]}}]'
    assert failure(body, 173).resets_at == NOW + timedelta(seconds=34.5)


@pytest.mark.parametrize(("resumed", "reason"), [(True, "session_not_found"), (False, "configuration")])
def test_input_that_is_refused_on_a_resume_is_the_conversation(resumed: bool, reason: str) -> None:
    decoder = fresh(resumed=resumed)
    complain(decoder, "What it says about that may change.")
    assert decoder.conclude(42).reason == reason


def test_a_message_quotes_what_the_server_said_and_not_its_json() -> None:
    outcome = failure('[API Error: {"error":{"code":503,"message":"The model is overloaded."}}]', 247)
    assert "(“The model is overloaded.”)" in outcome.message
    assert "{" not in outcome.message


EVENTS = odd_events(
    ("init", "message", "tool_use", "tool_result", "error", "result"),
    keys="""type role content delta session_id model tool_name tool_id parameters status output error message
    severity stats duration_ms command file_path""",
    words="user assistant success error warning auto quota",
)


@given(st.lists(EVENTS, max_size=6), st.integers(-15, 255))
def test_no_shape_of_json_is_too_odd(events: list[Any], exit_code: int) -> None:
    decoder = fresh()
    for event in events:
        decoder.stdout(orjson.dumps(event))
    decoder.conclude(exit_code)


PIECES = st.sampled_from(
    (
        b"Attempt ",
        b"1",
        b" failed",
        b": ",
        b" with status ",
        b"429",
        b"Retrying ",
        b"after ",
        b"99999999999ms",
        b"with backoff",
        b"retry in 1h",
        b"reset after ",
        b"quota",
        b"\x1b[31m",
        b"\xff",
        b" ",
        b"daily quota",
    )
)
COMPLAINTS = st.lists(PIECES | st.binary(max_size=9), max_size=9).map(b"".join)


@given(st.lists(COMPLAINTS, max_size=5), st.integers(-15, 255))
@example(lines=[b"Attempt 1 failed: quota. Retrying after " + b"9" * 500 + b"ms"], exit_code=1)
@example(lines=[b"[" * 100_000, b"{" * 100_000], exit_code=1)
def test_no_bytes_are_too_odd(lines: list[bytes], exit_code: int) -> None:
    decoder = fresh()
    for line in lines:
        decoder.stdout(line)
        decoder.stderr(line)
    outcome = decoder.conclude(exit_code)
    assert outcome.resets_at is None or outcome.resets_at > NOW
