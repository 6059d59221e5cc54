"""The grammar of what is typed after `/job`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.commands import BY_VERB, COMMANDS, JOB_COMMANDS, NAME, Command, Misunderstood, Takes, shown
from bot.desk.grammar import parse
from bot.desk.option_table import RUN_OPTIONS, TIME_OPTIONS

LONGEST_ECHO = 80
any_text = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None))
_BITS = (
    "--",
    "—",
    "--model",
    "--model=opus",
    "—effort",
    "--modle",
    "research",
    "show",
    " ",
    "\n",
    "`",
    "-p",
    "id",
    "schedule",
    "pause",
    "--at",
    "--cron=",
    "“",
    '"',
)
commands = st.lists(st.sampled_from(_BITS) | st.text(max_size=10)).map(" ".join)


def prompt_of(text: str) -> str:
    return parse(text).args["prompt"]


def misunderstood(text: str) -> str:
    with pytest.raises(Misunderstood) as caught:
        parse(text)
    return caught.value.text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.verb)
def test_every_example_of_the_table_is_understood(command: Command) -> None:
    parsed = parse(command.example.removeprefix("/job "))
    assert parsed.command is command
    assert bool(parsed.target) == (command.takes not in (Takes.PROMPT, Takes.NOTHING))
    assert set(parsed.args) <= {"prompt", "change", "value", *(option.name for option in command.options)}


def test_a_usage_line_names_every_option() -> None:
    usage = BY_VERB["session"].usage
    assert all(f" [--{each.name} {each.placeholder}]" in usage for each in (*RUN_OPTIONS, *TIME_OPTIONS))
    assert BY_VERB["schedule"].usage == "/job schedule pause|resume|delete|run ID"
    assert BY_VERB["resume"].shape == "/job resume ID [TEXT]"
    assert BY_VERB["resume"].usage.startswith("/job resume ID [TEXT] [--model NAME]")


def test_a_prompt_is_all_that_is_left_without_the_options() -> None:
    parsed = parse("Research how do we\ncache sessions? ")
    assert parsed.command is BY_VERB["research"]
    assert parsed.args == {"prompt": "how do we\ncache sessions?"}


@pytest.mark.parametrize(
    "text",
    [
        "research --model opus --effort=high how?",
        "research how? --model opus --effort=high",
        "research --model=opus how? --effort high",
        "research —model opus –effort=high how?",
        "research how? —EFFORT high —Model=opus",
        "  research\n--model\topus\nhow?\n--effort=high\n",
    ],
)
def test_options_stand_before_or_after_the_prompt_whatever_the_dashes_have_become(text: str) -> None:
    assert parse(text).args == {"prompt": "how?", "model": "opus", "effort": "high"}


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("research --help", "--help"),  # B04
        ("research -p x", "-p x"),  # B05
        ("research - [ ] todo", "- [ ] todo"),  # B06
        ("research --dangerously-skip-permissions x", "--dangerously-skip-permissions x"),  # B07
        ("research -- --", "--"),  # B09
        ("research -- --model opus", "--model opus"),
        ("research — --model opus", "--model opus"),
        ("research --effort low -- --model opus", "--model opus"),
        ("research compare a -- b", "compare a -- b"),
        ("research why --no-verify", "why --no-verify"),
        ("research the --model option and what it does", "the --model option and what it does"),
    ],
)
def test_dashed_words_that_are_no_options_belong_to_the_prompt(text: str, prompt: str) -> None:
    assert prompt_of(text) == prompt


@given(any_text, st.sampled_from(("--", "—", "–")), st.sampled_from(("", "--model opus ")))
def test_after_a_lone_dash_any_text_arrives_as_it_is(text: str, dash: str, options: str) -> None:
    assert prompt_of(f"research {options}{dash} {text}") == text


@given(st.from_regex(NAME, fullmatch=True), st.sampled_from([option.name for option in RUN_OPTIONS]))
def test_any_plain_name_can_be_a_value(value: str, option: str) -> None:
    assert parse(f"session --{option} {value} do it").args == {"prompt": "do it", option: value}
    assert parse(f"session do it --{option}={value}").args == {"prompt": "do it", option: value}


@pytest.mark.parametrize(
    "text", ["research --modle opus x", "research x --modle opus", "research x —modle=opus"]
)
def test_a_slip_for_an_option_is_named_and_not_made_a_part_of_the_prompt(text: str) -> None:
    answer = misunderstood(text)
    assert "`--modle` is no option of `/job research`. Did you mean `--model`?" in answer
    assert "put a lone `--` before the prompt" in answer
    assert BY_VERB["research"].usage in answer


@pytest.mark.parametrize("text", ["research --model a --model b x", "research --model a x --MODEL b"])
def test_an_option_is_given_once(text: str) -> None:
    assert "`--model` is given twice" in misunderstood(text)


@pytest.mark.parametrize(
    "text", ["research x --model", "research --model", "research --model= x", "research x --model="]
)
def test_an_option_without_its_value_is_named(text: str) -> None:
    assert misunderstood(text).startswith("A value is missing after `--model`.")


@pytest.mark.parametrize(
    ("verb", "near"),
    [
        ("reserch", "research"),
        ("cancle", "cancel"),
        ("RETRY!", "retry"),
        ("stop", "cancel"),
        ("Logs", "show"),
        ("jobs", "list"),
    ],
)
def test_a_slip_for_a_verb_is_answered_with_the_verb(verb: str, near: str) -> None:
    assert misunderstood(f"{verb} x").startswith(f"I know no command `{verb}`. Did you mean `{near}`?")


def test_an_unknown_verb_is_answered_with_all_verbs_and_an_example() -> None:
    """B37."""
    answer = misunderstood("root x")
    assert answer.startswith("I know no command `root`.\nThere are: `research`, `session`, `workflow`, ")
    assert "`/job research how do we cache sessions?`" in answer


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_no_words_at_all_are_answered_with_two_examples(text: str) -> None:
    """B01, B02, B03: what is left of a mention."""
    answer = misunderstood(text)
    assert answer.startswith("What shall I do?")
    assert all(f"`{command.example}`" in answer for command in JOB_COMMANDS[:2])


@pytest.mark.parametrize(
    "text",
    [
        'session --at "mon 7:00" --zone=UTC do it',
        'session do it --at "mon 7:00" --zone UTC',
        "session do it —at “mon 7:00” –zone UTC",
        "session do it --zone UTC —at=„mon 7:00“",
        "session --at='mon 7:00' do it --zone ‘UTC’",
        "session --AT “ mon 7:00 ” --zone UTC -- do it",
    ],
)
def test_quotes_hold_a_value_together_whatever_they_have_become(text: str) -> None:
    assert parse(text).args == {"prompt": "do it", "at": "mon 7:00", "zone": "UTC"}


@pytest.mark.parametrize(
    "prompt", ["tidy --once", "what is --int", "use --inn x", "is --done y", 'say "x --at y z"']
)
def test_what_is_not_near_an_option_of_time_belongs_to_the_prompt(prompt: str) -> None:
    assert prompt_of(f"session {prompt}") == prompt


def test_a_slip_for_a_rhythm_is_named() -> None:
    assert "Did you mean `--cron`?" in misunderstood('session x --corn "@daily"')


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("session tidy --cron 0 2 * * mon-fri", '--cron "0 2 * * mon-fri"'),
        ("session --cron */30 * * * * tidy", '--cron "*/30 * * * *"'),
        ('session tidy --cron "0 2 * * *', '--cron "0 2 * * *"'),
        ("session tidy --at tomorrow 09:30", '--at "tomorrow 09:30"'),
        ("session —at=2026-12-24 18:00 tidy", '--at "2026-12-24 18:00"'),
    ],
)
def test_a_time_without_its_quotes_is_not_made_a_part_of_the_prompt(text: str, quoted: str) -> None:
    assert f"so put it in quotes: `{quoted}`." in misunderstood(text)


@given(
    st.text(st.characters(exclude_characters="\"“”„'‘’", exclude_categories=["Cs"]), max_size=40),
    st.sampled_from([option.name for option in TIME_OPTIONS]),
    st.sampled_from(['""', "“”", "„“", "''"]),
)
def test_any_text_without_quotes_can_stand_in_quotes(value: str, option: str, quotes: str) -> None:
    quoted = f"{quotes[0]}{value}{quotes[1]}"
    if value.strip():
        assert parse(f"session --{option} {quoted} do it").args == {"prompt": "do it", option: value.strip()}
        assert parse(f"session do it --{option}={quoted}").args == {"prompt": "do it", option: value.strip()}
    else:
        assert misunderstood(f"session --{option} {quoted} do it").startswith("A value is missing")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schedule", "What shall I change?"),
        ("schedule puase 5c4ed0", "`puase` cannot be done with a schedule. Did you mean `pause`?"),
        ("schedule pause", "`/job schedule pause` needs the id of a schedule"),
        ("schedule run 5c4ed0 now", "`now` is too much here."),
    ],
)
def test_a_change_of_a_schedule_names_the_change_and_the_id(text: str, says: str) -> None:
    assert misunderstood(text).startswith(says)
    assert parse("schedule PAUSE #5c4ed0").target == "5c4ed0"
    assert parse("schedule PAUSE #5c4ed0").args == {"change": "pause"}


@pytest.mark.timeout(10)
@pytest.mark.parametrize("unit", ['--at "', "--at='' ", "—at=“ ", ' --a="" --a="'])
def test_a_long_prompt_full_of_quotes_and_dashes_is_read_at_once(unit: str) -> None:
    text = "session x " + unit * 8_000 + " end"
    assert prompt_of(text).endswith("end")


def test_an_empty_prompt_is_left_to_the_desk() -> None:
    assert [prompt_of(text) for text in ("research", "research  \n", "research --")] == ["", "", ""]


@pytest.mark.parametrize("text", ["show #3fa9c1", "show `3fa9c1`", "SHOW  3fa9c1 "])
def test_an_id_may_be_written_as_it_was_seen(text: str) -> None:
    assert parse(text).target == "3fa9c1"


def test_new_words_for_a_session_stand_behind_its_id() -> None:
    parsed = parse("resume 3fa9c1 and now\nthe tests --modern x ")
    assert parsed.target == "3fa9c1"
    assert parsed.args == {"prompt": "and now\nthe tests --modern x"}
    assert parse("resume 3fa9c1").args == {}


@pytest.mark.parametrize(
    "text",
    [
        "resume 3fa9c1 and now the tests --model opus --timeout 1h",
        "resume 3fa9c1 --model opus --timeout=1h and now the tests",
        "resume --model opus 3fa9c1 and now the tests —timeout 1h",
        "resume --timeout 1h --model opus 3fa9c1 and now the tests",
    ],
)
def test_a_job_is_continued_on_other_terms_wherever_these_stand(text: str) -> None:
    parsed = parse(text)
    assert parsed.target == "3fa9c1"
    assert parsed.args == {"prompt": "and now the tests", "model": "opus", "timeout": "1h"}


def test_after_a_lone_dash_new_words_are_taken_as_they_are() -> None:
    parsed = parse("resume 3fa9c1 --effort low -- --model opus")
    assert parsed.args == {"prompt": "--model opus", "effort": "low"}


def test_a_list_takes_options_and_no_words() -> None:
    assert parse("list --status failed —by=me").args == {"status": "failed", "by": "me"}
    assert misunderstood("list --status failed now").startswith("`now` is too much here.")
    slip = misunderstood("list --sttus failed")
    assert "Did you mean `--status`?" in slip
    assert "prompt" not in slip, "there is none"


@pytest.mark.parametrize("verb", [command.verb for command in COMMANDS if command.takes.startswith("job")])
def test_a_missing_id_is_asked_for(verb: str) -> None:
    assert misunderstood(verb).startswith(f"`/job {verb}` needs the id of a job.\nUsage: `/job {verb} ID")


@pytest.mark.parametrize("text", ["show 3fa9c1 please do", "cancel 3fa9c1 please do", "list please do"])
def test_words_that_nobody_asked_for_are_named(text: str) -> None:
    assert misunderstood(text).startswith("`please do` is too much here.\nUsage: `/job")


@given(any_text | commands)
def test_whatever_is_typed_is_understood_or_answered_with_the_usage(text: str) -> None:
    try:
        parsed = parse(text)
    except Misunderstood as error:
        assert "Usage: `/job " in error.text or "`/job help` says" in error.text
        error.text.encode()
    else:
        known = {option.name for option in parsed.command.options}
        assert set(parsed.args) <= {"prompt", "change", "value", *known}


@given(
    st.text("abcdefghijklmnop", min_size=LONGEST_ECHO + 1, max_size=400),
    st.sampled_from(("{}", "show x {}", "list {}")),
)
def test_no_answer_repeats_more_than_a_little_of_what_was_typed(word: str, command: str) -> None:
    answer = misunderstood(command.format(word))
    assert word[: LONGEST_ECHO - 1] in answer
    assert word[:LONGEST_ECHO] not in answer


@given(any_text)
def test_a_repeated_word_stays_inside_its_back_ticks(word: str) -> None:
    safe = shown(word)
    assert len(safe) <= LONGEST_ECHO
    assert not re.search(r"[`\n\r\x00-\x1f\x7f-\x9f]", safe)
    safe.encode()
