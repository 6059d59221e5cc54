"""Jobs of a busy week in the store itself: of all statuses, with what they did and what they took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from executor.events import (
    Activity,
    Noticed,
    SessionOpened,
    TextWritten,
    Todo,
    TodosChanged,
    TodoState,
    ToolEnded,
    ToolStarted,
)
from executor.lifecycle import settle
from executor.model import Actor, Job, JobRequest, Origin, Outcome, OutcomeKind, Usage
from storage import Storage
from tests.browser.scene import RESULT, RUNNING_OUTPUT

ANN = Actor(platform="slack", team="T1", user_id="U0ANN", name="ann")
OWNER = Actor(platform="web", team="", user_id="owner", name="owner")
_REQUEST = JobRequest(
    type="research",
    payload={"prompt": "how do we cache sessions?"},
    provider="claude",
    model="opus",
    effort="medium",
    workspace="main",
    origin=Origin(actor=OWNER, channel="dev"),
)
ANSI = (
    "\x1b[1mtests/test_forms.py\x1b[0m \x1b[32m..\x1b[0m\x1b[31mF\x1b[0m\x1b[32m.\x1b[0m\n"
    "\x1b[31m\x1b[1mE   AssertionError: 'does not match' not in body\x1b[0m\n"
    "\x1b[33m1 warning\x1b[0m, \x1b[38;5;45m3 passed\x1b[0m, \x1b[91m1 failed\x1b[0m in 2.41s\n"
)


async def ask(storage: Storage, prompt: str, **more: object) -> Job:
    """A new job that waits."""
    request = replace(_REQUEST, payload={"prompt": prompt}, **more)  # type: ignore[arg-type]
    return (await storage.jobs.submit(request)).job


async def start(storage: Storage, job: Job) -> Job:
    (running,) = await storage.jobs.claim("tests", [job.provider], 1, only=job.id)
    return running


async def write(storage: Storage, job: Job, *activities: Activity) -> None:
    """What its agent does, each an event of its own."""
    for activity in activities:
        assert await storage.jobs.record(job, [activity])


async def end(storage: Storage, job: Job, kind: OutcomeKind = OutcomeKind.DONE, **more: object) -> Job:
    outcome = Outcome(kind=kind, **more)  # type: ignore[arg-type]
    ended = await storage.jobs.settle(job, settle(outcome), outcome)
    assert ended is not None
    return ended


def work() -> Sequence[Activity]:
    """Some of everything that an agent does."""
    return (
        SessionOpened(session_id="3f0d7c1e", model="claude-opus-4-6"),
        TextWritten(text=RUNNING_OUTPUT.partition("→")[0]),
        ToolStarted(tool_id="1", name="Grep", detail="login"),
        ToolEnded(tool_id="1", ok=True),
        ToolStarted(tool_id="2", name="Bash", detail="pytest -q tests/test_forms.py"),
        ToolEnded(tool_id="2", ok=False, detail="exit status 1"),
        TextWritten(text=ANSI),
        TodosChanged(
            items=(
                Todo(text="find where the login is tested", state=TodoState.DONE),
                Todo(text="add the missing case", state=TodoState.ACTIVE),
                Todo(text="run all tests", state=TodoState.PENDING),
            )
        ),
        Noticed(text="The provider is busy; it tries again in 8 s."),
        TextWritten(text="The form has two tests; none covers a wrong password.\n\n"),
        TextWritten(text="```python\nassert answer.status == 401\n```\n"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One job of each status."""

    pending: Job
    scheduled: Job
    running: Job
    limited: Job
    done: Job
    failed: Job
    cancelled: Job


async def busy_week(storage: Storage) -> Week:
    usage = Usage(cost_usd=0.42, turns=14, duration_ms=188_000)
    slack = Origin(actor=ANN, channel="C0DEV")
    done = await start(storage, await ask(storage, "how do we cache sessions?", origin=slack))
    await write(storage, done, *work())
    failed = await start(
        storage,
        await ask(storage, "bump the http client and fix what breaks", type="session", provider="gemini"),
    )
    await write(storage, failed, TextWritten(text="I look at `pyproject.toml` first.\n"))
    limited = await start(storage, await ask(storage, "write the tests for the login form", type="session"))
    await write(storage, limited, *work())
    cancelled = await ask(storage, "rewrite the README in the style of a sea shanty", type="session")
    running = await start(
        storage,
        await ask(storage, "add a test for the login form\n\nand mind the wrong password", type="session"),
    )
    await write(storage, running, *work()[1:])
    return Week(
        done=await end(storage, done, result=RESULT, usage=usage),
        failed=await end(
            storage,
            failed,
            OutcomeKind.FAILED,
            reason="auth",
            message="Gemini does not know this API key. Set a valid `GEMINI_API_KEY`, then press Retry.",
            usage=Usage(duration_ms=4_100),
        ),
        limited=await end(
            storage,
            limited,
            OutcomeKind.LIMITED,
            reason="usage_limit",
            message="Claude's usage limit is reached.",
            resets_at=datetime.now(UTC) + timedelta(hours=1),
            retry_at=datetime.now(UTC) + timedelta(hours=1),
        ),
        cancelled=await _cancelled(storage, cancelled),
        running=running,
        scheduled=await ask(
            storage, "sweep the inbox", scheduled_at=datetime.now(UTC) + timedelta(hours=9), provider="gemini"
        ),
        pending=await ask(storage, "which licences do our dependencies have?"),
    )


async def _cancelled(storage: Storage, job: Job) -> Job:
    cancelled = await storage.jobs.cancel(job.id, "owner")
    assert cancelled is not None
    return cancelled
