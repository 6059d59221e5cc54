"""The gateway: hello, identify, ready, events in order, resume with replay, and all ways out."""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import dataclass, field
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from tests.simulators.discord import payloads
from tests.simulators.discord.errors import Json
from tests.simulators.discord.model import Message
from tests.simulators.discord.state import Guild

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT = 0, 1, 2, 6, 7
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
_PRESENCES, _MEMBERS, CONTENT = 1 << 8, 1 << 1, 1 << 15
PRIVILEGED = _PRESENCES | _MEMBERS | CONTENT
_LONGEST = 4_096
_NEEDED = {"MESSAGE_CREATE": 1 << 9}
"""Intents without which an event is not sent; all else needs the one for guilds."""


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """What a bot may resume: every event that it was sent."""

    id: str
    intents: int
    events: list[Json] = field(default_factory=list)
    connection: Connection | None = None


class Connection:
    """One socket. Frames are compressed where the bot asked for zlib."""

    def __init__(self, socket: web.WebSocketResponse, *, compress: bool) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.heartbeats = 0
        self.sent_away = False
        self._deflate = zlib.compressobj() if compress else None
        self._outbox: asyncio.Queue[Json | int] = asyncio.Queue()

    def send(self, frame: Json) -> None:
        """Puts a frame in line."""
        self._outbox.put_nowait(frame)

    def close(self, code: int) -> None:
        """Closes after all that is in line."""
        self.sent_away = True
        self._outbox.put_nowait(code)

    async def write(self) -> None:
        """Sends what is in line until the end."""
        while isinstance(frame := await self._outbox.get(), dict):
            text = json.dumps(frame)
            if self._deflate is None:
                await self.socket.send_str(text)
            else:
                packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(packed)
        await self.socket.close(code=frame)


class Gateway:
    """All sockets and sessions of the one bot."""

    def __init__(self, guild: Guild, token: str) -> None:
        self._guild = guild
        self._token = token
        self.allowed_privileged = 0
        """The privileged intents that are switched on for the bot."""
        self.identifies: list[Json] = []
        self.resumes: list[Json] = []
        self.identifies_left = 1_000
        self.identify_again_s = 86_400.0
        self.refuse_with: int | None = None
        """A close code for whoever identifies; the next who comes is let in again."""
        self.holds_back = False
        """Whether events are kept for a resume instead of being sent, as on a socket that is half dead."""
        self.answers_heartbeats = True
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []

    @property
    def active(self) -> list[Session]:
        """The sessions that are being listened to."""
        return [session for session in self.sessions.values() if session.connection is not None]

    def publish(self, event: str, data: Json) -> None:
        """Sends an event to every session whose intents include it."""
        for session in self.sessions.values():
            if not event.startswith("MESSAGE") or session.intents & _NEEDED.get(event, 1):
                self._dispatch(session, event, data)

    def tell(self, message: Message) -> None:
        """Sends a new message; what it says only to those who may read that, or whom it mentions."""
        for session in self.sessions.values():
            if session.intents & _NEEDED["MESSAGE_CREATE"]:
                readable = bool(session.intents & CONTENT)
                data = payloads.message_create(self._guild, message, readable=readable)
                self._dispatch(session, "MESSAGE_CREATE", data)

    def drop(self, code: int = 4000) -> None:
        """Closes every socket with this code."""
        for connection in self.connections:
            connection.close(code)

    def cut(self) -> None:
        """Breaks every socket without a word."""
        for connection in self.connections:
            transport = connection.socket._req.transport if connection.socket._req else None
            if transport is not None:
                transport.abort()

    def reconnect(self) -> None:
        """Op 7: come again, and resume."""
        for connection in self.connections:
            connection.send({"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool) -> None:
        """Op 9: the session is void, or may be resumed."""
        for session in self.active:
            if session.connection is not None:
                session.connection.send({"op": INVALID_SESSION, "d": resumable})
                session.connection.session = None
            if not resumable:
                del self.sessions[session.id]

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from hello to its close."""
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = Connection(socket, compress=request.query.get("compress") == "zlib-stream")
        self.connections.append(connection)
        interval_ms = int(self._guild.rules.heartbeat_s * 1000)
        connection.send({"op": HELLO, "d": {"heartbeat_interval": interval_ms}, "s": None, "t": None})
        writing = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                if len(message.data.encode()) > _LONGEST:
                    connection.close(4002)
                    continue
                self._receive(connection, json.loads(message.data))
        finally:
            self.connections.remove(connection)
            self._leave(connection, socket.close_code)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return socket

    async def close(self) -> None:
        """Sends everybody away."""
        for connection in list(self.connections):
            await connection.socket.close(code=WSCloseCode.GOING_AWAY)

    def _receive(self, connection: Connection, frame: Json) -> None:
        match frame.get("op"):
            case 1:
                connection.heartbeats += 1
                if self.answers_heartbeats:
                    connection.send({"op": HEARTBEAT_ACK, "d": None, "s": None, "t": None})
            case 2 | 6 if connection.session is not None:
                connection.close(4005)
            case 2:
                self._identify(connection, frame["d"])
            case 6:
                self._resume(connection, frame["d"])
            case 3 | 4 | 8:
                if connection.session is None:
                    connection.close(4003)
            case _:
                connection.close(4001)

    def _identify(self, connection: Connection, asked: Json) -> None:
        self.identifies.append(asked)
        self.identifies_left -= 1
        refused, self.refuse_with = self.refuse_with, None
        if refused is None and asked["token"] != self._token:
            refused = 4004
        if refused is None and asked["intents"] & PRIVILEGED & ~self.allowed_privileged:
            refused = 4014
        if refused is not None:
            connection.close(refused)
            return
        session = Session(id=uuid4().hex, intents=asked["intents"], connection=connection)
        self.sessions[session.id] = connection.session = session
        self._dispatch(session, "READY", self._ready(session))
        self._dispatch(session, "GUILD_CREATE", payloads.guild_create(self._guild))
        self._guild.changes.notify()

    def _resume(self, connection: Connection, asked: Json) -> None:
        self.resumes.append(asked)
        session = self.sessions.get(asked["session_id"])
        if asked["token"] != self._token or session is None or asked["seq"] is None:
            connection.send({"op": INVALID_SESSION, "d": False})
            return
        if asked["seq"] > len(session.events):
            del self.sessions[session.id]
            connection.close(4007)
            return
        session.connection, connection.session = connection, session
        for event in session.events:
            if event["s"] > asked["seq"]:
                connection.send(event)
        self._dispatch(session, "RESUMED", {})
        self._guild.changes.notify()

    def _ready(self, session: Session) -> Json:
        guild = self._guild
        return {
            "v": 10,
            "user": payloads.user(guild.bot_id, guild.bot_name, bot=True),
            "guilds": [{"id": guild.id, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": f"{guild.origin.replace('http:', 'ws:')}/gateway",
            "application": {"id": guild.app_id, "flags": 0},
            "shard": [0, 1],
        }

    def _dispatch(self, session: Session, event: str, data: Json) -> None:
        frame = {"op": DISPATCH, "t": event, "s": len(session.events) + 1, "d": data}
        session.events.append(frame)
        if session.connection is not None and not self.holds_back:
            session.connection.send(frame)

    def _leave(self, connection: Connection, code: int | None) -> None:
        for session in list(self.sessions.values()):
            if session.connection is connection:
                session.connection = None
                if code in (1000, 1001) and not connection.sent_away:
                    del self.sessions[session.id]
        self._guild.changes.notify()
