"""Who may do what: every verb, for every sort of person, on every sort of job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.desk.access import EVERYBODY, Access, Allow, Deny, Rule
from bot.desk.commands import COMMANDS
from executor.job_types import JOB_TYPES
from executor.model import Actor, Job, JobStatus, Origin
from executor.schedules import new_schedule
from executor.timers import Cron
from executor.workspaces import Workspace, Workspaces
from tests import builders

ANN, BOB, ADA, EVE = "U0ANN", "U0BOB", "U0ADMIN", "U0EVE"
DEV, DEN = "C0DEV", "C0DEN"
ACCESS = Access(
    rules={
        "slack": Rule(channels=frozenset({DEV}), people=frozenset({ANN, BOB}), admins=frozenset({ADA})),
        "empty": Rule(channels=frozenset(), people=frozenset()),
        "open": Rule(channels=frozenset({EVERYBODY}), people=frozenset({EVERYBODY})),
        "web": Rule(
            channels=frozenset({EVERYBODY}), people=frozenset({"owner"}), admins=frozenset({"owner"})
        ),
    },
    workspaces=Workspaces(
        named={
            "main": Workspace(directory=Path()),
            "vault": Workspace(directory=Path(), people=frozenset({f"slack:{ANN}", "open:U0EVE"})),
            "plain": Workspace(directory=Path(), people=frozenset({BOB})),
            "all": Workspace(directory=Path(), people=frozenset({EVERYBODY})),
        }
    ),
)
WORKS = {
    "research",
    "session",
    "workflow",
    "clara",
    "autopilot",
    "answer",
    "interrupt",
    "resume",
    "retry",
    *("diff", "merge", "keep", "discard", "pr"),
}
"""What makes an agent work in a workspace; all else may be done by whoever has lost theirs."""
EVERYONE, OWNER_OR_ADMIN, ADMINS = "everyone", "owner or admin", "admins"
EXPECTED = {
    "research": EVERYONE,
    "session": EVERYONE,
    "workflow": EVERYONE,
    "clara": EVERYONE,
    "autopilot": EVERYONE,
    "models": EVERYONE,
    "list": EVERYONE,
    "show": EVERYONE,
    "help": EVERYONE,
    "answer": OWNER_OR_ADMIN,
    "cancel": OWNER_OR_ADMIN,
    "interrupt": OWNER_OR_ADMIN,
    "resume": OWNER_OR_ADMIN,
    "retry": OWNER_OR_ADMIN,
    "diff": OWNER_OR_ADMIN,
    "merge": OWNER_OR_ADMIN,
    "keep": OWNER_OR_ADMIN,
    "discard": OWNER_OR_ADMIN,
    "pr": OWNER_OR_ADMIN,
    "schedules": EVERYONE,
    "schedule": OWNER_OR_ADMIN,
    "web": ADMINS,
    "usage": EVERYONE,
    "settings": EVERYONE,
}
"""Whom the rule lets in, and of those who may do what to a job."""
VERBS = [command.verb for command in COMMANDS]


def pairs(*users: str) -> list[tuple[str, str]]:
    return [(verb, user) for verb in VERBS for user in users]


def origin(user_id: str, *, platform: str = "slack", channel: str = DEV, team: str = "T1") -> Origin:
    return Origin(actor=Actor(platform=platform, team=team, user_id=user_id, name="x"), channel=channel)


def job(of: Origin) -> Job:
    return Job(
        id="3fa9c1d2-0000-4000-8000-000000000000",
        type="research",
        status=JobStatus.RUNNING,
        payload={"prompt": "p"},
        provider="rehearsal",
        model="rehearsal",
        effort="medium",
        workspace="main",
        origin=of,
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
    )


def test_every_verb_of_the_table_has_an_expectation() -> None:
    assert set(VERBS) == set(EXPECTED)


@pytest.mark.parametrize(("verb", "user"), pairs(ANN, BOB, ADA))
def test_people_of_the_rule_may_do_what_is_expected_of_the_verb(verb: str, user: str) -> None:
    anns = job(origin(ANN))
    may = {EVERYONE: (ANN, BOB, ADA), OWNER_OR_ADMIN: (ANN, ADA), ADMINS: (ADA,)}[EXPECTED[verb]]
    assert isinstance(ACCESS.authorize(origin(user), verb, anns), Allow) is (user in may)
    about_nothing = EXPECTED[verb] != ADMINS or user in may
    assert isinstance(ACCESS.authorize(origin(user), verb), Allow) is about_nothing


@pytest.mark.parametrize(("verb", "user"), pairs(ANN, BOB, ADA))
@pytest.mark.parametrize(
    ("workspace", "its"), [("main", (ANN, BOB)), ("vault", (ANN,)), ("plain", (BOB,)), ("all", (ANN, BOB))]
)
def test_who_may_not_use_a_workspace_makes_no_agent_work_there(
    verb: str, user: str, workspace: str, its: tuple[str, ...]
) -> None:
    own = replace(job(origin(user)), workspace=workspace)
    may = user in (*its, ADA) or verb not in WORKS
    allowed = isinstance(ACCESS.authorize(origin(user), verb, own), Allow)
    assert allowed is (may and (EXPECTED[verb] != ADMINS or user == ADA))
    if verb in JOB_TYPES:
        new = ACCESS.authorize(origin(user), verb, workspace=workspace)
        assert isinstance(new, Allow) is may
        assert isinstance(new, Allow) or f"add `slack:{user}` to its `people`" in new.reason
    assert (workspace in ACCESS.workspaces_of(origin(user).actor)) is (user in (*its, ADA))


def test_an_id_behind_a_platform_counts_there_alone_and_one_without_everywhere() -> None:
    for user, platform, its in ((ANN, "open", "main all"), (EVE, "open", "main vault all")):
        actor = origin(user, platform=platform).actor
        assert ACCESS.workspaces_of(actor) == tuple(its.split())
    assert "plain" in ACCESS.workspaces_of(origin(BOB, platform="open").actor)
    assert ACCESS.workspaces_of(origin(ANN, platform="irc").actor) == ()


def test_who_is_no_admin_is_told_why_the_page_is_not_for_them() -> None:
    denied = ACCESS.authorize(origin(ANN), "web")
    assert isinstance(denied, Deny)
    assert "acts as the bot's owner" in denied.reason
    assert f"add `{ANN}` to `admins` under `[slack]`" in denied.reason


@pytest.mark.parametrize("verb", VERBS)
def test_strangers_may_do_nothing_and_are_told_how_to_be_let_in(verb: str) -> None:
    denied = ACCESS.authorize(origin(EVE), verb, job(origin(EVE)))
    assert isinstance(denied, Deny)
    assert f"add `{EVE}` to `people` under `[slack]`" in denied.reason


@pytest.mark.parametrize(("verb", "user"), pairs(ANN, ADA))
def test_a_channel_that_is_not_open_is_closed_for_admins_too(verb: str, user: str) -> None:
    denied = ACCESS.authorize(origin(user, channel=DEN), verb, job(origin(user)))
    assert isinstance(denied, Deny)
    assert f"`{DEN}` to `channels` under `[slack]`" in denied.reason


@pytest.mark.parametrize(("verb", "user"), pairs(ANN, "", EVERYBODY))
def test_an_empty_list_lets_nobody_in(verb: str, user: str) -> None:
    assert isinstance(ACCESS.authorize(origin(user, platform="empty"), verb), Deny)


@pytest.mark.parametrize("verb", VERBS)
def test_a_platform_without_a_rule_is_closed(verb: str) -> None:
    denied = ACCESS.authorize(origin(ANN, platform="discord"), verb)
    assert denied == Deny("Bifrost is not open to discord.")


@pytest.mark.parametrize("verb", VERBS)
def test_a_platform_that_is_open_to_everybody_is(verb: str) -> None:
    mine = origin(EVE, platform="open", channel="anywhere")
    may = EXPECTED[verb] != ADMINS
    assert isinstance(ACCESS.authorize(mine, verb, job(mine)), Allow) is may, "no admin is named there"


@pytest.mark.parametrize("user", [ANN, ADA])
@pytest.mark.parametrize("verb", ["", "explode", "RESEARCH", "resume "])
def test_what_is_no_verb_nobody_may_do(verb: str, user: str) -> None:
    assert isinstance(ACCESS.authorize(origin(user), verb, job(origin(user))), Deny)


@pytest.mark.parametrize("verb", [verb for verb, whose in EXPECTED.items() if whose == OWNER_OR_ADMIN])
def test_the_same_id_in_another_team_is_another_person(verb: str) -> None:
    denied = ACCESS.authorize(origin(ANN, team="T2"), verb, job(origin(ANN, team="T1")))
    assert isinstance(denied, Deny)
    assert f"only that person or an admin may {verb} it" in denied.reason


def test_a_schedule_is_changed_by_its_owner_and_by_admins() -> None:
    request = replace(builders.request(), origin=origin(ANN))
    anns = new_schedule(Cron("0 2 * * *", ZoneInfo("UTC")), request, builders.START)
    for user, may in ((ANN, True), (ADA, True), (BOB, False)):
        assert isinstance(ACCESS.authorize(origin(user), "schedule", anns), Allow) is may
    denied = ACCESS.authorize(origin(BOB), "schedule", anns)
    assert isinstance(denied, Deny)
    assert denied.reason.startswith(f"Schedule `{anns.short_id}` was made by somebody else")
    assert not ACCESS.may_see(origin(ANN, team="T2"), anns)


def test_jobs_are_seen_in_their_channel_by_their_owner_by_admins_and_on_the_page() -> None:
    anns = job(origin(ANN))
    assert ACCESS.may_see(origin(BOB), anns)
    assert not ACCESS.may_see(origin(BOB, channel=DEN), anns), "what is asked in private stays there"
    assert ACCESS.may_see(origin(ANN, channel=DEN), anns)
    assert ACCESS.may_see(origin(ADA, channel=DEN), anns)
    assert not ACCESS.may_see(origin(ANN, team="T2"), anns)
    assert not ACCESS.may_see(origin(ANN, platform="open"), anns)
    assert ACCESS.may_see(origin("owner", platform="web", team=""), anns)


def test_a_role_lets_people_in_as_long_as_the_platform_vouches_for_it() -> None:
    rule = Rule(channels=frozenset({DEV}), people=frozenset(), roles=frozenset({"R0DEVS"}))
    access = Access(rules={"discord": rule})
    eve = Actor(platform="discord", team="T0", user_id=EVE, name="Eve", roles=frozenset({"R0DEVS", "R0X"}))
    assert access.authorize(Origin(actor=eve, channel=DEV), "research") == Allow()
    for roles in (frozenset[str](), frozenset({"R0X"})):
        stranger = replace(eve, roles=roles)
        assert isinstance(access.authorize(Origin(actor=stranger, channel=DEV), "research"), Deny)


def test_a_direct_message_is_open_to_everybody_on_the_list_and_to_nobody_else() -> None:
    direct = Access(rules={"slack": replace(ACCESS.rules["slack"], direct="D")})
    for user, may in ((ANN, True), (ADA, True), (EVE, False)):
        asked = direct.authorize(origin(user, channel="D0ANY"), "research")
        assert isinstance(asked, Allow) is may
    assert isinstance(direct.authorize(origin(ANN, channel=DEN), "research"), Deny)
    assert isinstance(ACCESS.authorize(origin(ANN, channel="D0ANY"), "research"), Deny)


@pytest.mark.parametrize("user", [ANN, BOB, ADA])
@pytest.mark.parametrize("home", [origin(ANN), origin(BOB, channel=DEN), origin(ANN, team="T2")])
def test_a_list_is_of_what_may_be_seen(user: str, home: Origin) -> None:
    here, sight = origin(user), ACCESS.sight(origin(user))
    assert sight is not None
    shows = (home.actor.platform, home.actor.team) == (sight.platform, sight.team) and (
        sight.channel is sight.user_id is None
        or home.channel == sight.channel
        or home.actor.user_id == sight.user_id
    )
    assert shows is ACCESS.may_see(here, job(home))
    assert ACCESS.sight(origin("owner", platform="web")) is None
