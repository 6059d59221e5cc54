"""The Gemini API, as Gemini CLI uses it."""

from __future__ import annotations

import json
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
)
from tests.simulators.models.sse import Frame

PROVIDER: Provider = "gemini"

USAGE = {"promptTokenCount": 50, "candidatesTokenCount": 12, "totalTokenCount": 62}

_FINISH_REASONS = {"end": "STOP", "tool": "STOP", "max_tokens": "MAX_TOKENS", "refusal": "SAFETY"}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_RPC = "type.googleapis.com/google.rpc"
_VERDICT = {"complexity_reasoning": "One short question.", "complexity_score": 20}


def read(body: JsonObject, path: str) -> Request:
    """The request in provider-neutral words; model and method stand in the path."""
    model, _, method = path.rpartition("/")[2].partition(":")
    config = body.get("generationConfig", {})
    declared = [
        declaration for tool in body.get("tools", []) for declaration in tool.get("functionDeclarations", [])
    ]
    return Request(
        provider=PROVIDER,
        path=path,
        model=model,
        stream=method == "streamGenerateContent",
        tools=tuple(declaration["name"] for declaration in declared),
        effort=config.get("thinkingConfig", {}).get("thinkingLevel"),
        messages=len(body["contents"]),
        wants_json=config.get("responseMimeType") == "application/json",
        said=tuple(
            said for content in body["contents"] if content["role"] == "user" for said in _said(content)
        ),
    )


def _said(content: JsonObject) -> Iterator[Said]:
    for part in content["parts"]:
        if "text" in part:
            yield Said(part["text"])
        elif "functionResponse" in part:
            response = part["functionResponse"]["response"]
            yield Said(str(response.get("output", response)), is_tool_result=True)


def error(status: int, message: str, details: list[JsonObject] | None = None) -> Refusal:
    """An error in the shape of this API."""
    body: JsonObject = {"code": status, "message": message, "status": _STATUSES[status]}
    return Refusal(status=status, body={"error": body | ({"details": details} if details else {})})


def overloaded() -> bytes:
    """The event that ends a stream which fails on the way."""
    return _event(error(503, "The model is overloaded. Please try again later.").body)


def whole(reply: Reply, request: Request) -> JsonObject:
    """The answer as one JSON object; the router's question gets a verdict, whatever the scenario."""
    parts = [{"text": json.dumps(_VERDICT)}] if request.wants_json else [_part(part) for part in reply.parts]
    return _chunk(request, f"r{uuid4().hex[:12]}", parts, _FINISH_REASONS[reply.stop])


def stream(reply: Reply, request: Request) -> Iterator[Frame]:
    """The answer as server-sent events; only the last one has a finish reason."""
    response_id = f"r{uuid4().hex[:12]}"
    *parts, last = list(_stream_parts(reply)) or [{"text": ""}]
    for part in parts:
        yield Frame(_event(_chunk(request, response_id, [part])), is_delta=True)
    yield Frame(_event(_chunk(request, response_id, [last], _FINISH_REASONS[reply.stop])), is_delta=True)


def _stream_parts(reply: Reply) -> Iterator[JsonObject]:
    for part in reply.parts:
        if isinstance(part, Text):
            yield from ({"text": chunk} for chunk in _distinct(part.chunks))
        else:
            yield _part(part)


def _distinct(chunks: tuple[str, ...]) -> Iterator[str]:
    """The chunks, a repeated one joined to its successor: Gemini CLI stops where it sees a loop."""
    sent: set[str] = set()
    pending = ""
    for chunk in chunks:
        pending += chunk
        if pending not in sent:
            yield pending
            sent.add(pending)
            pending = ""
    if pending:
        yield pending


def _event(data: JsonObject) -> bytes:
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def _chunk(
    request: Request, response_id: str, parts: list[JsonObject], finish: str | None = None
) -> JsonObject:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": USAGE,
        "modelVersion": request.model,
        "responseId": response_id,
    }


def _part(part: Part) -> JsonObject:
    match part:
        case Text():
            return {"text": part.whole}
        case Thought():
            return {"text": part.text, "thought": True}
        case call:
            name, arguments = _tool(call)
            return {"functionCall": {"name": name, "args": arguments}}


def _tool(call: Call) -> tuple[str, JsonObject]:
    match call:
        case UseTool():
            return call.name, call.arguments
        case WriteFile():
            return "write_file", {"file_path": call.path, "content": call.content}
        case RunCommand():
            return "run_shell_command", {"command": call.command, "description": "Run a command"}
        case ReadFile():
            return "read_file", {"file_path": call.path}
        case ListFiles():
            return "list_directory", {"dir_path": "."}
        case WriteTodos():
            todos = [{"description": thing, "status": state} for thing, state in call.states]
            return "write_todos", {"todos": todos}


def _retry_info(seconds: str) -> JsonObject:
    return {"@type": f"{_RPC}.RetryInfo", "retryDelay": f"{seconds}s"}


def _quota_failure(period: str, value: str) -> JsonObject:
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": f"GenerateRequestsPer{period}PerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
        "quotaValue": value,
    }
    return {"@type": f"{_RPC}.QuotaFailure", "violations": [violation]}


_QUOTA = "You exceeded your current quota, please check your plan and billing details."


def _rpm(request: Request) -> Refusal:
    seconds = request.argument or "3"
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    message = f"{_QUOTA} Quota exceeded for metric: {metric}, limit: 2\nPlease retry in {seconds}.999s."
    return error(429, message, [_quota_failure("Minute", "2"), _retry_info(seconds)])


def _rpd(request: Request) -> Refusal:
    message = f"{_QUOTA}\nPlease retry in {request.argument or '12h3m'}."
    return error(429, message, [_quota_failure("Day", "250"), {"@type": f"{_RPC}.Help", "links": []}])


def _qx(request: Request) -> Refusal:
    seconds = int(request.argument or 12005)
    after = f"{seconds // 3600}h{seconds % 3600 // 60}m{seconds % 60}s"
    message = f"You have exhausted your capacity on this model. Your quota will reset after {after}."
    return error(429, message, [_retry_info(str(seconds))])


def _e404(request: Request) -> Refusal:
    model = f"models/{request.model}"
    return error(
        404, f"{model} is not found for API version v1beta, or is not supported for generateContent."
    )


SCENES: Mapping[str, Scene] = {
    "rpm": _rpm,
    "rl429": _rpm,
    "rpd": _rpd,
    "qx": _qx,
    "plain429": lambda _: error(429, "Resource has been exhausted (e.g. check quota)."),
    "e400": lambda _: error(400, "API key not valid. Please pass a valid API key."),
    "e401": lambda _: error(401, "Request had invalid authentication credentials."),
    "e403": lambda _: error(403, "The caller does not have permission"),
    "e404": _e404,
    "e500": lambda _: error(500, "An internal error has occurred. Please retry."),
    "e503": lambda _: error(503, "The model is overloaded. Please try again later."),
}
