"""Whether a provider takes the key that is set for it: asked of its list of models, which costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    url: str
    headers: Mapping[str, str]
    refusals: frozenset[int] = frozenset({401})


async def answer(provider: str, environment: Mapping[str, str]) -> tuple[bool, str]:
    """Whether its CLI may go ahead with this environment, and what was seen of that.

    What cannot be asked, or gets another answer than a clear no, is none.
    """
    question = _question(provider, environment)
    if question is None:
        return True, ""
    host = question.url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    try:
        async with (
            # As its CLI would, by whatever proxy there is.
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_WITHIN_S), trust_env=True) as session,
            session.get(question.url, headers=question.headers, allow_redirects=False) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return True, f"key not tried: no answer from {host}"
    if status in question.refusals:
        return False, f"key refused by {host} ({status})"
    return True, f"key taken by {host}" if status == 200 else f"key not tried: {host} says {status}"


def _question(provider: str, environment: Mapping[str, str]) -> _Question | None:
    match provider:
        case "claude":
            return _anthropic(environment)
        case "gemini" if key := environment.get("GEMINI_API_KEY"):
            base = environment.get("GOOGLE_GEMINI_BASE_URL") or "https://generativelanguage.googleapis.com"
            # A key that there is none of is a bad request there.
            refusals = frozenset({400, 401, 403})
            headers = {"x-goog-api-key": key}
            return _Question(url=f"{base.rstrip('/')}/v1beta/models", headers=headers, refusals=refusals)
        case "codex" if key := environment.get("CODEX_API_KEY"):
            base = environment.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
            return _Question(url=f"{base.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"})
    return None


def _anthropic(environment: Mapping[str, str]) -> _Question | None:
    base = environment.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com"
    headers = {"anthropic-version": "2023-06-01"}
    if key := environment.get("ANTHROPIC_API_KEY"):
        headers["x-api-key"] = key
    elif token := environment.get("ANTHROPIC_AUTH_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    elif token := environment.get("CLAUDE_CODE_OAUTH_TOKEN"):
        headers |= {"Authorization": f"Bearer {token}", "anthropic-beta": "oauth-2025-04-20"}
    else:
        return None
    return _Question(url=f"{base.rstrip('/')}/v1/models", headers=headers)
