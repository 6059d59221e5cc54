"""`bifrost token …`: makes, lists and ends the tokens of the HTTP API, whether the bot serves or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from bot.client import Client, connect
from bot.data_dir import DataDir, DataDirInUse
from bot.settings import Settings
from bot.web.tokens import Tokens
from bot.web.tokens_api import MadeToken, NewToken, TokenRecord, made
from executor.wakeups import Wakeups
from storage import open_storage


class BadToken(Exception):
    """There can be no such token, or there is none. The text is a sentence for the person."""


class Office(Protocol):
    """Who makes tokens: this process, or the bot that serves."""

    async def create(self, new: NewToken) -> MadeToken: ...

    async def tokens(self) -> Sequence[TokenRecord]: ...

    async def revoke(self, token_id: str) -> bool: ...


async def create(settings: Settings, name: str, scope: str, days: int | None) -> MadeToken:
    """A new token. Raises BadToken."""
    wishes: Mapping[str, Any] = {"name": name, "scope": scope, "days": days}
    try:
        new = NewToken.model_validate(wishes)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise BadToken(f"The {wrong['loc'][0]} cannot be taken: {wrong['msg']}.") from None
    async with _office(settings) as office:
        return await office.create(new)


async def listing(settings: Settings) -> Sequence[str]:
    """A line per token, the oldest first."""
    async with _office(settings) as office:
        return [_line(token) for token in await office.tokens()]


async def revoke(settings: Settings, token_id: str) -> None:
    """Ends a token at once. Raises BadToken."""
    async with _office(settings) as office:
        if not await office.revoke(token_id):
            raise BadToken(
                f"There is no token {token_id!r} that has not ended. `bifrost token list` shows all."
            )


@asynccontextmanager
async def _office(settings: Settings) -> AsyncIterator[Office]:
    data = DataDir(settings.data_dir)
    data.make()
    try:
        with data.lock():
            async with open_storage(data.database, Wakeups(), reserve=data.reserve) as storage:
                yield _Here(Tokens(storage.api, data.api_token()))
                return
    except DataDirInUse:
        if not data.address.exists():
            raise
    async with connect(data.address.read_text().strip(), data.api_token()) as client:
        yield _Server(client)


class _Here:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def create(self, new: NewToken) -> MadeToken:
        return await made(self._tokens, new)

    async def tokens(self) -> Sequence[TokenRecord]:
        return [
            TokenRecord.model_validate(each, from_attributes=True) for each in await self._tokens.tokens()
        ]

    async def revoke(self, token_id: str) -> bool:
        return await self._tokens.revoke(token_id)


class _Server:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, new: NewToken) -> MadeToken:
        answer = await self._client.call("POST", "/api/tokens", new.model_dump(exclude_none=True))
        return MadeToken.model_validate(answer)

    async def tokens(self) -> Sequence[TokenRecord]:
        return TypeAdapter(list[TokenRecord]).validate_python(await self._client.call("GET", "/api/tokens"))

    async def revoke(self, token_id: str) -> bool:
        known = [token for token in await self.tokens() if token.id == token_id and token.revoked_at is None]
        if known:
            await self._client.call("DELETE", f"/api/tokens?id={token_id}")
        return bool(known)


def _line(token: TokenRecord) -> str:
    if token.revoked_at is not None:
        holds = f"revoked {_day(token.revoked_at)}"
    else:
        holds = f"until {_day(token.expires_at)}" if token.expires_at else "until it is revoked"
    return f"{token.id}  {token.scope:<5}  {token.name}  made {_day(token.created_at)}, {holds}"


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d")
