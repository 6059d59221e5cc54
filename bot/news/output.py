"""The pages of a job's output, and what they keep once its last word carries the answer. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from bot.news.transcript import Page, Transcript

FOLLOWS = "*The answer follows.*"
"""What is left of a page that held nothing but the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a thread should show of a job, so that the answer stands there whole and once.

    `answer` is empty until the job is done. The last word carries at most `most` characters of it and tells
    the log up to event `seq`. `begun` are the numbers of the pages that stand already.
    """

    transcript: Transcript
    answer: str
    most: int
    seq: int
    begun: Container[int]

    @property
    def fits(self) -> bool:
        """Whether the last word carries the answer whole."""
        return len(self.answer) <= self.most

    @property
    def pages(self) -> Sequence[Page]:
        """Everything; without the answer, where the last word carries that."""
        pages = self.transcript.pages
        left = self.transcript.without(self.answer) if self.fits else None
        return pages if left is None else [*self._kept(pages, left)]

    @property
    def stands_above(self) -> bool:
        """Whether the pages show an answer whole that is too long for the last word."""
        if self.fits or self.left_out:
            return False
        return self.transcript.without(self.answer) is not None

    @property
    def left_out(self) -> bool:
        """Whether the pages that stand leave out some of it."""
        return self.transcript.truncated or not all(number in self.begun for number in range(len(self.pages)))

    def _kept(self, pages: Sequence[Page], left: Sequence[Page]) -> Sequence[Page]:
        kept = []
        for number, page in enumerate(pages):
            if number >= len(left) and number not in self.begun:
                break
            text = left[number].text if number < len(left) else FOLLOWS
            kept.append(page if text == page.text else Page(text=text, seq=self.seq))
        return kept
