"""Records as plain text: what commands show to whoever typed them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WIDEST = 100
_LONG = ("description", "content", "processed_note")
"""Fields that may be pages long: they stand last, as they are."""


def table(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """A line per record below a heading; nothing where there are none."""
    if not records:
        return
    rows = [[name.upper() for name in columns]]
    rows += [[_cell(name, record[name]) for name in columns] for record in records]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def whole(record: Mapping[str, Any]) -> Iterator[str]:
    """All that is known of one record."""
    told = {name: text for name, value in record.items() if (text := harmless(value)) != ""}
    yield from (f"{name}: {text}" for name, text in told.items() if name not in _LONG)
    for name in _LONG:
        if name in told:
            yield f"{name}:\n\n{told[name]}"


def said(sentence: str, record: Mapping[str, Any]) -> str:
    """The sentence with the record's fields in it."""
    return sentence.format_map({name: harmless(value) for name, value in record.items()})


def harmless(value: object) -> str:
    """Whoever wrote it, it moves no cursor and turns no reading direction around."""
    text = "" if value is None else str(value)
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def _cell(name: str, value: object) -> str:
    text = " ".join(harmless(value).split())
    if name.endswith("_at") and text:
        return f"{text[:10]} {text[11:16]} UTC"  # to the minute, of ISO 8601
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
