"""Bytes to lines, in bounded memory whatever a process prints."""

from __future__ import annotations

LINE_CAP = 4 * 1024 * 1024
"""Bytes of a line that are kept; of what follows up to its newline, only how much it was."""


class LineSplitter:
    """Turns chunks into lines. Holds at most one capped line, however long the line is."""

    def __init__(self, cap: int = LINE_CAP) -> None:
        self._cap = cap
        self._line = bytearray()
        self._dropped = 0
        self.truncated = 0
        """Lines that were longer than the cap."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their newlines."""
        *whole, rest = chunk.split(b"\n")
        lines = []
        for part in whole:
            if self._line or len(part) > self._cap:
                self._hold(part)
                lines.append(self._take())
            else:
                lines.append(part.removesuffix(b"\r"))
        self._hold(rest)
        return lines

    def finish(self) -> list[bytes]:
        """The last line, where it has no newline."""
        return [self._take()] if self._line else []

    def _hold(self, part: bytes) -> None:
        room = self._cap - len(self._line)
        self._dropped += max(0, len(part) - room)
        self._line += part[:room]

    def _take(self) -> bytes:
        line, dropped = bytes(self._line), self._dropped
        self._line, self._dropped = bytearray(), 0
        if not dropped:
            return line.removesuffix(b"\r")
        self.truncated += 1
        return line + b" [%d bytes left out]" % dropped
