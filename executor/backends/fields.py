"""Reads a CLI's lines of JSON without trusting their shape: what is wrong is left out, nothing raises."""

from __future__ import annotations

import json
import re
from itertools import chain, islice
from typing import Any

import orjson

DETAIL = 120
"""Characters of a tool's telling argument, and of why it failed."""

_FILES = ("file_path", "notebook_path", "absolute_path")
_PLACES = ("path", "dir_path")
_TELLING = ("command", *_FILES, "pattern", "query", "url", *_PLACES, "description", "prompt")
_MOST = 2**53  # what a float, JavaScript and a database can all hold
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def parse(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line, or None where there is none."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _mended(line) if line.lstrip().startswith(b"{") else None
    return value if isinstance(value, dict) else None


def _mended(line: bytes) -> object:
    # JavaScript may cut a text inside a surrogate pair, and a tool may print what is no UTF-8.
    # Such a line can still be the one with the result, so the bad characters alone are given up.
    try:
        value = json.loads(line.decode("utf-8", "replace"))
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> dict[str, Any]:
    """An object; empty where it is none."""
    return value if isinstance(value, dict) else {}


def word(value: object) -> str:
    """A text field; empty where it is none."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int | None:
    """A number of things or milliseconds that a database can hold."""
    checked = amount(value)
    return None if checked is None else int(checked)


def amount(value: object) -> float | None:
    """A sum of money or a duration."""
    if type(value) is int or type(value) is float:  # bool is an int too, but no number
        return float(value) if 0 <= value < _MOST else None
    return None


def without_colours(text: str) -> str:
    """`text` without what only a terminal understands."""
    return _ESCAPES.sub("", text)


def plain(line: str) -> str:
    """A line as a terminal shows it in the end: what was written over, as a progress bar is, has gone."""
    return _CONTROLS.sub("", without_colours(line).rstrip("\r").rpartition("\r")[2])


def one_line(text: str, limit: int = DETAIL) -> str:
    """`text` for a line of its own: no control characters or colours, at most `limit` characters."""
    # A tool may print megabytes; nothing beyond the first characters can be shown.
    shown = text[: limit * 20]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else " " for c in without_colours(shown))
    joined = " ".join(shown.split())
    return joined if len(joined) <= limit else joined[: limit - 1] + "…"


def first_line(text: str, limit: int = DETAIL) -> str:
    """The first line of `text` that says something."""
    lines = (one_line(line, limit) for line in text[:10_000].splitlines())
    return next(filter(None, lines), "")


def within(path: str, place: str) -> str:
    """A path under the directory `place` as it is called from there; any other as it is."""
    return (path.removeprefix(f"{place}/") or path) if place else path


def telling(arguments: object, place: str) -> str:
    """The argument that tells best what a tool was called for; a path under `place` is shown from there."""
    texts = mapping(arguments)
    key = next((key for key in chain(_TELLING, islice(texts, 20)) if word(texts.get(key))), "")
    value = word(texts.get(key))
    return one_line(within(value, place) if key in (*_FILES, *_PLACES) else value)
