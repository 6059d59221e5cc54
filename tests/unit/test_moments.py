from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor.moments import HORIZON, Moment, TimeRefused, echo, parse_at, parse_in, parse_zone, quoted, span

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 20, 12, 46, tzinfo=UTC)
"""A Friday, 13:46 in Paris."""
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "UTC")
NIGHTS = [
    datetime(2027, 3, 28, 0, 30, tzinfo=UTC),  # before the gap of Paris
    datetime(2027, 10, 31, 0, 10, tzinfo=UTC),  # 02:10 of Paris, for the first time
    datetime(2027, 10, 31, 1, 10, tzinfo=UTC),  # and for the second
]


def at(text: str, now: datetime = NOW, zone: ZoneInfo = PARIS) -> Moment:
    return parse_at(text, now=now, zone=zone)


def refusal(text: str, now: datetime = NOW) -> str:
    with pytest.raises(TimeRefused) as refused:
        at(text, now)
    return str(refused.value)


def of_echo(text: str) -> datetime:
    """The instant that an echo names."""
    found = re.match(r"\w{3} (\d+ \w{3} \d{4}, \d\d:\d\d)(:\d\d)? \(([\w/+-]+?)(?:, UTC(.{6}))?\), in ", text)
    assert found, text
    local = datetime.strptime(f"{found[1]}{found[2] or ':00'}", "%d %b %Y, %H:%M:%S")
    if found[4]:
        return datetime.fromisoformat(f"{local.isoformat()}{found[4]}")
    return local.replace(tzinfo=ZoneInfo(found[3]))


@pytest.mark.parametrize(
    ("text", "local", "note"),
    [
        ("18:00", "2026-11-20 18:00", ""),
        ("13:47", "2026-11-20 13:47", ""),
        ("13:46", "2026-11-21 13:46", "that is tomorrow"),
        ("02:00", "2026-11-21 02:00", "that is tomorrow"),
        ("7:00", "2026-11-21 07:00", "that is tomorrow"),
        ("18:00:30", "2026-11-20 18:00:30", ""),
        ("today 18:00", "2026-11-20 18:00", ""),
        ("tomorrow 09:30", "2026-11-21 09:30", ""),
        ("  Tomorrow   9:30 ", "2026-11-21 09:30", ""),
        ("mon 7:00", "2026-11-23 07:00", ""),
        ("sunday 07:00", "2026-11-22 07:00", ""),
        ("fri 15:00", "2026-11-20 15:00", ""),
        ("friday 9:00", "2026-11-27 09:00", "that is in a week, as today's is past"),
        ("2026-12-24 18:00", "2026-12-24 18:00", ""),
        ("2026-12-24T18:00", "2026-12-24 18:00", ""),
        ("2026-12-24T18:00:00+08:00", "2026-12-24 11:00", ""),
        ("2026-12-24T18:00:00Z", "2026-12-24 19:00", ""),
        ("2026-12-24 18:00 -0330", "2026-12-24 22:30", ""),
        ("2027-11-20 13:46", "2027-11-20 13:46", ""),
    ],
)
def test_a_time_is_read_on_the_clock_of_the_person(text: str, local: str, note: str) -> None:
    moment = at(text)
    assert moment.at == datetime.fromisoformat(local).replace(tzinfo=PARIS)
    assert moment.at.tzinfo is UTC
    assert moment.notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "An empty text is no time"),
        ("9pm", "`9pm` is no time"),
        ("tomorrow at 9", "`tomorrow at 9` is no time"),
        ("in may", "`in may` is no time"),
        ("18.00", "`18.00` is no time"),
        ("25:00", "`25:00` is no time of day: hours go from 0 to 23"),
        ("24:00", "`24:00` is no time of day"),
        ("18:60", "`18:60` is no time of day"),
        ("18:00:60", "`18:00:60` is no time of day"),
        ("18:00+02:00", "is no time"),
        ("monda 7:00", "I know no day `monda`. Did you mean `monday`?"),
        ("zzz 7:00", "I know no day `zzz`."),
        ("2026-02-30 10:00", "`2026-02-30` is no day of the calendar"),
        ("0000-01-01 10:00", "`0000-01-01` is no day of the calendar"),
        ("2026-12-24 18:00+25:00", "`+25:00` is no offset from UTC"),  # B62
        ("2026-12-24 18:00+14:30", "`+14:30` is no offset from UTC"),
        ("2026-12-24 18:00-12:01", "`-12:01` is no offset from UTC"),
        ("2026-12-24 18:00+01:60", "`+01:60` is no offset from UTC"),
        ("2025-01-01 10:00", "is past: it is Fri 20 Nov 2026, 13:46 (Europe/Paris) now"),  # B58
        ("2026-11-20T12:46:00Z", "is past: it is Fri 20 Nov 2026, 13:46 (Europe/Paris) now"),
        ("today 13:46", "is past"),
        ("0001-01-01T00:00:00+14:00", "is past"),
        ("9999-12-31 23:59", "is more than a year ahead"),  # B63
        ("9999-12-31T23:59:59-12:00", "is more than a year ahead"),
        ("2027-11-22 13:46", "is more than a year ahead"),
        ("2027-03-28 02:30", "There is no 02:30 on Sun 28 Mar 2027 in Europe/Paris"),  # B60
        ("٠٢:٠٠", "is no time"),
        ("18:00`\u202e<!channel>", "`18:00  <!channel>` is no time"),
        ("1" * 5000, "…` is no time"),
        ("18:00" + " " * 80, "is no time"),
    ],
)
def test_what_is_refused_says_what_is_wrong_and_shows_examples(text: str, why: str) -> None:
    answer = refusal(text)
    assert why in answer
    assert "Examples: `18:00`, `tomorrow 09:30`, `mon 7:00`, `2026-11-27 18:00`" in answer
    assert len(answer) < 500


def test_b60_a_time_in_the_spring_gap_is_refused_with_its_two_neighbours() -> None:
    assert "The nearest times are 01:59 and 03:00." in refusal("2027-03-28 02:30")
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    with pytest.raises(TimeRefused, match="nearest times are 01:59 and 02:30"):
        at("2027-10-03 02:10", zone=lord_howe)
    with pytest.raises(TimeRefused, match="nearest times are 01:59 and 03:00"):
        at("02:30", now=datetime(2027, 3, 28, 0, 30, tzinfo=UTC))


def test_a_gap_that_is_past_does_not_stand_in_the_way_of_tomorrow() -> None:
    moment = at("02:30", now=datetime(2027, 3, 28, 8, tzinfo=UTC))
    assert moment.at == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)


def test_a_time_that_comes_twice_means_the_first_and_says_so() -> None:
    moment = at("2027-10-31 02:30")
    assert moment.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert echo(moment, NOW) == (
        "Sun 31 Oct 2027, 02:30 (Europe/Paris, UTC+02:00), in 344 d 12 h; "
        "that time comes twice on that day; the first one is taken"
    )


@pytest.mark.parametrize("text", ["2027-10-31 02:30", "02:30", "today 02:30", "sun 02:30"])
def test_between_the_two_the_one_still_ahead_is_meant(text: str) -> None:
    moment = at(text, now=datetime(2027, 10, 31, 0, 45, tzinfo=UTC))
    assert moment.at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert "second one, as the first is past, is taken" in moment.notes[0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5400),
        ("2h30m", 9000),
        ("2h 30m", 9000),
        ("1D", 86400),
        ("45s", 45),
        ("1d2h3m4s", 93784),
        ("1s", 1),
        ("366d", 31622400),
    ],
)
def test_a_span_counts_from_now(text: str, seconds: int) -> None:
    assert parse_in(text, now=NOW, zone=PARIS).at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "An empty text is no span"),
        ("0m", "is no time at all"),
        ("30m2h", "in this order"),
        ("1.5h", "is no span"),
        ("-5m", "is no span"),
        ("90", "is no span"),
        ("1e309s", "is no span"),
        ("١h", "is no span"),
        ("367d", "is more than a year ahead"),
        ("9" * 79 + "d", "is more than a year ahead"),
        ("0" * 90 + "1d", "is no span"),
    ],
)
def test_a_span_that_is_none_is_refused_with_examples(text: str, why: str) -> None:
    with pytest.raises(TimeRefused) as refused:
        parse_in(text, now=NOW, zone=PARIS)
    assert why in str(refused.value)
    assert "Examples: `45s`, `90m`, `2h30m`, `1d`." in str(refused.value)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Paris", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("Asia/Kuala Lumpur", "Asia/Kuala_Lumpur"),
        ("utc", "UTC"),
    ],
)
def test_a_zone_is_an_iana_name(name: str, zone: str) -> None:
    assert parse_zone(name).key == zone


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("Mars/Base", "`Mars/Base` is no time zone. The nearest are: "),  # B61
        ("Paris", "`Europe/Paris`"),
        ("kuala lumpur", "`Asia/Kuala_Lumpur`"),
        ("Europe/Pariss", "`Europe/Paris`"),
        ("+08:00", "Examples: `Europe/Paris`"),
        ("../../etc/passwd", "`../../etc/passwd` is no time zone"),
        ("localtime", "is no time zone"),
        ("", "An empty text is no time zone"),
        ("x" * 5000, "…` is no time zone"),
    ],
)
def test_b61_an_unknown_zone_is_answered_with_the_nearest(name: str, answer: str) -> None:
    with pytest.raises(TimeRefused) as refused:
        parse_zone(name)
    assert answer in str(refused.value)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (45, "45 s"),
        (59.6, "1 min"),
        (720, "12 min"),
        (11520, "3 h 12 min"),
        (10800, "3 h"),
        (86399, "1 d"),
        (187200, "2 d 4 h"),
        (31536000, "365 d"),
    ],
)
def test_a_length_of_time_is_said_by_its_two_largest_units(seconds: float, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_the_echo_names_local_time_zone_and_how_long_until_then() -> None:
    moment = at("02:00", now=datetime(2026, 11, 20, 21, 48, tzinfo=UTC))
    now = datetime(2026, 11, 20, 21, 48, tzinfo=UTC)
    assert echo(moment, now) == "Sat 21 Nov 2026, 02:00 (Europe/Paris), in 3 h 12 min; that is tomorrow"


clocks = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
days = st.sampled_from(
    ["", "today ", "tomorrow ", "mon ", "sunday ", "2027-03-28 ", "2027-10-31T", "2027-10-03 "]
)
offsets = st.sampled_from(["", "", "Z", "+08:00", "-03:30", "+14"])
typed = st.builds("{}{}{}".format, days, clocks, offsets)
nows = st.datetimes(datetime(2026, 11, 1), datetime(2027, 12, 1), timezones=st.just(UTC))
zones = st.sampled_from(ZONES).map(ZoneInfo)


@given(text=typed, now=nows | st.sampled_from(NIGHTS), zone=zones)
@example(text="2027-10-31 02:30", now=NIGHTS[1], zone=PARIS)
@example(text="02:30", now=NIGHTS[2], zone=PARIS)
def test_the_echo_of_a_time_names_the_instant_that_was_taken(
    text: str, now: datetime, zone: ZoneInfo
) -> None:
    try:
        moment = parse_at(text, now=now, zone=zone)
    except TimeRefused:
        return
    assert now < moment.at <= now + HORIZON
    assert of_echo(echo(moment, now)) == moment.at


@given(days=clocks, now=nows, zone=zones)
def test_a_bare_time_is_within_a_day_and_reads_so_on_the_wall(
    days: str, now: datetime, zone: ZoneInfo
) -> None:
    try:
        moment = parse_at(days, now=now, zone=zone)
    except TimeRefused as refused:
        assert "The nearest times are" in str(refused)
        return
    assert moment.at.astimezone(zone).strftime("%H:%M") == days
    assert moment.at - now <= timedelta(hours=25)


@given(st.text(max_size=100) | st.text("0123456789:-+ tzdhms", max_size=30), zones)
@example("2026-12-24 18:00+99:99", PARIS)
@example("\ud800", PARIS)
def test_any_text_is_read_or_refused_in_a_sentence_that_is_safe_to_show(text: str, zone: ZoneInfo) -> None:
    for parse in (parse_at, parse_in):
        try:
            moment = parse(text, now=NOW, zone=zone)
        except TimeRefused as refused:
            shown = str(refused)
            assert shown.isprintable() and shown.count("`") % 2 == 0
        else:
            assert NOW < moment.at <= NOW + HORIZON
    try:
        parse_zone(text)
    except TimeRefused as refused:
        assert str(refused).isprintable()


def test_words_of_others_are_repeated_in_short() -> None:
    assert quoted("a`b\nc\u202ed") == "`a b c d`"
    assert len(quoted("x" * 200)) == 82
