"""The one door behind all doors: what is taken in, from whom, and what is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.desk.asks import Answer
from executor.model import Job, JobStatus, Origin
from tests.builders import claim_one
from tests.unit.office import ADMIN, ANN, BOB, ELSEWHERE, EVE, OWNER, Office, an_office
from tests.unit.test_prompts import TAKEN


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def test_a_job_is_queued_as_it_was_asked_for(office: Office) -> None:
    answer = await office.type(
        "session tidy up --provider claude --effort high --workspace api", thread="7.1"
    )
    job = answer.job
    assert job is not None
    costs = "opus, $5 in, $25 out per million tokens"
    text = f"Queued as `{job.short_id}`: session by claude ({costs})."
    assert answer == Answer(ok=True, text=text, job=job)
    assert (job.type, job.prompt, job.provider, job.model) == ("session", "tidy up", "claude", "opus")
    assert (job.effort, job.workspace, job.status) == ("high", "api", JobStatus.PENDING)
    assert job.origin == Origin(actor=ANN, channel="C0DEV", thread="7.1")


async def test_what_is_not_said_gets_the_defaults(office: Office) -> None:
    job = await office.queued("research how?")
    assert (job.provider, job.model, job.effort, job.workspace) == (
        "rehearsal",
        "rehearsal",
        "medium",
        "main",
    )


async def test_a_model_alone_implies_its_provider(office: Office) -> None:
    job = await office.queued("research how? --model sonnet")
    assert (job.provider, job.model) == ("claude", "sonnet")


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
async def test_a_prompt_is_kept_byte_for_byte(office: Office, text: str) -> None:
    """B04 to B15, B20 to B25, B27, B30."""
    typed = await office.type(f"research -- {text}")
    form = await office.ask("research", prompt=text)
    for answer in (typed, form):
        assert answer.ok and answer.job is not None
        assert (await office.job(answer.job)).prompt == text
        assert text not in answer.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["What shall I do?", "/job research how", "/job session add"]),  # B01, B03
        ("  \n ", ["What shall I do?"]),  # B02
        ("research", ["The prompt is empty", "Usage: `/job research PROMPT"]),
        ("research  \n", ["The prompt is empty", "Example: `/job research"]),
        ("research a\0b", ["control character (U+0000)", "Usage:"]),  # B16
        (
            "research " + "x" * 100_000,
            ["100,000 characters", "at most 1,000", "a file of the workspace"],
        ),  # B17
        ("research half \ud83d", ["not valid Unicode"]),  # B19
        ("root x", ["I know no command `root`", "`research`, `session`"]),  # B37
        ("reserch x", ["Did you mean `research`?"]),
        ("research x --model ../../x", ["`../../x` cannot be the value of `--model`"]),  # B38
        ("research x --model gpt", ["There is no model `gpt`", "`rehearsal`"]),
        ("research x --model sonet", ["Did you mean `sonnet`?"]),
        ("research x --model sonnet --provider rehearsal", ["`sonnet` is a model of claude"]),
        (
            "research x --provider gemini",
            ["There is no provider `gemini`. There are: `rehearsal`, `claude`."],
        ),
        ("research --model -p x", ["`-p` cannot be the value of `--model`", "Usage:"]),  # B39
        ("research x --workspace ../..", ["`../..` cannot be the value of `--workspace`"]),  # B40
        ("research x --workspace=/etc", ["`/etc` cannot be the value of `--workspace`"]),  # B41
        ("research x --workspace=$HOME", ["`$HOME` cannot be the value of `--workspace`"]),  # B43
        ("research x --workspace ap", ["There is no workspace `ap`. Did you mean `api`?"]),
        (
            "research x --effort highest",
            ["There is no effort `highest`. There are: `low`, `medium`, `high`."],
        ),
        ("show ' OR 1=1--", ["`OR 1=1--` is too much here"]),  # B48
        ("show 'OR/1=1--", ["There is no job `'OR/1=1--`"]),
        ("show %", ["There is no job `%`"]),
        ("show ffffff", ["There is no job `ffffff`", "`/job list` shows"]),
        ("resume --continue", ["There is no job `--continue`"]),  # B50
        ("cancel " + "f" * 37, ["There is no job"]),
    ],
)
async def test_bad_input_is_refused_with_what_is_wrong_and_changes_nothing(
    office: Office, text: str, says: list[str]
) -> None:
    await office.ended()
    before = office.rows()
    answer = await office.refused(await office.type(text), before)
    for part in says:
        assert part in answer
    assert len(answer) < 700
    assert not re.search("x" * 81, answer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "-p"),
        ("model", "`*<!channel>*`"),
        ("model", "nope"),
        ("provider", "nope"),
        ("effort", "x" * 500),
        ("workspace", "../.."),
        ("workspace", "nope"),
        ("prompt", " "),
    ],
)
async def test_a_form_learns_which_field_is_wrong(office: Office, field: str, value: str) -> None:
    before = office.rows()
    answer = await office.send("research", {"prompt": "how?", field: value})
    text = await office.refused(answer, before)
    assert answer.field == field
    assert len(text) < 450


async def test_what_a_form_leaves_empty_is_a_default(office: Office) -> None:
    answer = await office.ask("research", prompt="how?", model="", provider="", effort="", workspace="")
    assert answer.job is not None
    assert (answer.job.model, answer.job.effort) == ("rehearsal", "medium")


async def test_forms_are_offered_what_the_desk_takes_the_default_first(office: Office) -> None:
    assert office.desk.choices("model", ANN)[:2] == ("opus", "sonnet")
    assert office.desk.choices("provider", ANN) == ("rehearsal", "claude")
    assert office.desk.choices("effort", ANN)[0] == "medium"
    assert office.desk.choices("workspace", ANN) == ("main", "api")
    for option in ("model", "provider", "effort", "workspace"):
        for value in office.desk.choices(option, ANN):
            assert (await office.send("research", {"prompt": "how?", option: value})).ok


@pytest.mark.parametrize("verb", ["", "explode", "help\n", "`x`"])
async def test_a_verb_that_no_button_of_ours_has_is_refused(office: Office, verb: str) -> None:
    """B52."""
    before = office.rows()
    assert "I know no command" in await office.refused(await office.ask(verb, "3fa9c1"), before)


@pytest.mark.parametrize("text", ["research x", "nonsense", "list", "show ffffff", "help", ""])
async def test_who_is_shut_out_learns_nothing_but_that(office: Office, text: str) -> None:
    before = office.rows()
    answer = await office.refused(await office.type(text, EVE), before)
    assert answer.startswith("You are not on the list of people who may use Bifrost.")


async def test_who_is_shut_out_cannot_press_buttons(office: Office) -> None:
    job = await office.running()
    before = office.rows()
    for verb in ("cancel", "resume", "retry", "show", "list", "help", "research"):
        assert "not on the list" in await office.refused(await office.ask(verb, job.id, EVE), before)


async def test_the_same_delivery_makes_one_job(office: Office) -> None:
    first = await office.type("research how?", delivery="slack:command:1")
    again = await office.type("research how?", delivery="slack:command:1")
    assert first.job is not None and again.job is not None
    assert again.job.id == first.job.id
    await claim_one(office.storage.jobs, ["rehearsal"])
    late = await office.type("research how?", delivery="slack:command:1")
    assert late.text == f"Taken in already as `{first.job.short_id}`: it is running."
    assert office.rows()["jobs"] == 1


async def test_the_same_delivery_with_other_words_is_refused(office: Office) -> None:
    """B83."""
    first = await office.type("research how?", delivery="api:release-42")
    assert first.job is not None
    before = office.rows()
    for text in ("research why?", "session how?"):
        said = await office.refused(await office.type(text, delivery="api:release-42"), before)
        assert said.startswith(
            f"The same delivery has asked for another job before, which is `{first.job.short_id}`"
        )


async def test_the_same_delivery_of_a_resume_makes_one_job(office: Office) -> None:
    ended = await office.ended()
    first = await office.type(f"resume {ended.id}", delivery="slack:action:1")
    again = await office.type(f"resume {ended.id}", delivery="slack:action:1")
    assert first.job is not None
    assert again == first


async def test_an_id_is_as_short_as_it_is_unique(office: Office) -> None:
    job = await office.queued()
    for length in (1, 6, 13, 36):
        assert (await office.type(f"show {job.id[:length]}")).job == job
    assert (await office.type(f"show #{job.short_id.upper()}")).job == job


async def test_an_ambiguous_id_is_answered_with_more_of_each(office: Office) -> None:
    first: dict[str, Job] = {}
    while (job := await office.queued()).id[0] not in first:
        first[job.id[0]] = job
    other, before = first[job.id[0]], office.rows()
    text = await office.refused(await office.type(f"cancel {job.id[0]}"), before)
    assert text.startswith(f"`{job.id[0]}` is the beginning of several ids; type more of it: `")
    offered = re.findall(r"`([0-9a-f-]{2,})`", text)
    assert sorted(offered) == sorted({job.id[: len(offered[0])], other.id[: len(offered[0])]})
    assert (await office.type(f"show {offered[0]}")).ok


@pytest.mark.parametrize("verb", ["show", "cancel", "resume", "retry"])
async def test_a_job_of_another_team_answers_like_one_that_is_not(office: Office, verb: str) -> None:
    """B49, B51."""
    job = await office.ended()
    before = office.rows()
    there = await office.refused(await office.type(f"{verb} {job.id}", ELSEWHERE), before)
    nowhere = await office.refused(await office.type(f"{verb} {job.id[:-4]}beef", ELSEWHERE), before)
    assert there == nowhere.replace(f"{job.id[:-4]}beef", job.id)
    assert (await office.type("list", ELSEWHERE)).text.startswith("There are no jobs yet.")


@pytest.mark.parametrize("verb", ["cancel", "resume", "retry"])
async def test_a_job_is_its_owners_and_the_admins(office: Office, verb: str) -> None:
    job = await office.ended() if verb != "cancel" else await office.running()
    before = office.rows()
    text = await office.refused(await office.ask(verb, job.id, BOB), before)
    assert text.startswith(f"Job `{job.short_id}` was started by somebody else: only that person or an admin")
    assert (await office.ask("show", job.id, BOB)).ok
    assert (await office.ask(verb, job.id, ADMIN)).ok


async def test_the_owner_of_the_page_may_do_everything(office: Office) -> None:
    job = await office.running()
    assert job.short_id in (await office.type("list", OWNER)).text
    assert (await office.ask("cancel", job.id, OWNER)).ok
