"""When a limit lifts, from every sentence in which a provider or its CLI has been seen to say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from executor.limits import LONGEST, from_unix, next_quota_day, resets_at, wait, zone_named

NOW = datetime(2026, 11, 20, 22, 26, tzinfo=UTC)
ZONES = (
    "UTC",
    "Asia/Kuala_Lumpur",
    "Asia/Kathmandu",  # 5:45 ahead
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "Australia/Lord_Howe",  # goes forward by half an hour
    "Europe/Berlin",
    "Africa/Casablanca",  # back for Ramadan
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        # Claude Code
        ("You've hit your 5-hour limit · resets 9:15am (Asia/Kuala_Lumpur)", utc(2026, 11, 21, 1, 15)),
        ("You've hit your 5-hour limit · resets 9pm (Asia/Kuala_Lumpur)", utc(2026, 11, 21, 13)),
        ("You've hit your session limit · resets 1:29am (UTC)", utc(2026, 11, 21, 1, 29)),
        ("You've hit your limit · resets 12am (Europe/Paris)", utc(2026, 11, 20, 23)),
        ("You've hit your limit · resets 12pm (Europe/Paris)", utc(2026, 11, 21, 11)),
        (
            "You've hit your weekly limit · resets Nov 25, 6:29am (Asia/Kuala_Lumpur)",
            utc(2026, 11, 24, 22, 29),
        ),
        ("You've hit your Opus limit · resets Nov 25, 2026, 6pm (America/New_York)", utc(2026, 11, 25, 23)),
        ("Claude AI usage limit reached|1795223753", utc(2026, 11, 21, 1, 15, 53)),
        ("Claude usage limit reached. Your limit will reset at 1pm (Etc/GMT+5).", utc(2026, 11, 21, 18)),
        ("5-hour limit reached ∙ resets 3pm", utc(2026, 11, 21, 15)),
        ("resets 3:00 AM (UTC)", utc(2026, 11, 21, 3)),
        ("Fast limit reached, fast mode paused · resets in 2h 15m", later(hours=2, minutes=15)),
        # Codex
        ("You’ve hit your usage limit. Upgrade to Pro or try again at 11:26 PM.", utc(2026, 11, 20, 23, 26)),
        ("You’ve hit your usage limit. Try again at Nov 22nd, 2026 1:05 AM.", utc(2026, 11, 22, 1, 5)),
        ("or try again at Nov 25th, 11:26 PM.", utc(2026, 11, 25, 23, 26)),
        ("or try again at Nov 25, 11:26 PM", utc(2026, 11, 25, 23, 26)),
        ("or try again at 11:26\u202fPM.", utc(2026, 11, 20, 23, 26)),
        ("Upgrade to Pro or try again in 4 days 3 hours.", later(days=4, hours=3)),
        ("Upgrade to Pro or try again in 2 hours 5 minutes.", later(hours=2, minutes=5)),
        ("Rate limit reached for gpt-5. Please try again in 1.898s.", later(seconds=1.898)),
        ('{"type":"usage_limit_reached","resets_at":1795223753}', utc(2026, 11, 21, 1, 15, 53)),
        ('{"type":"usage_limit_reached","resets_in_seconds":3600}', later(hours=1)),
        # Gemini CLI
        ("Please retry in 12h3m.", later(hours=12, minutes=3)),
        ("'Please retry in 892.5ms.',", later(milliseconds=892.5)),
        ("Your quota will reset after 3h20m5s..", later(hours=3, minutes=20, seconds=5)),
        ("Your quota will reset after 21h53m56s.", later(hours=21, minutes=53, seconds=56)),
        ("reset after 1d2h", later(days=1, hours=2)),
        ("Retrying after 12832388ms...", later(milliseconds=12_832_388)),
        ("Suggested retry after 3s.. Retrying after 31749ms...", later(milliseconds=31_749)),
        ('{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3s"}', later(seconds=3)),
        ('"retryDelay": "34.074824224s"', later(seconds=34.074824)),
        # values without a sentence
        ("in 3h20m", later(hours=3, minutes=20)),
        ("3s", later(seconds=3)),
        ("3600", later(hours=1)),
        ("Retry-After: 7", later(seconds=7)),
        ("1795223753", utc(2026, 11, 21, 1, 15, 53)),
        ("1795223753000", utc(2026, 11, 21, 1, 15, 53)),
        ("2026-11-21T01:15:53Z", utc(2026, 11, 21, 1, 15, 53)),
        ("resets at 2026-11-21T09:15:53.5+08:00.", utc(2026, 11, 21, 1, 15, 53, 500_000)),
        ("2026-11-21 01:15", utc(2026, 11, 21, 1, 15)),
        # just over: worth a try soon, and not the same time tomorrow
        ("You have exhausted your capacity. Your quota will reset after 0s.", later(minutes=1)),
        ("resets 10:25pm (UTC)", later(minutes=1)),
        ("1795213530", later(minutes=1)),
        # over, so the next one is meant
        ("resets 10:20pm (UTC)", utc(2026, 11, 21, 22, 20)),
    ],
)
def test_a_notice_says_when_its_limit_lifts(text: str, moment: datetime) -> None:
    """F35."""
    assert resets_at(text, now=NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You've hit your monthly spend limit",
        "API Error: Request rejected (429) · This request would exceed your account's rate limit.",
        "exceeded retry limit, last status: 429 Too Many Requests",
        "You’ve hit your usage limit. Try again later.",
        "12h3m of work",
        "Please retry in a while.",
        "try again in 3 months",
        "retry after 30 or so",
        # a zone that is not known may be half a day off
        "resets 9pm (Mars/Olympus)",
        "resets 9pm (../../etc/passwd)",
        "resets 9pm (America)",
        "resets 9pm PST",
        "resets 9pm UTC+8",
        # no such time
        "resets 25pm (UTC)",
        "resets 0am (UTC)",
        "resets 9:75pm (UTC)",
        "resets Feb 30, 9am (UTC)",
        "2026-11-31T01:15:53Z",
        # long over, or too far ahead
        "Claude AI usage limit reached|1749924000",
        "resets Nov 15, 6:29am (UTC)",
        "resets Nov 29, 6:29am (UTC)",
        "resets Jan 3, 2027, 6:29am (Asia/Kuala_Lumpur)",
        "2026-11-20T22:20:00Z",
        "try again in 9 days",
        "Retrying after 99999999999ms...",
        "999999999d 999999999d",
    ],
)
def test_what_names_nothing_to_be_believed_is_not_guessed_at(text: str) -> None:
    """F35."""
    assert resets_at(text, now=NOW) is None


def test_a_year_that_ends_in_between_needs_no_name() -> None:
    now = utc(2026, 12, 30, 12)
    expected = utc(2027, 1, 2, 22, 29)
    for text in (
        "resets Jan 3, 6:29am (Asia/Kuala_Lumpur)",
        "resets Jan 3, 2027, 6:29am (Asia/Kuala_Lumpur)",
    ):
        assert resets_at(text, now=now) == expected


def test_a_leap_day_is_found() -> None:
    assert resets_at("resets Feb 29, 9am (UTC)", now=utc(2028, 2, 27)) == utc(2028, 2, 29, 9)


def test_a_time_without_a_zone_is_one_of_the_agents() -> None:
    text = "try again at 11:26 PM."
    assert resets_at(text, now=NOW, zone=ZoneInfo("Asia/Kathmandu")) == utc(2026, 11, 21, 17, 41)
    assert resets_at(text, now=NOW, zone=timezone(timedelta(hours=-3))) == utc(2026, 11, 21, 2, 26)


@pytest.mark.parametrize(
    ("text", "now", "moment"),
    [
        # 2:30 does not exist on that day in New York: 3:00 follows on 1:59
        ("resets 2:30am (America/New_York)", utc(2026, 3, 8, 5), utc(2026, 3, 8, 7)),
        # in Lord Howe 2:15 is skipped, and half an hour later it is 2:45
        ("resets 2:15am (Australia/Lord_Howe)", utc(2026, 10, 3, 12), utc(2026, 10, 3, 15, 30)),
        # 1:30 comes twice: the first one, and once that is over the second
        ("resets 1:30am (America/New_York)", utc(2026, 11, 1, 5), utc(2026, 11, 1, 5, 30)),
        ("resets 1:30am (America/New_York)", utc(2026, 11, 1, 5, 45), utc(2026, 11, 1, 6, 30)),
        ("resets Nov 1, 1:30am (America/New_York)", utc(2026, 10, 30), utc(2026, 11, 1, 5, 30)),
    ],
)
def test_a_day_on_which_clocks_change_is_read_as_documented(
    text: str, now: datetime, moment: datetime
) -> None:
    assert resets_at(text, now=now) == moment


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Attempt 1 failed: quota. Retrying after 5024ms...", timedelta(milliseconds=5024)),
        ("Please retry in 3.999s.\nSuggested retry after 3s.", timedelta(seconds=3.999)),
        ("Retrying after 950400000ms...", timedelta(days=11)),
        ("Please retry in 999999999d", timedelta(days=366)),
        ("Please retry in 99999999999999d", None),
        ("Retrying with backoff...", None),
    ],
)
def test_a_wait_is_told_even_where_it_is_not_to_be_believed(text: str, span: timedelta | None) -> None:
    assert wait(text) == span


def test_a_unix_time_is_held_to_the_same_bounds() -> None:
    seconds = NOW.timestamp()
    assert from_unix(seconds + 5.5, now=NOW) == later(seconds=5.5)
    for far in (seconds - 600, seconds + 9 * 86_400, 0, 9e15):
        assert from_unix(far, now=NOW) is None


def test_the_quota_day_starts_at_midnight_on_the_west_coast() -> None:
    assert next_quota_day(NOW) == utc(2026, 11, 21, 8)
    summer = utc(2026, 7, 1, 6, 59)
    assert next_quota_day(summer) == utc(2026, 7, 1, 7)
    assert next_quota_day(summer + timedelta(minutes=1)) == utc(2026, 7, 2, 7)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "America", "../etc/passwd", "a\0b", "Asia/Ké", "x" * 300]
)
def test_what_names_no_zone_is_none(name: str) -> None:
    assert zone_named(name) is None


# Moments over two years: with them come both days of the year on which the clocks of a zone change.
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
SPANS = st.timedeltas(timedelta(minutes=3), LONGEST - timedelta(minutes=1))


def clock(local: datetime, *, short: bool) -> str:
    text = f"{local.hour % 12 or 12}:{local:%M}"
    return text.removesuffix(":00") if short else text


def claude_says(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """How Claude Code words it: a date where it is more than a day ahead, a year where that is another."""
    local = moment.astimezone(zone)
    text = f"{clock(local, short=True)}{local:%p}".lower()
    if moment - now > timedelta(days=1):
        year = "" if local.year == now.astimezone(zone).year else f"{local.year}, "
        text = f"{local:%b} {local.day}, {year}{text}"
    return f"You've hit your 5-hour limit · resets {text} ({zone.key})"


def codex_says(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """How Codex words it: a date where it is another day."""
    local = moment.astimezone(zone)
    text = f"{clock(local, short=False)} {local:%p}"
    if local.date() != now.astimezone(zone).date():
        ordinal = "th" if 11 <= local.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(local.day % 10, "th")
        text = f"{local:%b} {local.day}{ordinal}, {local.year} {text}"
    return f"You’ve hit your usage limit. Upgrade to Pro or try again at {text}."


@given(MOMENTS, SPANS, st.sampled_from(ZONES).map(ZoneInfo))
@example(utc(2026, 10, 31, 12), timedelta(hours=17, minutes=30), ZoneInfo("America/New_York"))
@example(utc(2026, 10, 31, 12), timedelta(hours=18, minutes=30), ZoneInfo("America/New_York"))
@example(utc(2026, 4, 4, 6), timedelta(hours=8, minutes=45), ZoneInfo("Australia/Lord_Howe"))
@example(utc(2026, 10, 3, 6), timedelta(hours=9, minutes=30), ZoneInfo("Australia/Lord_Howe"))
@example(utc(2026, 12, 31, 12), timedelta(days=3), ZoneInfo("Asia/Kathmandu"))
def test_what_a_cli_words_is_read_back_to_the_minute(now: datetime, span: timedelta, zone: ZoneInfo) -> None:
    # What is worded as two minutes ago is taken for just over, and not for tomorrow.
    assume(not timedelta(hours=23, minutes=57) < span <= timedelta(days=1))
    moment = now + span
    minute = moment.replace(second=0, microsecond=0)
    # Where clocks are set back an hour comes twice, and no sentence tells which one is meant.
    other = moment.astimezone(zone).replace(fold=0).astimezone(UTC).replace(second=0, microsecond=0)
    for says in (claude_says, codex_says):
        read = resets_at(says(moment, now, zone), now=now, zone=zone)
        assert read in (minute, other)


@given(MOMENTS, st.timedeltas(timedelta(minutes=-2), timedelta(0)), st.sampled_from(ZONES).map(ZoneInfo))
def test_a_limit_that_lifts_this_very_minute_is_not_waited_for_until_tomorrow(
    now: datetime, span: timedelta, zone: ZoneInfo
) -> None:
    ago = (now + span).replace(second=0, microsecond=0)
    if now - ago <= timedelta(minutes=2):
        read = resets_at(codex_says(ago, ago, zone), now=now, zone=zone)
        assert read is not None
        assert now < read <= now + timedelta(minutes=1)


PIECES = st.sampled_from(
    [
        *(
            "resets ",
            "reset after ",
            "retry in ",
            "Retrying after ",
            "try again at ",
            "limit reached|",
            "at ",
        ),
        *("9pm", "12:59am", "25pm", " (UTC)", " (Asia/Kathmandu)", " (America)", " UTC", " PST", "Nov 25, "),
        *(
            "Feb 29, ",
            "2027, ",
            "3h",
            "20m",
            "5s",
            "12ms",
            " days",
            "999999999d",
            "1795223753",
            "000",
            "3600",
        ),
        *(
            "2026-11-21T01:15:53",
            "Z",
            "+23:59",
            "-2400",
            '"resets_at":',
            '"retryDelay":"',
            ".5",
            "ſ",
            "٣",
            "\n",
        ),
    ]
)
NOTICES = st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join)


@given(NOTICES, st.datetimes(datetime(2020, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC)))
@example("retry in " + "9" * 5000 + "d", NOW)
@example("resets " * 2000, NOW)
@example("retry in " + "1d " * 5000, NOW)
@example("try again in 1ſ", NOW)
def test_whatever_is_read_lies_ahead_and_within_reason(text: str, now: datetime) -> None:
    for zone in (UTC, ZoneInfo("Australia/Lord_Howe")):
        read = resets_at(text, now=now, zone=zone)
        if read is not None:
            assert now < read <= now + LONGEST
            assert read.tzinfo is UTC
