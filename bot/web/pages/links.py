"""Where people talked about a job, as an address that opens it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from executor.model import Job, Origin

MessageUrl = Callable[[Origin, str], str]
"""The address of a message of ours in Slack, which Slack alone knows; empty where it has not told it."""


def chat_link(job: Job, card: str, slack_url: MessageUrl) -> str:
    """The thread of the job; empty where none is known. `card` is the id of the message that is its card."""
    origin = job.origin
    team, channel, head = (quote(part or "", safe="") for part in (origin.actor.team, origin.channel, card))
    thread = quote(origin.thread or "", safe="")
    match origin.actor.platform:
        case "web":
            return f"/channels/{channel}#m-{thread or head}" if thread or head else f"/channels/{channel}"
        case "discord" if head:
            return f"https://discord.com/channels/{team}/{thread or channel}/{head}"
        case "slack":
            return slack_url(origin, card) or f"https://slack.com/app_redirect?team={team}&channel={channel}"
    return ""
