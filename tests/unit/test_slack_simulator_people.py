"""People, Socket Mode and modals of the Slack simulator, as the real slack-bolt meets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack import Rules, SlackSimulator
from tests.unit.test_slack_simulator import CANCEL, card, client_of, error_of, section


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(shortcuts={"rerun"}) as simulator:
        yield simulator


@asynccontextmanager
async def bolt(slack: SlackSimulator, set_up: Callable[[AsyncApp], Any]) -> AsyncIterator[AsyncApp]:
    app = AsyncApp(client=client_of(slack))
    set_up(app)
    handler = AsyncSocketModeHandler(
        app, slack.app_token, web_client=AsyncWebClient(base_url=slack.base_url), ping_interval=0.5
    )
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.until(lambda: slack.connections == 1, what="the app's connection")
    try:
        yield app
    finally:
        client = handler.client
        await handler.close_async()  # type: ignore[no-untyped-call]
        tasks = (client.message_processor, client.current_session_monitor, client.message_receiver)
        await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


def listener(app: AsyncApp, *, ack: Any = None, before: asyncio.Event | None = None) -> list[dict[str, Any]]:
    """Answer everything with this ack, after `before` if given; collect the bodies."""
    bodies: list[dict[str, Any]] = []

    async def handle(ack_now: Any, body: dict[str, Any]) -> None:
        bodies.append(body)
        if before is not None:
            await before.wait()
        await (ack_now() if ack is None else ack_now(**ack))

    async def with_ack(ack: Any, body: dict[str, Any]) -> None:
        await handle(ack, body)

    app.command("/job")(with_ack)
    app.action("cancel")(with_ack)
    app.view("ask")(with_ack)
    app.shortcut("rerun")(with_ack)
    for event in ("app_mention", "message", "app_home_opened"):
        app.event(event)(with_ack)
    return bodies


async def test_a_command_shows_its_ack_and_its_response_url_takes_five_answers(slack: SlackSimulator) -> None:
    statuses: asyncio.Queue[int] = asyncio.Queue()

    def set_up(app: AsyncApp) -> None:
        @app.command("/job")
        async def job(ack: Any, respond: Any, command: dict[str, Any]) -> None:
            await ack(f"queued: {command['text']}")
            for number in range(6):
                statuses.put_nowait((await respond(f"answer {number}")).status_code)

    dev, ann = slack.channel("dev"), slack.person("Ann")
    async with bolt(slack, set_up), asyncio.timeout(10):
        reply = await ann.command("/job", "research a < b with @Bifrost in #dev", channel=dev)
        assert f"a &lt; b with <@{slack.bot_user_id}|bifrost> in <#{dev.id}|dev>" in reply.text
        assert reply.plain == "queued: research a < b with @Bifrost in #dev"
        assert reply.latency_s is not None and 0 < reply.latency_s < 3
        assert [await statuses.get() for _ in range(6)] == [200] * 5 + [404]
    assert sorted(shown.plain for shown in ann.ephemerals) == [
        *(f"answer {n}" for n in range(5)),
        reply.plain,
    ]
    assert slack.messages(dev) == []


async def test_an_in_channel_ack_is_seen_by_all_with_the_command(slack: SlackSimulator) -> None:
    dev, ann = slack.channel("dev"), slack.person("Ann")
    answer = {"text": "queued", "response_type": "in_channel"}
    async with bolt(slack, lambda app: listener(app, ack=answer)):
        await ann.command("/job", "status", channel=dev)
    assert [message.plain for message in slack.messages(dev)] == ["/job status", "queued"]


async def test_an_ack_after_the_limit_is_recorded_and_the_person_sees_a_failure() -> None:
    late = asyncio.Event()
    async with SlackSimulator(rules=Rules(ack_s=0.2)) as slack:
        dev, ann = slack.channel("dev"), slack.person("Ann")
        reply = await ann.command("/job", "x", channel=dev)
        assert (reply.error, reply.timed_out) == ("dispatch_failed", False)
        async with bolt(slack, lambda app: listener(app, ack={"text": "late"}, before=late)):
            reply = await ann.command("/job", "x", channel=dev)
            assert reply.timed_out and reply.text == '/job failed with the error "operation_timeout"'
            late.set()
            delivery = slack.deliveries[-1]
            await slack.until(lambda: delivery.latency_s, what="the late ack")
            assert delivery.timed_out and len(delivery.attempts) == 1
        assert all(
            "operation_timeout" in shown.plain or "dispatch" in shown.plain for shown in ann.ephemerals
        )


async def test_events_come_again_until_they_are_acknowledged() -> None:
    release, seen = asyncio.Event(), list[dict[str, Any]]()

    def set_up(app: AsyncApp) -> None:
        listener(app)

        @app.middleware  # bolt acknowledges an event by itself, before its listener runs
        async def wait(req: Any, next: Any) -> None:
            seen.append({"retry": req.headers["x-slack-retry-num"], "event": req.body["event"]})
            await release.wait()
            await next()

    async with SlackSimulator(rules=Rules(ack_s=0.5, event_retry_delays_s=(0.0, 0.1))) as slack:
        dev, ann = slack.channel("dev"), slack.person("Ann")
        async with bolt(slack, set_up):
            parent = await ann.say(dev, "not for the bot")
            await ann.mention(dev, "status <now>", thread=parent)
            (delivery,) = slack.deliveries
            await slack.until(lambda: len(delivery.attempts) == 2, what="the first retry")
            release.set()
            await slack.until(lambda: delivery.settled and delivery.acked, what="an ack")
    assert [attempt.retry_attempt for attempt in delivery.attempts] == [0, 1]
    assert [one["retry"] for one in seen] == [["0"], ["1"]]
    event = seen[0]["event"]
    assert event["text"] == f"<@{slack.bot_user_id}> status &lt;now&gt;"
    assert (event["type"], event["thread_ts"]) == ("app_mention", parent.ts)


async def test_direct_messages_and_the_home_tab_are_events(slack: SlackSimulator) -> None:
    ann, client = slack.person("Ann"), client_of(slack)
    async with bolt(slack, listener):
        await ann.mention(slack.dm(ann), "help")  # in a direct message this is no app_mention
        assert await ann.home() is None
        await slack.until(lambda: all(one.settled for one in slack.deliveries), what="both acks")
        assert [one.event_type for one in slack.deliveries] == ["message", "app_home_opened"]
        view = {"type": "home", "blocks": [section("my jobs", accessory=CANCEL)]}
        published = await client.views_publish(user_id=ann.id, view=view)
        assert ann.home_view is not None and ann.home_view.plain == "my jobs\n[Cancel]"
        assert (await ann.click(ann.home_view, "Cancel")).error is None
        await client.views_publish(user_id=ann.id, view=view, hash=published["view"]["hash"])
        stale = client.views_publish(user_id=ann.id, view=view, hash=published["view"]["hash"])
        assert await error_of(stale) == "hash_conflict"
        posted = await client.chat_postMessage(channel=ann.id, text="to her")
        assert posted["channel"] == slack.dm(ann).id


async def test_an_envelope_can_come_twice_with_the_same_or_a_new_id(slack: SlackSimulator) -> None:
    dev, ann, bodies = slack.channel("dev"), slack.person("Ann"), list[dict[str, Any]]()

    def set_up(app: AsyncApp) -> None:
        nonlocal bodies
        bodies = listener(app)

    async with bolt(slack, set_up):
        slack.duplicate_next()
        await ann.command("/job", "x", channel=dev)
        delivery = slack.deliveries[-1]
        await slack.redeliver(delivery, new_envelope_id=True)
        await slack.until(lambda: all(attempt.acks for attempt in delivery.attempts), what="three acks")
    first, second, third = (attempt.envelope_id for attempt in delivery.attempts)
    assert first == second != third
    assert len({body["trigger_id"] for body in bodies}) == 1 and len(bodies) == 3


@pytest.mark.parametrize("lose", [SlackSimulator.disconnect, SlackSimulator.drop_connections])
async def test_the_app_comes_back_after_a_refresh_or_a_lost_connection(
    slack: SlackSimulator, lose: Callable[[SlackSimulator], Any]
) -> None:
    dev, ann = slack.channel("dev"), slack.person("Ann")
    async with bolt(slack, listener):
        lost = lose(slack)
        if lost is not None:
            await lost
        assert slack.connections == 0
        await slack.until(lambda: slack.connections == 1, timeout=10, what="the new connection")
        assert (await ann.command("/job", "x", channel=dev)).error is None


async def test_a_click_carries_the_message_and_a_stale_one_needs_saying_so(slack: SlackSimulator) -> None:
    dev, ann, client = slack.channel("dev"), slack.person("Ann"), client_of(slack)
    bodies: list[dict[str, Any]] = []

    def set_up(app: AsyncApp) -> None:
        @app.action("cancel")
        async def cancel(ack: Any, body: dict[str, Any], respond: Any) -> None:
            bodies.append(body)
            await ack()
            await respond("cancelled", replace_original=True)

    async with bolt(slack, set_up):
        posted = await client.chat_postMessage(channel=dev.id, text="card", blocks=card("running"))
        message = slack.messages(dev)[0]
        assert (await ann.click(message, "cancel")).error is None
        await slack.until(lambda: message.plain == "cancelled", what="the replaced card")
        with pytest.raises(AssertionError, match="sees no 'cancel'"):
            await ann.click(message, "cancel")
        await ann.click(message, "Cancel", stale=True)
        await client.chat_postEphemeral(channel=dev.id, user=ann.id, text="sure?", blocks=card("sure?"))
        await ann.click(ann.ephemerals[0], "cancel")
        await slack.until(lambda: ann.ephemerals[0].plain == "cancelled", what="the replaced whisper")
    clicked, _, whispered = bodies
    assert clicked["actions"][0]["value"] == "7" and clicked["message"]["ts"] == posted["ts"]
    assert clicked["container"]["is_ephemeral"] is False
    assert whispered["container"]["is_ephemeral"] is True and "message" not in whispered


MODAL = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "New job"},
    "submit": {"type": "plain_text", "text": "Start"},
    "blocks": [
        {
            "type": "input",
            "block_id": "prompt",
            "label": {"type": "plain_text", "text": "Prompt"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        {
            "type": "input",
            "block_id": "model",
            "optional": True,
            "label": {"type": "plain_text", "text": "Model"},
            "element": {
                "type": "static_select",
                "action_id": "name",
                "options": [{"text": {"type": "plain_text", "text": "Fast"}, "value": "fast"}],
            },
        },
        {
            "type": "input",
            "block_id": "flags",
            "optional": True,
            "label": {"type": "plain_text", "text": "Flags"},
            "element": {
                "type": "checkboxes",
                "action_id": "set",
                "options": [{"text": {"type": "plain_text", "text": "Dry run"}, "value": "dry"}],
            },
        },
    ],
}


async def test_a_modal_is_opened_by_a_fresh_trigger_filled_in_and_refused_or_taken() -> None:
    now, submitted = 0.0, list[dict[str, Any]]()
    triggers: asyncio.Queue[str] = asyncio.Queue()

    def set_up(app: AsyncApp) -> None:
        @app.command("/job")
        async def job(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            triggers.put_nowait(body["trigger_id"])

        @app.view("ask")
        async def ask(ack: Any, view: dict[str, Any]) -> None:
            submitted.append(view["state"]["values"])
            wrong = view["state"]["values"]["prompt"]["text"]["value"] == "wrong"
            await (ack(response_action="errors", errors={"prompt": "No."}) if wrong else ack())

    async with SlackSimulator(clock=lambda: now) as slack:
        dev, ann, client = slack.channel("dev"), slack.person("Ann"), client_of(slack)
        async with bolt(slack, set_up), asyncio.timeout(10):
            for _ in range(2):
                await ann.command("/job", channel=dev)
            first, second = await triggers.get(), await triggers.get()
            long_title = MODAL | {"title": {"type": "plain_text", "text": "x" * 25}}
            assert await error_of(client.views_open(trigger_id=first, view=long_title)) == "invalid_arguments"
            await client.views_open(trigger_id=first, view=MODAL)
            assert await error_of(client.views_open(trigger_id=first, view=MODAL)) == "exchanged_trigger_id"
            now += 3.1
            assert await error_of(client.views_open(trigger_id=second, view=MODAL)) == "expired_trigger_id"
            view = await ann.wait_view()
            assert await ann.submit(view, {"model": "fast"}) == {
                "prompt": "Please complete this required field."
            }
            assert await ann.submit(view, {"prompt": "wrong"}) == {"prompt": "No."}
            assert view.open
            assert await ann.submit(view, {"prompt": "right", "model": "Fast"}) is None
            assert ann.views == []
    assert submitted[0]["model"]["name"] == {"type": "static_select", "selected_option": None}
    assert submitted[1]["model"]["name"]["selected_option"]["value"] == "fast"


@pytest.mark.parametrize(
    ("action", "titles"), [("update", ["Second"]), ("push", ["New job", "Second"]), ("clear", [])]
)
async def test_the_ack_of_a_submission_updates_pushes_or_clears(
    slack: SlackSimulator, action: str, titles: list[str]
) -> None:
    def set_up(app: AsyncApp) -> None:
        @app.shortcut("rerun")
        async def rerun(ack: Any, body: dict[str, Any], client: Any) -> None:
            await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
            await ack()

        @app.view("ask")
        async def ask(ack: Any) -> None:
            second = MODAL | {"title": {"type": "plain_text", "text": "Second"}}
            await (
                ack(response_action=action) if action == "clear" else ack(response_action=action, view=second)
            )

    dev, ann = slack.channel("dev"), slack.person("Ann")
    said = await ann.say(dev, "please do this")
    async with bolt(slack, set_up):
        assert (await ann.shortcut("rerun", said)).error is None
        first = await ann.wait_view()
        assert await ann.submit(first, {"prompt": "go", "flags": ["Dry run"]}) is None
    values = slack.deliveries[-1].payload["view"]["state"]["values"]
    assert [option["value"] for option in values["flags"]["set"]["selected_options"]] == ["dry"]
    assert [view.title for view in ann.views] == titles


async def test_a_connection_url_works_once_pings_are_echoed_and_ten_is_the_limit() -> None:
    async with SlackSimulator(rules=Rules(max_connections=1)) as slack, aiohttp.ClientSession() as session:
        opener = AsyncWebClient(base_url=slack.base_url)
        url = str((await opener.apps_connections_open(app_token=slack.app_token))["url"])
        async with session.ws_connect(url, autoping=False) as link, asyncio.timeout(5):
            hello = await link.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            await link.ping(b"sdk-ping-pong:12.5")
            pong = await link.receive()
            assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:12.5")
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)
            other = str((await opener.apps_connections_open(app_token=slack.app_token))["url"])
            async with session.ws_connect(other) as surplus:
                assert (await surplus.receive_json())["reason"] == "too_many_websockets"


async def test_the_bot_hears_its_own_direct_messages_and_their_edits(slack: SlackSimulator) -> None:
    ann, client = slack.person("Ann"), client_of(slack)
    async with bolt(slack, listener):
        posted = await client.chat_postMessage(channel=slack.dm(ann).id, text="card")
        await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="edited")
        await client.chat_delete(channel=posted["channel"], ts=posted["ts"])
        await slack.until(lambda: all(one.settled for one in slack.deliveries), what="all acks")
    events = [one.payload["event"] for one in slack.deliveries]
    assert [event.get("subtype") for event in events] == [None, "message_changed", "message_deleted"]
    assert "bot_id" in events[0] and slack.messages(slack.dm(ann)) == []


async def test_a_wait_in_vain_shows_the_channel(slack: SlackSimulator) -> None:
    dev, ann = slack.channel("dev"), slack.person("Ann")
    posted = await client_of(slack).chat_postMessage(channel=dev.id, text="card", blocks=card("running"))
    await client_of(slack).chat_postMessage(channel=dev.id, text="live", thread_ts=posted["ts"])
    await client_of(slack).chat_postEphemeral(channel=dev.id, user=ann.id, text="psst")
    with pytest.raises(AssertionError) as failure:
        await slack.until(lambda: False, timeout=0.01, what="the end of the world")
    for part in ("the end of the world", "Bifrost: running", "[Cancel]", "    ", "(only Ann): psst"):
        assert part in str(failure.value)
