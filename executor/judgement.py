"""How an attempt ended: what its CLI says of that, and what we know of it."""

from __future__ import annotations

from dataclasses import replace

from executor import endings
from executor.backends.base import Decoder
from executor.clocks import Clocks
from executor.fallbacks import Fallbacks
from executor.model import Job, Outcome, OutcomeKind, StopReason
from executor.workshop import Workshop


async def judge(
    workshop: Workshop, job: Job, decoder: Decoder, code: int, stopped: StopReason | None, clocks: Clocks
) -> Outcome:
    """Why we stopped a process is our own knowledge, never read off its exit code."""
    outcome = _stopped(job, decoder, decoder.conclude(code), stopped, clocks)
    if outcome.kind is OutcomeKind.LIMITED:
        outcome = endings.limited(job, outcome, workshop.clock.now())
        outcome = await _hand_over(workshop, job, outcome)
    elif outcome.kind is OutcomeKind.FAILED and outcome.reason == endings.STALE:
        outcome = await _start_afresh(workshop, job, outcome)
    if outcome.usage.duration_ms is None:
        usage = replace(outcome.usage, duration_ms=round(clocks.worked_s * 1000))
        outcome = replace(outcome, usage=usage)
    return outcome


def _stopped(
    job: Job, decoder: Decoder, concluded: Outcome, stopped: StopReason | None, clocks: Clocks
) -> Outcome:
    match stopped:
        case StopReason.CANCELLED:
            return Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled", usage=concluded.usage)
        case StopReason.TIMEOUT:
            return endings.timed_out(clocks.timeout_s, concluded.usage)
        case StopReason.SILENT:
            return endings.silent(job, clocks.silence_s, concluded)
        case StopReason.WAITING:
            return endings.waiting(concluded.usage)
    return decoder.verdict or concluded


async def _hand_over(workshop: Workshop, job: Job, outcome: Outcome) -> Outcome:
    """Only after the first attempt: what has begun elsewhere stays there, and two do not take turns."""
    if job.attempt > 1 or outcome.kind is not OutcomeKind.LIMITED:
        return outcome
    fallbacks = Fallbacks(catalog=workshop.catalog, workspaces=workshop.workspaces)
    handover = fallbacks.instead_of(job, await workshop.store.limits())
    if handover is None:
        return outcome
    return endings.handed_over(job, outcome, handover, workshop.clock.now())


async def _start_afresh(workshop: Workshop, job: Job, outcome: Outcome) -> Outcome:
    """Once per job: a CLI that loses every conversation must not be started for ever."""
    past = await workshop.store.attempts(job.id)
    if job.session_id is None or any(each.reason == endings.STALE for each in past):
        return outcome
    return endings.lost(outcome)
