"""Named moments on a job's way. Nothing happens at them, except where a test lets something happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_watch: Callable[[str], None] | None = None


def reach(step: str) -> None:
    """Says that the way has come to `step`, always a literal, so that the code itself lists them all.

    May raise whatever a watcher raises, and may never return.
    """
    if _watch is not None:
        _watch(step)


@contextmanager
def watched(watch: Callable[[str], None]) -> Iterator[None]:
    """Calls `watch` at every step while the block runs, from whatever thread comes to it."""
    global _watch
    _watch, before = watch, _watch
    try:
        yield
    finally:
        _watch = before
