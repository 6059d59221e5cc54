"""Who gets in, row by row: security.md section 4 as a table, and the bad requests B64 to B76, B85, B87."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from bot.web import guard
from bot.web.guard import Address
from bot.web.server import WebServer
from tests.browser.door import TOKEN, RecordingDoor, Site, open_site

COMMAND = "/channels/dev/commands"
JSON = {"Content-Type": "application/json"}
BODY: dict[str, Any] = {"text": "list", "delivery": "d-0000001"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with asyncio.timeout(30), open_site(tmp_path) as site:
        yield site


async def test_a_good_request_gets_in(site: Site) -> None:
    async with site.visitor() as visitor, visitor.post(COMMAND, json=BODY) as answer:
        assert answer.status == 200
        assert (await answer.json())["ok"] is True


@pytest.mark.parametrize(
    "host",
    ["evil.example", "0.0.0.0:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""],
    ids=["B67 rebinding", "B68 all addresses", "no port", "another port", "a longer name", "empty"],
)
async def test_another_host_name_is_not_answered(site: Site, host: str) -> None:
    name = host.format(port=site.server.url.rpartition(":")[2])
    async with (
        site.visitor() as visitor,
        visitor.get("/channels/dev", headers={"Host": name}) as answer,
    ):
        assert answer.status == 421


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "[::1]", "127.0.0.1"])
async def test_loopback_by_any_of_its_names_is_answered(site: Site, name: str) -> None:
    host = f"{name}:{site.server.url.rpartition(':')[2]}"
    async with site.visitor() as visitor, visitor.get("/live", headers={"Host": host}) as answer:
        assert answer.status == 200


async def test_two_host_headers_are_not_answered(site: Site) -> None:
    host = site.server.url.removeprefix("http://")
    status = await raw_status(
        site, f"GET /live HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n".encode()
    )
    assert status in (400, 421)


@pytest.mark.parametrize(
    ("public_url", "host", "origin"),
    [
        ("https://Bifrost.example", "bifrost.example", "https://bifrost.example"),
        ("https://bifrost.example:443", "bifrost.example", "https://bifrost.example"),
        ("http://bifrost.example:8080/", "bifrost.example:8080", "http://bifrost.example:8080"),
    ],
)
def test_the_public_address_is_ours_too(public_url: str, host: str, origin: str) -> None:
    address = Address.of(4003, public_url.rstrip("/"))
    assert host in address.hosts
    assert origin in address.origins


@pytest.mark.parametrize(
    ("path", "authorization"),
    [
        ("/api/commands", None),
        (f"/api/commands?token={TOKEN}", None),
        (f"/api/commands?access_token={TOKEN}&api_key={TOKEN}", None),
        ("/api/commands", f"Basic {TOKEN}"),
        ("/api/commands", "Bearer wrong"),
        ("/api/commands", "Bearer "),
        ("/api/commands", "Bearer"),
        ("/api/commands", TOKEN),
        ("/api/commands", f"Bearer {TOKEN}x"),
    ],
    ids=[
        "B64 no token",
        "B65 in the query",
        "B65 in the query by other names",
        "B66 Basic",
        "wrong",
        "empty",
        "no token at all",
        "no scheme",
        "longer",
    ],
)
async def test_without_the_token_a_program_does_not_get_in(
    site: Site, path: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with (
        site.visitor(logged_in=False) as visitor,
        visitor.post(path, json={"text": "list"}, headers=headers) as answer,
    ):
        assert answer.status == 401
        assert answer.content_type == "application/problem+json"
        assert "token" in (await answer.json())["detail"]
    assert site.door.commands == []


async def test_a_token_that_is_no_text_does_not_get_in(site: Site) -> None:
    """B66: compared as bytes, whatever they are."""
    host = site.server.url.removeprefix("http://").encode()
    head = b"POST /api/commands HTTP/1.1\r\nHost: " + host + b"\r\nAuthorization: Bearer \xff\xfe\xc3\xa9\r\n"
    assert await raw_status(site, head + b"Content-Length: 0\r\n\r\n") == 401


async def test_the_token_gets_in_without_an_origin(site: Site) -> None:
    async with (
        site.visitor(bearer=TOKEN) as program,
        program.post("/api/commands", json={"text": "/job list"}) as answer,
    ):
        assert answer.status == 200
        assert (await answer.json())["ok"] is True
    assert site.door.commands[0].text == "list"


@pytest.mark.parametrize(
    "path", ["/", "/channels/dev", "/channels/dev/live", "/messages/x", "/nowhere", "/api/x"]
)
async def test_everything_else_wants_a_login(site: Site, path: str) -> None:
    headers = {"Accept": "text/html"}
    async with site.visitor(logged_in=False) as visitor, visitor.get(path, headers=headers) as answer:
        assert answer.status == 401
        if not path.startswith("/api"):
            assert "bifrost login" in await answer.text()


@pytest.mark.parametrize("path", ["/api/commands", "/login-links"])
async def test_a_cookie_does_not_open_what_the_token_opens(site: Site, path: str) -> None:
    async with site.visitor() as visitor, visitor.post(path, json={"text": "list"}) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=["B69 null", "another site", "another port", "B70 cross-site", "same-site"],
)
@pytest.mark.parametrize("path", [COMMAND, "/asks"])
async def test_another_site_cannot_act(site: Site, path: str, headers: dict[str, str]) -> None:
    async with site.visitor() as visitor, visitor.post(path, json=BODY, headers=headers) as answer:
        assert answer.status == 403
    assert (site.door.commands, site.door.asks) == ([], [])


async def test_a_cookie_alone_does_not_say_where_a_request_comes_from(site: Site) -> None:
    async with site.visitor() as visitor:
        del visitor.headers["Origin"]
        async with visitor.post(COMMAND, json=BODY) as answer:
            assert answer.status == 403


async def test_the_token_does_not_help_another_site(site: Site) -> None:
    headers = {"Origin": "https://evil.example"}
    async with (
        site.visitor(bearer=TOKEN) as program,
        program.post("/api/commands", json={"text": "list"}, headers=headers) as answer,
    ):
        assert answer.status == 403


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml"])
async def test_only_json_and_the_form_are_read(site: Site, content_type: str) -> None:
    """B71."""
    headers = {"Content-Type": content_type}
    async with (
        site.visitor() as visitor,
        visitor.post(COMMAND, data=json.dumps(BODY), headers=headers) as answer,
    ):
        assert answer.status == 415
    assert site.door.commands == []


async def test_the_form_is_the_pages_alone(site: Site) -> None:
    async with (
        site.visitor(bearer=TOKEN) as program,
        program.post("/api/commands", data={"text": "list"}) as answer,
    ):
        assert answer.status == 415


async def test_a_forwarded_address_changes_nothing(site: Site) -> None:
    """B72."""
    headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    async with (
        site.visitor(logged_in=False) as visitor,
        visitor.get("/channels/dev", headers=headers) as answer,
    ):
        assert answer.status == 401


@pytest.mark.parametrize("path", [COMMAND, "/asks", "/api/commands", "/login-links"])
async def test_a_large_body_is_refused_on_every_path(site: Site, path: str) -> None:
    """B73: aiohttp alone would answer 200 on a path that never reads the body."""
    bearer = TOKEN if path in ("/api/commands", "/login-links") else ""
    async with (
        site.visitor(bearer=bearer) as visitor,
        visitor.post(path, data=BytesIO(b" " * 2_000_000), headers=JSON) as answer,
    ):
        assert answer.status == 413
        assert "1 MB" in (await answer.json())["detail"]


async def test_a_compressed_body_is_refused(site: Site) -> None:
    """B74: a bomb is small until somebody opens it."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    data = gzip.compress(json.dumps(BODY).encode())
    async with site.visitor() as visitor, visitor.post(COMMAND, data=data, headers=headers) as answer:
        assert answer.status == 415


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "nested"),
        (
            b'{"text": "list", "text": "help", "delivery": "d-0000001"}',
            400,
            "`text` stands in the JSON twice",
        ),
        (b'{"text": ', 400, "not valid JSON"),
        (b"\xff\xfe\x00", 400, "not valid JSON"),
        (b"[]", 422, "JSON object"),
        (b'"x"', 422, "JSON object"),
        (b'{"delivery": "d-0000001"}', 422, "`text` is missing"),
        (b'{"text": 5, "delivery": "d-0000001"}', 422, "`text` cannot be taken"),
        (b'{"text": "list", "delivery": 9223372036854775808}', 422, "`delivery` cannot be taken"),
        (b'{"text": "list", "delivery": "d-0000001", "limit": -1}', 422, "There is no field `limit`"),
        (b'{"txt": "list", "text": "list", "delivery": "d-0000001"}', 422, "Did you mean `text`?"),
        (b'{"text": "\\ud800", "delivery": "d-0000001"}', 422, "not valid Unicode"),
        (b'{"text": "list", "delivery": "../../x"}', 422, "`delivery` cannot be taken"),
    ],
    ids=[
        "B75",
        "B76",
        "cut",
        "no UTF-8",
        "array",
        "text",
        "missing",
        "number",
        "B77",
        "B78",
        "B80",
        "B19",
        "delivery",
    ],
)
async def test_a_bad_body_is_refused_by_name(site: Site, body: bytes, status: int, says: str) -> None:
    async with site.visitor() as visitor, visitor.post(COMMAND, data=body, headers=JSON) as answer:
        assert answer.status == status
        problem = await answer.json()
        assert says in problem["detail"]
        assert set(problem) - {"field"} == {"type", "title", "status", "detail", "code"}
    assert site.door.commands == []


async def test_a_body_that_trickles_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """B85: others are served meanwhile."""
    monkeypatch.setattr(guard, "_BODY_S", 0.2)
    host = site.server.url.removeprefix("http://")
    head = (
        f"POST /api/commands HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    slow = asyncio.create_task(raw_status(site, head.encode()))
    async with site.visitor() as visitor, visitor.get("/live") as answer:
        assert answer.status == 200
    assert await slow == 408


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_another_method_is_told_which_there_are(site: Site, method: str) -> None:
    """B87."""
    async with site.visitor() as visitor, visitor.request(method, "/channels/dev") as answer:
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/channels/dev", "/nowhere", "/live", "/login/x", "/asks"])
async def test_every_answer_forbids_what_a_page_does_not_need(site: Site, path: str) -> None:
    async with site.visitor() as visitor, visitor.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
        assert answer.headers["Server"] == "bifrost"


async def test_a_fault_is_told_by_an_id_and_never_by_its_stack(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    door = RecordingDoor()
    door.error = RuntimeError("the secret is a plum")
    caplog.set_level(logging.ERROR)
    async with (
        open_site(tmp_path, door=door) as site,
        site.visitor() as visitor,
        visitor.post(COMMAND, json=BODY) as answer,
    ):
        assert answer.status == 500
        text = await answer.text()
    assert "plum" not in text
    assert "Traceback" not in text
    error_id = caplog.records[-1].__dict__["error_id"]
    assert error_id in text
    assert caplog.records[-1].__dict__["route"] == "/channels/{name}/commands"


async def test_health_tells_nothing_but_health(site: Site) -> None:
    async with site.visitor(logged_in=False) as visitor:
        async with visitor.get("/live") as answer:
            assert await answer.json() == {"live": True}
        async with visitor.get("/ready") as answer:
            assert await answer.json() == {"ready": True}


async def test_who_has_the_token_is_told_how_jobs_are_held(site: Site) -> None:
    async with site.visitor(bearer=TOKEN) as visitor, visitor.get("/ready") as answer:
        assert await answer.json() == {"ready": True, "sandbox": "reaper"}


def test_an_empty_token_lets_nobody_start_a_server(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="api_token"):
        WebServer(
            storage=None,  # type: ignore[arg-type]
            wakeups=None,  # type: ignore[arg-type]
            door=RecordingDoor(),
            reports=tmp_path,
            files=tmp_path,
            terms=None,  # type: ignore[arg-type]
            api_token="",
        )


@pytest.mark.parametrize(
    "path",
    [
        "/reports/../channels/dev",
        "/reports/x/../../channels/dev",
        "/static/..%2fchannels/dev",
        "//channels/dev",
        "/live/../channels/dev",
        "/LIVE",
        "/live/",
        "/api/../channels/dev",
    ],
)
async def test_no_spelling_of_a_path_gets_round_the_login(site: Site, path: str) -> None:
    host = site.server.url.removeprefix("http://")
    assert await raw_status(site, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) in (400, 401, 404)


async def raw_status(site: Site, request: bytes) -> int:
    """The status that the server answers to these very bytes."""
    port = int(site.server.url.rpartition(":")[2])
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            await writer.drain()
            return int((await reader.readline()).split()[1])
        finally:
            writer.close()
            await writer.wait_closed()
