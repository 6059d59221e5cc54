"""A CLI of which nothing is known but that it prints text: what it printed is the answer."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.backends.base import CliMissing, Launch
from executor.backends.failures import QUOTE
from executor.backends.text_cli import TextCli, TextDecoder
from executor.events import TextWritten
from executor.model import Outcome, OutcomeKind

NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
LAUNCH = Launch(
    prompt="say it",
    model="big-1",
    effort="high",
    session_id=None,
    workspace=Path("/workspace"),
    home=Path("/home/agent"),
    results=Path("/results"),
    temp=Path("/temp"),
)


def read(lines: bytes, errors: bytes = b"", code: int = 0, limit: str = "") -> tuple[str, Outcome]:
    decoder = TextDecoder("goose", limit=re.compile(limit) if limit else None, now=lambda: NOW)
    seen = [each for line in lines.split(b"\n") for each in decoder.stdout(line)]
    for line in errors.split(b"\n"):
        assert decoder.stderr(line) == ()
    assert all(isinstance(each, TextWritten) for each in seen)
    return "".join(each.text for each in seen), decoder.conclude(code)


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        (b"one\ntwo", "one\ntwo"),
        (b"\n\n# Title\n\n- a\n    code\n\n\n", "# Title\n\n- a\n    code"),
        (b"a" + b"\n" * 50 + b"b", "a\n\n\nb"),
        (b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07and\x1b(B plain", "red and plain"),
        (b"working 10%\rworking 99%\rdone\r", "done"),
        (b"a\x00b\x08c\td", "abc\td"),
        ("grün \N{SNOWMAN}".encode() + b" \xff", "grün \N{SNOWMAN} \N{REPLACEMENT CHARACTER}"),
    ],
)
def test_what_is_printed_is_shown_as_it_comes_and_is_the_answer(printed: bytes, text: str) -> None:
    live, outcome = read(printed)
    assert (live, outcome.kind, outcome.result) == (text, OutcomeKind.DONE, text)
    assert (outcome.usage.cost_usd, outcome.usage.turns) == (None, None), "unknown, not none"


@given(st.binary(), st.binary(), st.integers(-20, 255))
def test_no_output_raises_and_the_answer_is_always_the_end_of_what_was_shown(
    printed: bytes, errors: bytes, code: int
) -> None:
    live, outcome = read(printed, errors, code, limit="a|limit")
    assert live.endswith(outcome.result)
    assert outcome.kind is not OutcomeKind.DONE or code == 0


def test_a_flood_is_kept_up_to_a_bound() -> None:
    live, outcome = read(b"0123456789" * 10 + (b"\n" + b"0123456789" * 10) * 20_000)
    assert len(live) > 2_000_000
    assert 190_000 < len(outcome.result) <= 200_000
    assert live.endswith(outcome.result)


@pytest.mark.parametrize(
    ("printed", "errors", "code", "reason", "quoted"),
    [
        (b"", b"", 0, "no_result", "goose ended without a result. Press Retry."),
        (b" \n", b"no key\n", 0, "no_result", "(“no key”)"),
        (
            b"half",
            b"Traceback\n  boom\nKeyError: 1\n",
            3,
            "exit",
            "exit code 3 (“Traceback boom KeyError: 1”)",
        ),
        (b"Sorry,\nno such model", b"", 1, "exit", "exit code 1 (“Sorry, no such model”)"),
        (b"", b"x" * 500 + b"\nthe end", 1, "exit", "(“the end”)"),
        (b"half", b"", -9, "killed", "was killed, often because the memory ran out"),
        (b"half", b"", 143, "killed", "was stopped from outside"),
    ],
)
def test_any_other_end_is_a_failure_with_its_last_words(
    printed: bytes, errors: bytes, code: int, reason: str, quoted: str
) -> None:
    _, outcome = read(printed, errors, code)
    assert (outcome.kind, outcome.reason, outcome.result) == (OutcomeKind.FAILED, reason, "")
    assert quoted in outcome.message
    assert len(outcome.message) < QUOTE + 200


@pytest.mark.parametrize("where", ["out", "err"])
def test_a_usage_limit_is_one_where_the_settings_say_how_it_is_worded(where: str) -> None:
    notice = b"Hm.\nquota exceeded, try again in 90 seconds"
    printed, errors = (notice, b"") if where == "out" else (b"half", notice)
    _, outcome = read(printed, errors, 1, limit="(?i)Quota|429")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.LIMITED, "rate_limit")
    assert outcome.resets_at is not None and (outcome.resets_at - NOW).total_seconds() == 90
    assert read(printed, errors, 1)[1].kind is OutcomeKind.FAILED
    assert read(printed, errors, 0, limit="quota")[1].kind is not OutcomeKind.LIMITED


def test_its_command_gets_the_model_and_its_environment_only_what_is_set_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = tmp_path / "goose"
    cli.write_text("#!/bin/sh\n")
    cli.chmod(0o755)
    monkeypatch.setenv("OPENAI_API_KEY", "of the bot")
    argv = (str(cli), "--model={model}", "say {this}")
    command = TextCli("goose", argv, environment={"GOOSE_KEY": "own"}).command(LAUNCH)
    assert command.argv == [str(cli), "--model=big-1", "say {this}"]
    assert (command.stdin, command.cwd) == (b"say it", Path("/workspace"))
    assert command.env["GOOSE_KEY"] == "own"
    assert "OPENAI_API_KEY" not in command.env


async def test_one_that_is_not_there_is_missed_in_words_and_one_that_is_there_is_not_run(
    tmp_path: Path,
) -> None:
    missing = TextCli("goose", ["/nowhere/goose"], environment={})
    with pytest.raises(CliMissing, match="There is no /nowhere/goose to run"):
        missing.command(replace(LAUNCH))
    assert "correct its `command` under [agents.others.goose]" in (await missing.checkup()).problem
    there = tmp_path / "goose"
    there.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    there.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.defpath}"
    found = await TextCli("goose", ["goose"], environment={"PATH": path}).checkup()
    assert (found.executable, found.problem) == (str(there), "")
    assert not (tmp_path / "ran").exists()
