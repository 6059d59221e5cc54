"""`bifrost job watch` follows a job of the serving bot, and exits as that ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.job_command import run_job
from bot.watch_command import _events
from executor.events import Event, Moved
from tests.scenarios.test_jobs_api import Service, serving


def _announce(service: Service) -> None:
    """As `serve` does."""
    service.house.data.address.write_text(service.bifrost.server.url)


async def test_a_job_is_watched_to_its_end_and_its_end_is_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path, step_seconds=0.1) as service:
        _announce(service)
        made = await service.call("POST", "/jobs", {"type": "session", "prompt": "where is the cache?"}, 201)
        settings = service.house.settings
        assert await run_job(["watch", made["id"][:6], "--exit-status"], settings, {}) == 0
        printed = capsys.readouterr().out
        assert "done" in printed
        assert f"- page: {service.bifrost.server.url}/jobs/{made['id']}" in printed
        body = {"type": "session", "prompt": "x", "scheduled_at": "2027-01-01T00:00:00Z"}
        later = await service.call("POST", "/jobs", body, 201)
        watching = asyncio.ensure_future(run_job(["watch", later["id"], "--exit-status"], settings, {}))
        await service.call("DELETE", f"/jobs/{later['id']}")
        assert await asyncio.wait_for(watching, 20) == 1
        assert await run_job(["watch", "ffffff"], settings, {}) == 2
        assert await run_job(["watch"], settings, {}) == 2
        assert "Usage: bifrost job watch ID" in capsys.readouterr().err


async def test_what_a_watched_job_asks_is_shown_and_answered_from_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path) as service:
        _announce(service)
        body = {"type": "session", "prompt": "ask me: Which colour? Red, Blue"}
        made = await service.call("POST", "/jobs", body, 201)
        settings = service.house.settings
        watching = asyncio.ensure_future(run_job(["watch", made["id"], "--exit-status"], settings, {}))
        await service.until(made["id"], lambda job: job.asking > 0)
        assert await run_job(["show", made["id"]], settings, {}) == 0
        shown = capsys.readouterr().out
        assert "question 1: Which colour?" in shown and "bifrost job answer" in shown
        assert await run_job(["answer", made["id"], "9"], settings, {}) == 2
        assert await run_job(["answer", made["id"], "2"], settings, {}) == 0
        assert await asyncio.wait_for(watching, 20) == 0
        printed = shown + capsys.readouterr().out
        assert "❓ question 1: Which colour?" in printed and "question 1: owner: Blue" in printed


async def test_a_restart_of_the_bot_is_a_pause_and_nothing_is_missed_or_told_twice(tmp_path: Path) -> None:
    seen: list[Event] = []
    started = asyncio.Event()

    async def follow(service: Service, job_id: str) -> None:
        async for event in _events(service.house.data, job_id):
            seen.append(event)
            started.set()
            if isinstance(event.body, Moved) and event.body.status.final:
                return

    async with serving(tmp_path, step_seconds=30) as service:
        _announce(service)
        made = await service.call("POST", "/jobs", {"type": "session", "prompt": "x"}, 201)
        following = asyncio.ensure_future(follow(service, made["id"]))
        await asyncio.wait_for(started.wait(), 20)
    async with serving(tmp_path) as service:
        _announce(service)
        await asyncio.wait_for(following, 30)
        log = await service.house.storage.jobs.events(made["id"])
    assert seen == list(log)
