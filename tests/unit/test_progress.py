"""The agent's own list: out of what each CLI calls it, into a bar that is as honest as the list."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.news.progress import progress_of
from bot.platforms.base import Progress
from bot.platforms.text import bar, in_words
from executor.backends.base import Decoder
from executor.backends.claude_events import ClaudeDecoder
from executor.backends.codex_events import CodexDecoder
from executor.backends.gemini_events import GeminiDecoder
from executor.backends.rehearsal import RehearsalDecoder
from executor.events import Body, Todo, TodosChanged, TodoState, decode, encode

S = TodoState
LIST = TodosChanged(
    items=(
        Todo(text="Look", state=S.DONE),
        Todo(text="Write", state=S.ACTIVE),
        Todo(text="Tidy", state=S.PENDING),
    )
)
ENTRIES = [("Look", "completed"), ("Write", "in_progress"), ("Tidy", "pending")]


def claude(listed: object, **fields: object) -> dict[str, object]:
    block = {"type": "tool_use", "id": "t", "name": "TodoWrite", "input": {"todos": listed}}
    return {"type": "assistant", "message": {"id": "m", "content": [block]}, **fields}


def gemini(listed: object) -> dict[str, object]:
    return {"type": "tool_use", "tool_name": "write_todos", "tool_id": "t", "parameters": {"todos": listed}}


def codex(listed: object, event: str = "item.updated") -> dict[str, object]:
    return {"type": event, "item": {"id": "item_1", "type": "todo_list", "items": listed}}


def read(decoder: Decoder, line: object) -> list[Body]:
    return list(decoder.stdout(json.dumps(line).encode()))


def test_claude_tells_its_list_whole() -> None:
    listed = [{"content": text, "status": state, "activeForm": "x"} for text, state in ENTRIES]
    assert read(ClaudeDecoder(), claude(listed)) == [LIST]


def test_a_helper_of_claudes_does_not_change_the_list_of_the_agent() -> None:
    listed = [{"content": "Mine", "status": "pending"}]
    assert read(ClaudeDecoder(), claude(listed, parent_tool_use_id="t0")) == []


def test_gemini_drops_what_it_has_cancelled() -> None:
    listed = [{"description": text, "status": state} for text, state in [*ENTRIES, ("Never", "cancelled")]]
    assert read(GeminiDecoder(), gemini(listed)) == [LIST]


@pytest.mark.parametrize("event", ["item.started", "item.updated", "item.completed"])
def test_codex_says_only_what_is_completed(event: str) -> None:
    listed = [{"text": "Look", "completed": True}, {"text": "Write", "completed": False}]
    (told,) = read(CodexDecoder(), codex(listed, event))
    assert told == TodosChanged(items=(LIST.items[0], Todo(text="Write", state=S.PENDING)))


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), lambda each: st.lists(each)))
def test_a_list_that_is_none_raises_nothing(listed: object) -> None:
    for decoder, line in (
        (ClaudeDecoder(), claude(listed)),
        (GeminiDecoder(), gemini(listed)),
        (CodexDecoder(), codex(listed)),
        (RehearsalDecoder(), {"type": "todos", "items": listed}),
    ):
        told = read(decoder, line)
        assert told in ([], [TodosChanged(items=())])


def test_a_list_is_kept_short() -> None:
    listed = [{"content": "x\n" * 500, "status": "pending"}] * 1000
    (told,) = read(ClaudeDecoder(), claude(listed))
    assert isinstance(told, TodosChanged)
    assert len(told.items) == 50
    assert all(len(item.text) <= 120 and item.text.isprintable() for item in told.items)


def test_the_log_gives_back_the_list_that_it_was_given() -> None:
    kind, fields = encode(LIST)
    assert decode(kind, json.loads(json.dumps(fields))) == LIST


def test_progress_counts_what_is_done_and_names_what_the_agent_is_at() -> None:
    assert progress_of(LIST.items) == Progress(done=1, total=3, note="Write")
    assert progress_of([LIST.items[0], LIST.items[2]]) == Progress(done=1, total=2, note="Tidy")
    assert progress_of([LIST.items[0]]) == Progress(done=1, total=1)
    assert progress_of([]) is None


@given(st.integers(1, 500), st.data())
def test_a_bar_is_full_only_when_all_is_done(total: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(0, total))
    cells, figure = bar(Progress(done=done, total=total)).split(" ")
    assert figure == f"{done}/{total}"
    assert len(cells) == min(total, 10)
    assert ("▱" not in cells) == (done == total)


def test_in_words_it_is_one_line() -> None:
    assert in_words(Progress(done=3, total=5, note="Writing tests")) == "▰▰▰▱▱ 3/5 · Writing tests"
    assert in_words(Progress(done=0, total=2)) == "▱▱ 0/2"
