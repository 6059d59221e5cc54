"""Socket Mode: one envelope to one connection, three seconds to acknowledge it, retries for events only."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from tests.simulators.slack.http_mode import RequestUrl
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """One envelope on the wire; `sent_at` (monotonic seconds) is None when no connection was there."""

    envelope_id: str
    retry_attempt: int
    sent_at: float | None = None
    acked_at: float | None = None
    acks: list[Any] = field(default_factory=list)  # the payload of each ack, None for a bare one
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def latency_s(self) -> float | None:
        """From the envelope to its first ack."""
        return None if self.sent_at is None or self.acked_at is None else self.acked_at - self.sent_at


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """One payload for the app with every attempt to deliver it."""

    kind: str  # "slash_commands", "interactive" or "events_api"
    payload: Json
    ack_s: float
    attempts: list[Attempt] = field(default_factory=list)
    settled: bool = False  # acknowledged, or Slack has given up

    @property
    def event_type(self) -> str:
        """The event's or interaction's type, the command for a slash command."""
        event = self.payload.get("event", self.payload)
        return str(event.get("type") or event.get("command"))

    @property
    def latency_s(self) -> float | None:
        """The quickest ack's time, however late."""
        return min((a.latency_s for a in self.attempts if a.latency_s is not None), default=None)

    @property
    def acked(self) -> bool:
        """Whether an ack came in time."""
        return self.latency_s is not None and self.latency_s <= self.ack_s

    @property
    def timed_out(self) -> bool:
        """Whether it was sent and no ack came in time."""
        return self.settled and not self.acked and any(a.sent_at is not None for a in self.attempts)

    @property
    def ack_payload(self) -> Any:
        """What the first ack carried."""
        return next((attempt.acks[0] for attempt in self.attempts if attempt.acks), None)


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One websocket of the app; `leaving` once Slack has told it to disconnect."""

    socket: web.WebSocketResponse
    request: web.Request
    leaving: bool = False
    pings: list[bytes] = field(default_factory=list)


class SocketMode:
    """Hands envelopes to the app's connections and keeps account of the acks."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._attempts: dict[str, list[Attempt]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._duplicate_next: bool | None = None
        self.connections: list[Connection] = []
        self.deliveries: list[Delivery] = []
        self.answers_pings = True
        self.says_hello = True
        self.request_url: RequestUrl | None = None
        """In HTTP mode payloads go there, and not to connections."""

    @property
    def active(self) -> list[Connection]:
        """The connections that envelopes may go to."""
        return [connection for connection in self.connections if not connection.leaving]

    def new_ticket(self) -> str:
        """A ticket for one connection, part of the single-use URL."""
        ticket = uuid4().hex
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The websocket endpoint, from hello until either side closes."""
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            return web.Response(status=403, text="ticket already used")
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=False, timeout=1.0)
        await socket.prepare(request)
        if len(self.active) >= self._workspace.rules.max_connections:
            await self._send_disconnect(socket, "too_many_websockets")
            await socket.close()
            return socket
        if self.says_hello:
            await self._say_hello(socket)
        connection = Connection(socket=socket, request=request)
        self.connections.append(connection)
        self._workspace.changes.notify()
        try:
            await self._listen(connection)
        finally:
            self._forget(connection)
        return socket

    async def _say_hello(self, socket: web.WebSocketResponse) -> None:
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self.active) + 1,
                "connection_info": {"app_id": self._workspace.app_id},
                "debug_info": {
                    "host": "applink-1",
                    "build_number": 10,
                    "approximate_connection_time": 18060,
                },
            }
        )

    async def _listen(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if frame.type is WSMsgType.TEXT:
                self._receive_ack(json.loads(frame.data))
            elif frame.type is WSMsgType.PING:
                connection.pings.append(bytes(frame.data))
                if self.answers_pings:
                    await connection.socket.pong(frame.data)

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        self._workspace.changes.notify()

    def _receive_ack(self, ack: Json) -> None:
        attempts = self._attempts.get(str(ack.get("envelope_id")), [])
        # A duplicate shares its envelope_id: each ack answers the oldest envelope still waiting.
        attempt = next((a for a in attempts if not a.acks), attempts[-1] if attempts else None)
        if attempt is None:
            return
        attempt.acked_at = attempt.acked_at or time.monotonic()
        attempt.acks.append(ack.get("payload"))
        attempt.answered.set()
        self._workspace.changes.notify()

    async def deliver(self, kind: str, payload: Json) -> Delivery:
        """Send a command or interaction once and wait for its ack, at most the rule's seconds."""
        delivery = self._begin(kind, payload)
        try:
            await self._attempt(delivery, str(uuid4()))
        finally:
            self._settle(delivery)  # also for a person who does not wait for the answer
        return delivery

    def publish(self, event: Json) -> None:
        """Send an event to the app, again and again while it is not acknowledged."""
        workspace = self._workspace
        payload = {
            "token": "verification",
            "team_id": workspace.team_id,
            "api_app_id": workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": workspace.new_id("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": workspace.team_id,
                    "user_id": workspace.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{uuid4().hex}",
        }
        self._keep(self._deliver_event(self._begin("events_api", payload)))

    async def _deliver_event(self, delivery: Delivery) -> None:
        await self._attempt(delivery, str(uuid4()))
        for number, delay_s in enumerate(self._workspace.rules.event_retry_delays_s, start=1):
            if delivery.acked:
                break
            await asyncio.sleep(delay_s)
            if any(attempt.acks for attempt in delivery.attempts):
                break  # an ack that came late spares the later retries
            await self._attempt(delivery, str(uuid4()), number)
        self._settle(delivery)

    async def redeliver(self, delivery: Delivery, *, new_envelope_id: bool) -> None:
        """Send the same payload once more, as Slack does now and then without any reason."""
        envelope_id = str(uuid4()) if new_envelope_id else delivery.attempts[-1].envelope_id
        await self._attempt(delivery, envelope_id)

    def duplicate_next(self, *, new_envelope_id: bool) -> None:
        """Send the next envelope twice, both before any ack."""
        self._duplicate_next = new_envelope_id

    async def disconnect(self, reason: str) -> None:
        """Ask every connection to reconnect; nothing is delivered to them from here on."""
        leaving = self.active
        for connection in leaving:
            connection.leaving = True
        for connection in leaving:
            await self._send_disconnect(connection.socket, reason)
        self._workspace.changes.notify()

    def drop(self) -> None:
        """Break every connection without a word, as a lost network does."""
        for connection in self.connections:
            connection.leaving = True
            if connection.request.transport is not None:
                connection.request.transport.abort()
        self._workspace.changes.notify()

    async def close(self) -> None:
        """Stop delivering and close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self.connections):
            await connection.socket.close(code=1001)

    def _begin(self, kind: str, payload: Json) -> Delivery:
        delivery = Delivery(kind=kind, payload=payload, ack_s=self._workspace.rules.ack_s)
        self.deliveries.append(delivery)
        return delivery

    def _settle(self, delivery: Delivery) -> None:
        delivery.settled = True
        self._workspace.changes.notify()

    async def _attempt(self, delivery: Delivery, envelope_id: str, retry_attempt: int = 0) -> None:
        duplicate, self._duplicate_next = self._duplicate_next, None
        attempt = await self._send(delivery, envelope_id, retry_attempt)
        if duplicate is not None:
            await self._send(delivery, str(uuid4()) if duplicate else envelope_id, retry_attempt)
        if attempt.sent_at is None:
            return
        try:
            async with asyncio.timeout(delivery.ack_s):
                await attempt.answered.wait()
        except TimeoutError:
            self._workspace.changes.notify()

    async def _send(self, delivery: Delivery, envelope_id: str, retry_attempt: int) -> Attempt:
        attempt = Attempt(envelope_id=envelope_id, retry_attempt=retry_attempt)
        delivery.attempts.append(attempt)
        self._attempts.setdefault(envelope_id, []).append(attempt)
        envelope = {
            "envelope_id": envelope_id,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": retry_attempt, "retry_reason": "timeout" if retry_attempt else ""}
        if self.request_url is None:
            attempt.sent_at = await self._hand_to_one_connection(json.dumps(envelope))
        else:
            attempt.sent_at = time.monotonic()
            self._keep(self._request(self.request_url, delivery, attempt))
        self._workspace.changes.notify()
        return attempt

    async def _request(self, url: RequestUrl, delivery: Delivery, attempt: Attempt) -> None:
        acked, payload = await url.deliver(delivery.kind, delivery.payload, attempt.retry_attempt)
        if acked:
            attempt.acked_at = time.monotonic()
            attempt.acks.append(payload)
        attempt.answered.set()  # a refusal is an answer too: Slack does not wait any longer
        self._workspace.changes.notify()

    async def _hand_to_one_connection(self, frame: str) -> float | None:
        while self.active:
            connection = self.active[0]
            # The next envelope goes to another connection: apps must not rely on which.
            self.connections.remove(connection)
            self.connections.append(connection)
            sent_at = time.monotonic()
            try:
                await connection.socket.send_str(frame)
            except ConnectionError:
                connection.leaving = True
            else:
                return sent_at
        return None

    @staticmethod
    async def _send_disconnect(socket: web.WebSocketResponse, reason: str) -> None:
        with suppress(ConnectionError):  # it may be closing already, which is all we want
            await socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
            )

    def _keep(self, coroutine: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
