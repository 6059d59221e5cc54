"""The grammar of cron expressions: five plain fields, and nothing that only some crons know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from executor.moments import TimeRefused, quoted

LONGEST = 200
"""Characters of an expression; a list of every other minute is not as long."""

_NICKNAMES: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
EXAMPLES = (
    "Examples: `0 2 * * *` (every day at 02:00), `*/30 * * * *` (every half hour), "
    "`0 9 * * mon-fri` (on weekdays at 09:00)."
)
_TERM = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the five fields of an expression. `names` stand for the numbers from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> frozenset[int]:
        """All numbers that the field's text stands for. Raises TimeRefused."""
        numbers = {number for term in text.split(",") for number in self._term(term)}
        return frozenset(number % 7 if self.name == "weekday" else number for number in numbers)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return 7 if self.name == "weekday" else self.high - self.low + 1

    def _term(self, term: str) -> range:
        found = _TERM.fullmatch(term)
        if found is None:
            self._refuse(term, "cannot be read")
        low, high, step = found["low"], found["high"], found["step"]
        if low is None:
            first, last = self.low, self.high
        else:
            first = self._number(low)
            last = first if high is None else self._number(high)
        if self.name == "weekday" and last == 0 < first:
            last = 7  # `fri-sun`: Sunday ends a week as well as it begins one
        if last < first:
            self._refuse(term, "runs backwards; write it as two ranges with a comma between them")
        if step is None:
            return range(first, last + 1)
        if low is not None and high is None:
            self._refuse(term, f"has a step but no range; write `{low}-{self.high}/{step}`")
        if not 1 <= int(step) <= self.high - self.low:
            self._refuse(term, f"has a step outside 1–{self.high - self.low}")
        return range(first, last + 1, int(step))

    def _number(self, word: str) -> int:
        if word in self.names:
            return self.names.index(word) + self.low
        if not word.isdigit():
            self._refuse(word, "is no number")
        if not self.low <= int(word) <= self.high:
            self._refuse(word, "is out of range")
        return int(word)

    def _refuse(self, term: str, problem: str) -> NoReturn:
        names = f" or names from `{self.names[0]}` to `{self.names[-1]}`" if self.names else ""
        raise TimeRefused(
            f"{quoted(term)} in the field for the {self.name} {problem}. That field takes numbers from "
            f"{self.low} to {self.high}{names}, lists (`1,2`), ranges (`1-3`), `*` and steps (`*/2`). "
            f"{EXAMPLES}"
        )


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PARTS = (
    _Part("minute", 0, 59),
    _Part("hour", 0, 23),
    _Part("day of the month", 1, 31),
    _Part("month", 1, 12, _MONTHS),
    _Part("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


@dataclass(frozen=True, slots=True)
class Field:
    """What one field allows, as plain numbers. `starred`: it began with `*`, or might as well have."""

    text: str
    values: frozenset[int]
    starred: bool


def plain(expression: str) -> str:
    """The expression in small letters and single spaces, a nickname spelled out. Raises TimeRefused."""
    words = " ".join(expression.split()).lower()
    if len(expression) > LONGEST or not words:
        raise TimeRefused(f"{quoted(expression)} is no cron expression. {EXAMPLES}")
    if words.startswith("@") and words not in _NICKNAMES:
        listed = ", ".join(f"`{name}`" for name in _NICKNAMES)
        raise TimeRefused(f"{quoted(expression)} is no rhythm that I know. There are {listed}. {EXAMPLES}")
    return _NICKNAMES.get(words, words)


def read_fields(expression: str) -> tuple[Field, ...]:
    """The five fields of an expression. Raises TimeRefused for any that is not of this grammar.

    croniter must not be asked: it takes six and seven fields, reads `R` as random and `5-5` as every minute.
    """
    texts = expression.split()
    if len(texts) != len(_PARTS):
        raise TimeRefused(
            f"{quoted(expression)} has {len(texts)} field{'' if len(texts) == 1 else 's'}; a cron expression "
            f"has five: minute, hour, day of the month, month, weekday. {EXAMPLES}"
        )
    return tuple(_field(part, text) for part, text in zip(_PARTS, texts, strict=True))


def _field(part: _Part, text: str) -> Field:
    values = part.values(text)
    whole = len(values) == part.size
    return Field("*" if whole else ",".join(map(str, sorted(values))), values, whole or text.startswith("*"))
