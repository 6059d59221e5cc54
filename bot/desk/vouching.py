"""Who may have what runs by the clock: nobody is there then whose roles a platform would tell by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.desk.access import Access, Allow, Deny
from executor.model import Job, Origin

RolesOf = Callable[[str, str], Awaitable[frozenset[str] | None]]
"""The ids of the roles that a person (the second) has in a team (the first); None where nobody says."""
_NOBODY_SAYS = (
    "{} did not say which roles the owner has, and only a role lets them in. Whoever is in `people` under "
    "`[{}]` in bifrost.toml is let in without being asked about."
)


class Vouching:
    """Authorises people who are not there. Asks for roles only where nothing else lets them in."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._platforms: dict[str, RolesOf] = {}

    def ask(self, platform: str, roles_of: RolesOf) -> None:
        """From now on this platform is asked."""
        self._platforms[platform] = roles_of

    async def authorize(
        self, origin: Origin, verb: str, target: Job | None = None, workspace: str = ""
    ) -> Allow | Deny:
        """As Access does, with the roles that the person has now."""
        actor = origin.actor
        allowed = self._access.authorize(origin, verb, target, workspace)
        rule = self._access.rules.get(actor.platform)
        roles_of = self._platforms.get(actor.platform)
        if isinstance(allowed, Allow) or rule is None or not rule.roles or roles_of is None:
            return allowed
        # Were it not for the roles, would they be let in?
        wanted = replace(origin, actor=replace(actor, roles=rule.roles))
        if isinstance(self._access.authorize(wanted, verb, target, workspace), Deny):
            return allowed
        roles = await roles_of(actor.team, actor.user_id)
        if roles is None:
            return Deny(_NOBODY_SAYS.format(actor.platform.capitalize(), actor.platform))
        vouched = replace(origin, actor=replace(actor, roles=roles))
        return self._access.authorize(vouched, verb, target, workspace)
