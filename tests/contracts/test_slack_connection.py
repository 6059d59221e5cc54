"""Connecting to Slack, staying connected, and leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.platforms.base import SetupFault
from bot.platforms.slack import adapter as adapter_module
from bot.platforms.slack import connection
from bot.platforms.slack.adapter import SlackAdapter
from bot.platforms.slack.grants import SCOPES
from tests.contracts.slack_world import (
    Board,
    Desk,
    World,
    a_world,
    adapter_for,
    running,
    simulator,
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def run_until_fault(adapter: SlackAdapter) -> SetupFault:
    with pytest.raises(SetupFault) as caught:
        async with asyncio.timeout(10):
            await adapter.run()
    assert not adapter.ready.is_set()
    return caught.value


async def test_a_wrong_bot_token_stops_the_adapter_with_a_sentence() -> None:
    """F44."""
    async with simulator() as slack:
        fault = await run_until_fault(adapter_for(slack, Desk(), bot_token="xoxb-wrong"))
    assert fault.code == "invalid_auth"
    assert "bot token" in fault.text


async def test_a_wrong_app_token_stops_the_adapter_with_a_sentence() -> None:
    async with simulator() as slack:
        fault = await run_until_fault(adapter_for(slack, Desk(), app_token="xapp-wrong"))
    assert fault.code == "invalid_auth"
    assert "app-level token" in fault.text


async def test_a_missing_scope_stops_the_adapter_and_is_named() -> None:
    """F44."""
    async with simulator(scopes=SCOPES - {"files:write", "im:history"}) as slack:
        fault = await run_until_fault(adapter_for(slack, Desk()))
    assert fault.code == "missing_scope"
    assert "files:write, im:history" in fault.text


async def test_a_slack_that_is_down_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_module, "_FIRST_PAUSE_S", 0.05)
    async with simulator() as slack:
        slack.fail_next("auth.test", status=503)
        slack.fail_next("apps.connections.open", drop=True)
        async with running(adapter_for(slack, Desk())):
            assert slack.connections == 1


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_slack_may_ask_for_a_new_socket_at_any_time(world: World, reason: str) -> None:
    """F43."""
    old = world.slack.socket.active[0]
    await world.slack.disconnect(reason)
    await world.slack.until(lambda: [c for c in world.slack.socket.active if c is not old])
    reply = await world.ada.command("/job", "list", channel=world.dev)
    assert reply.error is None


async def test_a_broken_socket_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """F43."""
    monkeypatch.setattr(connection, "PING_S", 0.2)
    monkeypatch.setattr(adapter_module, "WATCH_S", 0.1)
    async with simulator() as slack:
        desk = Desk()
        async with running(adapter_for(slack, desk)):
            world = World(slack, desk, Board(), adapter_for(slack, desk))
            slack.drop_connections()
            await slack.until(lambda: slack.connections == 1, what="a new connection")
            reply = await world.ada.command("/job", "list", channel=world.dev)
            assert reply.error is None


async def test_a_socket_that_no_longer_answers_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """F43: half-open. With the real numbers, after four pings of five seconds."""
    monkeypatch.setattr(connection, "PING_S", 0.2)
    async with simulator() as slack, running(adapter_for(slack, Desk())):
        old = slack.socket.active[0]
        await slack.until(lambda: old.pings)
        slack.socket.answers_pings = False
        await slack.until(lambda: [c for c in slack.socket.active if c is not old])


async def test_a_socket_that_slack_has_switched_off_is_not_ready_although_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F43: link_disabled, where Slack opens no other socket either."""
    monkeypatch.setattr(adapter_module, "WATCH_S", 0.05)
    monkeypatch.setattr(adapter_module, "DEAD_AFTER_S", 0.2)
    async with simulator() as slack:
        adapter = adapter_for(slack, Desk())
        async with running(adapter) as task:
            slack.fail_next("apps.connections.open", error="forbidden_team", times=9)
            await slack.disconnect("link_disabled")
            with pytest.raises(SetupFault) as caught:
                await asyncio.wait_for(asyncio.shield(task), 10)
    assert "Socket Mode must be on" in caught.value.text
    assert not adapter.ready.is_set()


async def test_a_socket_that_slack_never_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """F43: connected, answering every ping, and silent."""
    monkeypatch.setattr(adapter_module, "WATCH_S", 0.05)
    monkeypatch.setattr(adapter_module, "DEAD_AFTER_S", 0.3)
    monkeypatch.setattr(adapter_module, "_FIRST_PAUSE_S", 0.05)
    async with simulator() as slack:
        adapter = adapter_for(slack, Desk())
        async with running(adapter):
            slack.socket.says_hello = False
            await slack.disconnect("refresh_requested")
            (silent,) = await slack.until(lambda: slack.socket.active)
            slack.socket.says_hello = True
            await slack.until(lambda: [each for each in slack.socket.active if each is not silent])
            await asyncio.wait_for(adapter.ready.wait(), 5)


def test_a_dead_socket_is_found_within_ninety_seconds() -> None:
    """F43: slack_sdk looks four pings long, we a while longer, and Slack is asked for our token meanwhile."""
    found_s = 4 * connection.PING_S + adapter_module.WATCH_S + adapter_module.DEAD_AFTER_S
    assert found_s <= 90
    assert adapter_module.KEEP_ALIVE_S <= 90


async def test_a_second_process_on_the_same_tokens_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    async with simulator() as slack, running(adapter_for(slack, Desk())):
        assert "slack.other_connection" not in caplog.messages
        async with running(adapter_for(slack, Desk())):
            assert "slack.other_connection" in caplog.messages


async def test_a_socket_that_slack_sdk_cannot_revive_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """F43."""
    monkeypatch.setattr(adapter_module, "WATCH_S", 0.05)
    monkeypatch.setattr(adapter_module, "DEAD_AFTER_S", 0.2)
    monkeypatch.setattr(adapter_module, "_FIRST_PAUSE_S", 0.05)
    async with simulator() as slack:
        adapter = adapter_for(slack, Desk())
        async with running(adapter):
            async with slack.outage():
                await slack.until(lambda: slack.connections == 0)
            # slack_sdk itself looks only every five seconds.
            await slack.until(lambda: slack.connections == 1, timeout=connection.PING_S - 1)


async def test_a_token_revoked_while_running_stops_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    """F43, F44: auth.test is asked again and again."""
    monkeypatch.setattr(adapter_module, "WATCH_S", 0.05)
    monkeypatch.setattr(adapter_module, "KEEP_ALIVE_S", 0.05)
    async with simulator() as slack:
        adapter = adapter_for(slack, Desk())
        async with running(adapter) as task:
            slack.refuse_token("token_revoked")
            with pytest.raises(SetupFault) as caught:
                await asyncio.wait_for(asyncio.shield(task), 10)
    assert caught.value.code == "token_revoked"
    assert not adapter.ready.is_set()


async def test_what_came_in_is_answered_before_the_socket_closes() -> None:
    async with simulator() as slack:
        desk = Desk()
        adapter = adapter_for(slack, desk)
        world = World(slack, desk, Board(), adapter)
        async with running(adapter) as task:
            desk.open.clear()
            asked = asyncio.create_task(world.ada.command("/job", "research x", channel=world.dev))
            await asyncio.wait_for(desk.asked.wait(), 5)
            task.cancel()
            desk.open.set()
            reply = await asyncio.wait_for(asked, 5)
    assert reply.plain == "queued as `#3fa9c1`"


async def test_nothing_is_left_running_when_it_has_ended() -> None:
    async with simulator() as slack:
        async with running(adapter_for(slack, Desk())):
            pass
        await slack.until(lambda: slack.connections == 0)
        left = [task for task in asyncio.all_tasks() if "slack_" in repr(task.get_coro())]
    assert left == []
