"""A desk with a real store behind it, and people in front of it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.desk.access import EVERYBODY, Access, Rule
from bot.desk.asks import Answer, Ask, Invocation
from bot.desk.attachments import Attachments, Limits
from bot.desk.desk import Desk
from bot.desk.presets import Presets
from executor.catalog import Catalog
from executor.events import SessionOpened
from executor.executor import Executor
from executor.lifecycle import Transition
from executor.model import Actor, Job, Origin, Outcome, OutcomeKind, Usage
from executor.parcels import Parcels
from executor.ports import Clock, SystemClock
from executor.processes.shims import Shims
from executor.pull_requests import PullRequests
from executor.wakeups import Wakeups
from executor.workspaces import Workspace, Workspaces
from executor.worktrees.decisions import Decisions
from executor.worktrees.git import careful_git
from executor.worktrees.worktrees import Worktrees
from storage import Storage, open_storage
from tests.builders import TestClock, claim_one

LIMIT = 1000


def person(user_id: str, *, team: str = "T1", platform: str = "slack") -> Actor:
    return Actor(platform=platform, team=team, user_id=user_id, name=user_id.title())


ANN, BOB, ADMIN, EVE = person("ann"), person("bob"), person("admin"), person("eve")
OWNER = person("owner", team="", platform="web")
ELSEWHERE = person("ann", team="T2")
MAIN_AND_API = Workspaces(named={name: Workspace(directory=Path("/srv", name)) for name in ("main", "api")})
TO_MAIN = Presets(default="main")


@dataclass
class Office:
    """A desk with everything behind it, and short ways to use it."""

    storage: Storage
    desk: Desk
    database: Path
    clock: TestClock
    deliveries: int = 0

    async def type(
        self, text: str, by: Actor = ANN, *, delivery: str = "", thread: str | None = None
    ) -> Answer:
        origin = Origin(actor=by, channel="C0DEV", thread=thread)
        self.clock.pass_by(seconds=1)
        return await self.desk.command(Invocation(text=text, origin=origin, delivery=delivery or self._new()))

    async def ask(self, verb: str, target: str = "", by: Actor = ANN, **args: str) -> Answer:
        return await self.send(verb, args, target, by)

    async def send(self, verb: str, args: dict[str, str], target: str = "", by: Actor = ANN) -> Answer:
        origin = Origin(actor=by, channel="C0DEV")
        return await self.desk.ask(
            Ask(verb=verb, origin=origin, delivery=self._new(), target=target, args=args)
        )

    async def queued(self, text: str = "research how?", by: Actor = ANN) -> Job:
        answer = await self.type(text, by)
        assert answer.ok and answer.job is not None, answer.text
        return answer.job

    async def running(self, by: Actor = ANN, *, session: str = "s-1") -> Job:
        await self.queued(by=by)
        job = await claim_one(self.storage.jobs, ["rehearsal"])
        assert job is not None
        if session:
            await self.storage.jobs.record(job, [SessionOpened(session_id=session)])
        return job

    async def ended(self, by: Actor = ANN, *, session: str = "s-1", **outcome: object) -> Job:
        job = await self.running(by, session=session)
        usage = Usage(cost_usd=0.42, turns=3, duration_ms=42_000)
        how = Outcome(**{"kind": OutcomeKind.DONE, "result": "42", "usage": usage} | outcome)  # type: ignore[arg-type]
        moves = {OutcomeKind.DONE: Transition.FINISH, OutcomeKind.FAILED: Transition.FAIL}
        settled = await self.storage.jobs.settle(job, moves.get(how.kind, Transition.HIT_LIMIT), how)
        assert settled is not None
        return settled

    async def finish(self, job: Job, session: str = "s-1") -> Job:
        """Lets the one job that is due be done, whoever its provider is."""
        running = await claim_one(self.storage.jobs, [job.provider], job.id)
        assert running is not None
        await self.storage.jobs.record(running, [SessionOpened(session_id=session)])
        settled = await self.storage.jobs.settle(running, Transition.FINISH, Outcome(kind=OutcomeKind.DONE))
        assert settled is not None
        return settled

    async def limited(self) -> Job:
        resets_at = self.clock.now() + timedelta(hours=1)
        return await self.ended(
            kind=OutcomeKind.LIMITED, resets_at=resets_at, message="The limit is reached."
        )

    async def job(self, job: Job) -> Job:
        now = await self.storage.jobs.job(job.id)
        assert now is not None
        return now

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            return {
                name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
                for (name,) in tables
            }

    async def refused(self, answer: Answer, before: dict[str, int]) -> str:
        """The text of a refusal, which has changed nothing."""
        assert not answer.ok
        assert answer.job is None
        assert self.rows() == before
        return answer.text

    def _new(self) -> str:
        self.deliveries += 1
        return f"test:{self.deliveries}"


@asynccontextmanager
async def an_office(place: Path) -> AsyncIterator[Office]:
    clock, wakeups, database = TestClock(), Wakeups(), place / "bifrost.db"
    async with open_storage(database, wakeups, clock) as storage:
        desk = desk_on(storage, clock=clock, received=place / "received")
        yield Office(storage, desk, database, clock)


def desk_on(
    storage: Storage,
    providers: tuple[str, ...] = ("rehearsal", "claude"),
    clock: Clock | None = None,
    received: Path = Path("/nowhere"),
    workspaces: Workspaces = MAIN_AND_API,
    presets: Presets = TO_MAIN,
) -> Desk:
    everybody = frozenset({EVERYBODY})
    owner = frozenset({"owner"})
    rules = {
        "slack": Rule(
            channels=everybody,
            people=frozenset({"ann", "bob"}),
            admins=frozenset({"admin"}),
            roles=frozenset({"crew"}),
        ),
        "web": Rule(channels=everybody, people=owner, admins=owner),
    }
    worktrees = Worktrees(
        careful_git(Shims((), 0)), Path("/nowhere"), storage.jobs, storage.worktrees, workspaces
    )
    return Desk(
        storage=storage,
        executor=Executor(storage.jobs),
        access=Access(rules=rules, workspaces=workspaces),
        catalog=Catalog(providers=providers),
        workspaces=workspaces,
        decisions=Decisions(worktrees, PullRequests(Shims((), 0), Path("/nowhere"))),
        presets=presets,
        attachments=Attachments(Parcels(received), Limits(largest=1_000, most=3), storage.replies.delivered),
        prompt_limit=LIMIT,
        clock=clock or SystemClock(),
        zone=ZoneInfo("Europe/Paris"),
        public_url=lambda: "https://bot.example",
    )
