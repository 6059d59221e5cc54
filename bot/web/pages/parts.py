"""What every page works with, and how it asks the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bot.desk.asks import Answer, Ask, Offer
from bot.desk.attachments import Limits
from bot.web.answers import Answers, answered
from bot.web.bodies import PageBody
from bot.web.pages.rows import Door, Row, row_of
from bot.web.pages.saving import Saving
from bot.web.sse import Streams
from bot.web.templates import Templates
from executor.model import Actor, Job, Origin
from executor.queueing import Hindrance
from storage import Storage


class Routed(Protocol):
    """What answers at some addresses."""

    def routes(self) -> list[web.AbstractRouteDef]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everybody who is logged in is `actor`, the owner; `limits` hold for what is sent along."""

    storage: Storage
    door: Door
    actor: Actor
    templates: Templates
    streams: Streams
    answers: Answers
    saving: Saving
    limits: Limits

    @property
    def dev(self) -> Origin:
        """Where somebody asks who stands in no channel."""
        return Origin(actor=self.actor, channel="dev")

    def page(self, request: web.Request, template: str, **shown: object) -> web.Response:
        """A page, with the answer to the form that has led to it."""
        return self.templates.page(template, answer=self.answers.asked_before(request), **shown)

    def row(self, job: Job, hindrance: Hindrance | None = None) -> Row:
        """The job as whoever is logged in may see and change it."""
        return row_of(job, self.door, self.actor, hindrance=hindrance)

    def choices(self, option: str) -> Sequence[str]:
        """The values that whoever is logged in may give an option; none where they cannot be listed."""
        return self.door.choices(option, self.actor)

    async def asked(
        self,
        body: PageBody,
        verb: str,
        args: Mapping[str, str],
        *,
        target: str = "",
        origin: Origin | None = None,
        files: Sequence[Offer] = (),
    ) -> Answer:
        """The desk's answer to a form; raises Problem as `answered` does."""
        ask = Ask(
            verb=verb,
            target=target,
            origin=origin or self.dev,
            delivery=f"web:{body.delivery}",
            args=args,
            zone=body.clocks,
            files=files,
        )
        return await answered(self.door.ask(ask))
