"""The Anthropic Messages API, as Claude Code uses it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from uuid import uuid4

from tests.simulators.models.request import JsonObject, Provider, Request, Said
from tests.simulators.models.scenarios import (
    Call,
    ListFiles,
    Part,
    ReadFile,
    Refusal,
    Reply,
    RunCommand,
    Scene,
    Text,
    Thought,
    UseTool,
    WriteFile,
    WriteTodos,
    answers,
    say,
)
from tests.simulators.models.sse import Frame
from tests.simulators.models.texts import HELLO, pieces

PROVIDER: Provider = "anthropic"

# With these numbers every call costs 0.00672 USD on the CLI's default model.
USAGE = {"input_tokens": 120, "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 2000}
OUTPUT_TOKENS = 42

_STOP_REASONS = {"end": "end_turn", "tool": "tool_use", "max_tokens": "max_tokens", "refusal": "refusal"}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_EMPTY: JsonObject = {"text": "", "thinking": "", "signature": "", "input": {}}
_SIGNATURE = "c2ltdWxhdGVk"
_WINDOW_S = {"five_hour": 3 * 3600, "seven_day": 4 * 86400 - 600}


def read(body: JsonObject, path: str) -> Request:
    """The request in provider-neutral words."""
    return Request(
        provider=PROVIDER,
        path=path,
        model=body["model"],
        stream=bool(body.get("stream")),
        tools=tuple(tool["name"] for tool in body.get("tools", [])),
        effort=body.get("output_config", {}).get("effort"),
        messages=len(body["messages"]),
        said=tuple(
            said for message in body["messages"] if message["role"] == "user" for said in _said(message)
        ),
        notes=tuple(
            said.text
            for message in body["messages"]
            if message["role"] == "system"
            for said in _said(message)
        ),
    )


def _said(message: JsonObject) -> Iterator[Said]:
    content = message["content"]
    for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if block["type"] == "text":
            yield Said(block["text"])
        elif block["type"] == "tool_result":
            yield Said(_result_text(block.get("content", "")), is_tool_result=True)


def _result_text(content: str | list[JsonObject]) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.get("text", f"[{block.get('type')}]") for block in content)


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """An error in the shape of this API."""
    request_id = f"req_{uuid4().hex[:20]}"
    body = {
        "type": "error",
        "error": {"type": _ERROR_TYPES[status], "message": message},
        "request_id": request_id,
    }
    return Refusal(status=status, body=body, headers={"request-id": request_id, **(headers or {})})


def overloaded() -> bytes:
    """The event that ends a stream which fails on the way."""
    return _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


def whole(reply: Reply, request: Request) -> JsonObject:
    """The answer as one JSON message."""
    content = [_block(part) for part in reply.parts]
    usage = {**USAGE, "output_tokens": OUTPUT_TOKENS}
    return {**_message(request), "content": content, "stop_reason": _STOP_REASONS[reply.stop], "usage": usage}


def stream(reply: Reply, request: Request) -> Iterator[Frame]:
    """The answer as server-sent events."""
    yield Frame(_event({"type": "message_start", "message": _message(request)}))
    for index, part in enumerate(reply.parts):
        opening = _opening(_block(part))
        yield Frame(_event({"type": "content_block_start", "index": index, "content_block": opening}))
        for delta in _deltas(part):
            event = {"type": "content_block_delta", "index": index, "delta": delta}
            yield Frame(_event(event), is_delta=True)
        yield Frame(_event({"type": "content_block_stop", "index": index}))
    stop = {"stop_reason": _STOP_REASONS[reply.stop], "stop_sequence": None}
    yield Frame(_event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": OUTPUT_TOKENS}}))
    yield Frame(_event({"type": "message_stop"}))


def _event(data: JsonObject) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def _message(request: Request) -> JsonObject:
    return {
        "id": f"msg_{uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**USAGE, "output_tokens": 1},
    }


def _block(part: Part) -> JsonObject:
    match part:
        case Text():
            return {"type": "text", "text": part.whole}
        case Thought():
            return {"type": "thinking", "thinking": part.text, "signature": _SIGNATURE}
        case call:
            name, arguments = _tool(call)
            return {"type": "tool_use", "id": f"toolu_{uuid4().hex[:20]}", "name": name, "input": arguments}


def _opening(block: JsonObject) -> JsonObject:
    return block | {name: empty for name, empty in _EMPTY.items() if name in block}


def _deltas(part: Part) -> list[JsonObject]:
    match part:
        case Text():
            return [{"type": "text_delta", "text": chunk} for chunk in part.chunks]
        case Thought():
            thoughts = [{"type": "thinking_delta", "thinking": chunk} for chunk in pieces(part.text)]
            return [*thoughts, {"type": "signature_delta", "signature": _SIGNATURE}]
        case call:
            arguments = json.dumps(_tool(call)[1])
            return [{"type": "input_json_delta", "partial_json": chunk} for chunk in pieces(arguments, 40)]


def _tool(call: Call) -> tuple[str, JsonObject]:
    match call:
        case UseTool():
            return call.name, call.arguments
        case WriteFile():
            return "Write", {"file_path": call.path, "content": call.content}
        case RunCommand():
            return "Bash", {"command": call.command, "description": "Run a command"}
        case ReadFile():
            return "Read", {"file_path": call.path}
        case ListFiles():
            return "Bash", {"command": "ls -a", "description": "List the files"}
        case WriteTodos():
            return "TodoWrite", {
                "todos": [
                    {"content": thing, "status": state, "activeForm": thing} for thing, state in call.states
                ]
            }


def _limit_headers(status: str, claim: str, resets_at: int, **five_hour: str) -> dict[str, str]:
    """The unified limit headers; Claude Code reads them only when it came with an OAuth token."""
    now = int(time.time())
    resets = {name: now + seconds for name, seconds in _WINDOW_S.items()} | {claim: resets_at}
    headers = {
        "status": status,
        "reset": str(resets_at),
        "representative-claim": claim,
        "5h-status": status,
        "5h-reset": str(resets["five_hour"]),
        **{f"5h-{name.replace('_', '-')}": value for name, value in five_hour.items()},
        "7d-utilization": "0.4",
        "7d-reset": str(resets["seven_day"]),
        "overage-status": "rejected",
        "overage-disabled-reason": "org_level_disabled",
        "fallback": "available",
    }
    return {f"anthropic-ratelimit-unified-{name}": value for name, value in headers.items()}


def _rlok(_: Request) -> Reply:
    reset = int(time.time()) + _WINDOW_S["five_hour"]
    headers = _limit_headers("allowed", "five_hour", reset, utilization="0.2")
    return Reply(parts=say(HELLO).parts, headers=headers)


def _rlwarn(_: Request) -> Reply:
    reset = int(time.time()) + _WINDOW_S["five_hour"]
    warning = {"utilization": "0.92", "surpassed_threshold": "0.9"}
    return Reply(
        parts=say(HELLO).parts, headers=_limit_headers("allowed_warning", "five_hour", reset, **warning)
    )


def _rluni(request: Request) -> Refusal:
    seconds, _, claim = request.argument.partition(",")
    claim = claim or "five_hour"
    wait_s = int(seconds) if seconds else _WINDOW_S[claim]
    headers = _limit_headers("rejected", claim, int(time.time()) + wait_s, utilization="1.0")
    message = "This request would exceed your account's rate limit. Please try again later."
    return error(429, message, {"retry-after": str(wait_s), **headers})


def _rl429(request: Request) -> Refusal:
    message = "This request would exceed your organization's rate limit of 30,000 input tokens per minute."
    return error(429, message, {"retry-after": request.argument or "2"})


def _e401(request: Request) -> Refusal:
    by_token = (request.credential or "").startswith("authorization")
    return error(401, "Invalid bearer token" if by_token else "invalid x-api-key")


_CREDIT = (
    "Your credit balance is too low to access the Anthropic API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)


def _ask(request: Request) -> Reply:
    """`ask:Which colour?=Red|Blue&Which sizes?*=S|M`: asks people; a star lets them pick several."""
    if request.tool_results or not request.tools:
        return answers(request)
    questions = []
    for each in request.argument.split("&"):
        question, _, options = each.partition("=")
        questions.append(
            {
                "question": question.removesuffix("*"),
                "header": question.split()[-1].rstrip("?*")[:12],
                "multiSelect": question.endswith("*"),
                "options": [
                    {"label": label, "description": f"It is {label}"} for label in options.split("|")
                ],
            }
        )
    return Reply(parts=(UseTool("AskUserQuestion", {"questions": questions}),), stop="tool")


def _plan(request: Request) -> Reply:
    """`plan:words`: makes a plan where it is told to, and says what it was answered."""
    place = re.search(r"your plan at (/\S+\.md)", "\n".join(request.notes))
    calls: dict[int, Call] = {0: UseTool("EnterPlanMode", {}), 2: UseTool("ExitPlanMode", {})}
    if place is not None:
        calls[1] = WriteFile(place[1], f"# The plan\n\n1. {request.argument}\n")
    call = calls.get(len(request.tool_results))
    return Reply(parts=(call,), stop="tool") if call else answers(request)


def _delegate(request: Request) -> Reply:
    """`delegate:command|command`: lets an agent of its own run each, at once."""
    if request.tool_results or not request.tools:
        return say(f"Delegated, after {request.messages} messages.")
    calls = tuple(
        UseTool(
            "Task" if "Task" in request.tools else "Agent",
            {"description": "Run it", "prompt": f"[[bash:{command}]]", "subagent_type": "general-purpose"},
        )
        for command in request.argument.split("|")
    )
    return Reply(parts=calls, stop="tool")


SCENES: Mapping[str, Scene] = {
    "ask": _ask,
    "plan": _plan,
    "delegate": _delegate,
    "rlok": _rlok,
    "rlwarn": _rlwarn,
    "rluni": _rluni,
    "rl429": _rl429,
    "credit": lambda _: error(400, _CREDIT),
    "toolong": lambda _: error(400, "prompt is too long: 210000 tokens > 200000 maximum"),
    "e401": _e401,
    "e403": lambda _: error(403, "Your API key does not have permission to use the specified resource."),
    "e404": lambda request: error(404, f"model: {request.model}"),
    "e500": lambda _: error(500, "Internal server error"),
    "e529": lambda _: error(529, "Overloaded"),
}
