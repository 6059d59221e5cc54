"""Who may do what: one pure question, asked by every door before anything happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.desk.commands import JOB_COMMANDS
from executor.listing import Sight
from executor.model import Actor, Job, Origin
from executor.schedules import Schedule
from executor.workspaces import Workspaces

SET = "set"
"""What changes a setting is, whatever the verb that it is asked for by."""
OPEN = frozenset(
    {
        *("list", "show", "schedules", "models", "usage", "settings", "help"),
        *(command.verb for command in JOB_COMMANDS),
    }
)
"""What everybody may do whom a platform's rule lets in."""
DECISIONS = frozenset({"diff", "merge", "keep", "discard", "pr"})
"""What is decided about the work that a job has left in a worktree."""
OWN = DECISIONS | {"alter", "answer", "cancel", "interrupt", "resume", "retry", "schedule"}
"""What people may do with their own jobs and schedules, and admins with any."""
_STEERS = {"alter", "answer", "interrupt", "resume", "retry"}
WORK = DECISIONS | _STEERS | {command.verb for command in JOB_COMMANDS}
"""What makes an agent work or decides about its work: the person must be one who may use its workspace."""
ADMINS = frozenset({"web"})
"""What admins alone may do: whoever opens the page acts there as the bot's owner."""


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
_NONE = Workspaces(named={})


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
    workspaces: Workspaces = _NONE

    def authorize(
        self, origin: Origin, verb: str, target: Job | Schedule | None = None, workspace: str = ""
    ) -> Allow | Deny:
        """Whether the person may do `verb` here, to `target` where it is about a job or a schedule.

        `workspace` is that of a new job, where it is known.
        """
        allowed = self._let_in(origin, verb, target)
        if isinstance(target, Job) and verb in WORK:
            workspace = target.workspace
        if isinstance(allowed, Allow) and workspace and not self._may_use(origin.actor, workspace):
            others = () if target else self.workspaces_of(origin.actor)
            return Deny(_not_for(origin.actor, workspace, others))
        return allowed

    def workspaces_of(self, actor: Actor) -> tuple[str, ...]:
        """The names of the workspaces that the person may have jobs in."""
        return tuple(name for name in self.workspaces.named if self._may_use(actor, name))

    def _may_use(self, actor: Actor, workspace: str) -> bool:
        """One that is gone from the configuration has nobody's jobs any more, whoever asks."""
        known, rule = self.workspaces.named.get(workspace), self.rules.get(actor.platform)
        if rule is None or known is None or not known.people or actor.user_id in rule.admins:
            return rule is not None
        return bool(known.people & {EVERYBODY, actor.user_id, f"{actor.platform}:{actor.user_id}"})

    def _let_in(self, origin: Origin, verb: str, target: Job | Schedule | None) -> Allow | Deny:
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
        if verb == SET and actor.user_id not in rule.admins:
            return Deny("Only an admin may change a setting. `/job settings` shows how they are.")
        if verb not in OPEN | OWN | ADMINS | {SET}:
            return Deny("Nobody may do that.")
        if verb in ADMINS and actor.user_id not in rule.admins:
            return Deny(_for_admins(actor))
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

    def usage_of(self, actor: Actor) -> str:
        """Whose usage the person may see: their key and a colon, or what the keys of all of them begin with.

        That is one's own; the admins of a platform see that of their team, the page's owner everybody's.
        """
        if actor.user_id not in self.rules[actor.platform].admins:
            return f"{actor.key}:"
        return "" if actor.platform == "web" else f"{actor.platform}:{actor.team}:"

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


def _not_for(actor: Actor, workspace: str, others: Sequence[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in others)
    instead = f" You may use: {listed} (`--workspace NAME`)." if others else ""
    return (
        f"You are not on the list of people who may use the workspace `{workspace}`. To be let in, ask "
        f"Bifrost's administrator to add `{actor.platform}:{actor.user_id}` to its `people` under "
        f"[workspaces] in bifrost.toml.{instead}"
    )


def _for_admins(actor: Actor) -> str:
    why = "Only admins may open the page: it shows the jobs of all channels, and acts as the bot's owner."
    if actor.platform == "web":
        return f"{why} Use a token of scope `admin`, or `bifrost login` on the machine where the bot runs."
    return (
        f"{why} To be one, ask Bifrost's administrator to add `{actor.user_id}` to `admins` under "
        f"`[{actor.platform}]` in bifrost.toml."
    )


def _has(allowed: frozenset[str], value: str) -> bool:
    return EVERYBODY in allowed or value in allowed
