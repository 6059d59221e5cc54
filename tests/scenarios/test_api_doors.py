"""Who may call what: each endpoint by each sort of token, login and origin, a table that makes itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.token_command import create, listing, revoke
from bot.web.callers import SCOPES
from bot.web.tokens import Rate, Throttle, Tokens
from tests.scenarios.test_jobs_api import Service, serving

UNSAFE = ("post", "patch", "delete")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path) as service:
        yield service


async def _status(session: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str]) -> Any:
    """The status and code of a request that no handler would do anything for."""
    path = re.sub(r"{\w+}", "00000000-0000-4000-8000-000000000000", path)
    data = b"{" if method in UNSAFE else None
    kind = {"Content-Type": "application/json"} if data else {}
    async with session.request(method, path, data=data, headers=headers | kind) as answer:
        code = (await answer.json())["code"] if answer.content_type == "application/problem+json" else ""
        return answer.status, code


async def test_each_endpoint_lets_in_whom_it_says_and_nobody_else(service: Service) -> None:
    described = await service.call("GET", "/openapi.json")
    office = Tokens(service.house.storage.api, "none")
    operations = [
        (path, method, each["x-scope"])
        for path, methods in described["paths"].items()
        for method, each in methods.items()
    ]
    url = service.bifrost.server.url
    async with aiohttp.ClientSession(url) as stranger, _logged_in(service) as login:
        for path, method, needed in operations:
            row = f"{method} {path}"
            # Of its own for each row: no token may call as fast as this.
            tokens = {scope: f"Bearer {(await office.create('ci', scope, None))[1]}" for scope in SCOPES}
            assert await _status(stranger, method, path, {}) == (401, "unauthenticated"), row
            forged = {"Authorization": "Bearer bifrost_x"}
            assert await _status(stranger, method, path, forged) == (401, "unauthenticated"), row
            for scope in SCOPES:
                refused = await _status(stranger, method, path, {"Authorization": tokens[scope]}) == (
                    403,
                    "scope",
                )
                assert refused == (SCOPES.index(scope) < SCOPES.index(needed)), f"{row} with {scope}"
            if path not in ("/api/commands", "/login-links"):
                status, code = await _status(login, method, path, {"Origin": url})
                assert status not in (401, 403), f"{row}, logged in: {code}"
            if method in UNSAFE:
                for origin in ("null", "https://evil.example"):
                    foreign = {"Origin": origin, "Authorization": tokens["admin"]}
                    assert (await _status(stranger, method, path, foreign))[0] == 403, f"{row} from {origin}"
                crossed = {"Sec-Fetch-Site": "cross-site", "Authorization": tokens["admin"]}
                assert (await _status(stranger, method, path, crossed))[0] == 403, f"{row} from another site"
            hosted = {"Host": "evil.example", "Authorization": tokens["admin"]}
            assert (await _status(stranger, method, path, hosted))[0] == 421, f"{row} by another name"


@asynccontextmanager
async def _logged_in(service: Service) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(service.bifrost.server.url, cookie_jar=jar) as opened:
        async with opened.get(service.bifrost.server.login_link()) as answer:
            assert answer.status == 200
        yield opened


async def test_a_form_is_no_call_and_neither_is_what_is_compressed(service: Service) -> None:
    async with service.session.post("/jobs", data={"type": "session"}) as answer:
        assert answer.status == 415
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with service.session.post("/jobs", data=b"x", headers=headers) as answer:
        assert answer.status == 415


async def test_another_method_is_told_which_there_are(service: Service) -> None:
    async with service.session.put("/jobs") as answer:
        assert answer.status == 405
        assert {"GET", "POST"} <= set(answer.headers["Allow"].split(","))


def test_a_token_that_calls_too_fast_is_told_when_to_come_again() -> None:
    """B84."""
    now = [0.0]
    throttle = Throttle(Rate(per_s=10, burst=40), monotonic=lambda: now[0])
    assert [throttle.wait_s("a", safe=False) for _ in range(4)] == [0, 0, 0, 0]
    assert throttle.wait_s("a", safe=False) == 1
    assert throttle.wait_s("b", safe=False) == 0, "the others are not held up"
    now[0] = 1.0
    assert throttle.wait_s("a", safe=False) == 0
    assert throttle.wait_s("a", safe=True) == 1


async def test_ten_thousand_jobs_at_once_are_not_taken(service: Service) -> None:
    """B84: the rest is told when to come again, and others are served meanwhile."""
    flood = await service.token("run")
    body, refused = {"type": "session", "prompt": "x", "scheduled_at": "2020-01-01T00:00:00Z"}, 0
    headers = {"Authorization": flood}
    for _ in range(400):
        async with service.session.post("/jobs", json=body, headers=headers) as answer:
            assert answer.status in (422, 429)
            if answer.status == 429:
                assert int(answer.headers["Retry-After"]) >= 1
                assert (await answer.json())["code"] == "too_many_requests"
                refused += 1
                break
    assert refused
    await service.call("GET", "/jobs")


async def test_a_login_link_is_for_admins_by_whatever_door(service: Service) -> None:
    body = {"text": "web"}
    answer = await service.call("POST", "/api/commands", body)
    assert f"<{service.bifrost.server.url}/login/" in answer["text"]
    refused = await service.call("POST", "/api/commands", body, Authorization=await service.token("run"))
    assert not refused["ok"]
    assert "token of scope `admin`" in refused["text"]


async def test_tokens_are_made_and_ended_on_the_command_line(service: Service) -> None:
    settings = service.house.settings
    service.house.data.address.write_text(service.bifrost.server.url)  # as `serve` does
    made = await create(settings, "ci", "run", 30)
    assert made.token.startswith("bifrost_")
    await service.call("GET", "/jobs", Authorization=f"Bearer {made.token}")
    (line,) = await listing(settings)
    assert line.startswith(f"{made.id}  run    ci  made ")
    assert made.token not in line
    await revoke(settings, made.id)
    refused = await service.call("GET", "/jobs", status=401, Authorization=f"Bearer {made.token}")
    assert "revoked" in refused["detail"]
    assert "`bifrost token create NAME`" in refused["detail"]
    (line,) = await listing(settings)
    assert "revoked" in line
