"""Many people at once, who do not care whether the bot lives."""

from __future__ import annotations

import asyncio
import random

from tests.faults.kill.theatre import Theatre
from tests.simulators.slack import Message, Person

_MOST = 5
"""Things that the bot still has to do; who finds so many waits."""
_PAUSE_S = 0.1
_HANDS = 5
"""What one person does at a time: whose bot dies meanwhile waits three seconds for an answer."""
_WISHES = (
    *("research what is {}?",) * 10,
    *("session {}",) * 4,
    *("research fail {}",) * 2,
    *("research a long answer to {}",) * 2,
    "session {} --in 1s",
    "research limit {}",
)
_BUTTONS = ("Cancel", "Retry", "Resume")


class Load:
    """Asks and presses at random. What is asked while no bot is there is lost, as people know at once."""

    def __init__(self, theatre: Theatre, chance: random.Random) -> None:
        self._theatre = theatre
        self._chance = chance
        self._pressed: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        theatre = self._theatre
        async with asyncio.TaskGroup() as group:
            for person in (theatre.ann, theatre.bob):
                for _ in range(_HANDS):
                    group.create_task(self._act(person))

    async def _act(self, person: Person) -> None:
        while True:
            # People come at random moments; that is what is tested.
            await asyncio.sleep(self._chance.expovariate(1 / _PAUSE_S))
            if not self._theatre.slack.connections:
                continue
            card = self._card(person) if self._chance.random() < 0.3 else None
            if card is not None:
                await person.click(*card)
            elif len(self._theatre.open()) < _MOST:
                await self._ask(person)

    async def _ask(self, person: Person) -> None:
        words = self._chance.choice(_WISHES).format(self._theatre.word())
        if self._chance.random() < 0.3:
            await person.mention(self._theatre.dev, words)
        else:
            await person.command("/job", words, channel=self._theatre.dev)

    def _card(self, person: Person) -> tuple[Message, str] | None:
        """A button on the person's own card, each once: a job that goes on already refuses to do so again."""
        found = [
            (card, label)
            for card in self._theatre.dev.messages[-20:]
            if f"by: {person.handle} " in card.plain or f"by: {person.id} " in card.plain
            for label in card.buttons
            if label in _BUTTONS and (card.ts, _sort(label)) not in self._pressed
        ]
        if not found:
            return None
        card, label = self._chance.choice(found)
        self._pressed.add((card.ts, _sort(label)))
        return card, label


def _sort(label: str) -> str:
    return "stop" if label == "Cancel" else "go on"
