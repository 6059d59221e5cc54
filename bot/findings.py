"""What `bifrost doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried. `advice` is what to do where it is not well."""

    what: str
    ok: bool
    seen: str
    advice: str = ""
    needed: bool = True
    """Whether the bot cannot do its work without it."""
