"""Where a message of ours stands, as an address that Slack opens."""

from __future__ import annotations

from executor.model import Origin


def permalink(team_url: str, origin: Origin, message_id: str) -> str:
    """The address of a message where `origin` says, as chat.getPermalink gives it, without asking for each.

    Empty where there is no message. `team_url` is what auth.test calls the team's address.
    """
    if not team_url or not message_id:
        return ""
    thread = f"?thread_ts={origin.thread}&cid={origin.channel}" if origin.thread else ""
    return f"{team_url.rstrip('/')}/archives/{origin.channel}/p{message_id.replace('.', '')}{thread}"
