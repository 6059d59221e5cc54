"""Requests that a platform sends to the bot's own server: what is handed over, and what is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What the platform reads. `headers` are in small letters."""

    status: int
    body: str = ""
    headers: Mapping[str, str]


Hook = Callable[[Mapping[str, str], bytes], Awaitable[HookAnswer]]
"""Answers one request, given its headers, in any spelling, and its body as it came over the wire.

Nobody has looked at who sent it: the hook refuses what is not proven to be the platform's. It never raises.
"""
