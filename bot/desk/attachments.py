"""What people attach: fetched before anything starts, within limits, or refused in a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.desk.asks import Ask, Offer, Refusal, Unfetchable
from bot.desk.commands import shown
from executor.files import File, amount
from executor.model import Job
from executor.parcels import Parcel, Parcels, TooLarge

_TOGETHER_S = 120.0
"""Seconds in which all files of a request must have come."""
SEE_FILES = "Look at what is attached."
"""The words of a reply that has none but files."""
_NOTHING = "Nothing was started."
_INSTEAD = "Put it into the workspace, and name it in the prompt."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request may bring along: bytes of a file, and number of files."""

    largest: int = 20_000_000
    most: int = 10

    def too_large(self, label: str) -> str:
        """The sentence about a file that is too large."""
        most = amount(self.largest)
        return f"`{shown(label)}` is too large: a file may have {most}. {_NOTHING} {_INSTEAD}"

    def too_many(self, number: int) -> str:
        """The sentence about too many files."""
        return f"{number} files are attached; at most {self.most} are taken. {_NOTHING}"


class Attachments:
    """Takes what is offered, whole or not at all. `delivered` says which job a message went to before."""

    def __init__(
        self, parcels: Parcels, limits: Limits, delivered: Callable[[str], Awaitable[Job | None]]
    ) -> None:
        self._parcels = parcels
        self._limits = limits
        self._delivered = delivered

    @asynccontextmanager
    async def taken(self, ask: Ask) -> AsyncIterator[Sequence[File]]:
        """The files, on the disk. They stay where the block names them in the store. Raises Refusal."""
        # What was taken in before has all that it brought.
        if not ask.files or await self._delivered(ask.delivery) is not None:
            yield ()
            return
        self._check(ask.files)
        async with self._parcels.parcel() as parcel:
            files: list[File] = []
            try:
                async with asyncio.timeout(_TOGETHER_S):
                    for offer in ask.files:
                        files.append(await self._fetched(parcel, offer))  # noqa: PERF401  a comprehension hides the wait
            except TimeoutError:
                late = f"What is attached did not come within {_TOGETHER_S:g} seconds. {_NOTHING} Try again."
                raise Refusal(late, "prompt") from None
            yield files

    def _check(self, offers: Sequence[Offer]) -> None:
        if len(offers) > self._limits.most:
            raise Refusal(self._limits.too_many(len(offers)), "prompt")
        for offer in offers:
            if (offer.size or 0) > self._limits.largest:
                raise Refusal(self._limits.too_large(offer.label), "prompt")

    async def _fetched(self, parcel: Parcel, offer: Offer) -> File:
        try:
            return await parcel.add(offer.label, offer.fetch, self._limits.largest)
        except TooLarge:
            raise Refusal(self._limits.too_large(offer.label), "prompt") from None
        except Unfetchable as error:
            reason = error.reason
        except OSError as error:
            reason = f"it cannot be written to my disk ({error.strerror})."
        raise Refusal(f"`{shown(offer.label)}` cannot be taken: {reason} {_NOTHING}", "prompt")
