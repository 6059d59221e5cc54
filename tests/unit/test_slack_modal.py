from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.desk.asks import Answer, Choice
from bot.desk.commands import FORM_OPTIONS, JOB_COMMANDS
from bot.platforms.slack import modal, questions
from tests.simulators.slack.blocks import problems, view_problems

CHOICES = {
    "model": ["sonnet", "opus"],
    "provider": ["claude", "gemini"],
    "effort": ["medium", "low", "high"],
    "workspace": [],
    "missed": ["once", "skip"],
    "priority": ["normal", "low", "high"],
}


C1 = modal.Asked(channel="C1")


def choices(option: str) -> Sequence[str]:
    return CHOICES.get(option, ())


def blocks(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block for block in view["blocks"]}


def submitted(**typed: str | None) -> dict[str, Any]:
    view = modal.form(C1, choices)
    values: dict[str, Any] = {}
    for name, block in blocks(view).items():
        entry, value = block["element"], typed.get(name)
        filled: dict[str, Any] = {"type": entry["type"], "value": value}
        if entry["type"] == "static_select":
            option = next((option for option in entry["options"] if option["value"] == value), None)
            filled = {"type": entry["type"], "selected_option": option}
        values[name] = {entry["action_id"]: filled}
    return view | {"state": {"values": values}}


def test_slack_takes_the_form() -> None:
    assert view_problems(modal.form(C1, choices), ("modal",)) == []


def test_the_form_has_a_field_for_every_option_of_the_command_table() -> None:
    fields = blocks(modal.form(C1, choices))
    assert list(fields) == ["type", "prompt", *(option.name for option in FORM_OPTIONS)]
    types = [option["value"] for option in fields["type"]["element"]["options"]]
    assert types == [command.verb for command in JOB_COMMANDS]


def test_only_the_type_must_be_filled_in_and_the_prompt_says_what_each_type_takes() -> None:
    fields = blocks(modal.form(C1, choices))
    needed = [name for name, block in fields.items() if not block.get("optional")]
    assert needed == ["type"], "not every type needs a prompt"
    hint = fields["prompt"]["hint"]["text"]
    assert all(command.says in hint for command in JOB_COMMANDS if command.says != "what to do")


@pytest.mark.parametrize("thread", [None, "171.0001"])
def test_the_form_remembers_where_it_was_asked_for(thread: str | None) -> None:
    asked = modal.Asked(channel="C1", thread=thread)
    assert modal.place_of(modal.form(asked, choices)) == ("C1", thread, ())


def test_the_form_begins_with_the_prompt_it_is_given() -> None:
    field = blocks(modal.form(modal.Asked(channel="C1", prompt="a <b> & c\n*d*"), choices))["prompt"]
    assert field["element"]["initial_value"] == "a <b> & c\n*d*"


@pytest.mark.parametrize("text", ["x" * 4_000, "😀" * 1_501, "<" * 3_001])
def test_a_prompt_too_long_for_a_field_is_cut_and_that_is_said(text: str) -> None:
    view = modal.form(modal.Asked(channel="C1", prompt=text, files=[["F1", "a.log"]]), choices)
    field = blocks(view)["prompt"]
    kept = field["element"]["initial_value"]
    assert text.startswith(kept.removesuffix("…")) and kept.endswith("…")
    assert field["hint"]["text"].startswith(
        "Only the beginning of the message fits in here. The file of the message goes with it."
    )
    assert view_problems(view, ("modal",)) == []


@pytest.mark.parametrize("count", [0, 101])
def test_an_option_whose_values_make_no_list_is_typed(count: int) -> None:
    view = modal.form(C1, lambda option: [f"name-{number}" for number in range(count)])
    assert blocks(view)["workspace"]["element"]["type"] == "plain_text_input"
    assert view_problems(view, ("modal",)) == []


def test_the_longest_names_fit_and_keep_their_value() -> None:
    view = modal.form(C1, lambda option: ["w" * 80])
    assert view_problems(view, ("modal",)) == []
    assert blocks(view)["workspace"]["element"]["options"][0]["value"] == "w" * 80


def test_what_was_filled_in_becomes_verb_and_args() -> None:
    view = submitted(type="session", prompt="a <b> & c", model="opus", workspace="api")
    assert modal.verb_and_args(view) == (
        "session",
        {"prompt": "a <b> & c", "model": "opus", "workspace": "api"},
    )


def test_fields_left_alone_are_no_args() -> None:
    assert modal.verb_and_args(submitted(type="research", prompt="x")) == ("research", {"prompt": "x"})


@pytest.mark.parametrize(
    ("field", "block"), [("model", "model"), ("cron", "cron"), ("", "prompt"), ("elsewhere", "prompt")]
)
def test_a_refusal_stands_beside_its_field(field: str, block: str) -> None:
    answer = Answer(ok=False, text="`x` is no model.\nUsage: `/job research`", field=field)
    assert modal.errors(answer) == {block: "`x` is no model."}


def test_a_refusal_of_any_length_fits() -> None:
    (text,) = modal.errors(Answer(ok=False, text="x" * 10_000)).values()
    assert len(text) == 300


@pytest.mark.parametrize("number", [1, 25, 26, 100, 150])
def test_what_is_asked_back_is_a_button_per_name_or_a_list_of_them(number: int) -> None:
    names = ["x" * 80, *(f"area-{each}" for each in range(number - 1))]
    answer = Answer(ok=False, text="In *which* one?", choice=Choice(draft_id="d" * 32, names=names))
    found = questions.blocks_of(answer)
    assert found is not None and problems(found) == []
    elements = found[1]["elements"]
    shown = elements if number <= 25 else elements[0]["options"]
    assert [each["value"] for each in shown] == [f"{'d' * 32} {each}" for each in range(min(number, 100))]
    assert questions.blocks_of(Answer(ok=True, text="Queued")) is None
