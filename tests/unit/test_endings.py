"""What an ended attempt means for its job."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from executor import endings
from executor.model import Job, JobStatus, Outcome, OutcomeKind, Usage
from tests.builders import START, origin

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LIMITED = Outcome(kind=OutcomeKind.LIMITED, reason="rate_limit", message="No more.", usage=Usage(turns=1))


def job(attempt: int = 1, last_of_id: str = "ffff") -> Job:
    return Job(
        id=f"3fa9c1d2-0000-4000-8000-00000000{last_of_id}",
        type="session",
        status=JobStatus.RUNNING,
        payload={"prompt": "Tidy up."},
        provider="claude",
        model="opus",
        effort="medium",
        workspace="main",
        origin=origin(),
        created_at=START,
        attempt=attempt,
    )


def limited(resets_at: datetime | None, attempt: int = 1, last_of_id: str = "ffff") -> Outcome:
    return endings.limited(job(attempt, last_of_id), replace(LIMITED, resets_at=resets_at), START)


def test_a_moment_that_was_named_is_kept_and_the_job_comes_up_to_a_minute_later() -> None:
    tries = [limited(START + HOUR, last_of_id=end) for end in ("0000", "8000", "ffff")]
    assert {each.resets_at for each in tries} == {START + HOUR}
    first, middle, last = (each.retry_at for each in tries)
    assert (first, last) == (START + HOUR, START + HOUR + MINUTE)
    assert first is not None and middle is not None and last is not None
    assert first < middle < last


def test_f36_twenty_jobs_that_were_limited_together_come_back_one_after_the_other() -> None:
    tries = sorted(str(limited(START + HOUR, last_of_id=f"{n * 3277:04x}").retry_at) for n in range(20))
    assert len({each[:19] for each in tries}) == 20, "each in a second of its own"


def test_after_a_short_wait_the_jobs_are_not_spread_over_a_minute() -> None:
    assert limited(START + timedelta(seconds=5)).retry_at == START + timedelta(seconds=5.5)


@pytest.mark.parametrize("named", [None, START, START - HOUR, START + timedelta(days=9)])
def test_f35_where_no_moment_can_be_believed_the_wait_doubles(named: datetime | None) -> None:
    waits = [limited(named, attempt).resets_at for attempt in range(1, 6)]
    assert waits == [START + minutes * MINUTE for minutes in (15, 30, 60, 60, 60)]


def test_the_last_attempt_fails_and_says_so_and_promises_nothing() -> None:
    outcome = limited(None, attempt=endings.MOST_ATTEMPTS)
    assert (outcome.kind, outcome.reason, outcome.retry_at) == (OutcomeKind.FAILED, "rate_limit", None)
    assert "attempt 6" in outcome.message
    assert "not tried again by itself" in outcome.message
    assert "goes on when" not in outcome.message
    assert outcome.resets_at is not None, "the others of its provider wait all the same"


def test_a_cli_that_waited_for_a_quota_did_not_hang() -> None:
    assert endings.silent(job(), 300, LIMITED) is LIMITED
    hung = Outcome(kind=OutcomeKind.FAILED, reason="killed", usage=Usage(turns=3))
    outcome = endings.silent(job(), 300, hung)
    assert (outcome.kind, outcome.reason, outcome.usage) == (OutcomeKind.SILENT, "inactivity", hung.usage)
    assert outcome.message.startswith("claude said nothing for 5 min")
