"""Each real CLI, each way to run into a limit: the job waits for the right moment and goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor.events import Noticed
from executor.model import JobStatus
from executor.ports import SystemClock
from executor.wakeups import QUEUE
from tests.stage import set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UNKNOWN = 15 * MINUTE
"""What is waited for where no moment is named."""
Jump = Callable[[timedelta], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`marker` names what the model API answers, `wait` what the CLI makes of it."""

    provider: str
    marker: str
    wait: timedelta
    oauth: bool = False
    model: str = ""
    early: timedelta = timedelta(seconds=1)
    """What a moment may lack that is told without its seconds."""
    late: timedelta = timedelta(seconds=15)
    inactivity: str = "5m"

    def __str__(self) -> str:
        return f"{self.provider} {self.marker}{' with a login' if self.oauth else ''}"


FLASH, GPT = "gemini-2.5-flash", "gpt-5.5"  # of its models, the newest that the simulator has the tools of
SHAPES = [
    Shape(provider="claude", oauth=True, marker="rluni:3600", wait=HOUR),
    Shape(provider="claude", oauth=True, marker="rluni:400000,seven_day", wait=timedelta(seconds=400_000)),
    Shape(provider="claude", marker="rluni:3600", wait=UNKNOWN),
    Shape(provider="claude", marker="rl429:1", wait=UNKNOWN),
    Shape(provider="gemini", model=FLASH, marker="rpd:12h3m", wait=12 * HOUR + 3 * MINUTE),
    # It adds up to a fifth to what it is told.
    Shape(
        provider="gemini",
        model=FLASH,
        marker="qx:12005",
        wait=timedelta(seconds=12_005),
        late=timedelta(seconds=2_500),
    ),
    Shape(provider="gemini", model=FLASH, marker="rpm:90", wait=90 * timedelta(seconds=1), late=MINUTE / 2),
    Shape(provider="gemini", model=FLASH, marker="rpm:301", wait=301 * timedelta(seconds=1), late=2 * MINUTE),
    Shape(provider="gemini", model=FLASH, marker="plain429", wait=UNKNOWN, inactivity="8s"),
    Shape(provider="codex", model=GPT, marker="usage:3600", wait=HOUR, early=MINUTE),
    Shape(provider="codex", model=GPT, marker="usage:400000", wait=timedelta(seconds=400_000), early=MINUTE),
    Shape(provider="codex", model=GPT, marker="rl429:1", wait=UNKNOWN),
]


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Jump:
    """Moves the bot's wall clock on, for all of its parts."""
    ahead = timedelta()

    def on(by: timedelta) -> None:
        nonlocal ahead
        ahead += by

    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + ahead)
    return on


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_a_limit_is_waited_for_and_the_session_goes_on(
    tmp_path: Path, jump: Jump, shape: Shape
) -> None:
    wishes: dict[str, Any] = {
        "provider": shape.provider,
        "oauth": shape.oauth,
        "inactivity": shape.inactivity,
    }
    async with set_stage(tmp_path, **wishes) as stage:
        # In the middle of its work: the session then holds what has been done.
        name, _, argument = shape.marker.partition(":")
        marker = f"{name}_later:{argument}"
        model = f" --model {shape.model}" if shape.model else ""
        await stage.ann.command("/job", f"session remember 7 [[{marker}]]{model}", channel=stage.dev)
        waiting = await stage.job(lambda job: job.status in (JobStatus.RATE_LIMITED, JobStatus.FAILED))
        assert waiting.status is JobStatus.RATE_LIMITED, waiting.message
        assert waiting.retry_at is not None and waiting.session_id is not None
        wait, jitter = waiting.retry_at - stage.house.workshop.clock.now(), min(MINUTE, shape.wait / 10)
        assert shape.wait - shape.early - timedelta(seconds=15) < wait < shape.wait + jitter + shape.late
        card = stage.card()
        await stage.slack.until(lambda: "goes on: in " in card.plain, timeout=30, what="a countdown")
        assert "rate limited" in card.plain

        stage.models.lifted.add(name)
        jump(waiting.retry_at - stage.house.workshop.clock.now())
        stage.house.wakeups.ring(QUEUE)

        job = await stage.ended()
        assert (job.status, job.attempt) == (JobStatus.DONE, 2), job.message
        assert job.session_id == waiting.session_id
        outcomes = [each.outcome for each in await stage.house.storage.jobs.attempts(job.id)]
        assert outcomes == ["limited", "done"]
        assert stage.models.requests[-1].messages > 1, "it remembers what it was asked before"
        assert stage.models.strays == []


async def test_geminis_limit_is_kept_of_gemini_and_holds_up_nobody_else(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="gemini") as stage:
        await stage.ann.command("/job", f"research a [[rpd:12h3m]] --model {FLASH}", channel=stage.dev)
        limited = await stage.job(lambda job: job.status is JobStatus.RATE_LIMITED)
        await stage.ann.command("/job", f"research b [[hello]] --model {FLASH}", channel=stage.dev)
        await stage.slack.until(lambda: len(stage.dev.messages) > 1, timeout=10, what="a second card")
        held = (await stage.house.storage.jobs.jobs())[0]
        hindrance = await stage.house.storage.jobs.hindrance(held.id)
        assert hindrance is not None and hindrance.limited_until is not None
        assert limited.retry_at is not None
        assert MINUTE >= limited.retry_at - hindrance.limited_until >= timedelta()
        await stage.ann.command("/job", "research c --provider rehearsal", channel=stage.dev)
        assert (await stage.ended()).status is JobStatus.DONE
        assert (await stage.job(lambda _: True, number=1)).status is JobStatus.PENDING


async def test_gemini_that_was_limited_before_it_did_anything_starts_afresh(
    tmp_path: Path, jump: Jump
) -> None:
    """It keeps no conversation without an answer in it: there is nothing to go on with, and nothing lost."""
    async with set_stage(tmp_path, provider="gemini") as stage:
        await stage.ann.command("/job", f"session go [[rpd_once:12h3m]] --model {FLASH}", channel=stage.dev)
        waiting = await stage.job(lambda job: job.status is JobStatus.RATE_LIMITED)
        assert waiting.retry_at is not None
        jump(waiting.retry_at - stage.house.workshop.clock.now())
        stage.house.wakeups.ring(QUEUE)
        assert (await stage.ended()).status is JobStatus.DONE
        outcomes = [each.outcome for each in await stage.house.storage.jobs.attempts(waiting.id)]
        assert outcomes == ["limited", "lost", "done"]


@pytest.mark.parametrize(
    ("provider", "marker", "told"),
    [
        ("claude", "rlwarn", "claude has used 92% of its five-hour limit"),
        ("claude", "rlok", ""),
        ("claude", "rl429_once:1", "claude is retrying in "),
        ("gemini", "rpm_once:1", "gemini is retrying "),
    ],
)
async def test_what_does_not_stop_a_cli_is_told_once_and_stops_no_job(
    tmp_path: Path, provider: str, marker: str, told: str
) -> None:
    oauth = marker in ("rlwarn", "rlok")
    async with set_stage(tmp_path, provider=provider, oauth=oauth) as stage:
        model = f" --model {FLASH}" if provider == "gemini" else ""
        await stage.ann.command("/job", f"session go [[{marker}]]{model}", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.attempt) == (JobStatus.DONE, 1)
        events = await stage.house.storage.jobs.events(job.id)
        notices = [event.body.text for event in events if isinstance(event.body, Noticed)]
        assert [notice.startswith(told) for notice in notices] == ([True] if told else [])
