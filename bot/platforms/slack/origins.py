"""Who did something on Slack, and where."""

from __future__ import annotations

from typing import Any

from executor.model import Actor, Origin

Json = dict[str, Any]


def person(*, team: str, user_id: str, name: str | None = None) -> Actor:
    """A person of a team, as Slack vouches for them."""
    return Actor(platform="slack", team=team, user_id=user_id, name=name or "")


def home_of(body: Json) -> Origin:
    """The Home tab knows the direct messages it belongs to."""
    return Origin(actor=presser(body), channel=body["view"]["private_metadata"])


def clicked_in(body: Json) -> Origin:
    """The thread of the message that a pressed button stands in."""
    container = body["container"]
    thread = container.get("thread_ts") or container["message_ts"]
    return Origin(actor=presser(body), channel=container["channel_id"], thread=thread)


def presser(body: Json) -> Actor:
    """Whoever pressed a button, or submitted a form."""
    user = body["user"]
    team = user.get("team_id") or body["team"]["id"]
    return person(team=team, user_id=user["id"], name=user.get("username") or user.get("name"))
