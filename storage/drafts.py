"""What somebody asked for that lacks an answer of theirs: kept until they give it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from executor.model import Origin

KEPT = timedelta(days=1)
"""How long a draft waits for its answer."""
_DRAFTS = uuid.UUID("5b1c7f0e-6f0d-4a53-9c0e-3d1d2b8c6a41")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file that came with it: `reference` is what the platform's door finds it again by."""

    label: str
    size: int | None
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A request as it was asked, and what there was to choose from. `delivery` names it for good."""

    delivery: str
    verb: str
    origin: Origin
    args: Mapping[str, str]
    files: Sequence[KeptFile]
    choices: Sequence[str]

    @property
    def id(self) -> str:
        """The same for the same delivery, so that what comes twice is asked back once."""
        return uuid.uuid5(_DRAFTS, self.delivery).hex
