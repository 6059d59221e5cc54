"""Log lines: one JSON object each, whatever it holds."""

from __future__ import annotations

import json
import logging
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.logs import JsonLines


def line(message: str, *args: object, level: int = logging.INFO, **extra: object) -> str:
    record = logging.getLogger("bot.test").makeRecord(
        "bot.test", level, __file__, 1, message, args, None, extra=extra
    )
    return JsonLines().format(record)


def entry(*args: Any, **extra: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(line(*args, **extra))
    return read


def test_a_line_says_when_how_grave_where_and_what() -> None:
    read = entry("slack.refused: %s", "no token", level=logging.ERROR, job_id="3fa9c1", place=Exception("x"))
    assert read.pop("at").endswith("+00:00")
    assert read == {
        "level": "error",
        "logger": "bot.test",
        "event": "slack.refused: no token",
        "job_id": "3fa9c1",
        "place": "x",
    }


@given(st.text(), st.text())
def test_nothing_that_is_logged_forges_a_line(message: str, value: str) -> None:
    written = line("%s", message, value=value)
    assert "\n" not in written
    assert "\r" not in written
    assert (json.loads(written)["event"], json.loads(written)["value"]) == (message, value)


def test_an_exception_is_a_part_of_its_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = logging.LogRecord(
            "bot", 40, "", 1, "it.failed", (), (ValueError, error, error.__traceback__)
        )
    read = json.loads(JsonLines().format(record))
    assert read["exception"].startswith("Traceback")
    assert read["exception"].endswith("ValueError: two\nlines")
