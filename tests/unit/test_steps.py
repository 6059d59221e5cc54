"""How urgent a change of a card is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.news.pacing import Urgency
from bot.news.steps import change
from bot.platforms.base import Action, Announcement, Fact, Link, Progress, Shape, Tone

CARD = Announcement(
    shape=Shape.CARD,
    tone=Tone.RUNNING,
    title="research 3fa9c1 · running",
    facts=[Fact(label="elapsed", value="2s"), Fact(label="step", value="Read a.py")],
    actions=[Action(verb="cancel", label="Cancel", job_id="3fa9c1")],
)


@pytest.mark.parametrize(
    ("now", "urgency"),
    [
        (CARD, None),
        (replace(CARD, title="research 3fa9c1 · done", actions=()), Urgency.STATE),
        (replace(CARD, body="It failed."), Urgency.STATE),
        (replace(CARD, actions=()), Urgency.BUTTONS),
        (replace(CARD, links=[Link(label="Report", url="https://bot.example")]), Urgency.BUTTONS),
        (replace(CARD, facts=[CARD.facts[0], Fact(label="step", value="Bash make")]), Urgency.TOOL),
        (replace(CARD, progress=Progress(done=1, total=2)), Urgency.TOOL),
        (replace(CARD, facts=[Fact(label="elapsed", value="4s"), CARD.facts[1]]), Urgency.TEXT),
    ],
)
def test_states_go_before_buttons_before_steps_before_the_time(
    now: Announcement, urgency: Urgency | None
) -> None:
    assert change(CARD, now) is urgency


def test_a_card_that_says_nothing_yet_is_news() -> None:
    assert change(None, CARD) is Urgency.STATE
