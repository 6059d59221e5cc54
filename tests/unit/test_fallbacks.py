"""A fresh job does not wait for a limit where its workspace names another provider; a resumed one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from executor.catalog import Catalog
from executor.endings import HANDED_OVER
from executor.events import Moved, Noticed
from executor.executor import Executor
from executor.fallbacks import Fallbacks
from executor.lifecycle import Transition
from executor.model import RESUMED_SESSION, Handover, Job, JobStatus, Outcome, OutcomeKind
from executor.workshop import Workshop
from executor.workspaces import Workspace, Workspaces
from tests.builders import START, carried_out, claim_one, open_workshop, origin, request, started
from tests.programs import Scripted

HOUR = timedelta(hours=1)
OPUS = Handover(provider="claude", model="opus")


def fallbacks(to: str = "claude", providers: tuple[str, ...] = ("rehearsal", "claude")) -> Fallbacks:
    workspaces = Workspaces(named={"main": Workspace(directory=Path("/srv"), fallback=to)})
    return Fallbacks(catalog=Catalog(providers=providers), workspaces=workspaces)


@pytest.mark.parametrize(
    ("given", "limits", "who"),
    [
        (fallbacks(), {}, OPUS),
        (fallbacks(), {"claude": START}, None),
        (fallbacks(to="rehearsal"), {}, None),
        (fallbacks(to="gemini"), {}, None),
    ],
    ids=["another one", "at its own limit", "itself", "switched off"],
)
def test_a_job_is_handed_to_a_provider_that_is_free_to_do_it(
    given: Fallbacks, limits: Mapping[str, datetime], who: Handover | None
) -> None:
    assert given.instead_of(request(), limits) == who
    assert given.instead_of(request(workspace="api"), limits) is None
    resumed = request(session_id="s", payload={"prompt": "x", RESUMED_SESSION: "s"})
    assert given.instead_of(resumed, limits) is None


@asynccontextmanager
async def two_agents(place: Path) -> AsyncIterator[tuple[Workshop, Scripted, Scripted]]:
    """A workshop in which claude does what rehearsal, at its limit, cannot."""
    mine, other = Scripted("echo session s1; echo limited 3600"), Scripted()
    other.provider = "claude"
    async with open_workshop(place, mine) as workshop:
        given = fallbacks()
        main = replace(workshop.workspaces.of("main"), fallback=given.workspaces.of("main").fallback)
        workspaces = Workspaces(named={"main": main})
        backends = {"rehearsal": mine, "claude": other}
        yield replace(workshop, catalog=given.catalog, workspaces=workspaces, backends=backends), mine, other


async def next_ran(workshop: Workshop) -> Job:
    job = await claim_one(workshop.store, list(workshop.backends))
    assert job is not None
    return await carried_out(workshop, job)


async def test_a_first_attempt_that_hits_a_limit_is_followed_by_one_of_the_fallback(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (workshop, mine, other):
        job = await carried_out(workshop, await started(workshop))
        assert (job.status, job.provider, job.model) == (JobStatus.PENDING, "claude", "opus")
        assert (job.session_id, job.retry_at, job.reason) == (None, None, HANDED_OVER)
        assert job.message.startswith("rehearsal was at its usage limit, for another ")
        assert job.message.endswith("; claude (opus) does it instead.")
        assert set(await workshop.store.limits()) == {"rehearsal"}
        done = await next_ran(workshop)
        assert (done.id, done.status, done.attempt) == (job.id, JobStatus.DONE, 2)
        (launch,) = other.launches
        assert launch.session_id is None
        assert launch.prompt == mine.launches[0].prompt
        bodies = [event.body for event in await workshop.store.events(job.id)]
        moves = [body.transition for body in bodies if isinstance(body, Moved)]
        assert moves == [
            *(Transition.SUBMIT, Transition.START, Transition.HAND_OVER),
            *(Transition.START, Transition.FINISH),
        ]
        assert [body.text for body in bodies if isinstance(body, Noticed)] == [job.message]


async def test_a_fallback_that_hits_its_limit_too_is_waited_for(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (workshop, _, other):
        await carried_out(workshop, await started(workshop))
        other.script = "echo limited 60"
        job = await next_ran(workshop)
        assert (job.status, job.provider, job.attempt) == (JobStatus.RATE_LIMITED, "claude", 2)


async def test_what_has_begun_with_one_provider_waits_for_that_one(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (workshop, *_):
        interrupted = Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown")
        await workshop.store.settle(await started(workshop), Transition.INTERRUPT, interrupted)
        job = await next_ran(workshop)
        assert (job.status, job.provider, job.attempt) == (JobStatus.RATE_LIMITED, "rehearsal", 2)


async def test_who_is_at_a_limit_takes_nothing_over(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (workshop, _, other):
        other.script = "echo limited 3600"
        await workshop.store.submit(request(provider="claude", model="opus"))
        assert (await next_ran(workshop)).status is JobStatus.RATE_LIMITED
        job = await carried_out(workshop, await started(workshop))
        assert (job.status, job.provider) == (JobStatus.RATE_LIMITED, "rehearsal")


async def test_what_goes_on_with_a_session_waits_for_its_own_provider(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (workshop, mine, _):
        mine.script = "echo session s1; echo done Tidy."
        ended = await carried_out(workshop, await started(workshop))
        mine.script = "echo limited 3600"
        executor = Executor(workshop.store, fallbacks())
        resumed = await executor.resume(ended, "And now?", origin(), "press")
        job = await next_ran(workshop)
        assert (job.id, job.status, job.provider) == (resumed.job.id, JobStatus.RATE_LIMITED, "rehearsal")
        assert job.session_id == "s1"
        again = await executor.retry(await cancelled(workshop, job), origin(), "again")
        assert again.job.provider == "rehearsal", "its session goes on, too"


async def test_a_job_that_comes_while_its_provider_is_at_a_limit_is_the_fallbacks_from_the_start(
    tmp_path: Path,
) -> None:
    async with two_agents(tmp_path) as (workshop, *_):
        executor = Executor(workshop.store, fallbacks())
        first = (await executor.submit(request())).job
        assert (first.provider, first.message) == ("rehearsal", "")
        await next_ran(workshop)
        second = (await executor.submit(request())).job
        assert (second.provider, second.model) == ("claude", "opus")
        assert second.message.endswith("claude (opus) does it instead.")
        _, *notices = [event.body for event in await workshop.store.events(second.id)]
        assert notices == [Noticed(text=second.message)]
        later = request(scheduled_at=workshop.clock.now() + HOUR)
        assert (await executor.submit(later)).job.provider == "rehearsal", (
            "by then, the limit may have lifted"
        )


async def test_a_job_that_is_to_be_cancelled_is_not_handed_over(tmp_path: Path) -> None:
    async with two_agents(tmp_path) as (workshop, *_):
        running = await started(workshop)
        await workshop.store.cancel(running.id, "Ann")
        job = await carried_out(workshop, running)
        assert (job.status, job.provider) == (JobStatus.CANCELLED, "rehearsal")


async def cancelled(workshop: Workshop, job: Job) -> Job:
    ended = await workshop.store.cancel(job.id, "Ann")
    assert ended is not None
    return ended
