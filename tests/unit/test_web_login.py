"""A login link works once, for a quarter of an hour, and leaves only hashes behind."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.web.logins import Logins
from executor.wakeups import Wakeups
from storage import open_storage
from tests.browser.door import TOKEN, Site, open_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with asyncio.timeout(30), open_site(tmp_path) as site:
        yield site


async def test_a_link_logs_in_once(site: Site) -> None:
    link = site.server.login_link()
    async with site.visitor(logged_in=False) as first, site.visitor(logged_in=False) as second:
        async with first.get(link) as answer:
            assert answer.status == 200
            assert 'http-equiv="refresh" content="0; url=/"' in await answer.text()
        async with first.get("/channels/dev") as answer:
            assert answer.status == 200
        async with second.get(link, headers={"Accept": "text/html"}) as answer:
            assert answer.status == 403
            assert "bifrost login" in await answer.text()
            assert "Set-Cookie" not in answer.headers
        async with second.get("/channels/dev") as answer:
            assert answer.status == 401


async def test_a_wrong_link_says_how_to_get_a_right_one(site: Site) -> None:
    async with site.visitor(logged_in=False) as visitor, visitor.get("/login/wrong") as answer:
        assert answer.status == 403
        assert "bifrost login" in (await answer.json())["detail"]


async def test_looking_at_a_link_without_opening_it_does_not_use_it_up(site: Site) -> None:
    link = site.server.login_link()
    async with site.visitor(logged_in=False) as visitor:
        async with visitor.head(link) as answer:
            assert answer.status in (401, 405)
        async with visitor.get(link) as answer:
            assert answer.status == 200


async def test_the_cookie_cannot_be_read_or_carried_off(site: Site) -> None:
    async with site.visitor(logged_in=False) as visitor, visitor.get(site.server.login_link()) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("bifrost=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


async def test_behind_https_the_cookie_is_for_https_alone(tmp_path: Path) -> None:
    async with open_site(tmp_path, public_url="https://bifrost.example") as site:
        link = site.server.login_link()
        assert link.startswith("https://bifrost.example/login/")
        path = link.removeprefix("https://bifrost.example")
        async with (
            aiohttp.ClientSession(site.server.address) as session,
            session.get(path, headers={"Host": "bifrost.example"}) as answer,
        ):
            cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-bifrost=")
    assert "Secure" in cookie


async def test_a_login_outlives_a_restart_and_a_code_does_not(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site, site.visitor() as visitor:
        port = int(site.server.url.rpartition(":")[2])
        unused = site.server.login_link()
        cookies = {cookie.key: cookie.value for cookie in visitor.cookie_jar}
    async with open_site(tmp_path, port=port) as site, site.visitor(logged_in=False) as visitor:
        async with visitor.get(unused) as answer:
            assert answer.status == 403
        async with visitor.get("/channels/dev", cookies=cookies) as answer:
            assert answer.status == 200


async def test_the_database_keeps_no_token(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site, site.visitor() as visitor:
        token = next(iter(visitor.cookie_jar)).value
        with sqlite3.connect(tmp_path / "bifrost.sqlite") as database:
            rows = database.execute("SELECT token_hash FROM logins").fetchall()
        database.close()
    assert len(rows) == 1
    assert token not in str(rows)


@pytest.mark.parametrize("value", ["", "x", "x" * 5000])
async def test_a_made_up_cookie_is_no_login(site: Site, value: str) -> None:
    async with (
        site.visitor(logged_in=False) as visitor,
        visitor.get("/channels/dev", headers={"Cookie": f"bifrost={value}"}) as answer,
    ):
        assert answer.status == 401


async def test_the_token_gets_a_login_link(site: Site) -> None:
    async with site.visitor(bearer=TOKEN) as program, program.post("/login-links", json={}) as answer:
        link = (await answer.json())["url"]
    async with site.visitor(logged_in=False) as visitor, visitor.get(link) as answer:
        assert answer.status == 200


async def test_a_link_from_another_site_finds_the_login(site: Site) -> None:
    """A Strict cookie is kept back on the way from another site; the page asks for itself once more."""
    crossed = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
    async with site.visitor(logged_in=False) as visitor:
        async with visitor.get("/channels/dev?answer=x", headers=crossed) as answer:
            assert answer.status == 401
            assert 'content="0; url=/channels/dev"' in await answer.text()
        async with visitor.get("/channels/dev", headers={"Accept": "text/html"}) as answer:
            assert "http-equiv" not in await answer.text()


@dataclass
class Seconds:
    now: float = 0

    def __call__(self) -> float:
        return self.now


async def test_a_code_ends_after_a_quarter_of_an_hour(tmp_path: Path) -> None:
    seconds = Seconds()
    async with open_storage(tmp_path / "bifrost.sqlite", Wakeups()) as storage:
        logins = Logins(storage.hub, secure=False, monotonic=seconds)
        late, early = logins.new_code(), logins.new_code()
        seconds.now = 15 * 60 - 1
        assert await logins.log_in(early, web.Response())
        seconds.now = 15 * 60
        assert not await logins.log_in(late, web.Response())
