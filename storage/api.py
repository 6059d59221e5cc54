"""What the HTTP API keeps beside the jobs: its tokens, and what was used when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from executor.model import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token by its id; what its bearer sends is nowhere kept. `scope` is read, run or admin."""

    id: str
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What was answered to a request that may come again; `request` is the hash of what was asked."""

    request: str
    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedOn:
    """What the attempts that ended on `day` (UTC, YYYY-MM-DD) took, all of them or those of `key`."""

    day: str
    key: str
    name: str
    """The name of the person whom `key` stands for."""
    jobs: int
    """Jobs whose first attempt it was."""
    attempts: int
    usage: Usage
