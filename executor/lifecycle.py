"""The one table of legal moves: which transition takes a job from which status to which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from executor.model import JobStatus, Outcome, OutcomeKind


class Transition(StrEnum):
    """Why a status changes."""

    SUBMIT = "submit"
    SCHEDULE = "schedule"
    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    TIME_OUT = "time_out"
    GO_SILENT = "go_silent"
    HIT_LIMIT = "hit_limit"
    INTERRUPT = "interrupt"
    START_AFRESH = "start_afresh"
    HAND_OVER = "hand_over"
    ADVANCE = "advance"
    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Move:
    """From any of `sources` (None: the job does not exist yet) to `target`."""

    sources: frozenset[JobStatus | None]
    target: JobStatus


def _move(*sources: JobStatus | None, to: JobStatus) -> Move:
    return Move(frozenset(sources), to)


_S = JobStatus
MOVES: dict[Transition, Move] = {
    Transition.SUBMIT: _move(None, to=_S.PENDING),
    Transition.SCHEDULE: _move(None, to=_S.SCHEDULED),
    # A scheduled job starts when its time has come, a rate-limited one when its retry has.
    Transition.START: _move(_S.PENDING, _S.SCHEDULED, _S.RATE_LIMITED, to=_S.RUNNING),
    Transition.FINISH: _move(_S.RUNNING, to=_S.DONE),
    Transition.FAIL: _move(_S.RUNNING, to=_S.FAILED),
    Transition.TIME_OUT: _move(_S.RUNNING, to=_S.FAILED),
    Transition.GO_SILENT: _move(_S.RUNNING, to=_S.FAILED),
    Transition.HIT_LIMIT: _move(_S.RUNNING, to=_S.RATE_LIMITED),
    Transition.INTERRUPT: _move(_S.RUNNING, to=_S.PENDING),
    # As an interruption, but without the conversation so far.
    Transition.START_AFRESH: _move(_S.RUNNING, to=_S.PENDING),
    # Its provider is at a limit, and another one does it.
    Transition.HAND_OVER: _move(_S.RUNNING, to=_S.PENDING),
    # A step of its program is over, and the next one takes its turn.
    Transition.ADVANCE: _move(_S.RUNNING, to=_S.PENDING),
    # It waits for a person, and makes room meanwhile.
    Transition.PAUSE: _move(_S.RUNNING, to=_S.PENDING),
    Transition.CANCEL: _move(_S.PENDING, _S.SCHEDULED, _S.RUNNING, _S.RATE_LIMITED, to=_S.CANCELLED),
}

_ENDINGS: dict[OutcomeKind, Transition] = {
    OutcomeKind.DONE: Transition.FINISH,
    OutcomeKind.FAILED: Transition.FAIL,
    OutcomeKind.TIMED_OUT: Transition.TIME_OUT,
    OutcomeKind.SILENT: Transition.GO_SILENT,
    OutcomeKind.LIMITED: Transition.HIT_LIMIT,
    OutcomeKind.INTERRUPTED: Transition.INTERRUPT,
    OutcomeKind.LOST: Transition.START_AFRESH,
    OutcomeKind.WAITING: Transition.PAUSE,
    OutcomeKind.CANCELLED: Transition.CANCEL,
}


def target(status: JobStatus | None, transition: Transition) -> JobStatus | None:
    """The status that `transition` leads to from `status`, or None where the move is not legal."""
    move = MOVES[transition]
    return move.target if status in move.sources else None


def settle(outcome: Outcome) -> Transition:
    """How an ended attempt moves its job."""
    if outcome.goes_on:
        return Transition.ADVANCE
    return Transition.HAND_OVER if outcome.handover is not None else _ENDINGS[outcome.kind]
