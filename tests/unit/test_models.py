"""The models: every name that people know, what is set beside them, and what `/job models` says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.configuration import BadConfiguration, load
from bot.desk.asks import Ask
from bot.desk.models import listing
from bot.house import catalog_of
from executor.catalog import Catalog, UnknownChoice
from executor.model import Origin
from storage.hub.authors import OWNER
from storage.hub.comments import NewComment
from storage.hub.feedback import Target
from storage.hub.tasks import Area, NewTask
from tests.unit.office import ANN, EVE, Office, an_office, desk_on

ALL = Catalog(providers=("claude", "gemini", "codex", "rehearsal"))
NAMES = {
    "claude": "opus sonnet haiku claude-opus-4-6 claude-sonnet-4-6 claude-haiku-4-5",
    "gemini": "gemini-3.1-pro-preview gemini-3.1-pro gemini-3-flash-preview gemini-3-flash "
    "gemini-2.5-pro gemini-2.5-flash",
}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


@pytest.mark.parametrize("provider", NAMES)
def test_every_name_is_taken_and_implies_its_provider(provider: str) -> None:
    for name in NAMES[provider].split():
        model = ALL.choose("session", None, name)
        assert (model.name, model.provider) == (name, provider)
        assert model.cli_id == {
            "gemini-3.1-pro": "gemini-3.1-pro-preview",
            "gemini-3-flash": "gemini-3-flash-preview",
        }.get(name, name)


@pytest.mark.parametrize("provider", ["claude", "gemini"])
@pytest.mark.parametrize("job_type", ["session", "research", "workflow", "clara", "autopilot"])
def test_every_type_has_its_default(provider: str, job_type: str) -> None:
    strong = job_type in ("session", "research", "autopilot")
    wanted = {
        "claude": ("opus", "sonnet"),
        "gemini": ("gemini-3.1-pro-preview", "gemini-3-flash-preview"),
    }[provider][0 if strong else 1]
    assert ALL.choose(job_type, provider, None).name == wanted


def test_an_unknown_name_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(UnknownChoice, match=r"Did you mean `gemini-2\.5-pro` or") as caught:
        ALL.choose("session", None, "gemini-2.5-prof")
    assert "There is no model `gemini-2.5-prof`." in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("Opuss", "`opus`"),
        ("SONNET", "`sonnet` or `claude-sonnet-4-6`"),
        ("flash", "`gemini-3-flash-preview` or `gemini-3-flash` or `gemini-2.5-flash`"),
        ("gpt6-sol", "`gpt-6-sol` or `gpt-6.1-sol` or `gpt-5.6-sol`"),
        ("gemini", "`gemini-3.1-pro` or `gemini-3-flash` or `gemini-2.5-pro`"),
    ],
)
def test_the_nearest_are_those_of_every_provider_that_is_on(typed: str, near: str) -> None:
    with pytest.raises(UnknownChoice) as caught:
        ALL.choose("session", None, typed)
    assert f"Did you mean {near}?" in str(caught.value)


@pytest.mark.parametrize("typed", ["zz", "quux", ""])
def test_where_nothing_is_near_the_names_are_all_that_is_said(typed: str) -> None:
    with pytest.raises(UnknownChoice) as caught:
        ALL.choose("session", None, typed)
    assert "Did you mean" not in str(caught.value)
    assert "There are: `opus`, `sonnet`" in str(caught.value)


def test_a_model_of_a_provider_that_is_off_is_said_to_be_one() -> None:
    with pytest.raises(UnknownChoice) as caught:
        Catalog(providers=("claude",)).choose("session", None, "gemini-2.5-pro")
    assert "There is no model `gemini-2.5-pro`. gemini, whose it is, is switched off here." in str(
        caught.value
    )


async def test_what_a_run_costs_is_said_before_it_whether_it_is_new_or_goes_on(office: Office) -> None:
    price = "(opus, $5 in, $25 out per million tokens)"
    answer = await office.type("session x --model opus")
    assert price in answer.text and answer.job is not None
    ended = await office.finish(answer.job)
    assert price in (await office.type(f"resume {ended.id} go on")).text


async def test_the_models_are_listed_with_prices_efforts_and_whose_default_they_are(office: Office) -> None:
    text = (await office.type("models")).text
    assert "**rehearsal** (without `--provider`)" in text
    assert "- `opus` · $5 in, $25 out · effort low, medium, high · the default for" in text
    opus = next(line for line in text.splitlines() if line.startswith("- `opus`"))
    assert opus.endswith("the default for research, session, autopilot")
    assert "gemini" not in text, "only what is switched on"
    only = (await office.type("models --provider claude")).text
    assert "rehearsal" not in only
    refused = await office.refused(await office.type("models --provider gemni"), office.rows())
    assert refused.startswith("There is no provider `gemni`.")


def test_names_of_one_model_stand_on_one_line() -> None:
    assert "- `gemini-3.1-pro-preview`, `gemini-3.1-pro` · $2 in, $12 out ·" in listing(ALL)


def settings_of(tmp_path: Path, text: str) -> Catalog:
    (tmp_path / "bifrost.toml").write_text(text)
    return catalog_of(load(tmp_path / "bifrost.toml", {}), ("claude", "rehearsal"))


def test_a_model_may_be_set_beside_those_that_are_built_in_or_in_place_of_one(tmp_path: Path) -> None:
    catalog = settings_of(
        tmp_path,
        """
        [[models]]
        name = "best"
        provider = "claude"
        id = "claude-opus-5"
        efforts = ["high", "max"]
        input_usd = 7.5
        output_usd = 30
        [[models]]
        name = "opus"
        provider = "claude"
        """,
    )
    best = catalog.choose("session", None, "best")
    assert (best.cli_id, best.efforts, best.price) == ("claude-opus-5", ("high", "max"), "$7.50 in, $30 out")
    assert catalog.price("opus") == "", "what is set takes the place of what is built in, price and all"
    assert catalog.model_names().count("opus") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('models = [{ name = "x" }]', "`models.0.provider`: Field required"),
        ('models = [{ name = "x", provider = "claude", prize = 1 }]', "`models.0.prize` is no setting."),
        ('models = [{ name = "x", provider = "claude", input_usd = -1 }]', "greater than or equal to 0"),
        ('models = [{ name = "x", provider = "claude", id = "--help" }]', "`models.0.id`"),
        ('workspaces = { main = { path = "w", prompts = "w/prompts" } }', "is a part of a workspace"),
        ('workspaces = { main = { path = "w", prompts = "gone" } }', "there is no directory"),
        ('workspaces = { main = { path = "w", prompts = "words" } }', "nothing is known as `$nobody` there"),
    ],
)
def test_models_and_prompts_that_cannot_be_are_refused_when_the_bot_starts(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "w" / "prompts").mkdir(parents=True)
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "session.md").write_text("$prompt $nobody")
    with pytest.raises(BadConfiguration) as caught:
        settings_of(tmp_path, text)
    assert says in str(caught.value)


async def test_an_effort_that_a_model_does_not_know_is_refused_by_name(office: Office) -> None:
    before = office.rows()
    refused = await office.refused(await office.type("session x --model opus --effort max"), before)
    assert refused == "There is no effort `max`. There are: `low`, `medium`, `high`."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("research x --budget 5", "`/job autopilot` has it."),
        ("resume 3fa9c1 x --workspace api", "`--workspace` is no option of `/job resume`."),
        ("session x --timeout -1", "`-1` is no span of time"),
        ("session x --priority -1", "There are: `low`, `normal`, `high`."),
        ("autopilot - x --budget -1", "`-1` is no sum of US dollars"),
        ("research x --depth abyss", "There is no depth `abyss`."),
        ("clara swep", "Did you mean `sweep`?"),
        ("workflow", "The prompt is empty"),
        ("autopilot", "The prompt is empty"),
        ("autopilot - x --budget much", "`much` is no sum of US dollars"),
        ("autopilot nowhere/plan.md", "There is no file `nowhere/plan.md`"),
        ("session x --model gemini-2.5-pro", "There is no model `gemini-2.5-pro`."),
        ("session x --model opus --provider rehearsal", "`opus` is a model of claude, but"),
    ],
)
async def test_bad_input_for_the_new_types_is_refused_in_words_and_changes_nothing(
    office: Office, text: str, says: str
) -> None:
    before = office.rows()
    assert says in await office.refused(await office.type(text), before)


async def test_a_form_that_brings_an_option_of_another_type_is_refused_at_that_field(office: Office) -> None:
    before = office.rows()
    answer = await office.send("session", {"prompt": "x", "budget": "5"})
    assert "`--budget` is no option of `/job session`" in await office.refused(answer, before)
    assert answer.field == "budget"


@pytest.mark.parametrize("provider", ["gemini", "codex"])
async def test_a_budget_is_refused_where_nobody_says_what_it_costs(tmp_path: Path, provider: str) -> None:
    async with an_office(tmp_path) as office:
        desk = desk_on(office.storage, providers=("claude", provider))
        asked = {"prompt": "- One", "budget": "5", "provider": provider}
        origin = Origin(actor=ANN, channel="C0DEV")
        answer = await desk.ask(Ask(verb="autopilot", origin=origin, delivery="d", args=asked))
        assert not answer.ok and answer.field == "budget"
        assert answer.text.startswith(f"{provider} does not say what a job has cost")


async def test_clara_needs_no_words(office: Office) -> None:
    job = await office.queued("clara")
    assert (job.prompt, job.payload["mode"], job.model) == ("sweep", "sweep", "rehearsal")


async def test_modes_and_commands_are_offered(office: Office) -> None:
    found = await office.desk.suggest(Origin(actor=ANN, channel="C"), "clara", "fo")
    assert found == [("focus", "focus")]
    assert await office.desk.suggest(Origin(actor=EVE, channel="C"), "clara", "fo") == []


async def test_a_session_on_a_task_is_told_what_is_on_record_of_it(office: Office) -> None:
    new = NewTask(id="A82", name="Cache sessions", workspace=Area.DEV, description="They are slow.")
    await office.storage.tasks.add(new, OWNER)
    for words in ("First thought.", "Second thought."):
        comment = NewComment(target_type=Target.TASK, target_id="A82", content=words)
        office.clock.pass_by(seconds=1)
        await office.storage.comments.add(comment, OWNER)
    job = await office.queued("session --task A82 write the tests")
    assert (job.prompt, job.task_id) == ("write the tests", "A82")
    told = job.payload["task_text"]
    assert told.startswith("# A82: Cache sessions") and "They are slow." in told
    assert told.index("First thought.") < told.index("Second thought.")
    alone = await office.queued("session --task A82")
    assert alone.prompt == "Do the task A82: Cache sessions"


@pytest.mark.parametrize(("typed", "near"), [("a82", "`A82`"), ("A8", "`A82`"), ("zebra", "")])
async def test_a_session_on_a_task_that_is_not_on_record_is_refused_with_the_nearest(
    office: Office, typed: str, near: str
) -> None:
    await office.storage.tasks.add(NewTask(id="A82", name="Cache sessions", workspace=Area.DEV), OWNER)
    before = office.rows()
    answer = await office.type(f"session --task {typed} write the tests")
    said = await office.refused(answer, before)
    assert said.startswith(f"There is no task `{typed}` on record.")
    assert (f"The nearest are: {near}" in said) == bool(near)
    assert answer.field == "task"
