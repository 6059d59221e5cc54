"""How single lines of Codex become activities, and what no line may do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor.backends.codex_events import CodexDecoder
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.model import Outcome, OutcomeKind
from tests.unit.odd_json import odd_events

RECORDINGS = Path(__file__).parent.parent / "recordings" / "codex"
NOW = datetime(2026, 11, 20, 22, 26, tzinfo=UTC)
STARTED = {"type": "turn.started"}
COMPLETED = {"type": "turn.completed", "usage": {"input_tokens": 50}}


def fresh(zone: str = "UTC") -> CodexDecoder:
    return CodexDecoder(workspace="/workspace", zone=ZoneInfo(zone), now=lambda: NOW)


def read(*events: object, decoder: CodexDecoder | None = None) -> list[Activity]:
    decoder = decoder or fresh()
    return [seen for event in events for seen in decoder.stdout(orjson.dumps(event))]


def item(kind: str, step: str = "completed", **fields: object) -> dict[str, object]:
    return {"type": f"item.{step}", "item": {"id": "item_1", "type": kind, **fields}}


def says(text: str) -> dict[str, object]:
    return item("agent_message", text=text)


def outcome(*events: object, exit_code: int = 0, zone: str = "UTC") -> Outcome:
    decoder = fresh(zone)
    read(*events, decoder=decoder)
    return decoder.conclude(exit_code)


def failure(message: str, zone: str = "UTC") -> Outcome:
    error = {"type": "error", "message": message}
    failed = {"type": "turn.failed", "error": {"message": message}}
    return outcome(STARTED, error, failed, exit_code=1, zone=zone)


def test_messages_are_set_apart_and_the_last_one_is_the_answer() -> None:
    decoder = fresh()
    seen = read(STARTED, says("Looking."), says("Done."), COMPLETED, decoder=decoder)
    assert seen == [TextWritten(text="Looking."), TextWritten(text="\n\nDone.")]
    ended = decoder.conclude(0)
    assert (ended.kind, ended.result) == (OutcomeKind.DONE, "Done.")
    assert (ended.usage.turns, ended.usage.cost_usd, ended.usage.duration_ms) == (1, None, None)


def test_the_thread_is_the_session() -> None:
    assert read({"type": "thread.started", "thread_id": "t1"}) == [SessionOpened(session_id="t1")]


@pytest.mark.parametrize(
    ("fields", "name", "detail"),
    [
        ({"type": "command_execution", "command": "/bin/bash -lc 'ls -a | wc'"}, "shell", "ls -a | wc"),
        ({"type": "command_execution", "command": '/bin/bash -lc "echo it\'s"'}, "shell", "echo it's"),
        ({"type": "command_execution", "command": "bash -lc 'unbalanced"}, "shell", "bash -lc 'unbalanced"),
        ({"type": "command_execution", "command": "ls -a src"}, "shell", "ls -a src"),
        ({"type": "file_change", "changes": [{"path": "/workspace/src/a.py"}]}, "edit", "src/a.py"),
        ({"type": "file_change", "changes": [{"path": "/x"}, {}, {}]}, "edit", "/x and 2 more"),
        (
            {"type": "mcp_tool_call", "server": "hub", "tool": "note", "arguments": {"query": "bridges"}},
            "hub.note",
            "bridges",
        ),
        ({"type": "web_search", "query": "bridges"}, "web search", "bridges"),
        (
            {"type": "collab_tool_call", "tool": "spawn_agent", "prompt": "Look around"},
            "spawn_agent",
            "Look around",
        ),
        ({"type": "something_new"}, "something_new", ""),
    ],
)
def test_a_tool_shows_its_one_telling_argument(fields: dict[str, Any], name: str, detail: str) -> None:
    kind = fields.pop("type")
    assert read(item(kind, "started", **fields), item(kind, status="completed", **fields)) == [
        ToolStarted(tool_id="item_1", name=name, detail=detail),
        ToolEnded(tool_id="item_1", ok=True),
    ]


def test_a_tool_that_says_late_what_it_was_called_for_is_told_then() -> None:
    assert read(item("web_search", "started", query="")) == []
    assert read(item("web_search", query="bridges")) == [
        ToolStarted(tool_id="item_1", name="web search", detail="bridges"),
        ToolEnded(tool_id="item_1", ok=True),
    ]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (
            {"type": "command_execution", "command": "false", "status": "failed", "exit_code": 3},
            "Exit code 3",
        ),
        ({"type": "command_execution", "command": "rm", "status": "declined", "exit_code": None}, "declined"),
        ({"type": "mcp_tool_call", "tool": "t", "status": "failed", "error": {"message": "No\nmore"}}, "No"),
        ({"type": "file_change", "changes": [], "status": "failed"}, "failed"),
    ],
)
def test_a_failed_tool_says_why_in_one_line(fields: dict[str, Any], detail: str) -> None:
    kind = fields.pop("type")
    assert read(item(kind, **fields))[-1] == ToolEnded(tool_id="item_1", ok=False, detail=detail)


def test_what_the_model_thinks_is_not_told() -> None:
    assert read(item("reasoning", text="Hm.")) == []


def test_a_warning_is_told_and_fails_nothing() -> None:
    warning = item("error", message="Model metadata for `gpt-5` not found.\nDefaulting.")
    assert read(warning) == [Noticed(text="codex says: Model metadata for `gpt-5` not found.")]
    assert outcome(STARTED, warning, says("Done."), COMPLETED).kind is OutcomeKind.DONE


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("exceeded retry limit, last status: 429 Too Many Requests", "429 rate limit"),
        ("unexpected status 401 Unauthorized: Incorrect API key provided", "401 auth"),
        ("stream disconnected before completion: network error", "server error"),
        ("something else", "no answer"),
    ],
)
def test_a_retry_is_told_and_is_not_the_end(cause: str, told: str) -> None:
    retry = {"type": "error", "message": f"Reconnecting... 2/5 ({cause})"}
    assert read(retry) == [Noticed(text=f"codex is retrying ({told}, attempt 2 of 5)")]
    assert outcome(STARTED, retry, says("Done."), COMPLETED).kind is OutcomeKind.DONE


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("unexpected status 401 Unauthorized: Incorrect API key provided", "auth"),
        ("unexpected status 403 Forbidden: You are not allowed", "auth"),
        ("Missing environment variable: `CODEX_API_KEY`.", "auth"),
        ("Your access token could not be refreshed. Please log out and sign in again.", "auth"),
        ("The model `x` does not exist or you do not have access to it.", "model"),
        ("The 'x' model is not supported when using Codex with a ChatGPT account.", "model"),
        ("Codex ran out of room in the model's context window. Start a new thread", "prompt_too_long"),
        ("Quota exceeded. Check your plan and billing details.", "billing"),
        ("Your workspace is out of credits. Add credits to continue using Codex.", "billing"),
        ("Selected model is at capacity. Please try a different model.", "overloaded"),
        ("We’re currently experiencing high demand, which may cause temporary errors.", "overloaded"),
        ("exceeded retry limit, last status: 502 Bad Gateway", "server_error"),
        ("unexpected status 400 Bad Request: {}", "invalid_request"),
        ("Incomplete response returned, reason: max_output_tokens", "error"),
    ],
)
def test_a_failure_gets_the_word_that_fits(message: str, reason: str) -> None:
    ended = failure(message)
    assert (ended.kind, ended.reason) == (OutcomeKind.FAILED, reason)
    assert message.split(":")[0] in ended.message


def test_a_usage_limit_lifts_at_the_time_of_the_agents_zone() -> None:
    text = "You’ve hit your usage limit. Upgrade to Plus to continue using Codex, or try again at 8:52 AM."
    ended = failure(text, "Asia/Kuala_Lumpur")
    assert ended.kind is OutcomeKind.LIMITED
    assert ended.resets_at == datetime(2026, 11, 21, 0, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    "message",
    [
        "exceeded retry limit, last status: 429 Too Many Requests",
        "You've hit your usage limit. Try again later.",
        "You’ve hit your usage limit for gpt-6-astra. Switch to another model now, or try again later.",
    ],
)
def test_a_limit_without_a_time_is_still_a_limit(message: str) -> None:
    ended = failure(message)
    assert (ended.kind, ended.resets_at) == (OutcomeKind.LIMITED, None)


def test_a_failed_turn_is_no_end_of_the_one_before() -> None:
    failed = {"type": "turn.failed", "error": {}}
    assert outcome(STARTED, COMPLETED, STARTED, failed, exit_code=1).kind is OutcomeKind.FAILED
    assert outcome(STARTED, COMPLETED, STARTED).reason == "no_result"


def test_a_completed_turn_is_not_enough_where_the_process_failed() -> None:
    assert outcome(STARTED, says("Done."), COMPLETED, exit_code=3).reason == "exit"


def test_a_stopped_process_is_not_explained_by_what_it_complained_about() -> None:
    decoder = fresh()
    decoder.stderr(b"ERROR: model at capacity")
    assert decoder.conclude(-15).reason == "killed"


EVENTS = odd_events(
    (
        "thread.started",
        "turn.started",
        "turn.completed",
        "turn.failed",
        "error",
        "item.started",
        "item.completed",
    ),
    keys="""type thread_id item id text message error status command exit_code changes path server tool
    arguments query prompt usage""",
    words="agent_message command_execution file_change mcp_tool_call web_search error failed completed",
)
ITEMS = st.builds(
    lambda step, inner: {"type": step, "item": {"id": "item_1"} | inner},
    st.sampled_from(["item.started", "item.completed"]),
    EVENTS,
)


@given(st.lists(EVENTS | ITEMS, max_size=6), st.integers(-15, 255))
def test_no_shape_of_json_is_too_odd(events: list[Any], exit_code: int) -> None:
    decoder = fresh()
    for event in events:
        decoder.stdout(orjson.dumps(event))
    decoder.conclude(exit_code)


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(-15, 255))
@example(lines=[b'{"type":"item.started","item":' + b"[" * 100_000], exit_code=0)
@example(lines=[b'{"type":"error","message":"Reconnecting... ' + b"9" * 500 + b'/1"}'], exit_code=1)
def test_no_bytes_are_too_odd(lines: list[bytes], exit_code: int) -> None:
    decoder = fresh()
    for line in lines:
        decoder.stdout(line)
        decoder.stderr(line)
    decoder.conclude(exit_code)


@given(st.data())
def test_no_damage_to_a_real_line_is_too_odd(data: st.DataObject) -> None:
    lines = (RECORDINGS / "file_change.ndjson").read_bytes().splitlines()
    decoder = fresh()
    for line in data.draw(st.lists(st.sampled_from(lines), max_size=5)):
        at = data.draw(st.integers(0, len(line)))
        decoder.stdout(line[:at] + data.draw(st.binary(max_size=3)) + line[at + 1 :])
    decoder.conclude(0)
