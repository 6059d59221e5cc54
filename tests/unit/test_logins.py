"""What the doctor sees of a key: that its provider takes it, refuses it, or could not be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from bot.logins import answer

KEYS = {
    "claude": {"ANTHROPIC_API_KEY": "good"},
    "gemini": {"GEMINI_API_KEY": "good"},
    "codex": {"CODEX_API_KEY": "good"},
}
BASES = {"claude": "ANTHROPIC_BASE_URL", "gemini": "GOOGLE_GEMINI_BASE_URL", "codex": "OPENAI_BASE_URL"}


@asynccontextmanager
async def server(says: Mapping[bytes, int]) -> AsyncIterator[str]:
    """Answers with the status of the first text that the request holds; else with 401."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(5):
            asked = await reader.readuntil(b"\r\n\r\n")
        status = next((status for text, status in says.items() if text in asked), 401)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("provider", "own", "asked"),
    [
        ("claude", KEYS["claude"], b"GET /v1/models HTTP"),
        ("claude", KEYS["claude"], b"x-api-key: good"),
        ("claude", {"ANTHROPIC_AUTH_TOKEN": "good"}, b"Authorization: Bearer good"),
        ("claude", {"CLAUDE_CODE_OAUTH_TOKEN": "good"}, b"Authorization: Bearer good"),
        ("gemini", KEYS["gemini"], b"GET /v1beta/models HTTP"),
        ("gemini", KEYS["gemini"], b"x-goog-api-key: good"),
        ("codex", KEYS["codex"], b"GET /models HTTP"),
        ("codex", KEYS["codex"], b"Authorization: Bearer good"),
    ],
)
async def test_the_endpoint_that_is_set_is_asked_with_the_key_that_is_set(
    provider: str, own: dict[str, str], asked: bytes
) -> None:
    async with server({asked: 200}) as url:
        taken, seen = await answer(provider, {**own, BASES[provider]: url})
        assert (taken, seen) == (True, f"key taken by {url.removeprefix('http://')}")


@pytest.mark.parametrize("provider", KEYS)
@pytest.mark.parametrize(("status", "refused"), [(401, True), (404, False), (500, False), (302, False)])
async def test_only_a_clear_no_is_one(provider: str, status: int, refused: bool) -> None:
    async with server({b"GET": status}) as url:
        taken, seen = await answer(provider, {**KEYS[provider], BASES[provider]: url})
        assert taken is not refused
        assert str(status) in seen and "good" not in seen


async def test_a_bad_request_is_how_gemini_refuses_a_key() -> None:
    async with server({b"GET": 400}) as url:
        assert not (await answer("gemini", {**KEYS["gemini"], BASES["gemini"]: url}))[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "nonsense", "http://"])
async def test_who_cannot_be_asked_refuses_nothing(url: str) -> None:
    taken, seen = await answer("claude", {**KEYS["claude"], "ANTHROPIC_BASE_URL": url})
    assert taken and seen.startswith("key not tried")


@pytest.mark.parametrize("provider", ["claude", "gemini", "codex", "rehearsal", "goose"])
async def test_where_there_is_no_key_nobody_is_asked(provider: str) -> None:
    assert await answer(provider, {}) == (True, "")
