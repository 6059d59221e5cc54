"""The Slack simulator's Web API keeps Slack's rules, as the real slack_sdk meets them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulators.slack import (
    DEFAULT_LIMITS,
    DEFAULT_SCOPES,
    Limit,
    Rules,
    SlackSimulator,
)

HISTORY = DEFAULT_SCOPES | {"channels:history", "groups:read"}
CANCEL = {
    "type": "button",
    "action_id": "cancel",
    "text": {"type": "plain_text", "text": "Cancel"},
    "value": "7",
}


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def card(text: str) -> list[dict[str, Any]]:
    return [section(text), {"type": "actions", "elements": [dict(CANCEL)]}]


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(scopes=HISTORY) as simulator:
        yield simulator


def client_of(slack: SlackSimulator, **options: Any) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.base_url, **options)


async def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_json_query_and_form_calls_are_all_understood(slack: SlackSimulator) -> None:
    dev, client = slack.channel("dev"), client_of(slack)
    posted = await client.chat_postMessage(channel=dev.id, text="card", blocks=card("*Hello* &lt;you&gt;"))
    await client.reactions_add(channel=dev.id, name="eyes", timestamp=posted["ts"])
    thread = await client.conversations_replies(channel=dev.id, ts=posted["ts"])
    assert thread["messages"][0]["reactions"][0]["name"] == "eyes"
    assert thread.headers["x-oauth-scopes"] == ",".join(sorted(HISTORY))
    form = {"channel": dev.id, "text": "form", "blocks": json.dumps([section("from a form")])}
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        await session.post(f"{slack.base_url}chat.postMessage", data=form)
    first, second = slack.messages(dev)
    assert (first.plain, first.buttons) == ("*Hello* <you>\n[Cancel]", ["Cancel"])
    assert second.plain == "from a form"


async def test_tokens_and_scopes_are_checked(slack: SlackSimulator) -> None:
    ann, client = slack.person("Ann"), client_of(slack)
    assert (await client.auth_test())["user_id"] == slack.bot_user_id
    assert (await client.users_info(user=ann.id))["user"]["tz"] == "Europe/Berlin"
    assert await error_of(client.auth_test(token="xoxb-wrong")) == "invalid_auth"
    assert await error_of(AsyncWebClient(base_url=slack.base_url).auth_test()) == "not_authed"
    assert await error_of(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    assert await error_of(client.conversations_open(users=ann.id)) == "missing_scope"
    slack.scopes.remove("users:read")
    assert await error_of(client.users_info(user=ann.id)) == "missing_scope"
    slack.refuse_token("token_revoked")
    assert await error_of(client.auth_test()) == "token_revoked"


def actions(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "actions", "elements": list(elements)}]


def button(**change: Any) -> dict[str, Any]:
    return CANCEL | change


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("x")] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([section("a", block_id="b"), section("c", block_id="b")], "already exists"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "less than 151"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type"),
        ([{"type": "context", "elements": [section("x")["text"]] * 11}], "no more than 10"),
        (actions(*(button(action_id=f"a{n}") for n in range(26))), "no more than 25"),
        (actions(button(text={"type": "plain_text", "text": "x" * 76})), "less than 76"),
        (actions(button(value="x" * 2001)), "less than 2001"),
        (actions(button(), button()), "already exists"),
        (actions(button(confirm={"title": section("x" * 101)["text"]})), "less than 101"),
        ([{"type": "nonsense"}], "unsupported type"),
    ],
)
async def test_blocks_over_a_limit_refuse_the_whole_message(
    slack: SlackSimulator, blocks: list[dict[str, Any]], complaint: str
) -> None:
    dev, client = slack.channel("dev"), client_of(slack)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=dev.id, text="x", blocks=blocks)
    assert caught.value.response["error"] == "invalid_blocks"
    assert complaint in caught.value.response["response_metadata"]["messages"][0]
    assert slack.messages(dev) == []


async def test_texts_are_cut_refused_or_missing(slack: SlackSimulator) -> None:
    dev, client = slack.channel("dev"), client_of(slack)
    posted = await client.chat_postMessage(channel=dev.id, text="x" * 40_001)
    assert len(slack.messages(dev)[0].text) == 40_000
    too_long = client.chat_update(channel=dev.id, ts=posted["ts"], text="x" * 4_001)
    assert await error_of(too_long) == "msg_too_long"
    assert await error_of(client.api_call("chat.postMessage", json={"channel": dev.id})) == "no_text"
    markdown = [{"type": "markdown", "text": "x" * 6_001}] * 2
    posting = client.chat_postMessage(channel=dev.id, text="x", blocks=markdown)
    assert await error_of(posting) == "msg_blocks_too_long"


async def test_an_edit_with_text_alone_removes_the_blocks_and_keeps_the_metadata(
    slack: SlackSimulator,
) -> None:
    dev, client = slack.channel("dev"), client_of(slack)
    metadata = {"event_type": "card", "event_payload": {"job": 7}}
    posted = await client.chat_postMessage(channel=dev.id, text="one", blocks=card("one"), metadata=metadata)
    message = slack.messages(dev)[0]
    await client.chat_update(channel=dev.id, ts=posted["ts"], text="two", blocks=card("two"))
    assert (message.plain, message.edited) == ("two\n[Cancel]", False)
    await client.chat_update(channel=dev.id, ts=posted["ts"], text="three")
    assert (message.plain, message.blocks, message.edited) == ("three", [], True)
    assert message.metadata == metadata
    assert [version.text for version in message.history] == ["one", "two", "three"]
    plain = await client.conversations_history(channel=dev.id)
    full = await client.conversations_history(channel=dev.id, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_only_own_messages_can_be_edited_and_only_where_the_bot_is(slack: SlackSimulator) -> None:
    dev, away, client = slack.channel("dev"), slack.channel("away", bot_is_member=False), client_of(slack)
    secret, ann = slack.channel("secret", private=True, bot_is_member=False), slack.person("Ann")
    said = await ann.say(dev, "hello")
    assert await error_of(client.chat_update(channel=dev.id, ts=said.ts, text="x")) == "cant_update_message"
    assert await error_of(client.chat_update(channel=dev.id, ts="1.0", text="x")) == "message_not_found"
    assert await error_of(client.chat_postMessage(channel=away.id, text="x")) == "not_in_channel"
    assert await error_of(client.chat_postMessage(channel=secret.id, text="x")) == "channel_not_found"
    assert await error_of(client.chat_postMessage(channel="C404", text="x")) == "channel_not_found"
    whisper = client.chat_postEphemeral(channel=dev.id, user=slack.bot_user_id, text="x")
    assert await error_of(whisper) == "user_not_in_channel"
    slack.scopes.add("chat:write.public")
    await client.chat_postMessage(channel=away.id, text="x")


async def test_history_and_replies_come_in_pages(slack: SlackSimulator) -> None:
    dev, client, ann = slack.channel("dev"), client_of(slack), slack.person("Ann")
    parent = await ann.say(dev, "parent")
    replies = [await ann.say(dev, f"reply {n}", thread=parent) for n in range(3)]
    page = await client.conversations_replies(channel=dev.id, ts=parent.ts, limit=2)
    texts = [message["text"] async for part in page for message in part["messages"]]
    assert texts == ["parent", "reply 0", "reply 1", "reply 2"]
    newer = await client.conversations_replies(channel=dev.id, ts=parent.ts, oldest=replies[1].ts)
    assert [message["text"] for message in newer["messages"]] == ["parent", "reply 2"]
    assert len((await client.conversations_history(channel=dev.id))["messages"]) == 1
    in_a_reply = client.chat_postMessage(channel=dev.id, text="x", thread_ts=replies[0].ts)
    assert await error_of(in_a_reply) == "cannot_reply_to_message"
    assert len((await client.conversations_members(channel=dev.id))["members"]) == 2


async def test_the_uncertain_rules_are_parameters() -> None:
    rules = Rules(post_text_split_over=4, markdown_characters=9, rate_scale=1 / 3, retry_after_s=30)
    async with SlackSimulator(rules=rules) as slack:
        dev, client = slack.channel("dev"), client_of(slack)
        await client.chat_postMessage(channel=dev.id, text="in pieces")
        assert [message.text for message in slack.messages(dev)] == ["in p", "iece", "s"]
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=dev.id, text="x")
        assert caught.value.response.headers["Retry-After"] == "30"
        other = slack.channel("other")
        too_long = client.chat_postMessage(channel=other.id, markdown_text="**ten** !!")
        assert await error_of(too_long) == "msg_too_long"


async def test_a_broadcast_reply_shows_in_the_channel_and_a_deleted_parent_leaves_a_tombstone(
    slack: SlackSimulator,
) -> None:
    dev, client = slack.channel("dev"), client_of(slack)
    card_ts = (await client.chat_postMessage(channel=dev.id, text="card"))["ts"]
    await client.chat_postMessage(channel=dev.id, text="quiet", thread_ts=card_ts)
    await client.chat_postMessage(channel=dev.id, text="loud", thread_ts=card_ts, reply_broadcast=True)
    assert [message.text for message in slack.messages(dev)] == ["card", "loud"]
    await client.chat_delete(channel=dev.id, ts=card_ts)
    history = await client.conversations_history(channel=dev.id)
    assert [message.get("subtype") for message in history["messages"]] == [None, "tombstone"]
    assert await error_of(client.chat_update(channel=dev.id, ts=card_ts, text="x")) == "message_not_found"


async def test_posts_are_limited_per_channel_and_tiered_methods_per_workspace() -> None:
    now = 0.0
    limits = {**DEFAULT_LIMITS, "chat.update": Limit(per_minute=30, burst=1)}
    async with SlackSimulator(rules=Rules(limits=limits), clock=lambda: now) as slack:
        dev, other, client = slack.channel("dev"), slack.channel("other"), client_of(slack)
        ts = [(await client.chat_postMessage(channel=dev.id, text=f"{n}"))["ts"] for n in range(3)]
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=dev.id, text="too fast")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel=other.id, text="another channel's bucket")
        now += 1
        await client.chat_postMessage(channel=dev.id, text="waited")
        await client.chat_update(channel=dev.id, ts=ts[0], text="edit")
        assert await error_of(client.chat_update(channel=dev.id, ts=ts[1], text="edit")) == "ratelimited"
        now += 1.5  # a caller who comes before Retry-After is over is refused again
        assert await error_of(client.chat_update(channel=dev.id, ts=ts[1], text="edit")) == "ratelimited"
        now += 0.5
        await client.chat_update(channel=dev.id, ts=ts[1], text="edit")
        assert [call.method for call in slack.throttled] == ["chat.postMessage", "chat.update", "chat.update"]


async def test_faults_come_on_demand(slack: SlackSimulator) -> None:
    dev, client = slack.channel("dev"), client_of(slack, retry_handlers=[])
    slack.fail_next("chat.postMessage", status=503)
    slack.fail_next("chat.postMessage", error="internal_error")
    slack.fail_next("chat.postMessage", retry_after=12)
    for status in (503, 200, 429):
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=dev.id, text="x")
        assert caught.value.response.status_code == status
    assert caught.value.response.headers["Retry-After"] == "12"
    assert slack.messages(dev) == []
    slack.fail_next("chat.postMessage", drop_after_store=True)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=dev.id, text="answer lost")
    assert [message.text for message in slack.messages(dev)] == ["answer lost"]
    async with slack.outage():
        with pytest.raises(SlackApiError):
            await client.auth_test()
    await client.auth_test()


async def test_the_sdk_s_own_retry_posts_twice_when_the_answer_is_lost(slack: SlackSimulator) -> None:
    dev = slack.channel("dev")
    slack.fail_next("chat.postMessage", drop_after_store=True)
    await client_of(slack).chat_postMessage(channel=dev.id, text="twice")
    assert [message.text for message in slack.messages(dev)] == ["twice", "twice"]


async def test_a_held_answer_waits_for_its_event(slack: SlackSimulator) -> None:
    dev, release = slack.channel("dev"), asyncio.Event()
    slack.fail_next("chat.postMessage", hold_answer=release)
    posting = asyncio.ensure_future(client_of(slack).chat_postMessage(channel=dev.id, text="x"))
    await slack.until(lambda: slack.messages(dev), what="the stored post")
    assert not posting.done()
    release.set()
    async with asyncio.timeout(5):
        await posting


async def test_files_arrive_as_a_message_in_the_thread(slack: SlackSimulator) -> None:
    dev, client = slack.channel("dev"), client_of(slack)
    posted = await client.chat_postMessage(channel=dev.id, text="card")
    await client.files_upload_v2(channel=dev.id, thread_ts=posted["ts"], filename="log.txt", content="lärm\n")
    (reply,) = slack.messages(dev)[0].thread
    assert (reply.files[0].name, reply.files[0].text) == ("log.txt", "lärm\n")
    ticket = await client.files_getUploadURLExternal(filename="log.txt", length=3)
    async with aiohttp.ClientSession() as session, session.post(ticket["upload_url"], data=b"four") as answer:
        assert answer.status == 400
    sharing = client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}], channel_id=dev.id)
    assert await error_of(sharing) == "file_not_found"


async def test_unescaped_mentions_ping_and_escaped_ones_do_not(slack: SlackSimulator) -> None:
    dev, client, ann = slack.channel("dev"), client_of(slack), slack.person("Ann")
    harmless = [
        section("&lt;!channel&gt; @here"),
        {"type": "header", "text": {"type": "plain_text", "text": "<!here>"}},
    ]
    posted = await client.chat_postMessage(channel=dev.id, text="&lt;!channel&gt;", blocks=harmless)
    assert slack.pings == []
    await client.chat_postMessage(channel=dev.id, text=f"<@{ann.id}> done", blocks=[section("<!channel>")])
    assert [ping.whom for ping in slack.pings] == ["Ann", "channel"]
    await client.chat_update(channel=dev.id, ts=posted["ts"], text="<!here>")
    assert [ping.whom for ping in slack.silent_mentions] == ["here"]
    assert slack.messages(dev)[1].plain == "@channel"
