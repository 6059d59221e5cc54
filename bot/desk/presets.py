"""Which workspace is meant where a job names none: its channel's, else that of all. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from executor.model import Origin
from storage.hub.preferences import DEFAULT_WORKSPACE, WORKSPACE_OF, Preferences

PLACE = re.compile(r"(slack|discord|web)\.[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
"""A platform and the id of a channel there, as a preference names them behind WORKSPACE_OF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presets:
    """Which workspace bifrost.toml says is meant: in a channel (platform and id), and everywhere else."""

    default: str = ""
    channels: Mapping[tuple[str, str], str] = field(default_factory=dict)


def said(origin: Origin, preferences: Preferences, presets: Presets) -> Sequence[str]:
    """What is said of jobs asked for there that name no workspace, what counts most first; empty for nothing.

    A channel comes before all, and what is set at run time before bifrost.toml.
    """
    platform, channel = origin.actor.platform, origin.channel
    return (
        preferences.get(channel_key(platform, channel), ""),
        presets.channels.get((platform, channel), ""),
        preferences.get(DEFAULT_WORKSPACE, ""),
        presets.default,
    )


def chosen(option: str, said: Sequence[str], known: Collection[str], usable: Sequence[str]) -> str:
    """The workspace of a job: as its option says, else the first `said` that there is, else the only one.

    Empty where nobody says, so that the person has to. Whether they may use it is another question.
    """
    if option:
        return option
    meant = next((name for name in said if name in known), "")
    return meant or (usable[0] if len(usable) == 1 else "")


def channel_key(platform: str, channel: str) -> str:
    """The preference that says which workspace a channel has."""
    return f"{WORKSPACE_OF}{platform}.{channel}"
