"""The simulated gateway, spoken to frame by frame: who breaks a rule is sent away by its code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.simulators.discord import DiscordSimulator
from tests.simulators.discord.gateway import (
    HEARTBEAT,
    HEARTBEAT_ACK,
    HELLO,
    IDENTIFY,
    INVALID_SESSION,
    RESUME,
)

Socket = aiohttp.ClientWebSocketResponse
_PRESENCE = 3


@asynccontextmanager
async def greeted(discord: DiscordSimulator) -> AsyncIterator[Socket]:
    """A socket that Discord has said hello to."""
    address = f"{discord.guild.origin}/gateway"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        hello = await socket.receive_json(timeout=5)
        assert (hello["op"], hello["d"]["heartbeat_interval"]) == (HELLO, 41_250)
        yield socket


async def identify(socket: Socket, discord: DiscordSimulator) -> dict[str, Any]:
    """What READY says."""
    await socket.send_json({"op": IDENTIFY, "d": {"token": discord.token, "intents": 1}})
    ready = await socket.receive_json()
    assert (ready["t"], ready["s"]) == ("READY", 1)
    assert (await socket.receive_json())["t"] == "GUILD_CREATE"
    return dict(ready["d"])


async def closed_with(socket: Socket) -> int | None:
    while (await socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
        pass
    return socket.close_code


async def test_a_heartbeat_is_answered_also_before_anything_else() -> None:
    async with DiscordSimulator() as discord, greeted(discord) as socket:
        await socket.send_json({"op": HEARTBEAT, "d": None})
        assert (await socket.receive_json())["op"] == HEARTBEAT_ACK


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": 99, "d": None}, 4001),
        ({"op": 3, "d": {"x": "x" * 5_000}}, 4002),
        ({"op": _PRESENCE, "d": {}}, 4003),
    ],
)
async def test_who_speaks_out_of_turn_is_sent_away(frame: dict[str, Any], code: int) -> None:
    async with DiscordSimulator() as discord, greeted(discord) as socket:
        await socket.send_json(frame)
        assert await closed_with(socket) == code


async def test_nobody_identifies_twice() -> None:
    async with DiscordSimulator() as discord, greeted(discord) as socket:
        await identify(socket, discord)
        await socket.send_json({"op": IDENTIFY, "d": {"token": discord.token, "intents": 1}})
        assert await closed_with(socket) == 4005


async def test_a_resume_brings_what_was_missed_in_order_and_one_from_the_future_nothing() -> None:
    async with DiscordSimulator() as discord:
        async with greeted(discord) as socket:
            ready = await identify(socket, discord)
            discord.role("crew")
            discord.gateway.drop()
            await closed_with(socket)
        discord.role("dev")
        about = {"token": discord.token, "session_id": ready["session_id"]}
        async with greeted(discord) as socket:
            await socket.send_json({"op": RESUME, "d": about | {"seq": 2}})
            missed = [(await socket.receive_json()) for _ in range(3)]
            assert [(each["s"], each["t"]) for each in missed] == [
                (3, "GUILD_ROLE_CREATE"),
                (4, "GUILD_ROLE_CREATE"),
                (5, "RESUMED"),
            ]
            discord.gateway.drop()
            await closed_with(socket)
        async with greeted(discord) as socket:
            await socket.send_json({"op": RESUME, "d": about | {"seq": 99}})
            assert await closed_with(socket) == 4007
        async with greeted(discord) as socket:
            await socket.send_json({"op": RESUME, "d": about | {"seq": 2}})
            void = await socket.receive_json()
            assert (void["op"], void["d"]) == (INVALID_SESSION, False)
