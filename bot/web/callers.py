"""Who calls: the person behind a request, and how much their token or login lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from executor.model import Actor, Job
from storage.hub.authors import CLARA

Scope = Literal["read", "run", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "run", "admin")
"""From the least: each may do what those before it may."""
OWNER = Actor(platform="web", team="", user_id="owner", name="owner")
"""Who is logged in to the page, or has a token of scope admin."""
TOKEN_ROLE = "api-token"  # noqa: S105 - what a token is, not one
"""The role that lets the bearers of other tokens in, each a person of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """`key` names the token or the login for good; `actor` is who asks, as the desk knows them."""

    key: str
    actor: Actor
    scope: Scope
    job: Job | None = None
    """The running job whose agent it is."""

    def may(self, scope: Scope) -> bool:
        """Whether what needs `scope` is theirs to do."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


LOGIN = Caller(key="login", actor=OWNER, scope="admin")
"""Whoever is logged in to the page."""
CALLER = web.RequestKey("caller", Caller)
"""Set on every request that is let in with a token or a login."""


def token_caller(token_id: str, name: str, scope: Scope) -> Caller:
    """The bearer of a token: of one of scope admin, the owner by the token's name; else somebody else."""
    user_id = OWNER.user_id if scope == "admin" else f"token:{token_id}"
    roles = frozenset() if scope == "admin" else frozenset({TOKEN_ROLE})
    actor = Actor(platform=OWNER.platform, team=OWNER.team, user_id=user_id, name=name, roles=roles)
    return Caller(key=f"token:{token_id}", actor=actor, scope=scope)


def agent_caller(job: Job) -> Caller:
    """The agent of a running job: nobody of the platforms, but itself, by the name of its provider."""
    name = CLARA.name if job.type == CLARA.name else job.provider
    actor = Actor(platform=OWNER.platform, team=OWNER.team, user_id=f"job:{job.id}", name=name)
    return Caller(key=f"job:{job.id}:{job.attempt}", actor=actor, scope="run", job=job)
