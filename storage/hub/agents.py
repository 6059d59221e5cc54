"""What the agent of a running job tells people of it, and how much of that is taken."""

from __future__ import annotations

from storage.hub.authors import RecordRefused, Why

MOST_UPDATES = 20
"""Updates that a job may post: each is a message in its thread."""
MOST_REPORTS = 10
"""Reports that a job may publish before its end."""


def ended() -> RecordRefused:
    """Its attempt is no longer the running one."""
    return RecordRefused(Why.ILLEGAL, "Your job has ended: nothing more is taken of it.")


def check_updates(posted: int) -> None:
    """Raises RecordRefused unless a job that has posted so many may post one more."""
    if posted >= MOST_UPDATES:
        raise RecordRefused(
            Why.ILLEGAL,
            f"Your job has posted {MOST_UPDATES} updates, which is all it may. "
            "Put what is left into your answer.",
        )


def check_reports(published: int) -> None:
    """The same of its reports."""
    if published >= MOST_REPORTS:
        raise RecordRefused(
            Why.ILLEGAL,
            f"Your job has published {MOST_REPORTS} reports, which is all it may. "
            "Put what is left into your answer.",
        )
