"""How single lines of Claude Code become activities, and what no line may do."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor.backends.claude_events import ClaudeDecoder
from executor.events import Activity, Noticed, TextWritten, ToolEnded, ToolStarted
from executor.model import OutcomeKind
from tests.unit.odd_json import odd_events

RECORDINGS = Path(__file__).parent.parent / "recordings" / "claude"
NOW = datetime(2026, 11, 20, 22, 27, 50, tzinfo=UTC)
INIT = {"type": "system", "subtype": "init", "session_id": "s", "model": "m"}

fresh = partial(ClaudeDecoder, workspace="/workspace", now=lambda: NOW)


def read(*events: object, decoder: ClaudeDecoder | None = None) -> list[Activity]:
    decoder = decoder or fresh()
    return [seen for event in events for seen in decoder.stdout(orjson.dumps(event))]


def words(*events: object) -> str:
    return "".join(seen.text for seen in read(*events) if isinstance(seen, TextWritten))


def assistant(*blocks: object, message_id: str = "msg_1", **more: object) -> dict[str, object]:
    return {"type": "assistant", "message": {"id": message_id, "content": list(blocks)}, **more}


def text(words: str) -> dict[str, object]:
    return {"type": "text", "text": words}


def tool(name: str, **arguments: object) -> dict[str, object]:
    return {"type": "tool_use", "id": "t1", "name": name, "input": arguments}


def answer(content: object, **more: object) -> dict[str, object]:
    return {
        "type": "user",
        "message": {"content": [{"type": "tool_result", "tool_use_id": "t1", "content": content, **more}]},
    }


def stream(event: object, **more: object) -> dict[str, object]:
    return {"type": "stream_event", "event": event, "parent_tool_use_id": None, **more}


def streamed(*blocks: str, message_id: str = "msg_1") -> list[object]:
    """A streamed message of text blocks, with the whole event that repeats each block."""
    events: list[object] = [stream({"type": "message_start", "message": {"id": message_id}})]
    for block in blocks:
        events.append(stream({"type": "content_block_start", "content_block": text("")}))
        for character in block:
            delta = {"type": "text_delta", "text": character}
            events.append(stream({"type": "content_block_delta", "delta": delta}))
        events.append(assistant(text(block), message_id=message_id))
        events.append(stream({"type": "content_block_stop"}))
    return events


def result(**more: object) -> dict[str, object]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "Done.", **more}


def test_streamed_text_is_not_counted_again_with_the_whole_message() -> None:
    assert words(*streamed("Hello.")) == "Hello."


def test_text_that_was_not_streamed_is_taken_from_the_whole_message() -> None:
    assert words(assistant(text("Hello."))) == "Hello."


def test_an_answer_repeated_without_streaming_after_a_cut_is_read() -> None:
    cut = streamed("Hel")[:-2]
    assert words(*cut, assistant(text("Hello."), message_id="msg_2")) == "Hel\n\nHello."


def test_separate_blocks_and_messages_are_set_apart() -> None:
    streaming = [*streamed("One.", "Two."), *streamed("Three.", message_id="msg_2")]
    whole = [assistant(text("One.")), assistant(text("Two.")), assistant(text("Three."), message_id="msg_2")]
    assert words(*streaming) == words(*whole) == "One.\n\nTwo.\n\nThree."


def test_an_empty_block_leaves_no_gap() -> None:
    assert words(*streamed("", "One.", "", "Two.")) == "One.\n\nTwo."


def test_the_text_of_a_sub_agent_is_not_shown_but_its_tools_are() -> None:
    inside = {"parent_tool_use_id": "t0"}
    seen = read(
        stream({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "x"}}) | inside,
        assistant(text("Sub-agent speaking."), tool("Grep", pattern="TODO"), **inside),
    )
    assert seen == [ToolStarted(tool_id="t1", name="Grep", detail="TODO")]


def test_a_message_that_the_cli_wrote_itself_is_not_the_agents_word() -> None:
    event = assistant(text("You've hit your limit"))
    event["message"]["model"] = "<synthetic>"  # type: ignore[index]
    assert read(event) == []


@pytest.mark.parametrize(
    ("name", "arguments", "detail"),
    [
        ("Bash", {"description": "List", "command": "ls -l\n\techo  hi"}, "ls -l echo hi"),
        ("Write", {"content": "secret\n" * 99, "file_path": "/workspace/src/a.py"}, "src/a.py"),
        ("Read", {"file_path": "/etc/hosts"}, "/etc/hosts"),
        ("Read", {"file_path": "/workspaces/a.py"}, "/workspaces/a.py"),
        ("Grep", {"pattern": "TODO", "path": "/workspace"}, "TODO"),
        ("WebFetch", {"prompt": "Summarise", "url": "https://example.org"}, "https://example.org"),
        ("WebSearch", {"query": "bridges"}, "bridges"),
        ("Task", {"prompt": "Look at …", "description": "Look around"}, "Look around"),
        ("mcp__hub__note", {"count": 3, "title": "A note"}, "A note"),
        ("Bash", {"command": "\x1b[31mred\x1b[0m\x07"}, "red"),
        ("Bash", {"command": "x" * 500}, "x" * 119 + "…"),
        ("ListAgents", {}, ""),
    ],
)
def test_a_tool_shows_its_one_telling_argument(name: str, arguments: dict[str, Any], detail: str) -> None:
    assert read(INIT, assistant(tool(name, **arguments)))[1:] == [
        ToolStarted(tool_id="t1", name=name, detail=detail)
    ]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("Exit code 1\nls: no such file", "Exit code 1"),
        ([{"type": "text", "text": "\n\nNot found\nmore"}], "Not found"),
        ("<tool_use_error>File has not been read yet.</tool_use_error>", "File has not been read yet."),
        (None, ""),
    ],
)
def test_a_failed_tool_says_why_in_one_line(content: object, detail: str) -> None:
    assert read(answer(content, is_error=True)) == [ToolEnded(tool_id="t1", ok=False, detail=detail)]


def test_a_tool_that_went_well_needs_no_words() -> None:
    assert read(answer("a\nb")) == [ToolEnded(tool_id="t1", ok=True)]


def test_a_retry_is_told_with_its_wait_and_its_cause() -> None:
    retry = {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 2,
        "max_retries": 3,
        "retry_delay_ms": 2482,
        "error_status": 429,
        "error": "rate_limit",
    }
    assert read(retry) == [Noticed(text="claude is retrying in 3 s (429 rate limit, attempt 2 of 3)")]
    lost = retry | {"error_status": None, "error": "unknown"}
    assert read(lost) == [Noticed(text="claude is retrying in 3 s (no answer, attempt 2 of 3)")]


def test_a_refused_key_ends_the_run_at_the_first_retry() -> None:
    decoder = fresh()
    retry = {"type": "system", "subtype": "api_retry", "error_status": 401, "retry_delay_ms": 500}
    read(INIT | {"apiKeySource": "ANTHROPIC_API_KEY"}, retry, decoder=decoder)
    assert decoder.verdict is not None
    assert decoder.verdict.reason == "auth"
    assert "ANTHROPIC_API_KEY" in decoder.verdict.message
    assert decoder.conclude(143) is decoder.verdict


def test_a_refused_login_is_left_to_the_cli_which_may_renew_it() -> None:
    decoder = fresh()
    retry = {"type": "system", "subtype": "api_retry", "error_status": 401, "retry_delay_ms": 500}
    read(INIT | {"apiKeySource": "none"}, retry, decoder=decoder)
    assert decoder.verdict is None


def test_a_limit_that_comes_near_is_told_once() -> None:
    info = {
        "status": "allowed_warning",
        "utilization": 0.92,
        "rateLimitType": "five_hour",
        "resetsAt": 1795223751,
    }
    near = {"type": "rate_limit_event", "rate_limit_info": info}
    assert read(near, near) == [
        Noticed(text="claude has used 92% of its five-hour limit; it resets in 2 h 48 min")
    ]


def test_a_limit_that_was_lifted_in_between_names_no_reset() -> None:
    decoder = fresh()
    for status in ("rejected", "allowed"):
        event = {"type": "rate_limit_event", "rate_limit_info": {"status": status, "resetsAt": 1795223753}}
        read(event, decoder=decoder)
    read(result(is_error=True, api_error_status=429), decoder=decoder)
    outcome = decoder.conclude(1)
    assert (outcome.kind, outcome.resets_at) == (OutcomeKind.LIMITED, None)


def test_the_exact_reset_comes_from_the_event() -> None:
    decoder = fresh()
    info = {"status": "rejected", "resetsAt": 1795223753}
    read({"type": "rate_limit_event", "rate_limit_info": info}, decoder=decoder)
    read(result(is_error=True, api_error_status=429, result="resets 9pm"), decoder=decoder)
    assert decoder.conclude(1).resets_at == datetime(2026, 11, 21, 1, 15, 53, tzinfo=UTC)


def test_an_event_of_the_past_is_corrected_by_the_text() -> None:
    decoder = fresh()
    info = {"status": "rejected", "resetsAt": 1795213530 - 86_400}
    read({"type": "rate_limit_event", "rate_limit_info": info}, decoder=decoder)
    read(result(is_error=True, api_error_status=429, result="· resets 9pm (Asia/Tokyo)"), decoder=decoder)
    assert decoder.conclude(1).resets_at == datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("You've hit your session limit · resets 1:29am (UTC)", datetime(2026, 11, 21, 1, 29, tzinfo=UTC)),
        ("You've hit your limit · resets Nov 25, 6am (UTC)", datetime(2026, 11, 25, 6, tzinfo=UTC)),
        ("Claude AI usage limit reached|1795223753", datetime(2026, 11, 21, 1, 15, 53, tzinfo=UTC)),
        ("5-hour limit reached ∙ resets 3pm", datetime(2026, 11, 21, 9, 15, tzinfo=UTC)),
        ("You've hit your monthly spend limit", None),
        ("You're out of usage credits", None),
        ("You've reached your Fable limit", None),
    ],
)
def test_a_limit_is_known_by_its_text_alone(text: str, moment: datetime | None) -> None:
    decoder = fresh(zone=ZoneInfo("Asia/Kathmandu"))
    read(result(is_error=True, result=text), decoder=decoder)
    outcome = decoder.conclude(1)
    assert (outcome.kind, outcome.resets_at) == (OutcomeKind.LIMITED, moment)


@pytest.mark.parametrize(
    "failure",
    [
        {"result": "Context limit reached · /compact or /clear to continue"},
        {"result": "You've hit your limit of words", "api_error_status": 400},
        {"subtype": "error_max_turns", "errors": ["Reached maximum number of turns (2)"]},
    ],
)
def test_other_limits_are_not_the_providers(failure: dict[str, Any]) -> None:
    decoder = fresh()
    read(result(is_error=True, **failure), decoder=decoder)
    assert decoder.conclude(1).kind is OutcomeKind.FAILED


def test_an_error_that_was_overcome_does_not_explain_a_later_failure() -> None:
    decoder = fresh()
    read(assistant(text("…"), error="rate_limit"), assistant(text("Going on.")), decoder=decoder)
    read(result(subtype="error_max_turns", is_error=True), decoder=decoder)
    assert decoder.conclude(1).reason == "max_turns"


def test_denied_tools_are_told_at_the_end() -> None:
    denials = [{"tool_name": "Write"}, {"tool_name": "Bash"}, {"tool_name": "Write"}]
    assert read(result(permission_denials=denials)) == [
        Noticed(text="claude was not allowed to use Write (2×), Bash")
    ]


@pytest.mark.parametrize(
    ("resumed", "totals", "cost_usd"),
    [
        (False, [0.5], 0.5),
        (False, [0.5, 0.75], 0.75),
        # what was spent before is in the total of a resumed conversation, and nobody knows how much it was
        (True, [0.5], None),
        (True, [0.5, 0.75], None),
        (False, [0.5, None, 0.75], None),
    ],
)
def test_an_older_version_costs_what_its_totals_say_and_never_more(
    resumed: bool, totals: list[float | None], cost_usd: float | None
) -> None:
    decoder = fresh(resumed=resumed)
    read(*(result(total_cost_usd=total, num_turns=1) for total in totals), decoder=decoder)
    usage = decoder.conclude(0).usage
    assert (usage.cost_usd, usage.turns) == (cost_usd, len(totals))


def test_a_resumed_run_costs_what_it_says_it_used() -> None:
    decoder = fresh(resumed=True)
    used = {"model-a": {"costUSD": 0.25}, "model-b": {"costUSD": 0.125}}
    read(result(total_cost_usd=9.5, model_usage_since_last_result=used), decoder=decoder)
    assert decoder.conclude(0).usage.cost_usd == 0.375


def test_a_result_is_not_enough_where_the_process_failed() -> None:
    """F32."""
    decoder = fresh()
    decoder.stderr(b"boom")
    read(result(), decoder=decoder)
    outcome = decoder.conclude(3)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "exit")
    assert "exit code 3 (“boom”)" in outcome.message


def test_root_without_leave_is_told_how_to_go_on() -> None:
    decoder = fresh()
    for line in (RECORDINGS / "root_refused.stderr.txt").read_bytes().splitlines():
        decoder.stderr(line)
    assert "Run the bot as another user, or set `allow_root`" in decoder.conclude(1).message


def test_a_result_with_a_broken_character_is_still_a_result() -> None:
    # JavaScript cuts texts between the halves of a surrogate pair.
    line = b'{"type":"result","is_error":false,"result":"cut \\ud83d","permission_denials":[]}'
    for broken in (line, line.replace(b"\\ud83d", b"\xff")):
        decoder = fresh()
        decoder.stdout(broken)
        outcome = decoder.conclude(0)
        assert outcome.kind is OutcomeKind.DONE
        assert outcome.result.startswith("cut ")
        outcome.result.encode()


EVENTS = odd_events(
    ("stream_event", "assistant", "user", "system", "rate_limit_event", "result"),
    keys="""type subtype event message content delta text id name input model session_id cwd content_block
    parent_tool_use_id rate_limit_info status resetsAt utilization rateLimitType error_status retry_delay_ms
    attempt max_retries error is_error result errors terminal_reason api_error_status num_turns duration_ms
    total_cost_usd costUSD model_usage_since_last_result permission_denials tool_name tool_use_id""",
    words="""init api_retry content_block_delta content_block_start message_start text_delta text tool_use
    tool_result rejected allowed allowed_warning <synthetic> max_turns rate_limit usage_limit_reached""",
)


@given(st.lists(EVENTS, max_size=6), st.integers(-15, 255))
def test_no_shape_of_json_is_too_odd(events: list[Any], exit_code: int) -> None:
    """F22."""
    decoder = fresh()
    for event in events:
        decoder.stdout(orjson.dumps(event))
    outcome = decoder.conclude(exit_code)
    assert outcome.usage.cost_usd is None or outcome.usage.cost_usd >= 0


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(-15, 255))
@example(lines=[b'{"type":"result","is_error":' + b"[" * 100_000], exit_code=0)
@example(lines=[b'{"type":"system","subtype":"api_retry","retry_delay_ms":1e400}'], exit_code=0)
@example(lines=[b'{"type":"result","duration_ms":' + b"9" * 5000 + b"}"], exit_code=0)
@example(
    lines=[b'{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":9e15}}'],
    exit_code=1,
)
def test_no_bytes_are_too_odd(lines: list[bytes], exit_code: int) -> None:
    decoder = fresh()
    for line in lines:
        decoder.stdout(line)
        decoder.stderr(line)
    decoder.conclude(exit_code)


@given(st.data())
def test_no_damage_to_a_real_line_is_too_odd(data: st.DataObject) -> None:
    lines = (RECORDINGS / "tool_partial.ndjson").read_bytes().splitlines()
    decoder = fresh()
    for line in data.draw(st.lists(st.sampled_from(lines), max_size=5)):
        at = data.draw(st.integers(0, len(line)))
        decoder.stdout(line[:at] + data.draw(st.binary(max_size=3)) + line[at + 1 :])
    decoder.conclude(0)
