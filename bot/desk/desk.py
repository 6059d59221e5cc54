"""Answers requests: one function per verb, after one authorisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.desk.asks import Answer, Ask, Invocation


class Door(Protocol):
    """The desk, as a platform's door sees it. Never raises for anything that a person can cause."""

    async def command(self, invocation: Invocation) -> Answer:
        """Does what was typed after `/job`. When it returns, what it accepted is committed."""

    async def ask(self, ask: Ask) -> Answer:
        """Does what a button or a form asks for. When it returns, what it accepted is committed."""

    def choices(self, option: str) -> Sequence[str]:
        """The values that an option of the command table may take, the default first, for forms."""
