"""The model simulator keeps the wire formats of the three APIs and tells what it was asked."""

from __future__ import annotations

import asyncio
import json
import time
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.models import Latency, ModelSimulator, texts
from tests.unit.model_api_client import (
    ANTHROPIC,
    GEMINI,
    OPENAI,
    Json,
    anthropic_text,
    gemini_text,
    openai_text,
    openai_user,
    post,
    to_anthropic,
    to_gemini,
    to_openai,
    user,
)


@pytest.fixture
async def models() -> AsyncIterator[ModelSimulator]:
    async with ModelSimulator() as simulator:
        yield simulator


async def test_an_anthropic_answer_streams_in_the_order_of_the_api(models: ModelSimulator) -> None:
    answer = await post(models, ANTHROPIC, to_anthropic(user("[[say:exactly this]]")))
    assert [event["type"] for event in answer.events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert anthropic_text(answer) == "exactly this"
    assert answer.events[-2]["delta"]["stop_reason"] == "end_turn"


async def test_an_anthropic_tool_call_arrives_in_pieces_and_is_closed_after_its_result(
    models: ModelSimulator,
) -> None:
    prompt = user("A long preface. [[tool]] An epilogue.")
    call = await post(models, ANTHROPIC, to_anthropic(prompt))
    start = next(
        e["content_block"] for e in call.events if e.get("content_block", {}).get("type") == "tool_use"
    )
    pieces = [e["delta"]["partial_json"] for e in call.events if "partial_json" in e.get("delta", {})]
    assert (start["name"], start["input"]) == ("Write", {})
    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == {"file_path": "out.txt", "content": "hi there\n"}

    asked = {"role": "assistant", "content": [{**start, "input": json.loads("".join(pieces))}]}
    result = {"type": "tool_result", "tool_use_id": start["id"], "content": "done [[e500]]"}
    reminder = {"type": "text", "text": "a reminder of the CLI"}
    closing = await post(
        models, ANTHROPIC, to_anthropic(prompt, asked, {"role": "user", "content": [result, reminder]})
    )
    assert anthropic_text(closing) == texts.CLOSING
    assert models.requests[-1].tool_results == ("done [[e500]]",)


async def test_a_prompt_that_follows_a_tool_result_in_one_message_is_a_new_request(
    models: ModelSimulator,
) -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "interrupted"}
    resumed = {"role": "user", "content": [result, *user("go on [[tool]]")["content"]]}
    answer = await post(models, ANTHROPIC, to_anthropic(user("[[bash:ls]]"), resumed))
    assert answer.events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_loop_never_stops_calling_tools(models: ModelSimulator) -> None:
    step = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "step"}]}
    answer = await post(models, ANTHROPIC, to_anthropic(user("[[loop]]"), step, step))
    assert "Step 3." in anthropic_text(answer)
    assert answer.events[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("said", "scenario", "argument"),
    [
        (["no marker at all"], "hello", ""),
        (["[[say:first]]", "newer text without one"], "say", "first"),
        (["[[say:first]]", "newer [[e500]] and [[rl429:9]]"], "rl429", "9"),
        (["[[Slow]] and [[ -f x ]] are none"], "hello", ""),
        (["[[bash:echo a\necho b]]"], "bash", "echo a\necho b"),
    ],
)
async def test_the_newest_marker_names_the_scenario(
    models: ModelSimulator, said: list[str], scenario: str, argument: str
) -> None:
    body = {**to_anthropic(*(user(text) for text in said), stream=False), "tools": [], "system": "[[e403]]"}
    await post(models, ANTHROPIC, body)
    assert (models.requests[0].scenario, models.requests[0].argument) == (scenario, argument)


async def test_recall_tells_what_a_resumed_session_sees(models: ModelSimulator) -> None:
    earlier = {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]}
    answer = await post(
        models, ANTHROPIC, to_anthropic(user("[[hello]]"), earlier, user("[[recall]]"), stream=False)
    )
    assert answer.json["content"][0]["text"] == "I see 3 messages; earlier markers: ['hello', 'recall']"


async def test_a_cut_stream_breaks_off_and_its_repetition_without_streaming_is_whole(
    models: ModelSimulator,
) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await post(models, ANTHROPIC, to_anthropic(user("[[cut]]")))
    whole = await post(models, ANTHROPIC, to_anthropic(user("[[cut]]"), stream=False))
    assert whole.json["stop_reason"] == "end_turn"
    assert whole.json["content"][0]["text"].startswith("# A stream that breaks off")


async def test_an_overloaded_stream_ends_with_an_error_event(models: ModelSimulator) -> None:
    answer = await post(models, ANTHROPIC, to_anthropic(user("[[midover]]")))
    assert answer.events[-1] == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
    }


@pytest.mark.parametrize(
    ("marker", "status", "kind"),
    [
        ("rl429:7", 429, "rate_limit_error"),
        ("rluni", 429, "rate_limit_error"),
        ("credit", 400, "invalid_request_error"),
        ("toolong", 400, "invalid_request_error"),
        ("e401", 401, "authentication_error"),
        ("e403", 403, "permission_error"),
        ("e404", 404, "not_found_error"),
        ("e500", 500, "api_error"),
        ("e529", 529, "overloaded_error"),
        ("no_such_scenario", 400, "invalid_request_error"),
    ],
)
async def test_anthropic_refusals_have_status_type_and_request_id(
    models: ModelSimulator, marker: str, status: int, kind: str
) -> None:
    answer = await post(models, ANTHROPIC, to_anthropic(user(f"[[{marker}]]")))
    assert (answer.status, answer.json["error"]["type"]) == (status, kind)
    assert answer.json["request_id"] == answer.headers["request-id"]
    assert ("retry-after" in answer.headers) == (status == 429)


async def test_a_rejected_window_names_its_own_reset(models: ModelSimulator) -> None:
    answer = await post(models, ANTHROPIC, to_anthropic(user("[[rluni:200000,seven_day]]")))
    limit = {
        name.removeprefix("anthropic-ratelimit-unified-"): value for name, value in answer.headers.items()
    }
    assert (limit["status"], limit["representative-claim"]) == ("rejected", "seven_day")
    assert limit["reset"] == limit["7d-reset"] != limit["5h-reset"]
    assert abs(int(limit["reset"]) - time.time() - 200000) < 5


@pytest.mark.parametrize(("marker", "status"), [("rlok", "allowed"), ("rlwarn", "allowed_warning")])
async def test_limit_headers_also_come_with_answers(models: ModelSimulator, marker: str, status: str) -> None:
    answer = await post(models, ANTHROPIC, to_anthropic(user(f"[[{marker}]]")))
    assert answer.status == 200
    assert answer.headers["anthropic-ratelimit-unified-5h-status"] == status


async def test_a_once_scenario_happens_once_for_each_marker(models: ModelSimulator) -> None:
    prompts = ["[[rl429_once:1]]", "again [[rl429_once:1]]", "another [[rl429_once:2]]"]
    answers = [await post(models, ANTHROPIC, to_anthropic(user(prompt))) for prompt in prompts]
    assert [answer.status for answer in answers] == [429, 200, 429]


async def test_a_gemini_answer_has_chunks_that_differ_and_one_finish_reason(models: ModelSimulator) -> None:
    answer = await post(models, GEMINI, to_gemini("[[long:4000]]"))
    candidates = [event["candidates"][0] for event in answer.events]
    chunks = [candidate["content"]["parts"][0]["text"] for candidate in candidates]
    assert [c.get("finishReason") for c in candidates] == [None] * (len(chunks) - 1) + ["STOP"]
    assert len(set(chunks)) == len(chunks) > 100
    assert "".join(chunks) == texts.long(4000)


async def test_a_gemini_report_lists_the_files_first(models: ModelSimulator) -> None:
    call = await post(models, GEMINI, to_gemini("[[report:Caching]]"))
    asked = call.events[-1]["candidates"][0]["content"]
    assert asked["parts"] == [{"functionCall": {"name": "list_directory", "args": {"dir_path": "."}}}]

    body = to_gemini("[[report:Caching]]")
    result = {"functionResponse": {"name": "list_directory", "response": {"output": "README.md"}}}
    body["contents"] += [asked, {"role": "user", "parts": [result]}]
    answer = await post(models, GEMINI, body)
    assert gemini_text(answer) == texts.report("Caching")
    assert models.requests[-1].tool_results == ("README.md",)


async def test_the_gemini_router_gets_a_verdict(models: ModelSimulator) -> None:
    path = "/v1beta/models/gemini-3.5-flash-lite:generateContent"
    config = {"responseMimeType": "application/json"}
    answer = await post(models, path, to_gemini("[[rpd_once]]", generationConfig=config))
    verdict = json.loads(answer.json["candidates"][0]["content"]["parts"][0]["text"])
    assert 1 <= verdict["complexity_score"] <= 100
    answered = await post(models, GEMINI, to_gemini("[[rpd_once]]"))
    assert answered.status == 429, "the router's question must not use up the one failure"


@pytest.mark.parametrize(
    ("marker", "status", "name", "details"),
    [
        ("rpm:3", 429, "RESOURCE_EXHAUSTED", ["QuotaFailure", "RetryInfo"]),
        ("rpd", 429, "RESOURCE_EXHAUSTED", ["QuotaFailure", "Help"]),
        ("qx", 429, "RESOURCE_EXHAUSTED", ["RetryInfo"]),
        ("plain429", 429, "RESOURCE_EXHAUSTED", []),
        ("e400", 400, "INVALID_ARGUMENT", []),
        ("e401", 401, "UNAUTHENTICATED", []),
        ("e403", 403, "PERMISSION_DENIED", []),
        ("e404", 404, "NOT_FOUND", []),
        ("e500", 500, "INTERNAL", []),
        ("e503", 503, "UNAVAILABLE", []),
    ],
)
async def test_gemini_refusals_have_status_and_details(
    models: ModelSimulator, marker: str, status: int, name: str, details: list[str]
) -> None:
    answer = await post(models, GEMINI, to_gemini(f"[[{marker}]]"))
    error = answer.json["error"]
    assert (answer.status, error["code"], error["status"]) == (status, status, name)
    assert [detail["@type"].rpartition(".")[2] for detail in error.get("details", [])] == details


async def test_an_openai_answer_streams_in_the_order_of_the_api(models: ModelSimulator) -> None:
    answer = await post(models, OPENAI, to_openai(openai_user("[[say:exactly this]]")))
    assert [event["type"].removeprefix("response.") for event in answer.events] == [
        "created",
        "output_item.added",
        "output_text.delta",
        "output_text.delta",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in answer.events] == list(range(6))
    assert openai_text(answer) == answer.events[4]["item"]["content"][0]["text"] == "exactly this"
    assert answer.events[-1]["response"]["usage"]["total_tokens"] == 59
    assert (models.requests[0].effort, models.requests[0].tools) == ("high", ("exec_command", "web_search"))


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("exec_command", {"cmd": "echo hi"}),
        ("shell_command", {"command": "echo hi"}),
        ("shell", {"command": ["bash", "-lc", "echo hi"]}),
    ],
)
async def test_an_openai_command_uses_the_shell_that_is_offered(
    models: ModelSimulator, tool: str, arguments: Json
) -> None:
    prompt = openai_user("[[bash:echo hi]]")
    call = await post(models, OPENAI, to_openai(prompt, tool=tool))
    item = call.events[-2]["item"]
    assert (item["name"], json.loads(item["arguments"])) == (tool, arguments)

    result = {"type": "function_call_output", "call_id": item["call_id"], "output": "hi\n"}
    closing = await post(models, OPENAI, to_openai(prompt, item, result, tool=tool))
    assert openai_text(closing) == texts.CLOSING


@pytest.mark.parametrize(
    ("marker", "status", "kind"),
    [
        ("usage", 429, "usage_limit_reached"),
        ("rl429:2", 429, "rate_limit_exceeded"),
        ("e401", 401, "invalid_api_key"),
        ("e500", 500, "server_error"),
    ],
)
async def test_openai_refusals_have_status_and_type(
    models: ModelSimulator, marker: str, status: int, kind: str
) -> None:
    answer = await post(models, OPENAI, to_openai(openai_user(f"[[{marker}]]")))
    assert (answer.status, answer.json["error"]["type"]) == (status, kind)
    if marker == "usage":
        assert abs(answer.json["error"]["resets_at"] - time.time() - 3600) < 5


@pytest.mark.parametrize("marker", ["think", "maxtok", "refuse", "hello", "tool", "bash:ls", "report:x"])
@pytest.mark.parametrize("stream", [True, False])
async def test_every_provider_can_play_every_common_scenario(
    models: ModelSimulator, marker: str, stream: bool
) -> None:
    prompt = f"[[{marker}]]"
    answers = [
        await post(models, ANTHROPIC, to_anthropic(user(prompt), stream=stream)),
        await post(models, GEMINI if stream else GEMINI.replace("streamG", "g"), to_gemini(prompt)),
        await post(models, OPENAI, {**to_openai(openai_user(prompt)), "stream": stream}),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert all(answer.events if stream else answer.json for answer in answers)
    assert {(request.scenario, request.stream) for request in models.requests} == {
        (marker.partition(":")[0], stream)
    }


async def test_a_key_is_never_kept_and_a_request_without_one_is_refused(models: ModelSimulator) -> None:
    await post(models, ANTHROPIC, to_anthropic(user("[[hello]]")))
    refused = await post(models, ANTHROPIC, to_anthropic(user("[[hello]]")), headers={})
    assert refused.status == 401
    assert [request.credential for request in models.requests] == ["x-api-key …9999", None]
    assert "secret" not in repr(models.requests)


async def test_what_it_cannot_answer_is_noted(models: ModelSimulator) -> None:
    assert (await post(models, "/v1/unheard", {})).status == 404
    assert (await post(models, "/v1/messages/count_tokens", {})).json == {"input_tokens": 100}
    assert (await post(models, GEMINI.replace("streamGenerateContent", "countTokens"), {})).json == {
        "totalTokens": 100
    }
    assert (models.strays, models.requests) == (["POST /v1/unheard"], [])


async def test_until_wakes_on_the_request_it_waits_for(models: ModelSimulator) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(post(models, ANTHROPIC, to_anthropic(user("[[hello]]"))))
        await models.until(lambda: bool(models.requests), timeout=5, what="the first request")
    assert models.requests[0].provider == "anthropic"


async def test_until_says_what_did_not_happen(models: ModelSimulator) -> None:
    with pytest.raises(
        AssertionError, match=r"a second request: not within 0.01 s; the model was asked:\nnothing"
    ):
        await models.until(lambda: len(models.requests) == 2, timeout=0.01, what="a second request")


async def test_latency_delays_the_first_byte_and_each_further_chunk() -> None:
    async with ModelSimulator(latency=Latency(first_byte_s=0.05, between_chunks_s=0.05)) as models:
        started = time.monotonic()
        await post(models, ANTHROPIC, to_anthropic(user("[[say:two pieces]]")))
        assert time.monotonic() - started >= 0.1


async def test_a_client_in_the_middle_of_an_answer_does_not_hold_up_the_end() -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks, ModelSimulator() as models:
        tasks.create_task(_disconnected(models, "[[hang:3600]]"))
        tasks.create_task(_disconnected(models, "[[slow:1]]"))
        await models.until(lambda: len(models.requests) == 2, what="both requests")


async def _disconnected(models: ModelSimulator, prompt: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        await post(models, ANTHROPIC, to_anthropic(user(prompt)))


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    pieces = texts.pieces(text)
    assert "".join(pieces) == text
    assert len(pieces) >= min(2, len(text))


@given(st.integers(min_value=1, max_value=5000))
def test_a_long_text_has_its_length_and_whole_code_blocks(characters: int) -> None:
    assert characters <= len(texts.long(characters)) < characters + 300
    assert texts.long(characters).count("```") % 2 == 0


def test_codex_is_pointed_at_the_simulator_by_its_own_configuration(tmp_path: Path) -> None:
    simulator = ModelSimulator()
    simulator.url = "http://127.0.0.1:1"
    env = simulator.codex_env(tmp_path)
    config = tomllib.loads((Path(env["CODEX_HOME"]) / "config.toml").read_text())
    assert config["model_providers"][config["model_provider"]]["base_url"] == "http://127.0.0.1:1/v1"
