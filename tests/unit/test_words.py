"""Figures and texts as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.news.words import between_signs, duration, excerpt, money, state, took
from executor.model import JobStatus, Usage

FAMILY = "👩‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "unknown"),
        (0.0, "$0.00"),
        (0.0042, "$0.0042"),
        (0.01, "$0.01"),
        (0.42, "$0.42"),
        (1234.5, "$1234.50"),
    ],
)
def test_money_is_exact_where_it_is_little_and_unknown_is_not_nothing(usd: float | None, text: str) -> None:
    assert money(usd) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "unknown"),
        (-40, "0.0s"),
        (0, "0.0s"),
        (840, "0.8s"),
        (9_949, "9.9s"),
        (9_950, "10s"),
        (42_000, "42s"),
        (59_600, "1m 00s"),
        (133_000, "2m 13s"),
        (3_599_600, "1h 00m"),
        (3_900_000, "1h 05m"),
        (360_000_000, "100h 00m"),
    ],
)
def test_durations_are_short(milliseconds: float | None, text: str) -> None:
    assert duration(milliseconds) == text


def test_what_a_job_took_stands_on_one_line() -> None:
    assert (
        took(Usage(cost_usd=0.42, turns=14, duration_ms=133_000)) == "cost $0.42 · turns 14 · duration 2m 13s"
    )
    assert took(Usage()) == "cost unknown · turns unknown · duration unknown"


def test_a_status_is_said_in_words() -> None:
    assert [state(status) for status in JobStatus] == [
        "pending",
        "scheduled",
        "running",
        "done",
        "failed",
        "rate limited",
        "cancelled",
    ]


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("", 10, ""),
        ("  one\n two\tthree ", 20, "one two three"),
        ("exactly ten", 11, "exactly ten"),
        ("a longer text than fits", 12, "a longer…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("a " + "x" * 30, 10, "a " + "x" * 7 + "…"),
    ],
)
def test_an_excerpt_is_one_line_and_ends_at_a_word_where_one_is_near(
    text: str, length: int, short: str
) -> None:
    assert excerpt(text, length) == short


@given(st.text(), st.integers(2, 50))
def test_an_excerpt_never_exceeds_its_length(text: str, length: int) -> None:
    short = excerpt(text, length)
    assert len(short) <= length
    assert "\n" not in short


@pytest.mark.parametrize("sign", [FAMILY, "🇩🇪", "👍🏽", "e\u0301\u0323", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"])
@pytest.mark.parametrize("offset", range(8))
def test_no_sign_is_cut_in_two(sign: str, offset: int) -> None:
    """B23."""
    text = "x" * offset + sign * 12
    for cut in range(offset, len(text)):
        head = text[: between_signs(text, cut)].strip("x")
        assert head == sign * (len(head) // len(sign))


def test_a_letter_under_a_thousand_marks_is_cut_all_the_same() -> None:
    """B22."""
    assert between_signs("a" + "\u0301" * 1000, 500) == 500
