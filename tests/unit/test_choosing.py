"""Whose word counts where a job names no workspace, provider or model; who is asked where nobody's does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.desk.asks import CHOOSE, Answer, Ask, Invocation, Offer
from bot.desk.defaults import preferred
from bot.desk.presets import Presets, chosen, said
from bot.workspace_checks import shut_out
from executor.catalog import Catalog
from executor.model import Actor, Origin
from executor.parcels import Take
from executor.workspaces import Workspace, Workspaces
from storage.drafts import KeptFile
from tests.unit.office import ADMIN, ANN, BOB, EVE, OWNER, Office, an_office, desk_on

THREE = Workspaces(
    named={
        "main": Workspace(directory=Path("/srv/main")),
        "api": Workspace(directory=Path("/srv/api"), provider="claude", model="sonnet"),
        "vault": Workspace(directory=Path("/srv/vault"), people=frozenset({"slack:bob"})),
    }
)
HERE = Origin(actor=ANN, channel="C0DEV")


@pytest.mark.parametrize(
    ("option", "at_run_time", "in_file", "wanted"),
    [
        ("", {}, {}, ""),
        ("api", {"workspace.slack.C0DEV": "main"}, {"default": "main"}, "api"),
        ("", {"workspace.slack.C0DEV": "api", "defaultWorkspace": "main"}, {"default": "main"}, "api"),
        ("", {"defaultWorkspace": "main"}, {"channels": {("slack", "C0DEV"): "api"}}, "api"),
        ("", {"workspace.slack.C0DEV": "api"}, {"channels": {("slack", "C0DEV"): "main"}}, "api"),
        ("", {"workspace.slack.C0DEN": "api"}, {"channels": {("discord", "C0DEV"): "api"}}, ""),
        ("", {"defaultWorkspace": "api"}, {"default": "main"}, "api"),
        ("", {}, {"default": "main"}, "main"),
        ("", {"workspace.slack.C0DEV": "gone", "defaultWorkspace": "gone"}, {"default": "api"}, "api"),
    ],
)
def test_the_nearest_word_counts_for_a_workspace(
    option: str, at_run_time: dict[str, str], in_file: dict[str, object], wanted: str
) -> None:
    words = said(HERE, at_run_time, Presets(**in_file))  # type: ignore[arg-type]
    assert chosen(option, words, ("main", "api"), ("main", "api")) == wanted
    alone = chosen(option, words, ("main", "api"), ("api",))
    assert alone == (wanted or "api"), "whoever may use one alone is not asked"


@pytest.mark.parametrize(
    ("asked", "of_workspace", "at_run_time", "wanted"),
    [
        ("", {}, {}, "claude opus"),
        ("", {}, {"defaultProvider": "gemini"}, "gemini gemini-3.1-pro-preview"),
        ("", {}, {"defaultProvider": "gemini", "model.session": "haiku"}, "claude haiku"),
        ("", {"provider": "gemini"}, {"model.session": "haiku"}, "gemini gemini-3.1-pro-preview"),
        ("", {"provider": "gemini"}, {"model.session": "gemini-2.5-pro"}, "gemini gemini-2.5-pro"),
        ("", {"model": "sonnet"}, {"defaultProvider": "gemini", "model.session": "haiku"}, "claude sonnet"),
        ("claude", {"provider": "gemini"}, {"model.session": "haiku"}, "claude haiku"),
        ("claude", {"model": "sonnet"}, {"model.session": "haiku"}, "claude sonnet"),
        ("gemini", {"model": "sonnet"}, {}, "gemini gemini-3.1-pro-preview"),
        ("", {"provider": "codex"}, {"model.session": "haiku"}, "claude haiku"),
        ("", {"model": "gpt-5"}, {"defaultProvider": "codex"}, "claude opus"),
    ],
)
def test_the_workspace_comes_before_the_type_and_that_before_the_provider_of_all(
    asked: str, of_workspace: dict[str, str], at_run_time: dict[str, str], wanted: str
) -> None:
    workspace = replace(Workspace(directory=Path()), **of_workspace)  # type: ignore[arg-type]
    model = preferred("session", Catalog(providers=("claude", "gemini")), at_run_time, asked, workspace)
    assert f"{model.provider} {model.name}" == wanted


def test_the_doctor_knows_whom_nobody_lets_in() -> None:
    people = {"slack:U1", "discord:1", "U1", "U2", "web:x", "owner", "token:7"}
    assert shut_out(people, {"slack": {"U1"}, "discord": (), "web": {"*"}}) == ["U2", "discord:1"]
    assert shut_out(people, {"slack": {"*"}, "discord": (), "web": {"*"}}) == ["discord:1"]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        office.desk = desk_on(
            office.storage, clock=office.clock, received=tmp_path, workspaces=THREE, presets=Presets()
        )
        yield office


async def says(office: Office, text: str, by: Actor = ANN, *, files: tuple[Offer, ...] = ()) -> Answer:
    """Types it at a door that has buttons."""
    delivery = f"slack:{text}"
    asked = Invocation(
        text=text, origin=Origin(actor=by, channel="C0DEV"), delivery=delivery, buttons=True, files=files
    )
    return await office.desk.command(asked)


async def presses(office: Office, asked: Answer, name: str, by: Actor = ANN) -> Answer:
    assert asked.choice is not None, asked.text
    number = str(asked.choice.names.index(name))
    return await office.desk.ask(
        Ask(
            verb=CHOOSE,
            target=asked.choice.draft_id,
            args={"choice": number},
            origin=Origin(actor=by, channel="C0DEV"),
            delivery=f"press:{by.user_id}:{number}",
            again=lambda files: [_file(each) for each in files],
        )
    )


def _file(kept: KeptFile) -> Offer:
    async def fetch(take: Take) -> None:
        await take(kept.reference.encode())

    return Offer(label=kept.label, fetch=fetch, size=kept.size, reference=kept.reference)


async def test_who_names_no_workspace_is_asked_and_a_press_starts_the_one_job(office: Office) -> None:
    note = _file(KeptFile(label="note.txt", size=5, reference="F1"))
    asked = await says(office, "session tidy up --effort high", files=(note,))
    assert not asked.ok and asked.choice is not None and asked.choice.names == ["main", "api"]
    assert "`session tidy up` · 1 file" in asked.text and "--workspace NAME" in asked.text
    assert (await says(office, "session tidy up --effort high", files=(note,))).choice == asked.choice
    assert await office.storage.jobs.jobs() == []
    started = await presses(office, asked, "api")
    assert started.ok and started.job is not None, started.text
    job = started.job
    assert (job.workspace, job.effort, job.model, job.prompt) == ("api", "high", "sonnet", "tidy up")
    assert "note.txt" in str(job.payload)
    again = await presses(office, asked, "main")
    assert again.ok and again.job is not None and again.job.id == job.id
    assert len(await office.storage.jobs.jobs()) == 1


async def test_nobody_else_can_answer_and_after_a_day_nobody_can(office: Office) -> None:
    asked = await says(office, "session tidy up")
    before = office.rows()
    for who, why in ((BOB, "Somebody else was asked"), (ADMIN, "Somebody else"), (EVE, "not on the list")):
        refused = await presses(office, asked, "api", who)
        assert why in await office.refused(refused, before) and refused.denied
    office.clock.pass_by(hours=25)
    assert "more than a day old" in await office.refused(await presses(office, asked, "api"), before)
    await says(office, "session another")
    assert office.rows()["drafts"] == 1, "what is old is forgotten"


async def test_a_schedule_is_asked_in_the_same_way(office: Office) -> None:
    asked = await says(office, 'session tidy --cron "0 2 * * *"')
    assert (await presses(office, asked, "main")).ok and (await presses(office, asked, "main")).ok
    (schedule,) = await office.storage.schedules.schedules()
    assert schedule.request.workspace == "main"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("session x --model sonet", "Did you mean `sonnet`"),
        ("session x --at yesterday", "yesterday"),
        ("session x --workspace apy", "Did you mean `api`"),
        ("session x --workspace vault", "not on the list of people who may use the workspace `vault`"),
    ],
)
async def test_what_cannot_be_is_told_before_anything_is_asked(office: Office, text: str, why: str) -> None:
    before = office.rows()
    answer = await says(office, text)
    assert why in await office.refused(answer, before) and answer.choice is None and answer.field


async def test_a_door_without_buttons_names_what_there_is(office: Office) -> None:
    before = office.rows()
    answer = await office.type("session x", OWNER)
    assert "There are: `main`, `api`, `vault`" in await office.refused(answer, before)
    assert answer.field == "workspace"


async def test_admins_say_which_workspace_a_channel_has_and_all_have(office: Office) -> None:
    assert (
        "`workspace`: no workspace: whoever names none is asked (not set)"
        in (await office.type("settings")).text
    )
    for setting in ("default_workspace main", "workspace api", "workspace.slack.C0DEN main"):
        assert "Only an admin" in (await office.type(f"settings {setting}")).text
        assert (await office.type(f"settings {setting}", ADMIN)).ok
    assert (await office.queued("session x")).workspace == "api"
    listed = (await office.type("settings", ADMIN)).text
    for line in (
        "- `workspace`: `api`",
        "- `default_workspace`: `main`",
        "- `main`: permissions bypass · everybody, the default",
        "- `api`: claude · sonnet · permissions bypass · everybody",
        "- `vault`: permissions bypass · 1 person",
    ):
        assert line in listed.splitlines()
    assert "vault" not in (await office.type("settings")).text, "of what is not theirs nobody hears"
    assert (await office.type("settings workspace default", ADMIN)).ok
    assert (await office.queued("session y")).workspace == "main"
    before = office.rows()
    for setting in (
        "workspace apy",
        "default_workspace apy",
        "workspace.slack.C0DEN apy",
        "workspace.irc.x main",
    ):
        assert (await office.refused(await office.type(f"settings {setting}", ADMIN), before)).strip()


async def test_who_may_not_use_a_workspace_may_not_go_on_in_it_either(office: Office) -> None:
    await office.storage.preferences.change({"defaultWorkspace": "vault"})
    before = office.rows()
    denied = await office.type("session x")
    assert "`slack:ann` to its `people`" in await office.refused(denied, before) and denied.denied
    assert "You may use: `main`, `api`" in denied.text
    assert office.desk.choices("workspace", ANN) == ("main", "api")
    assert office.desk.choices("workspace", BOB) == ("main", "api", "vault")
    job = await office.ended(BOB)
    schedule = await office.type('session x --cron "0 2 * * *"', BOB)
    assert schedule.ok and await _refusal(office) == ""
    without_bob = replace(THREE.named["vault"], people=frozenset({"carol"}))
    named = {**THREE.named, "vault": without_bob}
    office.desk = desk_on(office.storage, workspaces=Workspaces(named=named))
    before = office.rows()
    for verb in ("resume", "retry"):
        assert "`vault`" in await office.refused(await office.type(f"{verb} {job.id}", BOB), before)
    assert not office.desk.allows(Origin(actor=BOB, channel="C0DEV"), "reply", job)
    assert office.desk.allows(Origin(actor=ADMIN, channel="C0DEV"), "reply", job)
    assert "`vault`" in await _refusal(office), "each run asks anew"


async def _refusal(office: Office) -> str:
    (schedule,) = await office.storage.schedules.schedules()
    return await office.desk.refusal(schedule.request)
