from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import example, given
from hypothesis import strategies as st

from executor.moments import TimeRefused
from executor.timers import Cron, Fire, parse_cron

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 20, 12, 46, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "UTC")
TIMES_OF_DAY = (
    "0 2 * * *",
    "30 2 * * *",
    "15,45 2 * * *",
    "0 1,2 * * *",
    "0 1-3 * * *",
    "30 1 * * *",
    "45 1 * * *",
    "0 3 * * *",
    "0 0 * * *",
    "10,50 1-2 * * *",
    "0-30/10 2 * * *",
    "0 1-23/2 * * *",
    "0 9 * * mon-fri",
    "30 2 * * sun",
    "30 2 25-31 3,10 *",
    "0 2 * 3,10 0",
    "0 9 1-7 * 1",
    "0 9 */2 * 1",
)
CADENCES = (
    "*/15 * * * *",
    "*/20 * * * *",
    "15 * * * *",
    "0 */2 * * *",
    "*/30 2 * * *",
    "*/15 2 * * *",
    "*/20 1,2 * * *",
    "45 */3 * * *",
    "*/10 * 25-31 3,10 0",
)
HALF_HOUR = "Australia/Lord_Howe"
"""The one zone whose clocks change by half an hour: cronsim loses its way there on a cadence."""


@cache
def changes(zone: ZoneInfo, years: int = 10) -> list[datetime]:
    """Midnight (UTC) after each change of the zone's clocks."""
    midnights = [datetime(2026, 1, 1, tzinfo=UTC) + DAY * n for n in range(366 * years)]
    return [
        after
        for before, after in pairwise(midnights)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()
    ]


def ours(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    fires, fire = [], cron.next_after(start)
    while fire.at < end:
        fires.append(fire.at)
        fire = cron.next_after(fire.at, fire)
    return fires


def oracle(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    fires = []
    for local in CronSim(cron.expression, start.astimezone(cron.zone)):
        if (at := local.astimezone(UTC)) >= end:
            break
        fires.append(at)
    return fires


def by_the_minute(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    """Every minute whose reading on the wall the expression names."""
    minute, hour, *_ = (_numbers(text) for text in cron.expression.split())
    at, fires = start, []
    while (at := at + MINUTE) < end:
        wall = at.astimezone(cron.zone)
        if wall.minute in minute and wall.hour in hour:
            fires.append(at)
    return fires


def _numbers(text: str) -> set[int]:
    if text.startswith("*"):
        return set(range(0, 60, int(text[2:] or 1)))
    return {int(number) for number in text.split(",")}


def nights(zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """From noon two days before each change to two days after it. cronsim must not start inside of one."""
    for after in changes(zone) or [datetime(2027, 3, 28, tzinfo=UTC)]:
        yield after - DAY * 1.5, after + DAY * 2


@pytest.mark.parametrize("zone", [*map(ZoneInfo, ZONES)], ids=str)
def test_ten_years_of_changing_clocks_agree_with_the_oracle(zone: ZoneInfo) -> None:
    for expression in (*TIMES_OF_DAY, *(CADENCES if zone.key != HALF_HOUR else ())):
        cron = Cron(expression, zone)
        for start, end in nights(zone):
            assert ours(cron, start, end) == oracle(cron, start, end), f"{expression} from {start}"


@pytest.mark.parametrize(
    "zone", [*map(ZoneInfo, (HALF_HOUR, "Antarctica/Troll", "America/St_Johns"))], ids=str
)
@pytest.mark.parametrize("expression", CADENCES[:-1])
def test_a_cadence_goes_through_both_passes_also_where_clocks_change_by_half_an_hour_or_two(
    zone: ZoneInfo, expression: str
) -> None:
    cron = Cron(expression, zone)
    for start, end in [(after - DAY * 1.5, after + DAY) for after in changes(zone)[:4]]:
        assert ours(cron, start, end) == by_the_minute(cron, start, end)


@pytest.mark.parametrize("zone", [*map(ZoneInfo, ZONES[:3])], ids=str)
@pytest.mark.parametrize("expression", ["30 2 * * *", "0 1-3 * * *", "0 9 * * mon-fri", "0 0 1 * *"])
def test_whole_years_agree_with_the_oracle(zone: ZoneInfo, expression: str) -> None:
    cron = Cron(expression, zone)
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    assert ours(cron, start, end) == oracle(cron, start, end)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "stray"),
    [
        ("0 */2 * * *", "Europe/Paris", "2027-03-28T00:30+01:00", "2027-03-28T03:00+02:00"),
        ("*/15 2 * * *", "Europe/Paris", "2027-03-28T00:30+01:00", "2027-03-28T03:00+02:00"),
        ("*/15 0 * * *", "America/Santiago", "2027-09-04T23:30-04:00", "2027-09-05T01:00-03:00"),
    ],
)
def test_f39_croniter_makes_up_a_run_in_the_gap_for_a_cadence_and_the_guard_drops_it(
    expression: str, zone: str, after: str, stray: str
) -> None:
    start = datetime.fromisoformat(after).astimezone(ZoneInfo(zone))
    raw = croniter(expression, start)
    answers = [raw.get_next(datetime).astimezone(UTC) for _ in range(3)]
    assert datetime.fromisoformat(stray) in answers
    assert datetime.fromisoformat(stray) not in [
        fire.at for fire in Cron(expression, ZoneInfo(zone)).next_runs(start)
    ]


@pytest.mark.parametrize(
    ("expression", "zone", "noon", "wall"),
    [
        ("30 2 * * *", "Europe/Paris", "2027-10-30T12:00+02:00", "2027-10-31T02:30"),
        ("0 2 * * *", "Europe/Paris", "2027-10-30T12:00+02:00", "2027-10-31T02:00"),
        ("30 1 * * *", "America/New_York", "2027-11-06T12:00-04:00", "2027-11-07T01:30"),
        ("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T12:00+11:00", "2027-04-04T01:45"),
    ],
)
def test_f39_croniter_fires_a_time_of_day_twice_in_autumn_and_the_guard_once(
    expression: str, zone: str, noon: str, wall: str
) -> None:
    start = datetime.fromisoformat(noon).astimezone(ZoneInfo(zone))
    raw = croniter(expression, start)
    walls = [f"{raw.get_next(datetime):%Y-%m-%dT%H:%M}" for _ in range(3)]
    assert walls.count(wall) == 2
    assert [fire.key for fire in Cron(expression, ZoneInfo(zone)).next_runs(start)].count(wall) == 1


@pytest.mark.parametrize(
    ("expression", "zone", "before", "gap_ends"),
    [
        ("30 2 * * *", "Europe/Paris", "2027-03-28T00:00+01:00", "2027-03-28T03:00"),
        ("15,45 2 * * *", "Europe/Paris", "2027-03-28T00:00+01:00", "2027-03-28T03:00"),
        ("30 2 * * *", "America/New_York", "2027-03-14T00:00-05:00", "2027-03-14T03:00"),
        ("15 2 * * *", "Australia/Lord_Howe", "2027-10-03T00:00+10:30", "2027-10-03T02:30"),
    ],
)
def test_f39_a_time_of_day_in_the_spring_gap_runs_once_at_the_first_minute_after_it(
    expression: str, zone: str, before: str, gap_ends: str
) -> None:
    first, second, *_ = Cron(expression, ZoneInfo(zone)).next_runs(datetime.fromisoformat(before))
    assert first.key == gap_ends
    assert second.at - first.at > timedelta(hours=22)


def test_f39_a_fire_missed_in_the_first_pass_may_still_come_in_the_second() -> None:
    cron = Cron("30 2 * * *", PARIS)
    between = datetime(2027, 10, 31, 0, 45, tzinfo=UTC)
    second = cron.next_after(between)
    assert second == Fire(datetime(2027, 10, 31, 1, 30, tzinfo=UTC), "2027-10-31T02:30")
    first = cron.fire(datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
    assert first.key == second.key
    assert cron.next_after(between, first).key == "2027-11-01T02:30"


def test_the_key_of_a_time_of_day_is_its_wall_minute_and_that_of_a_cadence_its_utc_minute() -> None:
    after = datetime(2027, 10, 31, 0, 20, tzinfo=UTC)
    assert [fire.key for fire in Cron("30 2 * * *", PARIS).next_runs(after, 2)] == [
        "2027-10-31T02:30",
        "2027-11-01T02:30",
    ]
    assert [fire.key for fire in Cron("30 * * * *", PARIS).next_runs(after, 2)] == [
        "2027-10-31T00:30Z",
        "2027-10-31T01:30Z",
    ]


_HINT = "Examples: `0 2 * * *` (every day at 02:00)"


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("* * * * * *", "has 6 fields; a cron expression has five"),  # B53
        ("0 2 * * * 0 2027", "has 7 fields"),
        ("2", "has 1 field;"),
        ("", "An empty text is no cron expression"),
        (
            "60 * * * *",
            "`60` in the field for the minute is out of range. That field takes numbers from 0 to 59",
        ),  # B54
        ("0 24 * * *", "field for the hour is out of range. That field takes numbers from 0 to 23"),
        ("0 0 0 * *", "day of the month is out of range"),
        ("0 0 1 13 *", "field for the month is out of range"),
        ("0 0 * * 8", "field for the weekday is out of range"),
        ("0 0 31 2 *", "never happens"),  # B55
        ("0 0 30,31 2 *", "never happens"),
        ("*/0 * * * *", "has a step outside 1–59"),  # B56
        ("*/90 * * * *", "has a step outside 1–59"),
        ("* * * * *", "runs as often as every 1 min; the least interval here is 5 min"),  # B57
        ("*/4 * * * *", "runs as often as every 4 min"),
        ("58,2 * * * *", "runs as often as every 4 min"),
        ("R * * * *", "`r` in the field for the minute is no number"),
        ("H * * * *", "is no number"),
        ("R(0-5) * * * *", "cannot be read"),
        ("0 0 ? * *", "cannot be read"),
        ("0 0 L * *", "is no number"),
        ("0 0 15W * *", "is no number"),
        ("0 0 * * 1#2", "cannot be read"),
        ("0 0 * * L5", "is no number"),
        ("@reboot", "There are `@hourly`, `@daily`, `@weekly`, `@monthly`"),
        ("@2am", "is no rhythm that I know"),
        ("0 22-2 * * *", "runs backwards"),
        ("5/15 * * * *", "write `5-59/15`"),
        ("-5 * * * *", "cannot be read"),
        ("0 9 * * 1,,2", "An empty text in the field for the weekday"),
        ("0 9 * * mo", "names from `sun` to `sat`"),
        ("0 9 * mon *", "names from `jan` to `dec`"),
        ("٠ ٢ * * *", "cannot be read"),
        ("0 2 * * `<!channel>", "`<!channel>` in the field"),
        ("0," * 200 + "0 2 * * *", "is no cron expression"),
    ],
)
def test_a_rhythm_that_cannot_be_is_refused_with_the_field_at_fault(expression: str, why: str) -> None:
    with pytest.raises(TimeRefused) as refused:
        parse_cron(expression, PARIS, now=NOW)
    assert why in str(refused.value)
    assert _HINT in str(refused.value)


def test_b57_an_administrator_may_allow_a_closer_rhythm() -> None:
    assert parse_cron("* * * * *", PARIS, now=NOW, least=MINUTE).expression == "* * * * *"
    assert parse_cron("*/5 * * * *", PARIS, now=NOW)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("  0  2\t* * * ", "0 2 * * *"),
        ("0 9 * JAN MON-FRI", "0 9 * jan mon-fri"),
    ],
)
def test_what_is_typed_is_kept_in_plain_fields(typed: str, meant: str) -> None:
    assert parse_cron(typed, PARIS, now=NOW).expression == meant


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 9 * * mon-fri", "0 9 * * 1-5"),
        ("0 9 * * fri-sun", "0 9 * * 0,5,6"),
        ("0 9 * * 7", "0 9 * * sun"),
        ("0 9 * * 5-7", "0 9 * * 0,5-6"),
        ("0 9 1 feb,dec *", "0 9 1 2,12 *"),
        ("5-5 2 * * *", "5 2 * * *"),  # to croniter `5-5` is every minute
        ("30 0-23 * * *", "30 * * * *"),
        ("0 9 1-31 * 1", "0 9 * * 1"),
    ],
)
def test_two_ways_to_write_a_rhythm_mean_the_same(one: str, other: str) -> None:
    for start, _ in nights(PARIS):
        assert Cron(one, PARIS).next_runs(start, 12) == Cron(other, PARIS).next_runs(start, 12)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(sorted).map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.integers(1, high - low)
    term = st.one_of(
        st.just("*"),
        number.map(str),
        span,
        st.builds("*/{}".format, step),
        st.builds("{}/{}".format, span, step),
    )
    return st.one_of(st.just("*"), st.lists(term, min_size=1, max_size=3).map(",".join))


expressions = st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 7)).map(
    " ".join
)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from([*ZONES, "America/Santiago", "Antarctica/Troll"]).map(ZoneInfo)


@given(
    expression=expressions | st.text("0123456789*/-,@RHL#? monjan", max_size=20), zone=zones, after=instants
)
@example(expression="0 0 29 2 */7", zone=PARIS, after=datetime(2096, 3, 1, tzinfo=UTC))
def test_an_expression_that_is_taken_has_three_runs_that_come_one_after_the_other(
    expression: str, zone: ZoneInfo, after: datetime
) -> None:
    try:
        cron = parse_cron(expression, zone, now=after, least=MINUTE)
    except TimeRefused as refused:
        assert str(refused).isprintable()
        return
    assert croniter.is_valid(cron.expression)
    fires = cron.next_runs(after)
    assert after < fires[0].at < fires[1].at < fires[2].at
    assert len({fire.key for fire in fires}) == 3
    assert all(fire.at.second == fire.at.microsecond == 0 for fire in fires)


@given(
    expression=st.sampled_from([*TIMES_OF_DAY, *CADENCES]) | expressions,
    zone=zones,
    change=st.integers(0, 19),
    seconds=st.integers(-2 * 86400, 86400),
    share=st.floats(0, 0.999),
)
def test_from_any_instant_the_next_run_is_ahead_and_the_same_until_it_comes(
    expression: str, zone: ZoneInfo, change: int, seconds: int, share: float
) -> None:
    try:
        cron = parse_cron(expression, zone, now=NOW, least=MINUTE)
    except TimeRefused:
        return
    nights = changes(zone) or [NOW]
    instant = nights[change % len(nights)] + timedelta(seconds=seconds)
    fire = cron.next_after(instant)
    assert fire.at > instant
    assert cron.next_after(instant) == fire
    later = int(share * (fire.at - instant).total_seconds())
    assert cron.next_after(instant + timedelta(seconds=later)) == fire
    assert cron.fire(fire.at) == fire
