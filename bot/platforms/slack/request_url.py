"""HTTP mode: Slack's signed requests, each proven to be Slack's, fresh and new before it is looked into."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.platforms.errands import Errands
from bot.platforms.hooks import HookAnswer

PATH = "/slack/events"
"""The Request URL of events, commands and interactions alike: at this path of the bot's public address."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_KEPT_S = 601.0
"""A signature holds for five minutes before and after the time it was made for."""
_TEXT = {"content-type": "text/plain; charset=utf-8"}

_log = logging.getLogger(__name__)


class RequestUrl:
    """Answers what comes to the Request URL, while `ready` is set."""

    def __init__(self, *, app: AsyncApp, signing_secret: str, errands: Errands, ready: asyncio.Event) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)
        self._errands = errands
        self._ready = ready
        self._seen: dict[str, float] = {}
        """When each signature was used, the oldest first."""

    async def answer(self, headers: Mapping[str, str], body: bytes) -> HookAnswer:
        """Implements bot.platforms.hooks.Hook."""
        given = {name.lower(): value for name, value in headers.items()}
        signature = given.get("x-slack-signature", "")
        if not self._is_slacks(given, body):
            _log.warning("slack.request_refused")
            return HookAnswer(status=401, body="This request is not signed by Slack.", headers=_TEXT)
        if not self._ready.is_set():
            return HookAnswer(status=503, body="Not connected yet.", headers=_TEXT)
        if self._is_replayed(signature):
            _log.warning("slack.request_replayed")
            return HookAnswer(status=401, body="This request was answered already.", headers=_TEXT)
        work = self._errands.start(self._dispatch(given, body.decode()))
        answer = await asyncio.shield(work)  # whoever hangs up does not undo what they have asked for
        if answer.status >= 500:
            self._seen.pop(signature, None)  # Slack sends it again, perhaps within the same second
        return answer

    def _is_slacks(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp, signature = (
            headers.get("x-slack-request-timestamp", ""),
            headers.get("x-slack-signature", ""),
        )
        # The verifier raises on anything of another shape.
        if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
            return False
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:
            return False

    def _is_replayed(self, signature: str) -> bool:
        now = time.monotonic()
        while self._seen and now - next(iter(self._seen.values())) > _KEPT_S:
            del self._seen[next(iter(self._seen))]
        if signature in self._seen:
            return True
        self._seen[signature] = now
        return False

    async def _dispatch(self, headers: Mapping[str, str], body: str) -> HookAnswer:
        try:
            response = await self._app.async_dispatch(AsyncBoltRequest(body=body, headers=dict(headers)))
        except Exception:  # noqa: BLE001  a body that bolt cannot read must not end the server's handler
            _log.exception("slack.request_failed")
            return HookAnswer(status=500, headers=_TEXT)
        sent = dict(response.first_headers_without_set_cookie())
        return HookAnswer(status=response.status, body=response.body, headers=sent)
