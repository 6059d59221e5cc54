"""Workspaces as the settings show them: what bifrost.toml says of each, and which one is meant where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.access import Access
from bot.desk.commands import ALL_OVER, HERE
from bot.desk.presets import Presets, channel_key, chosen, said
from executor.model import Actor, Origin
from executor.workspaces import Workspace, Workspaces
from storage.hub.preferences import DEFAULT_WORKSPACE, WORKSPACE_OF, Preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the settings: `value` is what holds, `chosen` whether somebody has said so."""

    name: str
    value: str
    chosen: bool
    summary: str
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The workspaces, and which one is meant where, given what is set at run time. Pure."""

    workspaces: Workspaces
    presets: Presets
    access: Access

    def here(self, origin: Origin, known: Preferences) -> Setting:
        """The workspace of a channel, which may be that of all."""
        names = self.access.workspaces_of(origin.actor)
        key = channel_key(origin.actor.platform, origin.channel)
        return Setting(
            name=HERE,
            value=chosen("", said(origin, known, self.presets), self.workspaces.named, names),
            chosen=known.get(key) in self.workspaces.named,
            summary="where jobs of this channel work that name no workspace",
            choices=names,
        )

    def default(self, known: Preferences) -> Setting:
        """The workspace in channels that have none of their own; empty where nobody says."""
        names, preferred = tuple(self.workspaces.named), known.get(DEFAULT_WORKSPACE, "")
        return Setting(
            name=ALL_OVER,
            value=chosen("", (preferred, self.presets.default), names, names),
            chosen=preferred in names,
            summary="where jobs work that name no workspace, in channels that have none of their own",
            choices=names,
        )

    def channels(self, known: Preferences) -> Sequence[Setting]:
        """The channels that have a workspace of their own, as `PLATFORM.CHANNEL`."""
        held = {channel_key(*place): name for place, name in self.presets.channels.items()}
        set_here = {key: name for key, name in known.items() if key.startswith(WORKSPACE_OF)}
        return [
            Setting(
                name=key.removeprefix(WORKSPACE_OF),
                value=name,
                chosen=key in set_here,
                summary="set at run time" if key in set_here else "set in bifrost.toml",
                choices=tuple(self.workspaces.named),
            )
            for key, name in (held | set_here).items()
            if name in self.workspaces.named
        ]

    def overview(self, actor: Actor, known: Preferences) -> Sequence[Setting]:
        """The workspaces that `actor` may use, with what bifrost.toml says of them; `chosen`: the default."""
        default = self.default(known).value
        return [
            Setting(
                name=name,
                value=facts_of(self.workspaces.of(name)),
                chosen=name == default,
                summary=str(self.workspaces.of(name).directory),
            )
            for name in self.access.workspaces_of(actor)
        ]


def facts_of(workspace: Workspace) -> str:
    """What bifrost.toml says of a workspace, in words."""
    many = len(workspace.people)
    whose = f"{many} {'person' if many == 1 else 'people'}" if many else "everybody"
    fallback = f"{workspace.fallback} at a limit" if workspace.fallback else ""
    facts = (workspace.provider, workspace.model, f"permissions {workspace.permissions}", whose, fallback)
    return " · ".join(fact for fact in facts if fact)
