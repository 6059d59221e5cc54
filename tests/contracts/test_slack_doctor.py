"""What the doctor says of a Slack app that was installed before it asked for all that it needs now."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.configuration import load
from bot.doctor import examine
from bot.findings import Finding
from bot.platforms.slack.grants import SCOPES
from tests.contracts.slack_world import Desk, adapter_for, running, simulator


async def said(place: Path, scopes: frozenset[str], app_token: str = "") -> Finding:
    async with simulator(scopes=scopes) as slack:
        settings = load(
            None,
            {
                "BIFROST__DATA_DIR": str(place),
                "BIFROST__AGENTS__PROVIDERS": "rehearsal",
                "BIFROST__SLACK__BOT_TOKEN": slack.bot_token,
                "BIFROST__SLACK__APP_TOKEN": app_token or slack.app_token,
                "BIFROST__SLACK__API_URL": slack.base_url,
                "BIFROST__SLACK__CHANNELS": "*",
                "BIFROST__SLACK__PEOPLE": "*",
            },
        )
        (finding,) = [each for each in await examine(settings, {}, None) if each.what == "slack"]
        return finding


@pytest.mark.parametrize(
    ("lacks", "ok", "needed", "seen"),
    [
        (set(), True, True, " as "),
        ({"files:read"}, False, False, "the bot token lacks files:read"),
        ({"files:read", "chat:write"}, False, True, "the bot token lacks chat:write, files:read"),
    ],
)
async def test_the_doctor_names_the_scopes_that_are_missing(
    tmp_path: Path, lacks: set[str], ok: bool, needed: bool, seen: str
) -> None:
    finding = await said(tmp_path, SCOPES - lacks)
    assert (finding.ok, finding.needed) == (ok, needed)
    assert seen in finding.seen


async def test_the_doctor_tries_the_token_of_socket_mode_too(tmp_path: Path) -> None:
    finding = await said(tmp_path, SCOPES, app_token="xapp-1-of-another-app")
    assert not finding.ok
    assert "`app_token`" in finding.seen
    assert "`connections:write`" in finding.advice


async def test_an_app_of_an_earlier_release_works_on(tmp_path: Path) -> None:
    async with simulator(scopes=SCOPES - {"files:read"}) as slack, running(adapter_for(slack, Desk())):
        assert slack.connections == 1
