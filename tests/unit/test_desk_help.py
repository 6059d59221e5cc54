"""What the help says: short as a whole, complete about one command."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from bot.desk.commands import COMMANDS, Command
from bot.desk.help import help_of, help_text
from tests.unit.office import ANN, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


def test_the_help_is_a_line_for_each_verb_and_three_examples() -> None:
    *groups, examples, last = help_text().split("\n\n")
    lines = [line for group in groups for line in group.splitlines()[1:]]
    told = [f"- `{command.shape}`: {command.summary}" for command in COMMANDS]
    assert sorted(lines) == sorted(told)
    assert len(examples.splitlines()) == 4
    assert last.startswith("`/job help research` shows the options")
    assert "--timeout" not in help_text(), "options are shown command by command"


def test_the_help_can_be_read_on_a_phone() -> None:
    """At 40 characters a line and 20 lines a screen: a command takes three lines at most, a group one screen.

    All of it is one message: Discord's hold 2,000 characters, of which the marks of its own form take some.
    """
    *groups, _, _ = help_text().split("\n\n")
    lines = [textwrap.wrap(line.replace("`", ""), 40) for group in groups for line in group.splitlines()]
    assert max(map(len, lines)) <= 3
    assert max(sum(len(textwrap.wrap(line, 40)) for line in group.splitlines()) for group in groups) <= 20
    assert len(help_text()) < 1_800


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.verb)
async def test_the_help_of_a_verb_shows_every_option_what_holds_without_it_and_an_example(
    office: Office, command: Command
) -> None:
    text = (await office.type(f"help {command.verb.upper()}")).text
    assert text.startswith(f"**{command.shape}**: {command.summary}")
    assert text.endswith(f"Example: `{command.example}`")
    lines = text.splitlines()
    for option in command.options:
        (line,) = [each for each in lines if each.startswith(f"- `--{option.name} ")]
        assert option.summary in line
        assert "; without it: " in line
    assert text == help_of(command, partial(office.desk.choices, actor=ANN))
    assert len(text) < 3_000


async def test_the_help_names_what_may_be_chosen_here(office: Office) -> None:
    text = (await office.type("help research")).text
    assert (
        "whose CLI does the work; without it: what the settings say. There are: `rehearsal`, `claude`" in text
    )
    assert (
        "the directory it works in; without it: the one set for the channel, or for all. There are: `main`, "
        "`api`" in text
    )
    assert "how hard it thinks: low, medium or high; without it: what the settings say\n" in text


async def test_help_about_no_verb_of_ours_is_refused_with_what_is_meant(office: Office) -> None:
    before = office.rows()
    answer = await office.refused(await office.type("help reserch"), before)
    assert answer.startswith("I know no command `reserch`. Did you mean `research`?")
