"""Slack's Web API: every call bounded, every failure one of Throttled, Unsure and Refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.platforms.base import Gone, Refused, Throttled, Unsure

CALL_TIMEOUT_S = 10

_THROTTLED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_SERVER_FAULTS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_DEFAULT_PAUSE_S = 30
_GONE = "message_not_found"
_ASK_ELSEWHERE = "Ask me in another channel."
_ADVICE = {
    "not_in_channel": "I am not in that channel: invite me there with `/invite @Bifrost`.",
    "channel_not_found": "I see no such channel. If it still exists, invite me: `/invite @Bifrost`.",
    "is_archived": f"That channel is archived. {_ASK_ELSEWHERE}",
    "thread_not_found": f"That thread is gone. {_ASK_ELSEWHERE}",
    "restricted_action": f"This workspace does not let me post in that channel. {_ASK_ELSEWHERE}",
    "missing_scope": "I lack a permission: whoever runs me finds out which with `bifrost doctor`.",
}
"""By Slack's word for a refusal: what people can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose token it is. `scopes` is None where Slack did not say what the token may do."""

    team: str
    user_id: str
    bot_id: str
    scopes: frozenset[str] | None
    url: str = ""
    """The team's own address."""


class SlackApi:
    """One token's way to the Web API. `client` is for making calls, `send` for awaiting them."""

    def __init__(self, *, token: str, base_url: str) -> None:
        # The SDK's own retry would post a second time when only the answer was lost.
        self.client = AsyncWebClient(
            token=token, base_url=base_url, timeout=CALL_TIMEOUT_S, retry_handlers=[]
        )
        self._identity: Identity | None = None

    async def send(
        self, method: str, call: Awaitable[AsyncSlackResponse], timeout_s: float = CALL_TIMEOUT_S
    ) -> AsyncSlackResponse:
        """The answer to `call`; raises Throttled, Unsure or Refused. `method` is for the error's text."""
        try:
            async with asyncio.timeout(timeout_s):
                return await call
        except SlackApiError as error:
            raise _fault(method, error.response) from error
        except (TimeoutError, aiohttp.ClientError, OSError, SlackRequestError) as error:
            raise Unsure(f"{method}: {type(error).__name__}") from error

    async def check(self) -> Identity:
        """Asks Slack who we are; raises as `send`."""
        answer = await self.send("auth.test", self.client.auth_test())
        scopes = answer.headers.get("x-oauth-scopes")
        self._identity = Identity(
            team=answer["team_id"] or "",
            user_id=answer["user_id"] or "",
            bot_id=answer["bot_id"] or "",
            scopes=None if scopes is None else frozenset(scope.strip() for scope in scopes.split(",")),
            url=answer.get("url") or "",
        )
        return self._identity

    @property
    def known(self) -> Identity | None:
        """Who we are, as far as Slack was asked."""
        return self._identity

    async def identity(self) -> Identity:
        """Who we are, asked once."""
        return self._identity or await self.check()


def _fault(method: str, response: object) -> Throttled | Unsure | Refused:
    if not isinstance(response, AsyncSlackResponse):
        return Unsure(f"{method}: an answer that is not JSON")
    code = str(response.get("error") or "") if isinstance(response.data, dict) else ""
    if response.status_code == 429 or code in _THROTTLED:
        return Throttled(response.api_url.rsplit("/", 1)[-1], _pause_s(response.headers.get("Retry-After")))
    if response.status_code >= 500 or code in _SERVER_FAULTS or not code:
        return Unsure(f"{method}: {code or f'HTTP {response.status_code}'}")
    return Gone(code) if code == _GONE else Refused(code, _ADVICE.get(code, ""))


def _pause_s(header: str | None) -> int:
    return int(header) if header and header.isdigit() else _DEFAULT_PAUSE_S
