"""An agent's own list of what it has to do, out of the arguments of the tool that it writes it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from executor.backends.fields import mapping, one_line, word
from executor.events import Todo, TodosChanged, TodoState

_MOST = 50
"""Things of a list that are shown; a longer one is none that people would read."""
_STATES: Mapping[str, TodoState | None] = {
    "in_progress": TodoState.ACTIVE,
    "completed": TodoState.DONE,
    "cancelled": None,
}
"""What the CLIs call a thing's state: any other is still to do, and what is cancelled is left out."""


def todos(entries: object) -> list[TodosChanged]:
    """The list that `entries` make; nothing where they are no list."""
    if not isinstance(entries, list):
        return []
    return [TodosChanged(items=tuple(islice(_items(entries), _MOST)))]


def _items(entries: list[Any]) -> Iterator[Todo]:
    for entry in map(mapping, entries):
        state = _state(entry)
        # Claude calls it content, Gemini description, Codex text.
        named = (word(entry.get(key)) for key in ("content", "description", "text"))
        text = one_line(next(filter(None, named), ""))
        if text and state is not None:
            yield Todo(text=text, state=state)


def _state(entry: Mapping[str, Any]) -> TodoState | None:
    # Codex only says whether a thing is completed.
    if entry.get("completed") is True:
        return TodoState.DONE
    return _STATES.get(word(entry.get("status")), TodoState.PENDING)
