"""What an agent has changed, in a line for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.news.words import excerpt

_MOST = 160


def deed(method: str, path: str, answer: Mapping[str, Any]) -> str:
    """What a call has done that was answered so; empty where people need no line of it."""
    match method, path:
        case "POST", "/api/tasks":
            said = f"created task {answer['id']}: {answer['name']}"
        case "PATCH" | "DELETE", "/api/tasks":
            said = f"changed task {answer['id']}, now {answer['status']}: {answer['name']}"
        case "POST", "/api/feedback":
            said = f"filed feedback: {answer['content']}"
        case "PATCH", "/api/feedback":
            note = f": {answer['processed_note']}" if answer["processed_note"] else ""
            said = f"made feedback {answer['id'][:6]} {answer['status']}{note}"
        case "POST", "/api/comments":
            said = f"commented on {answer['target_type']} {answer['target_id']}: {answer['content']}"
        case "PATCH", "/api/reports":
            said = f"changed report {answer['title']}, now {answer['status']}"
        case _:
            return ""
    return excerpt(said, _MOST)
