"""Long output of claude, made of the recordings."""

from __future__ import annotations

from pathlib import Path

SIZE = 100_000_000
"""Bytes, at least."""
_RECORDINGS = Path(__file__).parents[1] / "recordings" / "claude"


def write_stream(path: Path) -> int:
    """Writes the recordings one after the other, again and again; returns how many bytes that makes."""
    once = b"".join(recording.read_bytes() for recording in sorted(_RECORDINGS.glob("*.ndjson")))
    with path.open("wb") as file:
        while file.tell() < SIZE:
            file.write(once)
        return file.tell()
