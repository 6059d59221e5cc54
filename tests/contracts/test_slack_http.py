"""HTTP mode: what Slack signs is answered, once and while it is fresh; nobody else is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.desk.asks import Answer
from bot.platforms.slack.request_url import PATH
from bot.web.server import WebServer
from executor.wakeups import Wakeups
from storage import open_storage
from tests.browser.door import terms_of
from tests.contracts.slack_world import Board, Desk, World, adapter_for, card, running, simulator
from tests.simulators.slack import RequestUrl, SignedRequest

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Site:
    """The world, and Slack's way to it."""

    world: World
    url: RequestUrl

    def mention(self) -> SignedRequest:
        world = self.world
        event = {"type": "app_mention", "user": world.ada.id, "text": "research x", "ts": "1.1"}
        payload = {"type": "event_callback", "event_id": "Ev1", "team_id": world.slack.team_id}
        body = payload | {"event": event | {"channel": world.dev.id}}
        return self.url.sign(json.dumps(body).encode(), JSON)


@asynccontextmanager
async def a_site(place: Path) -> AsyncIterator[Site]:
    async with simulator() as slack, open_storage(place / "bifrost.db", Wakeups()) as storage:
        desk, board = Desk(), Board()
        adapter = adapter_for(slack, desk, board, app_token="", signing_secret=slack.signing_secret)
        assert adapter.request_url is not None
        server = WebServer(
            storage=storage,
            wakeups=Wakeups(),
            door=desk,
            reports=place,
            files=place,
            terms=terms_of(storage),
            api_token="t0ken",
            port=0,
            called_at={PATH: adapter.request_url.answer},
        )
        async with server:
            url = slack.call_at(f"{server.url}{PATH}")
            async with running(adapter):
                yield Site(World(slack, desk, board, adapter), url)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with asyncio.timeout(30), a_site(tmp_path) as site:
        yield site


async def test_every_door_works_by_requests_as_by_the_socket(site: Site) -> None:
    world = site.world
    reply = await world.ada.command("/job", "research a <b> & c", channel=world.dev)
    assert reply.plain == "queued as `#3fa9c1`"
    await world.platform.post(world.place, card(), "job-1")
    assert (await world.ada.click(world.dev.messages[0], "Cancel")).error is None
    await world.ada.command("/job", "", channel=world.dev)
    view = await world.ada.wait_view()
    world.desk.answer = Answer(ok=False, text="No.", field="model")
    assert await world.ada.submit(view, {"prompt": "x"}) == {"model": "No."}
    message = await world.ada.mention(world.dev, "list")
    await world.slack.until(lambda: world.ada.ephemerals[-1].plain == "No.", what="the refusal")
    await world.ada.home()
    await world.settled(6)
    assert [each.text for each in world.desk.invocations] == ["research a <b> & c", "help", "list"]
    assert [ask.verb for ask in world.desk.asks] == ["cancel", "research"]
    assert message.reactions == {} and world.slack.connections == 0


async def test_the_challenge_of_a_new_address_is_answered(site: Site) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c4-11", "token": "t"}).encode()
    status, text = await site.url.send(site.url.sign(body, JSON))
    assert (status, json.loads(text)) == (200, {"challenge": "c4-11"})


@pytest.mark.parametrize("age_s", [301, -301, 86_400])
async def test_a_signature_of_another_time_is_refused(site: Site, age_s: int) -> None:
    stale = site.url.sign(site.mention().body, JSON, age_s=age_s)
    assert (await site.url.send(stale))[0] == 401
    assert site.world.desk.invocations == []


@pytest.mark.parametrize("age_s", [290, -290])
async def test_a_clock_may_be_a_little_wrong(site: Site, age_s: int) -> None:
    assert (await site.url.send(site.url.sign(site.mention().body, JSON, age_s=age_s)))[0] == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"X-Slack-Signature": f"v0={'0' * 64}"},
        {"X-Slack-Signature": "v0=ü"},
        {"X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "9" * 400},
    ],
)
async def test_what_is_not_signed_by_slack_is_refused(site: Site, wrong: dict[str, str]) -> None:
    good = site.mention()
    assert (await site.url.send(replace(good, headers=good.headers | wrong)))[0] == 401
    assert site.world.desk.invocations == []


@pytest.mark.parametrize("body", [b"{}", b"\xff\xfe", b"ssl_check=1&command=%2Fjob&text=list", b""])
async def test_another_body_under_a_good_signature_is_refused(site: Site, body: bytes) -> None:
    """Also one that claims to be Slack's own check of the certificate, which would need no signature."""
    good = site.mention()
    for content_type in (JSON, FORM):
        headers = good.headers | {"Content-Type": content_type}
        assert (await site.url.send(SignedRequest(headers=headers, body=body)))[0] == 401
    assert site.world.desk.invocations == []


async def test_a_request_that_was_answered_is_refused_when_it_is_sent_again(site: Site) -> None:
    request = site.mention()
    assert (await site.url.send(request))[0] == 200
    assert (await site.url.send(request))[0] == 401
    assert len(site.world.desk.invocations) == 1


async def test_what_slack_itself_sends_again_is_signed_anew_and_done_once(site: Site) -> None:
    """F47."""
    body = site.mention().body
    for age_s in (5, 2):
        assert (await site.url.send(site.url.sign(body, JSON, age_s=age_s)))[0] == 200
    assert len(site.world.desk.invocations) == 1


async def test_nonsense_that_is_signed_harms_nobody(site: Site) -> None:
    for body, content_type in ((b"{", JSON), (b"payload=%7B", FORM), (b"payload=1", FORM), (b"[]", JSON)):
        request = site.url.sign(body, content_type)
        # What could not be answered may come again at once, signed within the same second.
        assert [(await site.url.send(request))[0] for _ in range(2)] == [500, 500]
    reply = await site.world.ada.command("/job", "list", channel=site.world.dev)
    assert reply.plain == "queued as `#3fa9c1`"


async def test_before_slack_knows_us_it_is_asked_to_come_again(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        site.world.adapter.ready.clear()
        request = site.mention()
        assert (await site.url.send(request))[0] == 503
        site.world.adapter.ready.set()
        assert (await site.url.send(request))[0] == 200


async def test_the_door_is_for_slack_alone_and_opens_no_other(site: Site) -> None:
    form = urlencode({"text": "list", "delivery": "d-00000001"}).encode()
    other = RequestUrl(site.url.url.replace(PATH, "/channels/dev/commands"), "secret")
    assert (await other.send(site.url.sign(form, FORM)))[0] == 401
    big = site.url.sign(b"x" * (1024 * 1024 + 1), JSON)
    assert (await site.url.send(big))[0] == 413
    elsewhere = site.mention()
    elsewhere.headers["Host"] = "evil.example"
    assert (await site.url.send(elsewhere))[0] == 421
    async with aiohttp.ClientSession() as session, session.get(site.url.url) as answer:
        assert answer.status == 401
