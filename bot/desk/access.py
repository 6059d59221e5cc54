"""Who may do what: one pure question, asked by every door before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.desk.commands import JOB_COMMANDS
from executor.listing import Sight
from executor.model import Actor, Job, Origin
from executor.schedules import Schedule

OPEN = frozenset({"list", "show", "schedules", "models", "help", *(command.verb for command in JOB_COMMANDS)})
"""What everybody may do whom a platform's rule lets in."""
OWN = frozenset({"alter", "cancel", "interrupt", "resume", "retry", "schedule"})
"""What people may do with their own jobs and schedules, and admins with any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may use one platform, and where. Ids, never names; an empty set lets nobody in.

    `everybody` stands for all people of the platform, or all channels. Channels whose ids begin with
    `direct` are seen by one person alone, and open to everybody who may use the bot.
    """

    channels: frozenset[str]
    people: frozenset[str]
    admins: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    """Whoever has one of these is let in too, where the platform knows roles."""
    direct: str = ""

    def is_open(self, channel: str) -> bool:
        """Whether the bot works in `channel`."""
        return _has(self.channels, channel) or bool(self.direct and channel.startswith(self.direct))


EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Allow:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Deny:
    """Stop. `reason` is a sentence for the person who asked."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules by platform. A platform without a rule is closed."""

    rules: Mapping[str, Rule] = field(default_factory=dict)

    def authorize(self, origin: Origin, verb: str, target: Job | Schedule | None = None) -> Allow | Deny:
        """Whether the person may do `verb` here, to `target` where it is about a job or a schedule."""
        actor = origin.actor
        rule = self.rules.get(actor.platform)
        if rule is None:
            return Deny(f"Bifrost is not open to {actor.platform}.")
        if not _has(rule.people, actor.user_id) and not (
            actor.user_id in rule.admins or actor.roles & rule.roles
        ):
            return Deny(
                "You are not on the list of people who may use Bifrost. To be let in, ask its administrator "
                f"to add `{actor.user_id}` to `people` under `[{actor.platform}]` in bifrost.toml."
            )
        if not rule.is_open(origin.channel):
            return Deny(
                f"Bifrost does not work in this channel. To open it, its administrator adds "
                f"`{origin.channel}` to `channels` under `[{actor.platform}]` in bifrost.toml."
            )
        if verb not in OPEN | OWN:
            return Deny("Nobody may do that.")
        if verb in OWN and target is not None and not self._may_change(actor, target):
            return Deny(_not_yours(target, verb))
        return Allow()

    def may_see(self, origin: Origin, target: Job | Schedule) -> bool:
        """A job or schedule shows in the channel that it was asked for in, and to its owner everywhere.

        What was asked in a private channel is nobody else's business. The page's owner and admins see all.
        """
        actor, home = origin.actor, target.origin
        if actor.platform == "web":
            return True
        if (actor.platform, actor.team) != (home.actor.platform, home.actor.team):
            return False
        return home.channel == origin.channel or self._may_change(actor, target)

    def sight(self, origin: Origin) -> Sight | None:
        """The same for all jobs at once: which ones show here to this person. None: all."""
        actor = origin.actor
        if actor.platform == "web":
            return None
        if actor.user_id in self.rules[actor.platform].admins:
            return Sight(platform=actor.platform, team=actor.team)
        return Sight(platform=actor.platform, team=actor.team, channel=origin.channel, user_id=actor.user_id)

    def _may_change(self, actor: Actor, target: Job | Schedule) -> bool:
        rule = self.rules[actor.platform]
        return actor.key == target.origin.actor.key or actor.user_id in rule.admins


def _not_yours(target: Job | Schedule, verb: str) -> str:
    if isinstance(target, Schedule):
        return (
            f"Schedule `{target.short_id}` was made by somebody else: only that person or an admin may "
            "change it."
        )
    return (
        f"Job `{target.short_id}` was started by somebody else: only that person or an admin may "
        f"{verb} it. You can start your own with `/job {target.type} …`."
    )


def _has(allowed: frozenset[str], value: str) -> bool:
    return EVERYBODY in allowed or value in allowed
