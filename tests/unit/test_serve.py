"""How serving ends."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from bot.configuration import load
from bot.house import open_house
from bot.serve import _running, port_is_taken
from bot.settings import Settings, Web
from executor.wakeups import NEWS

WITHIN_S = 10


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environment = {
        "BIFROST__DATA_DIR": str(tmp_path / "data"),
        "BIFROST__WORKSPACES__MAIN": str(tmp_path),
        "BIFROST__AGENTS__PROVIDERS": "rehearsal",
        "BIFROST__WEB__PORT": "0",
    }
    return load(None, environment)


async def test_a_bot_whose_part_dies_does_not_go_on_without_it(settings: Settings) -> None:
    stop = asyncio.Event()
    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        async with open_house(settings, {}) as house, _running(house, stop):
            assert house.data.address.read_text().startswith("http://127.0.0.1:")
            await house.storage.outbox._database.write("drop", lambda c: c.execute("DROP TABLE outbox"))
            house.wakeups.ring(NEWS)
            await asyncio.wait_for(stop.wait(), WITHIN_S)
    assert not house.data.address.exists()


async def test_a_bot_that_cannot_start_says_why(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken_settings = settings.model_copy(update={"web": Web(port=port)})
        with pytest.raises(OSError, match="Address already in use"):
            async with open_house(taken_settings, {}) as house, _running(house, asyncio.Event()):
                raise AssertionError("it runs")
    assert not house.data.address.exists()


def test_whether_a_port_is_taken_is_tried_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert port_is_taken(Web(port=taken.getsockname()[1]))
    assert not port_is_taken(Web(port=0))
    with pytest.raises(OSError, match="assign"):
        port_is_taken(Web(host="192.0.2.1", port=0))
