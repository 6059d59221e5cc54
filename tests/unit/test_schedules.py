from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.schedules import LATE, Due, Missed, Schedule, Verdict, advance, deny, new_schedule, next_from
from executor.timers import Cron, Fire
from tests.builders import request

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


def schedule(expression: str = "0 * * * *", zone: ZoneInfo = PARIS, **changes: Any) -> Schedule:
    """Hourly, next at 13:00 UTC, counted at noon."""
    now = changes.pop("counted_at", NOON)
    made = new_schedule(Cron(expression, zone), request(dedupe_key="web:1"), now)
    return replace(made, id="5c4ed01e", **changes)


def after(due: Due) -> Schedule:
    """The schedule as its store leaves it."""
    return replace(due.schedule, next_run=due.next_run, counted_at=due.at, last=due.fire)


def drive(schedule: Schedule, *times: datetime) -> list[Due]:
    """What becomes of the schedule at each of `times`."""
    dues: list[Due] = []
    for now in times:
        due = advance(schedule, now)
        if due is not None:
            dues.append(due)
            schedule = after(due)
        elif schedule.counted_at > now:
            schedule = replace(schedule, next_run=next_from(schedule, now), counted_at=now)
    return dues


def test_a_new_schedule_waits_for_its_first_run() -> None:
    made = new_schedule(Cron("0 2 * * *", PARIS), request(), NOON)
    assert (made.next_run, made.last) == (datetime(2026, 11, 21, 1, tzinfo=UTC), None)
    assert made.id.startswith(made.short_id)
    assert made.missed is Missed.ONCE


def test_nothing_is_due_before_its_time() -> None:
    assert advance(schedule(), NOON + HOUR - timedelta(microseconds=1)) is None


def test_a_run_starts_when_its_time_comes_and_the_next_is_set() -> None:
    due = advance(schedule(), NOON + HOUR)
    assert due is not None
    assert due.fire == Fire(NOON + HOUR, "2026-11-20T13:00Z")
    assert (due.verdict, due.note, due.at) == (Verdict.STARTED, "", NOON + HOUR)
    assert due.next_run == NOON + 2 * HOUR


def test_a_run_asks_for_what_the_schedule_does_and_never_twice() -> None:
    due = advance(schedule(), NOON + HOUR)
    assert due is not None
    assert due.request == request(
        scheduled_at=NOON + HOUR,
        schedule_id=schedule().id,
        dedupe_key="schedule:5c4ed01e:2026-11-20T13:00Z",
    )
    assert schedule().origin == request().origin


def test_a_paused_schedule_rests_and_goes_on_with_what_is_ahead() -> None:
    paused = schedule(paused_at=NOON)
    assert advance(paused, NOON + 10 * HOUR) is None
    assert next_from(paused, NOON + 10.5 * HOUR) == NOON + 11 * HOUR


@pytest.mark.parametrize("late", [timedelta(seconds=1), LATE])
def test_a_run_that_starts_within_minutes_is_on_time(late: timedelta) -> None:
    for missed in Missed:
        due = advance(schedule(missed=missed), NOON + HOUR + late)
        assert due is not None
        assert (due.verdict, due.note) == (Verdict.STARTED, "")


def test_f40_after_eight_hours_of_sleep_one_run_catches_up_and_is_marked_late() -> None:
    (due, later) = drive(schedule(), NOON + 9.25 * HOUR, NOON + 9.5 * HOUR, NOON + 10 * HOUR)
    assert due.verdict is Verdict.STARTED
    assert due.note == "Started 8 h 15 min late: the bot could not start it in time."
    assert due.fire.at == NOON + HOUR
    assert due.next_run == NOON + 10 * HOUR
    assert (later.fire.at, later.note) == (NOON + 10 * HOUR, "")


def test_f40_a_schedule_that_skips_what_it_missed_says_so_and_waits_for_the_next() -> None:
    due = advance(schedule(missed=Missed.SKIP), NOON + 9.25 * HOUR)
    assert due is not None
    assert due.verdict is Verdict.MISSED
    assert due.note == "Left out: it was due 8 h 15 min before the bot could start it."
    assert due.next_run == NOON + 10 * HOUR


@pytest.mark.parametrize("late", [timedelta(), 5 * HOUR])
def test_a_run_is_left_out_while_the_job_of_the_one_before_has_not_ended(late: timedelta) -> None:
    due = advance(schedule(unfinished_job_id="3fa9c1d2-0000"), NOON + HOUR + late)
    assert due is not None
    assert due.verdict is Verdict.OVERLAPPED
    assert due.note == "Left out: job `3fa9c1` of the run before has not ended."
    assert due.next_run == NOON + 2 * HOUR + late


def test_a_fire_whose_owner_lost_the_right_is_denied_and_the_schedule_goes_on() -> None:
    due = advance(schedule(), NOON + HOUR)
    assert due is not None
    denied = deny(due, "You are not on the list.")
    assert (denied.verdict, denied.note) == (Verdict.DENIED, "You are not on the list.")
    assert denied.next_run == due.next_run


def test_f38_a_clock_set_back_by_an_hour_fires_nothing_twice() -> None:
    clock = [NOON + HOUR, NOON + HOUR / 60, NOON + HOUR, NOON + 1.5 * HOUR, NOON + 2 * HOUR]
    assert [due.fire.at for due in drive(schedule(), *clock)] == [NOON + HOUR, NOON + 2 * HOUR]


def test_f38_a_clock_that_jumps_a_year_ahead_starts_one_run_not_a_year_of_them() -> None:
    dues = drive(schedule(), *[NOON + YEAR + timedelta(seconds=n) for n in range(600)])
    assert len(dues) == 1
    assert dues[0].note.startswith("Started 364 d 23 h late")


def test_f38_when_the_clock_is_set_right_again_the_schedule_goes_on_at_once() -> None:
    ahead, right = NOON + YEAR, NOON + timedelta(minutes=10)
    first, second = drive(schedule(), ahead, right, NOON + HOUR, NOON + 2 * HOUR)
    assert first.at == ahead
    assert second.fire.at == NOON + 2 * HOUR, "13:00 was dealt with by the clock that was ahead"


def test_f39_a_schedule_does_its_autumn_night_once() -> None:
    night = datetime(2027, 10, 30, 23, tzinfo=UTC)
    nightly = schedule("0,30 2 * * *", counted_at=night)
    dues = drive(nightly, *[night + timedelta(minutes=n) for n in range(300)])
    assert [due.fire.key for due in dues] == ["2027-10-31T02:00", "2027-10-31T02:30"]
    assert [due.fire.at.hour for due in dues] == [0, 0]


def test_f39_after_a_downtime_in_the_first_pass_the_second_runs_what_is_left() -> None:
    night = datetime(2027, 10, 30, 23, tzinfo=UTC)
    nightly = schedule("0,30 2 * * *", counted_at=night)
    dues = drive(
        nightly, night + timedelta(hours=1), night + timedelta(hours=2, minutes=10), night + 3 * HOUR
    )
    assert [(due.fire.key, due.at.hour) for due in dues] == [("2027-10-31T02:00", 0), ("2027-10-31T02:30", 1)]


jumps = st.one_of(
    st.timedeltas(timedelta(seconds=1), timedelta(minutes=7)),
    st.timedeltas(timedelta(hours=-2), timedelta(hours=10)),
    st.sampled_from([YEAR, -YEAR]),
)
rhythms = st.sampled_from(["*/5 * * * *", "0 * * * *", "30 2 * * *", "15,45 1-3 * * *", "0 9 * * mon"])


@given(rhythm=rhythms, steps=st.lists(jumps, min_size=5, max_size=60), missed=st.sampled_from(Missed))
def test_f38_however_the_clock_jumps_no_fire_is_early_and_the_next_is_never_beyond_the_rhythm(
    rhythm: str, steps: list[timedelta], missed: Missed
) -> None:
    now = datetime(2027, 10, 30, 12, tzinfo=UTC)
    made = schedule(rhythm, missed=missed, counted_at=now)
    for step in steps:
        now += step
        due = advance(made, now)
        if due is not None:
            assert due.fire.at <= now < due.next_run
            assert due.next_run == made.cron.next_after(now, due.fire).at
            made = after(due)
        elif made.counted_at > now:
            made = replace(made, next_run=next_from(made, now), counted_at=now)
        assert made.next_run - now < timedelta(days=15), "a week, and one that a clock ahead dealt with"
