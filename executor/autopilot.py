"""What the end of a step's attempt means for a program: the next step, or the end. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from executor.model import AttemptRecord, Job, Outcome, OutcomeKind
from executor.programs import Step

PROGRAM = "program"
"""In a payload: the program's text."""
BUDGET = "budget_usd"
"""In a payload: what it may cost in all."""
FAILURE = "failure"
"""In a payload: what a step that failed means, `stop` or `go-on`."""
GO_ON = "go-on"
STEP = "step"
"""The machine word for a job that waits for the turn of its next step."""
PASSED = "step_failed"
"""The machine word for a step that failed, and for an attempt whose step was passed over for that."""
_OWN_WORD = re.compile(r"^\W*Step failed: *(.+?)\W*$", re.MULTILINE)
_HOPELESS = frozenset(
    {"auth", "billing", "budget", "model", "spawn", "workspace", "configuration", "internal", "poison"}
)
"""Reasons that the next step would fail for as well."""


def onward(job: Job, outcome: Outcome, steps: Sequence[Step]) -> Outcome:
    """The outcome of the attempt of a step: with what is done by then, and whether the job goes on.

    What is said after the last step is done is no step.
    """
    if job.step >= len(steps):
        return outcome
    outcome = _by_its_own_word(outcome)
    failed = outcome.kind in (OutcomeKind.FAILED, OutcomeKind.SILENT)
    passed = failed and job.payload.get(FAILURE) == GO_ON and outcome.reason not in _HOPELESS
    if outcome.kind is not OutcomeKind.DONE and not passed:
        return _stopped(job, outcome, steps) if failed else outcome
    done = job.step + 1
    if done == len(steps):
        return outcome if passed else replace(outcome, step=done)
    if _is_spent(job, outcome):
        return _over_budget(job, outcome, steps)
    return replace(
        outcome,
        step=done,
        goes_on=True,
        reason=PASSED if passed else STEP,
        message=_between(job, outcome, steps, passed=passed),
    )


def headline(job: Job, steps: Sequence[Step]) -> str:
    """What is done now: `Step 3 of 7: run the tests`; nothing where no step is left."""
    if job.step >= len(steps):
        return ""
    return f"Step {job.step + 1} of {len(steps)}: {steps[job.step].name}"


def summed_up(outcome: Outcome, past: Sequence[AttemptRecord], steps: Sequence[Step]) -> Outcome:
    """The outcome of the last step, with how many before it failed."""
    failed = sum(1 for each in past if each.reason == PASSED)
    if outcome.kind is not OutcomeKind.DONE or outcome.step != len(steps) or not failed:
        return outcome
    return replace(outcome, message=f"{failed} of its {len(steps)} steps failed and was gone past.")


def left_usd(job: Job) -> float | None:
    """What is left of the budget; None where there is none."""
    if BUDGET not in job.payload:
        return None
    return max(0.0, float(job.payload[BUDGET]) - (job.usage.cost_usd or 0.0))


def _by_its_own_word(outcome: Outcome) -> Outcome:
    """An agent that ends well may still say that the step could not be done."""
    said = _OWN_WORD.search(outcome.result) if outcome.kind is OutcomeKind.DONE else None
    if said is None:
        return outcome
    return replace(outcome, kind=OutcomeKind.FAILED, reason=PASSED, message=f"The agent says: {said[1]}.")


def _is_spent(job: Job, outcome: Outcome) -> bool:
    cost = (job.usage + outcome.usage).cost_usd
    return BUDGET in job.payload and cost is not None and cost >= float(job.payload[BUDGET])


def _over_budget(job: Job, outcome: Outcome, steps: Sequence[Step]) -> Outcome:
    cost, done = (job.usage + outcome.usage).cost_usd or 0.0, job.step + 1
    return replace(
        outcome,
        kind=OutcomeKind.FAILED,
        reason="budget",
        step=done,
        message=f"It has cost ${cost:.2f} of the ${float(job.payload[BUDGET]):.2f} that it may cost, and "
        f"{done} of {len(steps)} steps are done. Press Resume to go on with step {done + 1}, "
        f"for as much again.",
    )


def _between(job: Job, outcome: Outcome, steps: Sequence[Step], *, passed: bool) -> str:
    here, there = steps[job.step], steps[job.step + 1]
    how = f"failed: {outcome.message}" if passed else "is done."
    return f"Step {job.step + 1} of {len(steps)} ({here.name}) {how}\nNext: {there.name}"


def _stopped(job: Job, outcome: Outcome, steps: Sequence[Step]) -> Outcome:
    where = f"Step {job.step + 1} of {len(steps)} ({steps[job.step].name}) failed."
    return replace(outcome, message=f"{where} {outcome.message}")
