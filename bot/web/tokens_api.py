"""Tokens over HTTP, for the command line of a running bot: made, listed and ended."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from bot.web.bodies import Fields
from bot.web.callers import Scope
from bot.web.endpoints import Call, Endpoint
from bot.web.job_bodies import JobId
from bot.web.problems import Problem
from bot.web.repeats import UNKEPT
from bot.web.tokens import Tokens

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$")]
Days = Annotated[int, Field(ge=1, le=3_650)]


class NewToken(Fields):
    """`days` is how long it holds; without, until it is revoked."""

    name: Name
    scope: Scope = "read"
    days: Days | None = None


class TokenRecord(BaseModel):
    """A token, but for what its bearer sends."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class MadeToken(TokenRecord):
    """A token that has just been made."""

    token: str = Field(description="What its bearer sends. It is told now, and never again.")


async def made(tokens: Tokens, new: NewToken) -> MadeToken:
    """Makes a token."""
    lifetime = timedelta(days=new.days) if new.days is not None else None
    token, secret = await tokens.create(new.name, new.scope, lifetime)
    return MadeToken.model_validate(asdict(token) | {"token": secret})


class TokensApi:
    """For scope admin alone."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def endpoints(self) -> list[Endpoint]:
        path = "/api/tokens"
        return [
            Endpoint(
                method="GET",
                path=path,
                handler=self._list,
                summary="All tokens that there ever were.",
                answer=list[TokenRecord],
                scope="admin",
            ),
            Endpoint(
                method="POST",
                path=path,
                handler=self._create,
                summary="A new token.",
                body=NewToken,
                answer=MadeToken,
                status=201,
                problems=(422,),
                scope="admin",
            ),
            Endpoint(
                method="DELETE",
                path=path,
                handler=self._revoke,
                summary="End a token at once.",
                query=JobId,
                status=204,
                problems=(404, 422),
                scope="admin",
            ),
        ]

    async def _list(self, call: Call[None, None]) -> list[TokenRecord]:
        return [
            TokenRecord.model_validate(token, from_attributes=True) for token in await self._tokens.tokens()
        ]

    async def _create(self, call: Call[None, NewToken]) -> MadeToken:
        call.headers["Cache-Control"] = UNKEPT
        return await made(self._tokens, call.body)

    async def _revoke(self, call: Call[JobId, None]) -> None:
        if not await self._tokens.revoke(call.query.id):
            raise Problem(404, "There is no such token that has not ended already.", field="id")
