"""Bytes to lines, in bounded memory whatever a process prints."""

from __future__ import annotations

LINE_CAP = 4 * 1024 * 1024
"""Bytes of a line that are kept; what follows up to its newline is dropped."""


class LineSplitter:
    """Turns chunks into lines. Holds at most one capped line, however long the line is."""

    def __init__(self, cap: int = LINE_CAP) -> None:
        self._cap = cap
        self._parts: list[bytes] = []
        self._held = 0
        self.truncated = 0
        """Lines that were longer than the cap."""
        self._overlong = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their newlines."""
        *whole, rest = chunk.split(b"\n")
        lines = []
        for part in whole:
            self._hold(part)
            lines.append(self._take())
        self._hold(rest)
        return lines

    def finish(self) -> list[bytes]:
        """The last line, where it has no newline."""
        return [self._take()] if self._held else []

    def _hold(self, part: bytes) -> None:
        room = self._cap - self._held
        if len(part) > room:
            self._overlong = True
            part = part[:room]
        if part:
            self._parts.append(part)
            self._held += len(part)

    def _take(self) -> bytes:
        line = b"".join(self._parts)
        self.truncated += self._overlong
        self._parts, self._held, self._overlong = [], 0, False
        return line.removesuffix(b"\r")
