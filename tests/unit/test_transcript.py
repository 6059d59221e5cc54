"""Live output in pages: nothing lost, nothing over the limit, and every page readable by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.news.transcript import MOST_PAGES, Page, Transcript, split
from executor.events import Activity, Body, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted

PAGE = 600
_LINES = (
    "```",
    "```python",
    "~~~",
    "````md",
    "  ```",
    "> ```",
    "> quoted words",
    "- ```sh",
    "1. a list\n\n   ```sh\n   make\n   ```",
    "- item",
    "  under the item",
    "    deep",
    "inline ``` ticks ``` here",
    "# Heading",
    "<div>",
    "words " * 30,
    "x" * 200,
    "",
    "",
    "def f() -> None:",
)
markdown = st.lists(st.sampled_from(_LINES) | st.text(max_size=40), max_size=40).map("\n".join)
pieces = st.lists(
    st.one_of(
        markdown.map(lambda text: TextWritten(text=text)),
        st.text(max_size=30).map(lambda text: TextWritten(text=text)),
        st.builds(ToolStarted, tool_id=st.just("t"), name=st.sampled_from(("Bash", "`")), detail=markdown),
        st.builds(ToolEnded, tool_id=st.just("t"), ok=st.booleans(), detail=st.text(max_size=20)),
        st.builds(Noticed, text=markdown),
        st.just(SessionOpened(session_id="s")),
    ),
    max_size=12,
)


def transcript(bodies: Sequence[Body], page_chars: int = PAGE, *, unfolds: bool = False) -> Transcript:
    made = Transcript(page_chars, unfolds=unfolds)
    for seq, body in enumerate(bodies, 1):
        made.add(seq, body)
    return made


def written(*texts: str) -> list[Page]:
    return transcript([TextWritten(text=text) for text in texts]).pages


def is_balanced(text: str) -> bool:
    """Whether a paragraph that follows the text stands in no code block."""
    tokens = MarkdownIt("commonmark", {"html": False}).parse(f"{text}\n\nsentinel")
    return not any("sentinel" in token.content for token in tokens if token.type in ("fence", "code_block"))


def letters(text: str) -> str:
    """What must survive: everything but fences, space and the signs that continue a quote."""
    without_fences = re.sub(r"(?m)^[ \t>]*(?:[-*+] )?[ \t>]*(`{3,}|~{3,}).*$", "", text)
    return re.sub(r"[\s>]", "", without_fences)


@given(pieces, st.booleans())
def test_every_page_is_within_the_limit_and_its_fences_are_closed(
    bodies: list[Activity], unfolds: bool
) -> None:
    for page in transcript(bodies, unfolds=unfolds).pages:
        assert len(page.text) <= PAGE
        assert page.text.strip()
        assert is_balanced(page.text)


@given(markdown, st.integers(400, 2000))
def test_the_parts_together_are_the_text(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert letters("\n".join(parts)) == letters(text)


@given(pieces)
def test_the_pages_together_are_the_whole_output(bodies: list[Activity]) -> None:
    made = transcript(bodies, unfolds=True)
    if made.truncated:
        assert len(made.pages) == MOST_PAGES
    else:
        pages = "\n".join(page.text for page in made.pages)
        assert letters(re.sub(r"(?m)^- ▸ .*$", "", pages)) == letters(made.whole)


@given(pieces, st.integers(0, 12))
def test_a_restart_finds_the_same_pages_again(bodies: list[Activity], seen: int) -> None:
    growing = Transcript(PAGE)
    for seq, body in enumerate(bodies, 1):
        growing.add(seq, body)
        if seq == seen:
            before = growing.pages
            assert before == transcript(bodies[:seq]).pages
    assert growing.pages == transcript(bodies).pages


@given(pieces)
def test_a_page_that_is_full_never_changes_again(bodies: list[Activity]) -> None:
    growing, full = Transcript(PAGE), list[Page]()
    for seq, body in enumerate(bodies, 1):
        growing.add(seq, body)
        assert growing.pages[: len(full)] == full
        full = growing.pages[: min(len(growing.pages), MOST_PAGES) - 1]


@given(pieces)
def test_a_page_that_changes_gets_a_higher_number(bodies: list[Activity]) -> None:
    growing, before = Transcript(PAGE), list[Page]()
    for seq, body in enumerate(bodies, 1):
        growing.add(seq, body)
        for old, new in zip(before, growing.pages, strict=False):
            assert new.seq > old.seq or new.text == old.text
        before = growing.pages


def test_a_code_block_that_does_not_fit_is_closed_and_opened_again() -> None:
    first, second = written("```python\n" + "x = 1\n" * 100 + "```\nafter\n")
    assert first.text.endswith("x = 1\n```")
    assert second.text.startswith("```python\nx = 1\n")
    assert second.text.endswith("```\nafter\n")


def test_a_code_block_that_fits_a_page_stays_whole() -> None:
    first, second = written("words " * 50 + "\n\n```\n" + "x = 1\n" * 40 + "```\n")
    assert "```" not in first.text
    assert second.text.startswith("```\nx = 1\n")


def test_code_within_a_list_or_a_quote_stays_within_it() -> None:
    listed, _ = written("1. first\n\n   ```sh\n" + "   make\n" * 80 + "   ```\n")
    assert listed.text.endswith("   make\n   ```")
    quoted, again = written("> ```\n" + "> make\n" * 90 + "> ```\n")
    assert quoted.text.endswith("> make\n> ```")
    assert again.text.startswith("> ```\n> make\n")


def test_text_is_cut_between_paragraphs_before_lines_before_words() -> None:
    paragraph = "words " * 45
    assert written(f"{paragraph}\n\n{paragraph}\n\n{paragraph}")[0].text == paragraph
    assert written("a line\n" * 100)[0].text.endswith("a line")
    assert written("word " * 200)[0].text.endswith("word ")
    assert len(written("x" * 1000)[0].text) > PAGE // 2


def test_no_emoji_is_cut_in_two() -> None:
    family = "👩‍👩‍👧‍👦"
    for offset in range(len(family)):
        pages = written("x" * offset + family * 100)
        assert all(page.text.strip("x").replace(family, "") == "" for page in pages)


def test_what_the_agent_left_open_does_not_take_in_the_lines_about_tools() -> None:
    (page,) = transcript(
        [TextWritten(text="```\ncode"), ToolStarted(tool_id="1", name="Bash", detail="ls")]
    ).pages
    assert page.text == "```\ncode\n```\n\n- 🔧 `Bash` `ls`"


def test_tools_are_told_in_one_list_and_text_stands_apart() -> None:
    bodies: list[Activity] = [
        TextWritten(text="I look."),
        ToolStarted(tool_id="1", name="Read", detail="a.py"),
        ToolEnded(tool_id="1", ok=True),
        ToolStarted(tool_id="2", name="Bash", detail="make `it`"),
        ToolEnded(tool_id="2", ok=False, detail="exit 2"),
        ToolEnded(tool_id="3", ok=False),
        ToolEnded(tool_id="4", ok=False, detail="exit 143", stopped=True),
        Noticed(text="The provider is asked again."),
        TextWritten(text="\n\n  Now"),
        TextWritten(text=" I know."),
    ]
    (page,) = transcript(bodies).pages
    assert page.text == (
        "I look.\n\n- 🔧 `Read` `a.py`\n- 🔧 `Bash` `make 'it'`\n- ⚠️ failed: `exit 2`\n- ⚠️ failed\n"
        "- ⏹️ stopped\n- ⏳ The provider is asked again.\n\nNow I know."
    )
    assert transcript(bodies).step == "Bash(make `it`)"


def calls(*names: str) -> list[Body]:
    return [ToolStarted(tool_id="t", name=name, detail=f"{name}.py") for name in names]


def test_many_tools_in_a_row_are_one_line() -> None:
    bodies = calls("Read", "Read", "Bash", "Read")
    (page,) = transcript([TextWritten(text="I look."), *bodies, TextWritten(text="I see.")]).pages
    assert page.text == "I look.\n\n- ▸ 4 tool calls: `Read` ×3, `Bash`\n\nI see."


def test_a_folded_line_says_what_failed_and_how_many_tools_it_does_not_name() -> None:
    failed = ToolEnded(tool_id="t", ok=False, detail="exit 2")
    (page,) = transcript([*calls(*"abcdefg"), failed, ToolEnded(tool_id="t", ok=False)]).pages
    assert page.text == "- ▸ 7 tool calls: `a`, `b`, `c`, `d`, `e`, 2 more · ⚠️ 2 failed"
    (page,) = transcript([*calls("a", "b", "c"), failed]).pages
    assert page.text == "- ▸ 3 tool calls: `a`, `b`, `c` · ⚠️ 1 failed (last: `exit 2`)"


def test_a_notice_stands_apart_from_the_tools_around_it() -> None:
    (page,) = transcript([*calls("a", "b", "c"), Noticed(text="Wait."), *calls("a")]).pages
    assert page.text == "- ▸ 3 tool calls: `a`, `b`, `c`\n- ⏳ Wait.\n- 🔧 `a` `a.py`"


def test_where_people_can_unfold_it_every_call_lies_below_the_line() -> None:
    (page,) = transcript(calls("a", "b", "c"), unfolds=True).pages
    below = "\n".join(f"  - 🔧 `{name}` `{name}.py`" for name in "abc")
    assert page.text == f"- ▸ 3 tool calls: `a`, `b`, `c`\n{below}"


def test_every_call_stands_in_the_whole_output() -> None:
    lines = "\n".join(f"- 🔧 `{name}` `{name}.py`" for name in "abc")
    assert transcript(calls("a", "b", "c")).whole == f"{lines}\n"


def test_a_run_that_outgrows_its_page_goes_on_with_the_next_one() -> None:
    bodies = calls(*(f"tool-{number}" for number in range(30)))
    made = transcript(bodies, unfolds=True)
    assert len(made.pages) > 1
    assert all(page.text.startswith(("- ▸ ", "- 🔧 ")) for page in made.pages)
    assert sum(page.text.count("🔧") for page in made.pages) == 30


LAST_TOOL = ToolStarted(tool_id="9", name="Read", detail="a.py")


@given(pieces, markdown.filter(lambda text: text.strip() != ""), st.booleans())
def test_without_its_answer_the_output_is_what_stood_before(
    bodies: list[Activity], answer: str, preface: bool
) -> None:
    before: list[Body] = [*bodies, LAST_TOOL, *([TextWritten(text="So.")] if preface else [])]
    answer = answer.replace("\r\n", "\n").replace("\r", "\n").strip()
    gap = "\n\n" if preface else ""
    left = transcript([*before, TextWritten(text=f"{gap}{answer}\n")]).without(answer)
    assert left is not None
    assert [page.text.rstrip() for page in left] == [page.text.rstrip() for page in transcript(before).pages]


def test_an_answer_that_the_output_does_not_end_with_is_not_taken_out_of_it() -> None:
    assert transcript([TextWritten(text="42"), LAST_TOOL]).without("42") is None
    assert transcript([TextWritten(text="42 or so")]).without("42") is None
    assert transcript([TextWritten(text="42")]).without("") is None


def test_pieces_follow_each_other_without_a_gap() -> None:
    assert written("Hel", "lo, ", "wor", "ld\n", "\nNext")[0].text == "Hello, world\n\nNext"


def test_more_than_the_thread_may_hold_shows_the_latest_and_says_so() -> None:
    made = transcript([TextWritten(text=f"line {number}\n") for number in range(1000)])
    assert made.truncated
    *first, last = made.pages
    assert len(first) == MOST_PAGES - 1
    assert first[0].text.startswith("line 0\n")
    assert last.text.startswith("*… what stood here is in the whole output")
    assert last.text.endswith("line 999\n")
    assert last.seq == 1000
    assert made.whole.startswith("line 0\n") and made.whole.endswith("line 999\n")


@pytest.mark.parametrize("text", ["", "\n", "   ", "\n\n\n"])
def test_blank_output_makes_no_page(text: str) -> None:
    assert written(text) == []
