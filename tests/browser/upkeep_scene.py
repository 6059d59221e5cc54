"""What there is to look after: forty days of usage, schedules with a past, a limit, tokens."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from executor.model import JobRequest, Origin
from executor.schedules import Due, Missed, Schedule, Verdict, new_schedule
from executor.timers import Cron
from storage import Storage
from tests.browser.jobs_scene import ANN, OWNER

_TERMS = (
    ("research", "claude", "opus", 1.9),
    ("session", "claude", "sonnet", 0.6),
    ("workflow", "claude", "haiku", 0.11),
    ("session", "gemini", "gemini-3.1-pro-preview", 0.42),
    ("research", "gemini", "gemini-3-flash-preview", 0.07),
    ("autopilot", "codex", "gpt-6.1-sol", None),
    ("clara", "claude", "claude-sonnet-4-6", 0.03),
)
_PEOPLE = (("slack:T1:U0ANN", "ann"), ("slack:T1:U0BOB", "bob"), ("web::owner", "owner"))


def forty_days(database: Path) -> None:
    """Writes them beside the running store."""
    today = datetime.now(UTC).date()
    with closing(sqlite3.connect(database)) as connection, connection:
        for ago in range(40):
            day = (today - timedelta(days=ago)).isoformat()
            for number, (job_type, provider, model, cost_usd) in enumerate(_TERMS):
                jobs = (ago * 7 + number * 5) % 6 - (2 if ago % 7 in (2, 3) else 0)
                if jobs <= 0:
                    continue
                person, name = _PEOPLE[(ago + number) % len(_PEOPLE)]
                taken = None if cost_usd is None else cost_usd * jobs
                values = (jobs, jobs + ago % 2, taken, jobs * 11, jobs * 310_000)
                connection.execute(
                    "INSERT INTO usage_days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (day, job_type, provider, model, person, name, *values),
                )


async def scheduled(storage: Storage, prompt: str, cron: str, zone: str = "Europe/Paris") -> Schedule:
    """A schedule of the owner's."""
    request = JobRequest(
        type="session",
        payload={"prompt": prompt},
        provider="claude",
        model="sonnet",
        effort="medium",
        workspace="main",
        origin=Origin(actor=OWNER, channel="dev"),
        dedupe_key=f"test:{prompt}",
    )
    return await storage.schedules.add(
        new_schedule(Cron(cron, ZoneInfo(zone)), request, datetime.now(UTC), Missed.ONCE)
    )


async def kept_things(storage: Storage) -> None:
    """Three schedules, one of which rests and one of which has run, a limit and two tokens."""
    nightly = await scheduled(storage, "tidy the changelog, and say what has been merged", "0 2 * * mon-fri")
    fires = nightly.cron.next_runs(datetime.now(UTC) - timedelta(days=9))
    past = [
        (Verdict.STARTED, ""),
        (Verdict.MISSED, "Left out: it was due 3 hours before the bot could start it."),
    ]
    for fire, (verdict, note) in zip(fires, past, strict=False):
        now = await storage.schedules.find(nightly.id)
        due = Due(
            schedule=now[0], fire=fire, at=fire.at, next_run=now[0].next_run, verdict=verdict, note=note
        )
        await storage.schedules.fire([due])
    rests = await scheduled(
        storage, "look for flaky tests in the last hundred runs", "*/30 9-17 * * *", "UTC"
    )
    await storage.schedules.pause(rests, datetime.now(UTC))
    slack = replace(nightly.request, origin=Origin(actor=ANN, channel="C0DEV"), dedupe_key="test:ann")
    cron = Cron("0 8 1 * *", ZoneInfo("Asia/Kuala_Lumpur"))
    await storage.schedules.add(
        new_schedule(
            cron,
            replace(slack, payload={"prompt": "which licences do our dependencies have?"}),
            datetime.now(UTC),
            Missed.SKIP,
        )
    )
    until = datetime.now(UTC) + timedelta(hours=2, minutes=11)
    await storage.preferences.change(
        {"quotaResetTime.claude": until, "model.research": "sonnet", "effort": "high"}
    )
    await storage.api.add_token("a1b2c3d4", "laptop", "admin", "hash-1", None)
    await storage.api.add_token("e5f6a7b8", "nightly checks", "run", "hash-2", timedelta(days=90))
