"""One server-sent event on its way to the client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes of one event; a delta carries a piece of the answer and is what pauses stand between."""

    payload: bytes
    is_delta: bool = False
