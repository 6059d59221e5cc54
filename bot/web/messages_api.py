"""Messages over HTTP, and who has read how far. What is posted here is said, and never done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bot.web.endpoints import Call, Endpoint
from bot.web.message_bodies import (
    ChannelAnswer,
    ChannelName,
    MessageAnswer,
    MessageBody,
    MessagePatch,
    MessageQuery,
    ReadBody,
)
from bot.web.problems import Problem
from bot.web.record_bodies import ById
from bot.web.record_calls import author_of, page, refusing
from storage.hub.messages import Message, NewMessage
from storage.sqlite.messages import Messages


class MessagesApi:
    """The page's own channels, for programs."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def endpoints(self) -> list[Endpoint]:
        return [*self._of_messages(), *self._of_channels()]

    def _of_messages(self) -> list[Endpoint]:
        messages = partial(Endpoint, path="/api/messages")
        own = partial(messages, problems=(403, 404, 422), scope="run")
        return [
            messages(
                method="GET",
                handler=refusing(self._list),
                summary="The messages of a channel, the newest first; with `after`, the oldest since then.",
                query=MessageQuery,
                answer=list[MessageAnswer],
                problems=(422,),
            ),
            messages(
                method="POST",
                handler=refusing(self._post),
                summary="Say something in a channel. Commands go to /api/commands.",
                body=MessageBody,
                answer=MessageAnswer,
                status=201,
                problems=(403, 422),
                scope="run",
            ),
            own(
                method="PATCH",
                handler=refusing(self._edit),
                summary="Change one's own message.",
                query=ById,
                body=MessagePatch,
                answer=MessageAnswer,
            ),
            own(
                method="DELETE",
                handler=refusing(self._delete),
                summary="Delete one's own message; the owner may delete any.",
                query=ById,
                status=204,
            ),
        ]

    def _of_channels(self) -> list[Endpoint]:
        channels = partial(Endpoint, path="/api/channels")
        return [
            channels(
                method="GET",
                handler=refusing(self._channels),
                summary="The channels, and how much of each the caller has not read.",
                answer=list[ChannelAnswer],
            ),
            channels(
                method="PATCH",
                handler=refusing(self._read),
                summary="Note how far the caller has read a channel.",
                query=ChannelName,
                body=ReadBody,
                status=204,
                problems=(404, 422),
                scope="run",
            ),
        ]

    async def _list(self, call: Call[MessageQuery, None]) -> Sequence[object]:
        query = call.query
        if query.after is None:
            found = await page(call, partial(self._messages.history, query.channel))
        else:
            found = await self._since(call)
        return [MessageAnswer.model_validate(each) for each in found]

    async def _since(self, call: Call[MessageQuery, None]) -> Sequence[Message]:
        query = call.query
        if query.after is None or query.after.tzinfo is None:
            raise Problem(422, "Write `after` with its offset from UTC, or `Z`.", field="after")
        if query.cursor is not None:
            raise Problem(422, "`after` goes on by itself: leave `cursor` out.", field="cursor")
        return await self._messages.since(query.channel, query.after, query.limit)

    async def _post(self, call: Call[None, MessageBody]) -> MessageAnswer:
        body = call.body
        if body.sender is not None and body.author is not None and body.sender != body.author:
            raise Problem(422, "`author` is another word for `sender`: give one of them.", field="author")
        author = author_of(call, body.sender if body.sender is not None else body.author)
        await self._check_thread(body)
        new = NewMessage(
            channel=body.channel,
            thread=body.thread,
            sender=author.name,
            type=body.type,
            content=body.content,
            metadata={},
            key=call.delivery,
        )
        return MessageAnswer.model_validate(await self._messages.post(new))

    async def _check_thread(self, body: MessageBody) -> None:
        if body.thread is None:
            return
        head = await self._messages.message(body.thread)
        if head is None or head.channel != body.channel or head.thread is not None:
            text = f"`thread` names no message that stands in `{body.channel}` itself."
            raise Problem(422, text, field="thread")

    async def _edit(self, call: Call[ById, MessagePatch]) -> MessageAnswer:
        author = author_of(call, call.body.sender)
        return MessageAnswer.model_validate(
            await self._messages.edit(call.query.id, call.body.content, author)
        )

    async def _delete(self, call: Call[ById, None]) -> None:
        await self._messages.delete(call.query.id, author_of(call))

    async def _channels(self, call: Call[None, None]) -> Sequence[object]:
        return [ChannelAnswer.model_validate(each) for each in await self._messages.channels(author_of(call))]

    async def _read(self, call: Call[ChannelName, ReadBody]) -> None:
        await self._messages.mark_read(call.query.channel, call.body.read, author_of(call))
