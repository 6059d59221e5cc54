"""Joins the pieces of an agent's text into one that reads on."""

from __future__ import annotations

from executor.events import TextWritten


class Prose:
    """Sets blocks of text apart: a CLI only says where one starts, and live text is joined without a gap."""

    def __init__(self) -> None:
        self._written = False
        self._apart = False

    def start_block(self) -> None:
        """What is written next does not belong to what was written so far."""
        self._apart = self._written

    def write(self, text: str) -> tuple[TextWritten, ...]:
        """The event for a piece of text; none for an empty piece."""
        if not text:
            return ()
        piece = f"\n\n{text}" if self._apart else text
        self._written, self._apart = True, False
        return (TextWritten(text=piece),)
