"""What the manifest asks of Slack, for whoever needs to know that and has no use for Slack's library."""

from __future__ import annotations

SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "im:history",
        "reactions:write",
        "users:read",
    }
)
"""What the bot token should be allowed; the manifest asks for exactly these."""

EVENTS = ("app_home_opened", "app_mention", "message.channels", "message.groups", "message.im")
"""The events we subscribe to; as few as possible, for Slack counts deliveries."""

DIRECT = "D"
"""What the ids of direct messages begin with."""
