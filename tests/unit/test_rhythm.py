"""How often a job's messages change, by how many others stream. Time stands still here."""

from __future__ import annotations

import asyncio

import pytest

from bot.news.pacing import Budget, Urgency
from bot.news.rhythm import Rhythm
from tests.unit.test_pacing import played

_SLACK = (40, 4)


def crowd(jobs: int, *, quiet: int = 0) -> list[Rhythm]:
    """Jobs that stream at the cost of one budget, and have just shown everything."""
    edits = Budget(*_SLACK)
    rhythms = [Rhythm(f"{number}", 2, quiet=number < quiet) for number in range(jobs + quiet)]
    for rhythm in rhythms:
        rhythm.stream(edits, edits)
        rhythm.text_shown()
        rhythm.card_shown()
    return rhythms


@pytest.mark.parametrize(("jobs", "gap_s"), [(1, 2), (2, 3), (10, 15), (20, 30)])
def test_output_grows_as_often_as_the_platform_allows_to_all_that_stream(jobs: int, gap_s: float) -> None:
    async def story() -> None:
        rhythms = crowd(jobs)
        assert rhythms[0].text_in_s() == pytest.approx(gap_s)
        assert not rhythms[0].muted

    played(story())


def test_all_that_stream_together_keep_within_what_the_platform_allows() -> None:
    async def story() -> None:
        for jobs in range(1, 60):
            rhythms = crowd(jobs)
            texts = sum(60 / rhythm.text_in_s() for rhythm in rhythms if not rhythm.muted)
            cards = sum(60 / rhythm.card_in_s(Urgency.TOOL) for rhythm in rhythms)
            assert texts <= 40.001
            assert cards <= (10 if texts else 40)

    played(story())


def test_with_more_jobs_than_can_be_edited_output_stands_still_and_cards_beat_slowly() -> None:
    async def story() -> None:
        rhythms = crowd(50)
        assert [rhythm.muted for rhythm in rhythms] == [True] * 50
        assert rhythms[0].card_in_s(Urgency.TEXT) == rhythms[0].card_in_s(Urgency.TOOL)
        assert sorted(rhythm.card_in_s(Urgency.TEXT) for rhythm in rhythms)[25] == pytest.approx(133, rel=0.2)
        for ended in rhythms[5:]:
            ended.rest()
        assert [rhythm.muted for rhythm in rhythms[:5]] == [False] * 5
        assert rhythms[0].text_in_s() == pytest.approx(7.5)

    played(story())


def test_a_new_step_shows_sooner_on_a_card_than_the_time_alone() -> None:
    async def story() -> None:
        (rhythm,) = crowd(1)
        assert 6 <= rhythm.card_in_s(Urgency.TOOL) <= 10
        assert rhythm.card_in_s(Urgency.TEXT) == pytest.approx(15)
        await asyncio.sleep(10)
        assert rhythm.card_in_s(Urgency.TOOL) <= 0

    played(story())


def test_a_quiet_channel_shows_no_output_and_takes_nothing_from_the_others() -> None:
    async def story() -> None:
        rhythms = crowd(1, quiet=30)
        assert rhythms[0].muted
        assert rhythms[-1].text_in_s() == pytest.approx(2)

    played(story())
