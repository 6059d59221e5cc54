"""Whoever owns the bot looks after it on its page: schedules, settings, usage, and rooms of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from bot.house import House
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.timeout(60)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Somebody logged in to the page of a running bot, as a browser without a script."""

    stage: Stage
    session: aiohttp.ClientSession

    @property
    def house(self) -> House:
        return self.stage.house

    async def sees(self, path: str) -> str:
        async with self.session.get(path, headers={"Accept": "text/html"}) as answer:
            assert answer.status == 200, path
            return await answer.text()

    async def sends(self, path: str, **fields: str) -> str:
        """The page that comes of a form."""
        body = {"delivery": str(uuid4()), **fields}
        async with self.session.post(path, data=body, headers={"Accept": "text/html"}) as answer:
            assert answer.status == 200
            return await answer.text()

    async def is_told(self, path: str, **fields: str) -> dict[str, object]:
        """What a script is answered."""
        async with self.session.post(path, json={"delivery": str(uuid4()), **fields}) as answer:
            told: dict[str, object] = await answer.json()
            return told


@asynccontextmanager
async def an_owner(place: Path) -> AsyncIterator[Owner]:
    async with set_stage(place, provider="rehearsal") as stage:
        server = stage.bifrost.server
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(
            server.address, cookie_jar=jar, headers={"Origin": server.address}
        ) as session:
            async with session.get(server.login_link()) as answer:
                assert answer.status == 200
            yield Owner(stage=stage, session=session)


async def test_a_schedule_is_made_rests_goes_on_runs_and_ends_on_the_page(tmp_path: Path) -> None:
    async with an_owner(tmp_path) as owner:
        assert "Nothing runs again by itself" in await owner.sees("/schedules")
        wanted = {"type": "session", "prompt": "tidy <up>", "own_zone": "Asia/Tokyo"}
        refused = await owner.is_told("/schedules", **wanted)
        assert (refused["ok"], refused["field"]) == (False, "cron")
        refused = await owner.is_told("/schedules", cron="* * * * *", **wanted)
        assert (refused["ok"], refused["field"]) == (False, "cron")
        assert not await owner.house.storage.schedules.schedules()
        page = await owner.sends("/schedules", cron="0 2 * * mon-fri", **wanted)
        (schedule,) = await owner.house.storage.schedules.schedules()
        assert schedule.cron.zone.key == "Asia/Tokyo"
        for part in (
            "On weekdays at 02:00",
            "tidy &lt;up&gt;",
            "Asia/Tokyo",
            f"Schedule <code>{schedule.short_id}",
        ):
            assert part in page
        changes = {"path": "/schedules/changes", "target": schedule.id}
        assert "Paused" in await owner.sends(**changes, change="pause")
        assert "rests already" in await owner.sends(**changes, change="pause")
        assert "Paused" not in await owner.sends(**changes, change="resume")
        assert "Queued as" in await owner.sends(**changes, change="run")
        job = await owner.stage.ended()
        assert job.schedule_id == schedule.id
        assert "Nothing runs again by itself" in await owner.sends(**changes, change="delete")
        assert "There is no schedule" in await owner.sends(**changes, change="delete")


async def test_settings_that_are_saved_hold_for_the_next_job_from_any_door(tmp_path: Path) -> None:
    async with an_owner(tmp_path) as owner:
        refused = await owner.is_told("/settings", **{"provider": "gemini", "zone": "Mars/Base"})
        assert (refused["ok"], refused["field"]) == (False, "zone")
        assert not await owner.house.storage.preferences.all(), "all of it is kept, or none"
        kept = await owner.sends("/settings", **{"effort": "high", "model.session": "haiku", "zone": ""})
        assert "The settings are kept" in kept
        assert await owner.house.storage.preferences.all() == {"effort": "high", "model.session": "haiku"}
        stage = owner.stage
        await stage.ann.command("/job", "session x --in 2h", channel=stage.dev)
        (job,) = await stage.house.storage.jobs.jobs()
        assert (job.provider, job.model, job.effort) == ("claude", "haiku", "high")
        refused_there = await stage.ann.command("/job", "settings effort low", channel=stage.dev)
        assert "Only an admin" in refused_there.plain
        await owner.sends("/settings", **{"effort": "default", "model.session": "default"})
        assert not await owner.house.storage.preferences.all()


async def test_a_limit_is_forgotten_and_a_token_revoked(tmp_path: Path) -> None:
    async with an_owner(tmp_path) as owner:
        storage = owner.house.storage
        await storage.preferences.change({"quotaResetTime.claude": datetime.now(UTC) + timedelta(hours=1)})
        token = await storage.api.add_token("a1b2c3d4", "laptop", "run", "hash", None)
        page = await owner.sees("/settings")
        assert "Forget this limit" in page and "laptop" in page
        page = await owner.sends("/settings/limits", provider="claude")
        assert "Forget this limit" not in page and not await storage.jobs.limits()
        assert "at no usage limit" in await owner.sends("/settings/limits", provider="claude")
        page = await owner.sends("/settings/tokens", token=token.id)
        assert "The token holds no more" in page and "laptop" not in page


async def test_what_jobs_took_is_on_the_page_by_what_one_asks_for(tmp_path: Path) -> None:
    async with an_owner(tmp_path) as owner:
        assert "Nothing used in this time" in await owner.sees("/usage")
        await owner.stage.ann.command("/job", "research how do we cache?", channel=owner.stage.dev)
        job = await owner.stage.ended()
        for by, said in (("type", "research"), ("person", "ann"), ("model", job.model), ("day", "In all")):
            page = await owner.sees(f"/usage?by={by}&days=7&measure=jobs")
            assert said in page and 'role="img"' in page
        async with owner.session.get("/usage?days=none", headers={"Accept": "text/html"}) as answer:
            assert answer.status == 422
            assert "is no number of days" in await answer.text()
        told = await owner.is_told("/channels/dev/commands", text="/job usage --by person")
        picture = told["picture"]
        assert isinstance(picture, dict) and picture["src"].startswith("data:image/png;base64,iVBOR")
        assert "by person" in picture["alt"]


async def test_a_job_has_a_room_with_its_thread_and_what_is_said_there_goes_to_it(tmp_path: Path) -> None:
    async with an_owner(tmp_path) as owner:
        await owner.is_told("/channels/dev/commands", text="research how do we cache?")
        first = await owner.stage.ended()
        await owner.is_told("/channels/dev/commands", text="session something else")
        await owner.stage.ended()
        page = await owner.sees("/channels")
        assert f"job-{first.short_id}" in page and "general" in page
        room = await owner.sees(f"/channels/job-{first.short_id}")  # the whole name is found by a part of it
        assert "how do we cache?" in room and "something else" not in room
        await owner.sends(f"/channels/job-{first.id}/commands", text="and now?")
        follow_up = await owner.stage.ended()
        assert (follow_up.parent_job_id, follow_up.prompt) == (first.id, "and now?")
        assert "and now?" in await owner.sees(f"/channels/job-{first.id}")
        told = await owner.stage.ann.command("/job", "session on slack", channel=owner.stage.dev)
        elsewhere = await owner.stage.ended()
        assert "Queued" in told.plain
        assert f"session <code>{elsewhere.short_id}" in await owner.sees(f"/channels/job-{elsewhere.id}")
        async with owner.session.get("/channels/job-ffffffff", headers={"Accept": "text/html"}) as answer:
            assert answer.status == 404


async def test_what_is_new_in_a_channel_is_counted_until_it_is_opened(tmp_path: Path) -> None:
    async with an_owner(tmp_path) as owner:
        await owner.is_told("/channels/dev/commands", text="session x")
        await owner.stage.ended()
        assert '<span class="badge" data-unread="dev">1' in await owner.sees("/channels")
        await owner.sees("/channels/dev")
        assert '<span class="badge" data-unread="dev" hidden>' in await owner.sees("/channels")
