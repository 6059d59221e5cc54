"""response_url: a few answers within half an hour, seen by one person unless asked otherwise."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.simulators.slack.arguments import ApiError, Args
from tests.simulators.slack.chat import content, thread_of
from tests.simulators.slack.model import Ephemeral, Message, ResponseUrl, Version
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace


async def respond(workspace: Workspace, request: web.Request) -> web.Response:
    """Take one answer; needs no token, because the URL is the secret."""
    url = workspace.response_urls.get(request.match_info["token"])
    refusal = _refusal(workspace, url)
    if url is None or refusal:
        return web.Response(status=404, text=refusal)
    url.uses += 1
    try:
        _apply(workspace, url, Args(_body(await request.text())))
    except ApiError as error:
        return web.Response(status=400, text=error.code)
    return web.Response(text="ok")


def _refusal(workspace: Workspace, url: ResponseUrl | None) -> str:
    if url is None or workspace.clock() - url.at > workspace.rules.response_url_s:
        return "expired_url"
    return "used_url" if url.uses >= workspace.rules.response_url_uses else ""


def _body(text: str) -> Json:
    try:
        body: Any = json.loads(text)
    except ValueError:
        raise ApiError("invalid_payload") from None
    if not isinstance(body, dict):
        raise ApiError("invalid_payload")
    return body


def _apply(workspace: Workspace, url: ResponseUrl, args: Args) -> None:
    original = url.original
    # A command's response_url has no original: replacing there shows a new message instead.
    if args.flag("delete_original"):
        _delete(workspace, original)
        return
    text, blocks = content(workspace, args)
    version = workspace.version(text, blocks)
    if args.flag("replace_original") and original is not None:
        _replace(workspace, original, version)
        return
    thread_ts = thread_of(url.channel, args) or url.thread_ts
    if args.text("response_type") == "in_channel":
        workspace.post(url.channel, workspace.bot_user_id, version, thread_ts=thread_ts)
    else:
        workspace.whisper(workspace.users[url.user], url.channel, version, "response_url", thread_ts)


def _delete(workspace: Workspace, original: Message | Ephemeral | None) -> None:
    if isinstance(original, Message):
        workspace.delete(original)
    elif original is not None:
        original.deleted = True
        workspace.changes.notify()


def _replace(workspace: Workspace, original: Message | Ephemeral, version: Version) -> None:
    if isinstance(original, Message):
        workspace.edit(original, version, edited=not version.blocks)
    else:
        original.history.append(version)
        workspace.changes.notify()
