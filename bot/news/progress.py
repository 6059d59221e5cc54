"""The agent's own list of what it has to do, as how far it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.platforms.base import Progress
from executor.events import Todo, TodoState


def progress_of(todos: Sequence[Todo]) -> Progress | None:
    """How much of the list is done, and what the agent is at; None where there is no list.

    Not every CLI says what it is at: then it is the first thing that is not done.
    """
    if not todos:
        return None
    active = [todo.text for todo in todos if todo.state is TodoState.ACTIVE]
    left = [todo.text for todo in todos if todo.state is TodoState.PENDING]
    done = sum(todo.state is TodoState.DONE for todo in todos)
    return Progress(done=done, total=len(todos), note=next(iter([*active, *left]), ""))
