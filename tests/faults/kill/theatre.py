"""The world around a bot that is killed again and again, and what people do in it."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.kill.lives import Lives, lives_of
from tests.forge import build_forge
from tests.simulators.slack import Channel, Message, Person, Rules, SlackSimulator
from tests.simulators.slack.socket_mode import Delivery
from tests.stage import Wishes, hang_backdrop

AGENT = Path(__file__).with_name("agent.sh")
LATER_S = 30.0
"""Seconds within which all is told and done; a bound, not an expectation."""
_LOOK_S = 0.02
_SAID = {"Left", "Approve"}
"""The buttons below what agent.sh asks."""
_CLEAR_S = 5.0
"""Seconds that a process has to go: its grace and a bit."""
_OPEN = """
SELECT 'job ' || substr(id, 1, 6) || ' is ' || status FROM jobs
WHERE status IN ('pending', 'running', 'rate_limited')
   OR (status = 'scheduled' AND scheduled_at < strftime('%Y-%m-%dT%H:%M:%f', 'now', '+1 minute'))
UNION ALL
SELECT 'schedule ' || substr(id, 1, 6) || ' is due' FROM schedules
WHERE deleted_at IS NULL AND paused_at IS NULL AND next_run < strftime('%Y-%m-%dT%H:%M:%f', 'now')
UNION ALL
SELECT 'job ' || substr(id, 1, 6) || ' has replies' FROM jobs WHERE replies > 0
UNION ALL
SELECT kind || ' of ' || substr(job_id, 1, 6) || ' is not told' FROM outbox WHERE shown < wanted
"""


@dataclass(kw_only=True)
class Theatre:
    """A bot, a Slack, and people. `place` holds the configuration and the bot's data."""

    place: Path
    slack: SlackSimulator
    lives: Lives
    dev: Channel
    den: Channel
    """Where nobody has said which of the two workspaces is meant."""
    ann: Person
    bob: Person
    words: itertools.count[int] = field(default_factory=itertools.count)
    tasks: dict[str, str] = field(default_factory=dict)
    """The status that each task was said to have when it was kept."""

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def database(self) -> Path:
        return self.data / "bifrost.db"

    def word(self) -> str:
        """A word that no other job has."""
        return f"word-{next(self.words)}"

    def hold(self) -> None:
        """From now until the next start, jobs that are asked to stay do not end by themselves."""
        self._held.parent.mkdir(parents=True, exist_ok=True)
        self._held.touch()

    @property
    def agents_home(self) -> Path:
        """Where agent.sh leaves its notes, and looks for ours."""
        return self.data / "agents" / "main" / "claude"

    @property
    def _held(self) -> Path:
        return self.agents_home / "held"

    async def begin(self) -> None:
        """Starts the bot and waits until it is connected, or has died on the way."""
        self._held.unlink(missing_ok=True)
        (self.data / "server-address").unlink(missing_ok=True)
        await self.slack.until(lambda: not self.slack.connections, what="the last bot's socket to close")
        await self.lives.begin()
        await self.or_end(self.slack.until(lambda: self.slack.connections, timeout=LATER_S, what="a socket"))

    async def or_end(self, work: Awaitable[object]) -> bool:
        """Does `work` as long as the bot lives; whether it was done."""
        working = asyncio.ensure_future(work)
        ending = asyncio.ensure_future(self.lives.ended.wait())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            if self.lives.ended.is_set():
                return False
            await working
            return True
        finally:
            working.cancel()
            ending.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)

    async def settled(self) -> None:
        """Waits until every job has ended or waits for a far moment, and all of it is told.

        Meanwhile Ann answers what is asked.
        """
        answering = asyncio.create_task(self._answer())
        try:
            settled = await _until(lambda: self.lives.ended.is_set() or not self.unsettled(), LATER_S)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
        if not settled:
            raise AssertionError("\n".join(["not settled:", *self.unsettled()]))
        assert not self.lives.ended.is_set(), f"the bot ended with {self.lives.status}"

    async def _answer(self) -> None:
        """Ann goes left wherever she is asked, and says yes, as long as the bot lives."""
        while not self.lives.ended.is_set():
            for asked in [each for each in self.dev.all_messages.values() if _SAID & {*each.buttons}]:
                label = next(iter(_SAID & {*asked.buttons}))
                await self.ann.click(asked, label)
                await _until(lambda: self.lives.ended.is_set() or label not in asked.buttons, LATER_S)  # noqa: B023
            await asyncio.sleep(_LOOK_S)

    async def address(self) -> str:
        """Where the bot serves its page, once it has written that down."""
        written = self.data / "server-address"
        assert await _until(lambda: written.exists() and written.read_text(), LATER_S), "no address"
        return written.read_text()

    def unsettled(self) -> list[str]:
        """What is still to come."""
        if not all(delivery.settled for delivery in self.slack.deliveries):
            return ["a delivery is on its way"]
        return self.open()

    def open(self) -> list[str]:
        """What the bot still has to do."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return [row[0] for row in connection.execute(_OPEN)]

    async def survivors(self) -> list[str]:
        """What still runs of a bot that is dead, once the jobs' processes had time to notice."""
        return await _outlasting(self.lives.strays)

    async def left_over(self) -> list[str]:
        """Temporary files that nobody works in any more, and processes, once they had time to go."""
        patterns = ("jobs/*/tmp-*", "reports/.*", ".api-token*", "files/*/.*")

        def found() -> list[str]:
            files = [str(path) for pattern in patterns for path in self.data.glob(pattern)]
            return [*files, *self._unclaimed(), *self.lives.strays()]

        return await _outlasting(found)

    def _unclaimed(self) -> list[str]:
        """Files that were sent and that nothing names."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            payloads = [row[0] for row in connection.execute("SELECT payload FROM jobs")]
        parcels = (self.data / "received").glob("*")
        return [str(path) for path in parcels if not any(path.name in payload for payload in payloads)]

    async def redeliver(self) -> None:
        """What was never acknowledged comes again, as Slack's retries do."""
        for delivery in self.slack.deliveries:
            if not acked(delivery) and any(attempt.sent_at for attempt in delivery.attempts):
                delivery.settled = True
                await self.slack.redeliver(delivery, new_envelope_id=True)

    async def card(self, shows: Callable[[Message], bool]) -> Message:
        """The newest card in #dev that, as soon as there is one, `shows` is true of."""
        found = await self.slack.until(
            lambda: [message for message in self.dev.messages if shows(message)],
            timeout=LATER_S,
            what="a card",
        )
        return found[-1]


def acked(delivery: Delivery) -> bool:
    """Whether any of its attempts was acknowledged, however late."""
    return any(attempt.acks for attempt in delivery.attempts)


async def _until(condition: Callable[[], object], within_s: float) -> bool:
    """Waits for what another process does, which rings no bell here; whether it came true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


async def _outlasting(find: Callable[[], list[str]]) -> list[str]:
    """What `find` still finds after all had time to go."""
    found: list[str] = []

    def gone() -> bool:
        found[:] = find()
        return not found

    await _until(gone, _CLEAR_S)
    return found


@asynccontextmanager
async def open_theatre(place: Path) -> AsyncIterator[Theatre]:
    """A theatre whose bot has not begun yet."""
    wishes = Wishes(
        oauth=True,
        executable=str(AGENT),
        drain_seconds=0.3,
        workspaces={"other": place / "workspace"},
        worktrees=True,
    )
    build_forge(place)
    rules = Rules(rate_limits=False, event_retry_delays_s=())
    async with hang_backdrop(place, wishes, rules) as backdrop, lives_of(backdrop.config) as lives:
        ann, bob, _ = backdrop.people
        dev, den = backdrop.slack.channel("dev"), backdrop.slack.channel("den")
        _place_jobs(backdrop.config, dev, den)
        yield Theatre(
            place=place,
            slack=backdrop.slack,
            lives=lives,
            dev=dev,
            den=den,
            ann=ann,
            bob=bob,
        )


def _place_jobs(config: Path, dev: Channel, den: Channel) -> None:
    """Opens #den too; jobs of #dev alone have a workspace without naming it."""
    opened = f'channels = ["{dev.id}", "{den.id}"]\nworkspaces = {{ {dev.id} = "main" }}'
    config.write_text(config.read_text().replace(f'channels = ["{dev.id}"]', opened))
