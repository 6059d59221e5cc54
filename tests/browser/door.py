"""The other side of the page in its tests: a desk that remembers what it was asked, and a running server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from bot.desk.access import EVERYBODY, Access, Rule
from bot.desk.asks import Answer, Ask, Invocation
from bot.desk.commands import Misunderstood
from bot.desk.defaults import Defaults
from bot.desk.grammar import parse
from bot.desk.help import help_text
from bot.desk.places import Places
from bot.desk.presets import Presets
from bot.platforms.web import WebPlatform
from bot.web.endpoints import Endpoint
from bot.web.messages_api import MessagesApi
from bot.web.overviews import Overviews
from bot.web.pages.settings import Terms
from bot.web.server import WebServer
from executor.catalog import Catalog
from executor.model import Actor, Job, Origin
from executor.wakeups import Bell, Wakeups
from executor.workspaces import Workspace, Workspaces
from storage import Storage, open_storage

TOKEN = "t0ken-of-256-bits"
_OWNER = frozenset({"owner"})
_OWNERS = Rule(channels=frozenset({EVERYBODY}), people=_OWNER, admins=_OWNER)
_SITE = Workspace(directory=Path("/srv/site"), fallback="rehearsal")


class RecordingDoor:
    """Answers like a desk with no executor behind it. `asked` rings at each request."""

    def __init__(self) -> None:
        self.commands: list[Invocation] = []
        self.asks: list[Ask] = []
        self.asked = Bell()
        self.error: Exception | None = None
        self.wrong: dict[str, str] = {}
        """The field that is wrong, by verb."""
        self.refused: set[str] = set()
        """The verbs that nobody may have."""

    async def command(self, invocation: Invocation) -> Answer:
        if self.error:
            raise self.error
        self.commands.append(invocation)
        self.asked.ring()
        try:
            parsed = parse(invocation.text)
        except Misunderstood as problem:
            return Answer(ok=False, text=problem.text, field=problem.field)
        if parsed.command.verb == "help":
            return Answer(ok=True, text=help_text())
        return Answer(ok=True, text=f"Queued as `3fa9c1`: **{parsed.command.verb}**")

    async def ask(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        self.asked.ring()
        if ask.verb in self.wrong:
            return Answer(ok=False, text="That is `wrong`.\nUsage: …", field=self.wrong[ask.verb])
        return Answer(ok=True, text=f"`{ask.target}`: {ask.verb} it is.")

    def allows(self, origin: Origin, verb: str, job: Job) -> bool:
        return verb not in self.refused

    def choices(self, option: str, actor: Actor) -> Sequence[str]:
        return {"priority": ("normal", "low", "high"), "missed": ("once", "skip")}.get(option, ())


@dataclass
class Pulse:
    """When the executor, which is none here, has looked for work last."""

    at: datetime | None = None

    def beat(self) -> datetime:
        return self.at or datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A served page with its store and the folders beside it."""

    server: WebServer
    storage: Storage
    wakeups: Wakeups
    platform: WebPlatform
    door: RecordingDoor
    pulse: Pulse
    reports: Path
    files: Path
    database: Path

    @asynccontextmanager
    async def visitor(
        self, *, logged_in: bool = True, bearer: str = ""
    ) -> AsyncIterator[aiohttp.ClientSession]:
        """A client of this site, as a browser's page or as a program would be."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {"Origin": self.server.url}
        jar = aiohttp.CookieJar(unsafe=True)  # takes cookies of an address that is a number
        async with aiohttp.ClientSession(self.server.url, cookie_jar=jar, headers=headers) as session:
            if logged_in and not bearer:
                async with session.get(self.server.login_link()) as answer:
                    assert answer.status == 200
            yield session


def terms_of(storage: Storage) -> Terms:
    """What the settings page shows: the desk's own settings, of a bot with two providers."""
    catalog = Catalog(providers=("claude", "rehearsal"))
    return Terms(
        defaults=_defaults(storage, catalog, main=Workspace(directory=Path("/srv/main")), site=_SITE),
        providers=catalog.providers,
    )


def _defaults(storage: Storage, catalog: Catalog, **named: Workspace) -> Defaults:
    workspaces = Workspaces(named=named)
    access = Access(rules={"web": _OWNERS}, workspaces=workspaces)
    places = Places(workspaces=workspaces, presets=Presets(default="main"), access=access)
    return Defaults(storage.preferences, catalog, ZoneInfo("Europe/Paris"), places)


@asynccontextmanager
async def open_site(
    folder: Path, *, port: int = 0, public_url: str = "", door: RecordingDoor | None = None
) -> AsyncIterator[Site]:
    """Serves what is in `folder`, which is made or gone on with."""
    wakeups = Wakeups()
    door, pulse = door or RecordingDoor(), Pulse()
    reports, files = folder / "reports", folder / "files"
    for place in (reports, files):
        place.mkdir(parents=True, exist_ok=True)
    async with open_storage(folder / "bifrost.sqlite", wakeups) as storage:
        server = WebServer(
            storage=storage,
            wakeups=wakeups,
            door=door,
            reports=reports,
            files=files,
            terms=terms_of(storage),
            api_token=TOKEN,
            sandbox="reaper",
            port=port,
            public_url=public_url,
            api=[*MessagesApi(storage.messages).endpoints(), *_overviews(storage, pulse)],
        )
        async with server:
            yield Site(
                server=server,
                storage=storage,
                wakeups=wakeups,
                platform=WebPlatform(storage.messages, files),
                door=door,
                pulse=pulse,
                reports=reports,
                files=files,
                database=folder / "bifrost.sqlite",
            )


def _overviews(storage: Storage, pulse: Pulse) -> Sequence[Endpoint]:
    catalog = Catalog(providers=("claude",))
    defaults = _defaults(storage, catalog, main=Workspace(directory=Path()))
    return Overviews(storage, catalog, defaults, pulse.beat).endpoints()
