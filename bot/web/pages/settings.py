"""The settings page: what jobs get where nobody says, limits of providers, workspaces and tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import Field, create_model

from bot.desk.asks import Answer
from bot.desk.commands import SETTINGS
from bot.desk.defaults import FORGET, LIMIT, Defaults
from bot.web.bodies import PageBody, Text, read_body
from bot.web.pages.parts import Parts
from bot.web.tokens import Tokens
from storage.hub.preferences import WORKSPACE_OF

_BACK = "/settings"
_fields: dict[str, Any] = {
    name.replace(".", "_"): (Text | None, Field(default=None, alias=name)) for name in SETTINGS
}
SettingsBody = create_model("SettingsBody", __base__=PageBody, **_fields)
"""What the form of the settings sends: each by its name."""


class LimitBody(PageBody):
    """Which provider's limit is to be forgotten."""

    provider: Text


class PlaceBody(PageBody):
    """Which workspace a channel shall have."""

    platform: Text
    channel: Text
    workspace: Text


class TokenBody(PageBody):
    """Which token is to end."""

    token: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the page shows beside the store: the settings, and the providers that are switched on."""

    defaults: Defaults
    providers: tuple[str, ...]


class SettingsPage:
    """Shows and changes settings for `actor`, who is whoever is logged in."""

    def __init__(self, parts: Parts, terms: Terms, tokens: Tokens) -> None:
        self._parts = parts
        self._terms = terms
        self._tokens = tokens

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/settings", self._page),
            web.post("/settings", self._set),
            web.post("/settings/limits", self._forget_limit),
            web.post("/settings/workspaces", self._place),
            web.post("/settings/tokens", self._revoke),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        terms = self._terms
        limits, places = await terms.defaults.limits(), terms.defaults.places
        known = await terms.defaults.known()
        return self._parts.page(
            request,
            "settings.html",
            settings=await terms.defaults.settings(),
            forget=FORGET,
            limits=[(provider, limits.get(provider)) for provider in terms.providers],
            workspaces=places.overview(self._parts.actor, known),
            channels=places.channels(known),
            names=tuple(places.workspaces.named),
            tokens=[token for token in await self._tokens.tokens() if token.revoked_at is None],
            delivery=str(uuid.uuid4()),
        )

    async def _set(self, request: web.Request) -> web.Response:
        body = await read_body(request, SettingsBody)
        given = body.model_dump(by_alias=True, include={name.replace(".", "_") for name in SETTINGS})
        args = {name: value or FORGET for name, value in given.items() if value is not None}
        return await self._ask(request, body, "", args)

    async def _forget_limit(self, request: web.Request) -> web.Response:
        body = await read_body(request, LimitBody)
        return await self._ask(request, body, f"{LIMIT}{body.provider}", {"value": FORGET})

    async def _place(self, request: web.Request) -> web.Response:
        body = await read_body(request, PlaceBody)
        target = f"{WORKSPACE_OF}{body.platform}.{body.channel.strip()}"
        return await self._ask(request, body, target, {"value": body.workspace})

    async def _ask(
        self, request: web.Request, body: PageBody, target: str, args: dict[str, str]
    ) -> web.Response:
        answer = await self._parts.asked(body, "settings", args, target=target)
        return self._parts.answers.give(request, answer, _BACK)

    async def _revoke(self, request: web.Request) -> web.Response:
        body = await read_body(request, TokenBody)
        ended = await self._tokens.revoke(body.token)
        text = "The token holds no more." if ended else "There is no such token that still holds."
        return self._parts.answers.give(request, Answer(ok=ended, text=text), _BACK)
