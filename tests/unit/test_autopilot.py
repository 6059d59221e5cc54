"""A program is worked through step by step: what each end means, and what is kept of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.autopilot import BUDGET, FAILURE, PASSED, PROGRAM, onward, summed_up
from executor.events import Moved, Noticed
from executor.executor import Executor
from executor.lifecycle import Transition, settle
from executor.model import AttemptRecord, Job, JobStatus, Outcome, OutcomeKind, Usage
from executor.programs import parse
from executor.rescuer import rescue
from tests.builders import START, claim_one, origin
from tests.builders import request as asked
from tests.unit.attempt_scene import Scene, open_scene

PLAN = "- One: begin\n- Two: go on\n- Three: end"
STEPS = parse(PLAN).steps
_K = OutcomeKind
AGENT = """
read -r first; prompt="$first $(cat)"
echo session 11111111-1111-4111-8111-111111111111
case $prompt in
    *"step 2 of 3"*) [ -e $HOME_OF_TEST/two ] || { touch $HOME_OF_TEST/two; %s; } ;;
esac
echo done Done.
"""


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as scene:
        yield scene


def plan(payload: dict[str, str] | None = None) -> dict[str, Any]:
    """A job that works through PLAN."""
    return {"type": "autopilot", "payload": {"prompt": PLAN, PROGRAM: PLAN, **(payload or {})}}


def job(payload: dict[str, str] | None = None, step: int = 0, cost: float | None = None) -> Job:
    wanted = asked(**plan(payload))
    return Job(
        id="j",
        type=wanted.type,
        status=JobStatus.RUNNING,
        payload=wanted.payload,
        provider="claude",
        model="opus",
        effort="medium",
        workspace="main",
        origin=origin(),
        created_at=START,
        attempt=step + 1,
        step=step,
        before_step=step,
        usage=Usage(cost_usd=cost),
    )


def ended(kind: OutcomeKind = _K.DONE, **changes: Any) -> Outcome:
    return replace(Outcome(kind=kind, usage=Usage(cost_usd=1.0)), **changes)


async def worked_through(scene: Scene, first: Job) -> Job:
    """The job once nothing more of it is due."""
    now = first
    while now.status is JobStatus.PENDING:
        now = await scene.next_ran()
        assert now.id == first.id
    return now


async def test_each_step_is_an_attempt_of_its_own_in_the_same_session(scene: Scene) -> None:
    first = await scene.ran(AGENT % ":", **plan())
    assert (first.status, first.step, first.reason) == (JobStatus.PENDING, 1, "step")
    assert first.message == "Step 1 of 3 (One) is done.\nNext: Two"
    last = await worked_through(scene, first)
    assert (last.status, last.step, last.attempt) == (JobStatus.DONE, 3, 3)
    assert last.usage.cost_usd == 1.5
    launches = scene.backend.launches
    assert [launch.session_id is None for launch in launches] == [True, False, False]
    for number, launch in enumerate(launches, 1):
        assert f"That is step {number} of 3" in launch.prompt
    moves = [b.transition for b in await scene.bodies(last) if isinstance(b, Moved)]
    assert moves.count(Transition.ADVANCE) == 2
    notices = [body.text for body in await scene.bodies(last) if isinstance(body, Noticed)]
    assert notices == ["Step 1 of 3: One", "Step 2 of 3: Two", "Step 3 of 3: Three"]


async def test_a_bot_that_dies_in_a_step_goes_on_in_that_step_and_counts_no_crash_of_others(
    scene: Scene,
) -> None:
    await scene.ran(AGENT % ":", **plan())
    for deaths in range(2):
        struck = await claim_one(scene.workshop.store, list(scene.workshop.backends))
        assert struck is not None and (struck.step, struck.tries) == (1, deaths + 1)
        assert await rescue(scene.workshop.store) == 1
    after = await scene.next_ran()
    assert (after.status, after.step) == (JobStatus.PENDING, 2)
    assert scene.backend.launches[-1].prompt.startswith("Your work was interrupted. It was step 2 of 3")
    for _ in range(2):
        await claim_one(scene.workshop.store, list(scene.workshop.backends))
        await rescue(scene.workshop.store)
    last = await scene.next_ran()
    assert (last.status, last.step) == (JobStatus.DONE, 3), "four deaths, but never three in one step"


async def test_a_step_that_fails_ends_the_job_and_a_resume_goes_on_with_that_step(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.backend.credentials = {"HOME_OF_TEST": str(scene.place)}
    first = await scene.ran(AGENT % "exit 3", **plan())
    failed = await worked_through(scene, first)
    assert (failed.status, failed.step) == (JobStatus.FAILED, 1)
    assert failed.message.startswith("Step 2 of 3 (Two) failed.")

    resumed = (await Executor(scene.workshop.store).resume(failed, "", origin(), "again")).job
    assert resumed.step == 1
    after = await scene.next_ran()
    assert (after.id, after.step) == (resumed.id, 2)
    assert "go on with the program" in scene.backend.launches[-1].prompt
    last = await worked_through(scene, after)
    assert (last.status, last.step) == (JobStatus.DONE, 3)

    again = (await Executor(scene.workshop.store).retry(failed, origin(), "afresh")).job
    assert again.step == 0, "retry does the same from the beginning"


async def test_a_step_that_fails_may_be_gone_past_and_the_end_says_so(scene: Scene) -> None:
    scene.backend.credentials = {"HOME_OF_TEST": str(scene.place)}
    first = await scene.ran(AGENT % "exit 3", **plan({FAILURE: "go-on"}))
    last = await worked_through(scene, first)
    assert (last.status, last.step) == (JobStatus.DONE, 3)
    assert last.message == "1 of its 3 steps failed and was gone past."


async def test_who_cancels_between_two_steps_keeps_what_is_done(scene: Scene) -> None:
    first = await scene.ran(AGENT % ":", **plan())
    stopped = await scene.workshop.store.cancel(first.id, "Ann")
    assert stopped is not None and (stopped.status, stopped.step) == (JobStatus.CANCELLED, 1)


async def test_what_is_said_after_the_last_step_is_done_for_itself(scene: Scene) -> None:
    last = await worked_through(scene, await scene.ran(AGENT % ":", **plan()))
    await Executor(scene.workshop.store).resume(last, "And now sweep.", origin(), "more")
    after = await scene.next_ran()
    assert (after.status, after.step) == (JobStatus.DONE, 3)
    assert scene.backend.launches[-1].prompt.startswith("And now sweep.")


@pytest.mark.parametrize(
    ("now", "outcome", "reason"),
    [
        (job(), ended(_K.FAILED, reason="exit"), "exit"),
        (job({FAILURE: "go-on"}), ended(_K.FAILED, reason="auth"), "auth"),
        (job({BUDGET: "5.00"}, 1, 4.2), ended(), "budget"),
        (job({BUDGET: "5.00", FAILURE: "go-on"}, 1, 9.0), ended(_K.FAILED, reason="exit"), "budget"),
        (job(), ended(result="I tried.\n\n**Step failed: there is no network.**"), PASSED),
        (job({FAILURE: "go-on"}, 2), ended(_K.FAILED, reason="exit"), "exit"),
    ],
    ids=["stop", "hopeless", "budget", "budget after a failure", "its own word", "the last one"],
)
def test_what_stops_a_program(now: Job, outcome: Outcome, reason: str) -> None:
    after = onward(now, outcome, STEPS)
    assert settle(after) is Transition.FAIL
    assert after.reason == reason


@pytest.mark.parametrize(
    "outcome",
    [ended(kind) for kind in (_K.LIMITED, _K.INTERRUPTED, _K.LOST, _K.CANCELLED, _K.TIMED_OUT)],
    ids=lambda outcome: outcome.kind,
)
def test_what_is_no_end_of_a_step_stays_what_it_is(outcome: Outcome) -> None:
    assert onward(job({FAILURE: "go-on"}), outcome, STEPS) == outcome


def test_a_budget_says_what_was_spent_and_counts_the_step_that_spent_it() -> None:
    after = onward(job({BUDGET: "0.50"}, 0), ended(), STEPS)
    assert after.message.startswith(
        "It has cost $1.00 of the $0.50 that it may cost, and 1 of 3 steps are done."
    )
    assert after.step == 1
    assert onward(job({BUDGET: "5.00"}, 2, 9.0), ended(), STEPS).kind is _K.DONE, "nothing is left to stop"


def test_a_cost_that_is_unknown_stops_nothing() -> None:
    after = onward(job({BUDGET: "5.00"}), ended(usage=Usage()), STEPS)
    assert settle(after) is Transition.ADVANCE


def test_a_program_without_a_failure_ends_without_a_remark() -> None:
    past = [AttemptRecord(number=1, started_at=START, outcome=_K.DONE, reason="step", usage=Usage())]
    assert summed_up(ended(step=3), past, STEPS).message == ""
