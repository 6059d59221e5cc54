"""A program: which lines of a text are steps, and what they are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.programs import parse

PLAN = """\
# Release

We release on Mondays.

- **Test**: run all tests
  and the linters
  - also the slow ones
- [x] Bump the version
- [ ] Notes: write them

  ```sh
- this is no step
  ```
and keep them short
2. Tag it

This stands below the list.
"""


def test_each_item_of_the_list_is_a_step_with_all_that_belongs_to_it() -> None:
    steps = parse(PLAN).steps
    assert [step.name for step in steps] == ["Test", "Notes", "Tag it"]
    assert steps[0].text == "**Test**: run all tests\nand the linters\n- also the slow ones"
    assert "this is no step" in steps[1].text and "and keep them short" in steps[1].text
    assert steps[2].text == "Tag it"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("- one\n- two", ["one", "two"]),
        ("* one\n+ two", ["one", "two"]),
        ("1. one\n2) two", ["one", "two"]),
        ("  - one\n  - two\n    - nested", ["one", "two"]),
        ("- one\n\n- two\n\n\n- three", ["one", "two", "three"]),
        ("- one\r\n- two\r\n", ["one", "two"]),
        ("---\n- one\n* * *\n- two", ["one", "two"]),
        ("- [X] one\n- [ ] two", ["two"]),
        ("- [x] one", []),
        ("Do all of it", ["Do all of it"]),
        ("-no list\n2.5 is a number", ["-no list"]),
        ("~~~\n- one\n~~~\n- two", ["two"]),
        ("- `make release`: then wait", ["make release: then wait"]),
        ("- https://example.org/x is down", ["https://example.org/x is down"]),
        (f"- {'long ' * 40}", [("long " * 40)[:79].rstrip() + "…"]),
        ("", []),
        (" \n\t\n", []),
    ],
)
def test_what_is_a_step(text: str, names: list[str]) -> None:
    assert [step.name for step in parse(text).steps] == names


_WORDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12)
_MARK = st.sampled_from(["-", "*", "+", "1.", "7)"])


@given(st.lists(st.tuples(_MARK, _WORDS, st.lists(_WORDS, max_size=3)), min_size=1, max_size=12), _WORDS)
def test_a_list_that_is_written_down_is_read_back(items: list[tuple[str, str, list[str]]], goal: str) -> None:
    written = "".join(
        f"{mark} {first}\n" + "".join(f"    {line}\n" for line in more) for mark, first, more in items
    )
    steps = parse(f"{goal}\n\n{written}").steps
    assert [step.text.split("\n") for step in steps] == [[first, *more] for _, first, more in items]


@given(st.text())
def test_any_text_is_a_program_whose_steps_say_something_that_stands_in_it(text: str) -> None:
    program = parse(text)
    assert program.text == text.strip()
    for step in program.steps:
        assert step.text.strip() == step.text != ""
        assert 0 < len(step.name) <= 80 or not any(c.isalnum() for c in step.text.split("\n")[0])
        assert all(line.strip() in text for line in step.text.splitlines())
