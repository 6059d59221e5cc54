"""Makes the pages: what a template needs of a message, and the templates."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.desk.asks import Answer
from bot.desk.commands import COMMANDS, JOB_COMMANDS, Takes
from bot.platforms.base import Announcement, Shape, Tone
from bot.platforms.web import TONE_MARKS, announcement_of
from bot.web.form import Field, types
from bot.web.markup import to_html, visible
from bot.web.problems import Problem
from storage.hub import Message

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_LIVE = (Tone.RUNNING, Tone.WAITING, Tone.SCHEDULED)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A message as the page shows it. The text of a `folded` one is fetched when somebody unfolds it."""

    message: Message
    announcement: Announcement | None
    folded: bool = False
    replies: Sequence[View] = ()

    @property
    def sort(self) -> str:
        """What the message is, for the template: a card, page, result, file or plain text."""
        if self.announcement is not None:
            return str(self.announcement.shape)
        return "file" if "file" in self.message.metadata else "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The part of a channel's page that one asks in: the last answer, and the form for a new job."""

    answer: Answer | None
    fields: Sequence[Field]
    opened: bool


def state_of(announcement: Announcement) -> tuple[str, str]:
    """How it stands, in words, and the title beside that.

    The announcer's titles end with the state ("research 3fa9c1 · done"); for others, the tone has a word.
    """
    title, found, state = announcement.title.rpartition(" · ")
    if not found:
        return TONE_MARKS[announcement.tone][1], announcement.title
    return state[:1].upper() + state[1:], title


def view_of(message: Message) -> View:
    return View(message=message, announcement=announcement_of(message))


def thread_of(head: Message, replies: Sequence[Message]) -> View:
    """A message with its thread. Output is folded away, but for the newest page of a job that goes on."""
    views = [view_of(reply) for reply in replies]
    newest = max((n for n, view in enumerate(views) if view.sort == Shape.PAGE), default=-1)
    runs = _runs(view_of(head), views[:newest])
    return View(
        message=head,
        announcement=announcement_of(head),
        replies=[
            View(
                message=view.message,
                announcement=view.announcement,
                folded=view.sort == Shape.PAGE and not (runs and n == newest),
            )
            for n, view in enumerate(views)
        ],
    )


def _runs(head: View, views: Sequence[View]) -> bool:
    """Whether the last job that was announced before the newest page still goes on."""
    cards = [view for view in (head, *views) if view.announcement and view.sort == Shape.CARD]
    return bool(cards) and cards[-1].announcement is not None and cards[-1].announcement.tone in _LIVE


class Pages:
    """Renders what the browser gets; `static` serves what stands beside it."""

    def __init__(self) -> None:
        folder = files("bot.web").joinpath("static")
        self._static = {file.name: file.read_bytes() for file in folder.iterdir()}
        self._templates = Environment(
            loader=PackageLoader("bot.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalized,
        )
        self._templates.filters |= {
            "iso": _iso,
            "markdown": to_html,
            "order": _order,
            "safe_url": _safe_url,
            "state": state_of,
        }
        self._templates.globals |= {
            "asset": self._asset,
            "hints": list(_hints()),
            "new_delivery": lambda: str(uuid.uuid4()),
            "example": JOB_COMMANDS[0].example,
            "types": types(),
        }

    def channel(self, name: str, threads: Sequence[View], revision: int, delivery: str, desk: Desk) -> str:
        return self._templates.get_template("channel.html").render(
            name=name,
            threads=threads,
            revision=revision,
            delivery=delivery,
            answer=desk.answer,
            fields=desk.fields,
            opened=desk.opened,
        )

    def message(self, view: View) -> str:
        """One message alone, as the page's script puts it in its place."""
        return self._templates.get_template("message.html").render(view=view)

    def single(self, view: View) -> str:
        """A page with one message, for what a channel's page keeps folded."""
        return self._templates.get_template("single.html").render(view=view)

    def api(self, document: Mapping[str, Any]) -> str:
        """The description of the HTTP API, to be read."""
        return self._templates.get_template("api.html").render(api=document)

    def logged_in(self) -> str:
        return self._templates.get_template("logged_in.html").render()

    def problem(self, request: web.Request, problem: Problem) -> str:
        """A refusal as a page.

        A browser that follows a link from another site keeps a Strict cookie back; the page then asks for
        itself once more, from here.
        """
        crossed = request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "GET"
        again = request.rel_url.raw_path if problem.status == 401 and crossed else ""
        return self._templates.get_template("problem.html").render(problem=problem, again=again)

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._static:
            raise web.HTTPNotFound
        kind = _TYPES["." + name.rpartition(".")[2]]
        return web.Response(
            body=self._static[name],
            headers={"Content-Type": kind, "Cache-Control": "public, max-age=31536000, immutable"},
        )

    def _asset(self, name: str) -> str:
        return f"/static/{name}?v={hashlib.sha256(self._static[name]).hexdigest()[:12]}"


def _hints() -> Iterator[dict[str, str]]:
    """What the command box offers, out of the command table."""
    for command in COMMANDS:
        fill = f"/job {command.verb}" + ("" if command.takes in (Takes.NOTHING, Takes.VERB) else " ")
        yield {"verb": command.verb, "fill": fill, "usage": command.usage, "summary": command.summary}


def _finalized(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _order(message: Message) -> str:
    """Sorts messages as the store does."""
    return f"{message.created_at.isoformat(timespec='microseconds')} {message.id}"


def _safe_url(url: str) -> str:
    """`url` where it leads to the web or into this site, else nothing: links may come from anybody."""
    inside = url.startswith("/") and not url.startswith(("//", "/\\"))
    return url if inside or url.startswith(("https://", "http://")) else ""
