"""Files in three steps: ask for an upload URL, send the bytes there, share the file in a channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.simulators.slack.arguments import ApiError, Args
from tests.simulators.slack.chat import checked_blocks, thread_of
from tests.simulators.slack.conversations import find_channel, membership
from tests.simulators.slack.model import SharedFile, Upload
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace

_SNIPPET_BYTES = 1_000_000
_ALT_TEXT = 1_000


def get_upload_url(workspace: Workspace, args: Args) -> Json:
    """files.getUploadURLExternal."""
    name, length = args.required("filename"), args.number("length", 0)
    if length <= 0:
        raise ApiError("missing_argument")
    if "snippet_type" in args and length > _SNIPPET_BYTES:
        raise ApiError("snippet_too_large")
    if len(args.text("alt_txt")) > _ALT_TEXT:
        raise ApiError("alt_txt_too_large")
    upload = Upload(
        id=workspace.new_id("F"),
        name=name,
        length=length,
        alt_text=args.text("alt_txt"),
        snippet_type=args.text("snippet_type"),
    )
    token = uuid4().hex
    workspace.uploads[token] = upload
    return {"file_id": upload.id, "upload_url": f"{workspace.origin}/upload/{token}"}


async def receive_upload(workspace: Workspace, request: web.Request) -> web.Response:
    """The upload URL: raw bytes or a form's file, exactly as many as announced."""
    upload = workspace.uploads.get(request.match_info["token"])
    if upload is None:
        return web.Response(status=404, text="no such upload")
    content = await _uploaded_bytes(request)
    if len(content) != upload.length:
        return web.Response(status=400, text=f"expected {upload.length} bytes, got {len(content)}")
    upload.content = content
    return web.Response(text=f"OK - {len(content)}")


async def _uploaded_bytes(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    for field in (await request.post()).values():
        if isinstance(field, web.FileField):
            return bytes(field.file.read())
    return b""


def complete_upload(workspace: Workspace, args: Args) -> Json:
    """files.completeUploadExternal: the share appears as a message of its own."""
    wanted = args.structure("files")
    if not isinstance(wanted, list) or not wanted:
        raise ApiError("invalid_arguments")
    tokens = [_uploaded(workspace, one) for one in wanted]
    if "channel_id" in args:
        _share(
            workspace,
            args,
            [_file(workspace.uploads[token], one) for token, one in zip(tokens, wanted, strict=True)],
        )
    for token in tokens:
        del workspace.uploads[token]
    return {"files": [{"id": one["id"], "title": one.get("title", "")} for one in wanted]}


def _uploaded(workspace: Workspace, wanted: Any) -> str:
    for token, upload in workspace.uploads.items():
        if isinstance(wanted, dict) and upload.id == wanted.get("id") and upload.content is not None:
            return token
    raise ApiError("file_not_found")


def _file(upload: Upload, wanted: Json) -> SharedFile:
    return SharedFile(
        id=upload.id,
        name=upload.name,
        title=str(wanted.get("title") or upload.name),
        content=upload.content or b"",
        alt_text=upload.alt_text,
        snippet_type=upload.snippet_type,
    )


def _share(workspace: Workspace, args: Args, files: list[SharedFile]) -> None:
    channel = find_channel(workspace, args.required("channel_id"))
    membership(channel)
    if channel.archived:
        raise ApiError("posting_to_channel_denied")
    blocks = checked_blocks(workspace.rules, args.structure("blocks", "invalid_blocks_format"))
    workspace.post(
        channel,
        workspace.bot_user_id,
        workspace.version(args.text("initial_comment"), blocks),
        thread_ts=thread_of(channel, args),
        files=files,
    )


def attached(
    workspace: Workspace, name: str, content: bytes, moved_to: str, facts: dict[str, object]
) -> SharedFile:
    """A file as a person attaches one; it can be asked for from now on."""
    shared = SharedFile(
        id=workspace.new_id("F"), name=name, title=name, content=content, moved_to=moved_to, facts=facts
    )
    workspace.attached[shared.id] = shared
    return shared


def info(workspace: Workspace, args: Args) -> Json:
    """files.info."""
    shared = workspace.attached.get(args.required("file"))
    if shared is None:
        raise ApiError("file_not_found")
    return {"file": shared.described(workspace.origin, whole=True)}


async def serve(workspace: Workspace, token: str, request: web.Request) -> web.StreamResponse:
    """The file host: whoever has no right to a file is shown a page to log in, with status 200."""
    shared = workspace.attached.get(request.match_info["id"])
    workspace.downloads.append(request.headers.get("Authorization", ""))
    workspace.changes.notify()
    allowed = request.headers.get("Authorization") == f"Bearer {token}" and "files:read" in workspace.scopes
    if not allowed:
        return web.Response(text="<html><title>Sign in to Slack</title></html>", content_type="text/html")
    if shared is None:
        return web.Response(status=404, text="not found")
    if shared.moved_to:
        return web.Response(status=302, headers={"Location": shared.moved_to})
    kind = str(shared.described(workspace.origin, whole=True)["mimetype"])
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)  # without a length, as a proxy may serve it
    await response.write(shared.content)
    return response


METHODS: Mapping[str, Callable[[Workspace, Args], Json]] = {
    "files.completeUploadExternal": complete_upload,
    "files.getUploadURLExternal": get_upload_url,
    "files.info": info,
}
