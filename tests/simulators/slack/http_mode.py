"""HTTP mode: payloads as signed requests to the app's Request URL, answered by the response alone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.simulators.slack.reading import Json

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """One request as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


class RequestUrl:
    """Slack's side of a Request URL."""

    def __init__(self, url: str, signing_secret: str) -> None:
        self.url = url
        self._secret = signing_secret
        self.sent: list[SignedRequest] = []

    def sign(self, body: bytes, content_type: str, *, age_s: int = 0) -> SignedRequest:
        """The body with Slack's signature, made `age_s` seconds ago."""
        timestamp = str(int(time.time()) - age_s)
        digest = hmac.new(self._secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest.hexdigest()}",
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        return SignedRequest(headers=headers, body=body)

    async def deliver(self, kind: str, payload: Json, retry_attempt: int) -> tuple[bool, Any]:
        """Sends a payload; whether it was acknowledged, and with what."""
        request = self.sign(*_encoded(kind, payload))
        if retry_attempt:
            request.headers["X-Slack-Retry-Num"] = str(retry_attempt)
            request.headers["X-Slack-Retry-Reason"] = "http_timeout"
        try:
            status, text = await self.send(request)
        except (aiohttp.ClientError, OSError):
            return False, None
        return status == 200, _ack(text)

    async def send(self, request: SignedRequest) -> tuple[int, str]:
        """The status and text that the app answers this with."""
        self.sent.append(request)
        async with (
            asyncio.timeout(10),
            aiohttp.ClientSession() as session,
            session.post(self.url, data=BytesIO(request.body), headers=request.headers) as answer,
        ):
            return answer.status, await answer.text()


def _encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), _JSON
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), _FORM


def _ack(text: str) -> Any:
    if not text:
        return None
    return json.loads(text) if text.startswith("{") else {"text": text}
