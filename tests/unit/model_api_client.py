"""A client of the three model APIs: bodies as the CLIs send them, answers taken apart."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.simulators.models import ModelSimulator

ANTHROPIC = "/v1/messages?beta=true"
GEMINI = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
OPENAI = "/v1/responses"
BY_KEY = {"x-api-key": "sk-ant-api03-secret-9999"}
FRAME = re.compile(r"(?:event: (\S+)\n)?data: (.*)")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def events(self) -> list[Json]:
        """The server-sent events, which name their type twice where they name it at all."""
        frames = [FRAME.fullmatch(frame) for frame in self.text.replace("\r\n", "\n").split("\n\n") if frame]
        events: list[tuple[str | None, Json]] = [(f[1], json.loads(f[2])) for f in frames if f]
        assert len(events) == len(frames)
        assert all(name == event.get("type") for name, event in events)
        return [event for _, event in events]

    @property
    def json(self) -> Json:
        body: Json = json.loads(self.text)
        return body


async def post(models: ModelSimulator, path: str, body: Json, headers: Mapping[str, str] = BY_KEY) -> Answer:
    async with (
        asyncio.timeout(10),
        aiohttp.ClientSession() as http,
        http.post(models.url + path, json=body, headers=headers) as response,
    ):
        return Answer(status=response.status, headers=response.headers, text=await response.text())


def user(*texts: str) -> Json:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def to_anthropic(*messages: Json, stream: bool = True) -> Json:
    tools = [{"name": "Bash"}, {"name": "Write"}]
    return {"model": "claude-opus-5-5", "stream": stream, "messages": list(messages), "tools": tools}


def to_gemini(*texts: str, **more: Any) -> Json:
    contents = [{"role": "user", "parts": [{"text": text} for text in texts]}]
    tools = [{"functionDeclarations": [{"name": "write_file"}, {"name": "list_directory"}]}]
    return {"contents": contents, "tools": tools, **more}


def to_openai(*items: Json, tool: str = "exec_command") -> Json:
    return {
        "model": "gpt-5",
        "stream": True,
        "input": list(items),
        "tools": [{"type": "function", "name": tool}, {"type": "web_search"}],
        "reasoning": {"effort": "high"},
    }


def openai_user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def openai_text(answer: Answer) -> str:
    return "".join(e["delta"] for e in answer.events if e["type"] == "response.output_text.delta")


def anthropic_text(answer: Answer) -> str:
    return "".join(
        event["delta"].get("text", "") for event in answer.events if "text" in event.get("delta", {})
    )


def gemini_text(answer: Answer) -> str:
    candidates = [event["candidates"][0] for event in answer.events]
    return "".join(part.get("text", "") for c in candidates for part in c["content"]["parts"])
