"""What a job gets where nobody says: seen by all, set by admins, and acted upon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.office import ADMIN, ANN, EVE, OWNER, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def terms(office: Office, text: str) -> tuple[str, str, str]:
    job = await office.queued(text)
    return job.provider, job.model, job.effort


async def test_a_job_gets_what_it_names_then_what_its_type_has_then_what_all_have(office: Office) -> None:
    assert await terms(office, "session x") == ("rehearsal", "rehearsal", "medium")
    for setting in ("provider claude", "effort high"):
        assert (await office.type(f"settings {setting}", ADMIN)).ok
    assert await terms(office, "session x") == ("claude", "opus", "high")
    assert (await office.type("settings model.session sonnet", ADMIN)).ok
    assert await terms(office, "session x") == ("claude", "sonnet", "high")
    assert await terms(office, "research x") == ("claude", "opus", "high")
    assert (await office.type("settings provider rehearsal", ADMIN)).ok
    assert await terms(office, "session x") == ("claude", "sonnet", "high"), "the type comes before all"
    assert await terms(office, "research x") == ("rehearsal", "rehearsal", "high")
    assert await terms(office, "session x --provider rehearsal") == ("rehearsal", "rehearsal", "high")
    assert await terms(office, "session x --model haiku --effort low") == ("claude", "haiku", "low")
    assert (await office.type("settings model.session default", ADMIN)).ok
    assert (await office.type("settings provider default", ADMIN)).ok
    assert (await terms(office, "session x"))[:2] == ("rehearsal", "rehearsal")


async def test_a_preference_for_what_is_switched_off_is_none(office: Office) -> None:
    await office.storage.preferences.change({"defaultProvider": "gemini", "model.session": "gemini-2.5-pro"})
    assert (await terms(office, "session x"))[0] == "rehearsal"
    assert "- `provider`: `rehearsal` (not set)" in (await office.type("settings")).text


async def test_all_may_see_the_settings_and_admins_alone_set_them(office: Office) -> None:
    text = (await office.type("settings")).text
    assert "- `effort`: `medium` (not set)" in text
    assert "- `zone`: `Europe/Paris` (not set)" in text
    one = (await office.type("settings provider")).text
    assert "`provider` is `rehearsal`, as nobody has set it." in one
    assert "There are: `rehearsal`, `claude`" in one
    before = office.rows()
    for who, says in ((ANN, "Only an admin may change a setting"), (EVE, "not on the list")):
        answer = await office.type("settings provider claude", who)
        assert says in await office.refused(answer, before) and answer.denied
    assert (await office.type("settings provider claude", OWNER)).text == "`provider` is `claude`."


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("settings providr claude", "name", "Did you mean `provider`?"),
        ("settings provider gemini", "value", "There is no provider `gemini`"),
        ("settings effort huge", "value", "There are: `low`, `medium`, `high`"),
        ("settings zone Mars/Base", "value", "Mars/Base"),
        ("settings model.research sonet", "value", "Did you mean `sonnet`"),
        ("settings limit.claude default", "name", "at no usage limit"),
    ],
)
async def test_what_cannot_be_set_changes_nothing(office: Office, text: str, field: str, says: str) -> None:
    before = office.rows()
    answer = await office.type(text, ADMIN)
    assert says in await office.refused(answer, before)
    assert answer.field == field


async def test_a_zone_that_is_set_is_whose_clocks_are_meant(office: Office) -> None:
    await office.type("settings zone Asia/Tokyo", ADMIN)
    answer = await office.type('session x --cron "0 2 * * *"')
    assert "on the clocks of Asia/Tokyo" in answer.text


async def test_a_limit_is_shown_and_can_be_forgotten(office: Office) -> None:
    until = office.clock.now() + timedelta(hours=1)
    await office.storage.preferences.change({"quotaResetTime.claude": until})
    assert f"`limit.claude`: until {until:%Y-%m-%d %H:%M} UTC" in (await office.type("settings")).text
    assert not (await office.type("settings limit.claude", ADMIN)).ok
    assert (await office.type("settings limit.claude default", ADMIN)).ok
    assert not await office.storage.jobs.limits()
