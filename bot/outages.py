"""What people are told while the store cannot be written: what happened, and what to do next."""

from __future__ import annotations

from executor.ports import StoreFault

_WHAT = {
    StoreFault.FULL: "the disk that Bifrost keeps its data on is full",
    StoreFault.LOCKED: "another program has locked Bifrost's database",
    StoreFault.IO: "the disk that Bifrost keeps its data on gives errors",
}
_NEXT = {
    StoreFault.FULL: "Ask again when whoever runs the bot has made room",
    StoreFault.LOCKED: "Ask again in a minute",
    StoreFault.IO: "Tell whoever runs the bot, and ask again later",
}
_MEND = {
    StoreFault.FULL: "Make room there",
    StoreFault.LOCKED: "End that program, or wait for it",
    StoreFault.IO: "Look at the disk, and at the log of the system",
}


def refusal(fault: StoreFault) -> str:
    """For the person whose request could not be taken in."""
    return f"That was not taken in: {_WHAT[fault]}. What was accepted before is safe. {_NEXT[fault]}."


def not_ready(fault: StoreFault) -> str:
    """For what watches over the bot."""
    return f"Not ready: {_WHAT[fault]}. No new work is taken in until that is over."


def cannot_start(fault: StoreFault) -> str:
    """For the operator who starts the bot."""
    return f"Bifrost cannot start: {_WHAT[fault]}. {_MEND[fault]}, and start it again."
