"""Every numbered case of bad input has a test that carries its number, or a reason to have none."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ALL = range(1, 97)
NONE = {
    95: "no archive is ever opened",
}
_NAMED = re.compile(r"\bB(\d\d)(?: to B(\d\d))?\b")


def test_every_case_of_bad_input_has_a_test_or_a_reason_to_have_none() -> None:
    named: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        for first, last in _NAMED.findall(path.read_text()):
            named.update(range(int(first), int(last or first) + 1))
    assert sorted(set(ALL) - named) == sorted(NONE)
