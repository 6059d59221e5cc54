"""The OpenAI Responses API, as Codex uses it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from itertools import count
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
)
from tests.simulators.models.sse import Frame

PROVIDER: Provider = "openai"

USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 59,
}

_WITHIN = "/"
"""Between a namespace and the tool in it, in our words for both."""

_PROGRAM = f"functions{_WITHIN}exec"

_CODES = {
    400: "invalid_request_error",
    401: "invalid_api_key",
    403: "permission_denied",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    500: "server_error",
    503: "server_is_overloaded",
}


def read(body: JsonObject, path: str) -> Request:
    """The request in provider-neutral words."""
    given = body["input"]
    items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
    added = (tool for item in items if item["type"] == "additional_tools" for tool in item["tools"])
    return Request(
        provider=PROVIDER,
        path=path,
        model=body["model"],
        stream=bool(body.get("stream")),
        tools=tuple(name for tool in (*(body.get("tools") or ()), *added) for name in _names(tool)),
        effort=(body.get("reasoning") or {}).get("effort"),
        messages=len(items),
        said=tuple(said for item in items for said in _said(item)),
    )


def _names(tool: JsonObject) -> Iterator[str]:
    """What a server offers stands in a namespace of its own."""
    if tool["type"] == "namespace":
        yield from (f"{tool['name']}{_WITHIN}{each['name']}" for each in tool["tools"])
    else:
        yield str(tool.get("name", tool["type"]))


def _said(item: JsonObject) -> Iterator[Said]:
    if item["type"].endswith("_output"):
        output = item["output"]
        yield Said(output if isinstance(output, str) else json.dumps(output), is_tool_result=True)
    elif item["type"] == "message" and item["role"] == "user":
        content = item["content"]
        blocks = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
        yield from (Said(block["text"]) for block in blocks if block["type"] == "input_text")


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """An error in the shape of this API."""
    body = {"message": message, "type": _CODES[status], "param": None, "code": _CODES[status]}
    return Refusal(status=status, body={"error": body}, headers=headers or {})


def overloaded() -> bytes:
    """The event that ends a stream which fails on the way."""
    failure = {"code": "server_is_overloaded", "message": "Our servers are currently overloaded."}
    response = {"id": f"resp_{uuid4().hex[:20]}", "status": "failed", "error": failure}
    return _event({"type": "response.failed", "response": response})


def whole(reply: Reply, request: Request) -> JsonObject:
    """The answer as one JSON object."""
    output = [_item(part, request) for part in reply.parts]
    return {"id": f"resp_{uuid4().hex[:20]}", **_ended(reply), "output": output}


def stream(reply: Reply, request: Request) -> Iterator[Frame]:
    """The answer as server-sent events, numbered as the API numbers them."""
    for number, (event, is_delta) in zip(count(), _events(reply, request), strict=False):
        yield Frame(_event({**event, "sequence_number": number}), is_delta=is_delta)


def _events(reply: Reply, request: Request) -> Iterator[tuple[JsonObject, bool]]:
    response_id = f"resp_{uuid4().hex[:20]}"
    yield {"type": "response.created", "response": {"id": response_id, "status": "in_progress"}}, False
    for index, part in enumerate(reply.parts):
        item = _item(part, request)
        place = {"output_index": index, "item_id": item["id"], "content_index": 0}
        started = item | ({"content": []} if isinstance(part, Text) else {})
        yield {"type": "response.output_item.added", "output_index": index, "item": started}, False
        for chunk in part.chunks if isinstance(part, Text) else ():
            yield {"type": "response.output_text.delta", **place, "delta": chunk}, True
        yield {"type": "response.output_item.done", "output_index": index, "item": item}, False
    kind = "response.incomplete" if reply.stop == "max_tokens" else "response.completed"
    yield {"type": kind, "response": {"id": response_id, **_ended(reply)}}, False


def _event(data: JsonObject) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def _ended(reply: Reply) -> JsonObject:
    if reply.stop == "max_tokens":
        return {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "usage": USAGE}
    return {"status": "completed", "usage": USAGE}


def _item(part: Part, request: Request) -> JsonObject:
    match part:
        case Text():
            content = [{"type": "output_text", "text": part.whole, "annotations": []}]
            return {
                "type": "message",
                "role": "assistant",
                "id": f"msg_{uuid4().hex[:20]}",
                "content": content,
            }
        case Thought():
            summary = [{"type": "summary_text", "text": part.text}]
            return {"type": "reasoning", "id": f"rs_{uuid4().hex[:20]}", "summary": summary}
        case call:
            name, arguments = _tool(call, request.tools)
            namespace, within, name = name.rpartition(_WITHIN)
            identity = {
                "id": f"fc_{uuid4().hex[:20]}",
                "call_id": f"call_{uuid4().hex[:20]}",
                **({"namespace": namespace} if within else {}),
                "name": name,
            }
            if isinstance(arguments, str):
                return {"type": "custom_tool_call", **identity, "input": arguments}
            return {"type": "function_call", **identity, "arguments": json.dumps(arguments)}


def _tool(call: Call, offered: tuple[str, ...]) -> tuple[str, JsonObject | str]:
    """Codex has one tool for nearly all: a shell, whose name depends on the model it believes to talk to.

    The newest models write a program that calls it.
    """
    match call:
        case WriteFile():
            command = f"printf '%s' {json.dumps(call.content)} > {call.path}"
        case RunCommand():
            command = call.command
        case ReadFile():
            command = f"cat {call.path}"
        case ListFiles():
            command = "ls -a"
        case UseTool():
            return call.name, call.arguments
        case WriteTodos():
            return "update_plan", {"plan": [{"step": thing, "status": state} for thing, state in call.states]}
    if _PROGRAM in offered:
        return _PROGRAM, f"text(await tools.exec_command({json.dumps({'cmd': command})}))"
    if "exec_command" in offered:
        return "exec_command", {"cmd": command}
    if "shell_command" in offered:
        return "shell_command", {"command": command}
    return "shell", {"command": ["bash", "-lc", command]}


def _usage(request: Request) -> Refusal:
    seconds = int(request.argument or 3600)
    body = {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": "plus",
        "resets_at": int(time.time()) + seconds,
        "resets_in_seconds": seconds,
    }
    return Refusal(status=429, body={"error": body})


def _rl429(request: Request) -> Refusal:
    message = "Rate limit reached for requests per minute. Please slow down."
    return error(429, message, {"retry-after": request.argument or "2"})


SCENES: Mapping[str, Scene] = {
    "usage": _usage,
    "rl429": _rl429,
    "e401": lambda _: error(401, "Incorrect API key provided"),
    "e403": lambda _: error(403, "You are not allowed to use this resource."),
    "e404": lambda request: error(
        404, f"The model `{request.model}` does not exist or you do not have access to it."
    ),
    "e500": lambda _: error(500, "The server had an error while processing your request."),
    "e503": lambda _: error(503, "Our servers are currently overloaded. Please try again later."),
}
