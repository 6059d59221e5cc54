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
from typing import Any, TextIO
from urllib.parse import urlencode

_VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""Of the protocol, the newest first."""
_TIMEOUT_S = 30.0
_NO_METHOD, _NO_PARAMS, _NO_JSON = -32601, -32602, -32700
_GONE = "Bifrost does not answer: {}. Go on without its tools, and say so in your answer."
_PROBLEM = "application/problem+json"


class Refused(Exception):
    """A call that was not done: the text is a sentence for the agent."""


class Bot:
    """The bot, as the agent of one running job reaches it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = environment.get("BIFROST_SOCKET", "")
        self._token = environment.get("BIFROST_JOB_TOKEN", "")

    def call(self, method: str, path: str, body: object = None) -> Any:
        """What the bot answers. Raises Refused."""
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
            raise Refused(_GONE.format(error or "too late")) from None
        if response.headers.get_content_type() == _PROBLEM:
            raise Refused(answer["detail"])
        return answer


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
        try:
            result = self._result(message["method"], message.get("params") or {})
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
                self._tools = {tool["name"]: tool for tool in self._bot.call("GET", "/api/agent/tools")}
            except Refused as error:
                print(error, file=sys.stderr)  # noqa: T201 - where CLIs look for what is wrong with a server
        return self._tools

    def _called(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            tool = self._known().get(name)
            if tool is None:
                raise Refused(f"There is no tool `{name}`.")
            text, failed = self._done(tool, dict(arguments)), False
        except Refused as error:
            text, failed = str(error), True
        return {"content": [{"type": "text", "text": text}], "isError": failed}

    def _done(self, tool: Mapping[str, Any], arguments: dict[str, Any]) -> str:
        given = {name: value for name, value in arguments.items() if value is not None}
        query = {name: given.pop(name) for name in tool["query"] if name in given}
        path = f"{tool['path']}?{urlencode(query)}" if query else tool["path"]
        body = None if tool["method"] == "GET" else {**given, **tool["fixed"]}
        answer = self._bot.call(tool["method"], path, body)
        if tool["one"] and not answer:
            raise Refused(f"There is none of the id `{query.get('id', '')}`.")
        return json.dumps(answer[0] if tool["one"] else answer, ensure_ascii=False)


def _introduction(asked: str) -> dict[str, Any]:
    return {
        "protocolVersion": asked if asked in _VERSIONS else _VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "bifrost", "version": "1"},
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
