"""The server of an agent's tools: it knows none itself, and hands each call on to the bot.

The CLI of every attempt starts one, so it needs nothing but the standard library: with the official package
it would take 0.7 s and 67 MB, and so it takes 0.05 s and 18 MB.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO
from urllib.parse import urlencode

_VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""Of the protocol, the newest first."""
_TIMEOUT_S = 30.0
_NO_METHOD, _NO_PARAMS, _NO_JSON = -32601, -32602, -32700
_GONE = "Bifrost does not answer: {}. Go on without its tools, and say so in your answer."
_OUTSIDE = "This works inside a running job alone: BIFROST_SOCKET and BIFROST_JOB_TOKEN are not set here."
_PURPOSE = (
    "Bifrost runs your job, whose id is in BIFROST_JOB_ID. By these tools you work on its records (tasks, "
    "feedback, comments, reports), and tell the people who wait for you how far you are."
)
_PROBLEM = "application/problem+json"
_LATER = 202
"""The status of what is answered at another place, in its time."""


class Refused(Exception):
    """A call that was not done: the text is a sentence for the agent."""


class Reply(NamedTuple):
    """What was answered, and of a list whether there is more than this page."""

    body: Any
    more: bool = False


class Service(Protocol):
    """Whoever does the calls."""

    def call(self, method: str, path: str, body: object = None) -> Reply:
        """Its answer. Raises Refused."""


class Bot:
    """The bot, as the agent of one running job reaches it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = environment.get("BIFROST_SOCKET", "")
        self._token = environment.get("BIFROST_JOB_TOKEN", "")

    def call(self, method: str, path: str, body: object = None) -> Reply:
        """What the bot answers. Raises Refused."""
        if not (self._path and self._token):
            raise Refused(_OUTSIDE)
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection = _LocalConnection(self._path)
            try:
                connection.request(method, path, sent, headers)
                response = connection.getresponse()
                said = response.read()
            finally:
                connection.close()
            answer: Any = json.loads(said) if said else None
        except (OSError, HTTPException, ValueError) as error:
            raise Refused(_GONE.format(getattr(error, "strerror", None) or error or "too late")) from None
        if response.headers.get_content_type() == _PROBLEM:
            raise Refused(answer["detail"])
        if response.status == _LATER:
            return self._wait(method, response.headers["Location"])
        return Reply(answer, "Link" in response.headers)

    def _wait(self, method: str, place: str) -> Reply:
        """What comes at `place`, in as many turns as that takes; it is told that it was taken."""
        if method == "GET":
            return Reply(None)
        while (reply := self.call("GET", place)).body is None:
            pass
        self.call("DELETE", place)
        return reply

    def tools(self) -> list[dict[str, Any]]:
        """The tools that there are. Raises Refused."""
        return list(self.call("GET", "/api/agent/tools").body)


class _LocalConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("bifrost", timeout=_TIMEOUT_S)
        self._path = Path(path)

    def connect(self) -> None:
        # By its directory: the address of a socket has no room for a long path.
        directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(_TIMEOUT_S)
            self.sock.connect(f"/proc/self/fd/{directory}/{self._path.name}")
        finally:
            os.close(directory)


class Bridge:
    """Answers the messages of one client."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._tools: dict[str, Any] = {}

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """What to send back; None where nothing is asked."""
        if "id" not in message or "method" not in message:
            return None
        params = message.get("params") or {}
        if not isinstance(params, dict):
            return _error(message["id"], _NO_PARAMS, "The params are no object.")
        try:
            result = self._result(message["method"], params)
        except KeyError as missing:
            return _error(message["id"], _NO_PARAMS, f"There is no {missing} in it.")
        if result is None:
            return _error(message["id"], _NO_METHOD, f"There is no method {message['method']}.")
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def _result(self, method: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        match method:
            case "initialize":
                return _introduction(params.get("protocolVersion", ""))
            case "ping":
                return {}
            case "tools/list":
                shown = ("name", "description", "inputSchema", "annotations")
                return {"tools": [{key: tool[key] for key in shown} for tool in self._known().values()]}
            case "tools/call":
                return self._called(params["name"], params.get("arguments") or {})
        return None

    def _known(self) -> dict[str, Any]:
        if not self._tools:
            try:
                self._tools = {tool["name"]: tool for tool in self._bot.tools()}
            except Refused as error:
                print(error, file=sys.stderr)  # noqa: T201 - where CLIs look for what is wrong with a server
        return self._tools

    def _called(self, name: object, arguments: object) -> dict[str, Any]:
        try:
            tool = self._known().get(str(name))
            if tool is None:
                raise Refused(f"There is no tool `{name}`.")
            if not isinstance(arguments, dict):
                raise Refused("The arguments of a tool are an object, each by its name.")
            texts, failed = _told(perform(self._bot, tool, arguments)), False
        except Refused as error:
            texts, failed = [str(error)], True
        return {"content": [{"type": "text", "text": text} for text in texts], "isError": failed}


def perform(service: Service, tool: Mapping[str, Any], arguments: Mapping[str, Any]) -> Reply:
    """Does the call that the tool stands for. Raises Refused."""
    given = {name: value for name, value in arguments.items() if value is not None}
    taken = tool["inputSchema"]
    if unknown := [name for name in given if name not in taken["properties"]]:
        raise Refused(f"There is no `{unknown[0]}` here. It takes: {', '.join(taken['properties'])}.")
    if missing := [name for name in taken["required"] if name not in given]:
        raise Refused(f"`{missing[0]}` is missing: {taken['properties'][missing[0]]['description']}")
    query = {name: given.pop(name) for name in tool["query"] if name in given}
    path = f"{tool['path']}?{urlencode(query)}" if query else tool["path"]
    if tool["method"] == "PATCH" and not (given or tool["fixed"]):
        raise Refused("Nothing is to be other than it is: name what you would change.")
    reply = service.call(
        tool["method"], path, None if tool["method"] == "GET" else {**given, **tool["fixed"]}
    )
    if tool["one"] and not reply.body:
        raise Refused(f"There is none of the id `{query.get('id', '')}`.")
    return Reply(reply.body[0]) if tool["one"] else reply


def _told(reply: Reply) -> list[str]:
    texts = [json.dumps(reply.body, ensure_ascii=False)]
    if reply.more:
        texts.append(f"There are more. To go on, pass the cursor `{reply.body[-1]['id']}`.")
    return texts


def _introduction(asked: str) -> dict[str, Any]:
    return {
        "protocolVersion": asked if asked in _VERSIONS else _VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "bifrost", "version": "1"},
        "instructions": _PURPOSE,
    }


def _error(message_id: object, code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": text}}


def serve(bridge: Bridge, incoming: TextIO, outgoing: TextIO) -> None:
    """Answers line by line until the client closes."""
    for line in incoming:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        answer = bridge.answer(message) if isinstance(message, dict) else _error(None, _NO_JSON, "No JSON.")
        if answer is not None:
            outgoing.write(json.dumps(answer) + "\n")
            outgoing.flush()


def main() -> None:
    """The program `bifrost agent-tools`."""
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    serve(Bridge(Bot(os.environ)), sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
