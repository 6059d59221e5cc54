"""What `bifrost job` makes of the words that a shell hands it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.client import connect
from bot.configuration import load
from bot.house import open_house
from bot.job_command import USAGE, run_job
from bot.settings import Settings
from executor.files import came_with
from executor.model import JobStatus
from tests.browser.door import TOKEN, open_site


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        None,
        {
            "BIFROST__DATA_DIR": str(tmp_path / "data"),
            "BIFROST__WORKSPACES__MAIN": str(tmp_path),
            "BIFROST__AGENTS__PROVIDERS": "rehearsal",
        },
    )


@pytest.mark.parametrize(
    ("words", "prompt"),
    [
        (["research", "how do", "we"], "how do we"),
        (["research", "--", "--help", "me"], "--help me"),
        (["Research", "--effort=low", "what", "does", "--", "--model", "do"], "what does --model do"),
        (["research", "what is it", "--effort", "low"], "what is it"),
        (["research", "a -- b"], "a -- b"),
        (["research", "  two\n lines\t"], "  two\n lines\t"),
        (["research", "[bold]why[/bold] :smile: `id` $(id)"], "[bold]why[/bold] :smile: `id` $(id)"),
        (["session", "-p x"], "-p x"),
        (["session", "--model is no option here"], "--model is no option here"),
    ],
)
async def test_a_prompt_is_what_the_shell_says_it_is(
    settings: Settings, words: list[str], prompt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_job(words, settings, {}) == 0
    assert "No bot is serving here, so it waits for `bifrost serve`." in capsys.readouterr().out
    async with open_house(settings, {}) as house:
        (job,) = await house.storage.jobs.jobs()
    assert job.prompt == prompt
    assert job.effort == ("low" if any("effort" in word for word in words) else "medium")


async def test_a_run_works_on_its_own_job_and_leaves_the_queue_alone(settings: Settings) -> None:
    assert await run_job(["session", "wait for the server"], settings, {}) == 0
    assert await run_job(["run", "session", "how are sessions cached?"], settings, {}) == 0
    async with open_house(settings, {}) as house:
        mine, queued = await house.storage.jobs.jobs()
    assert (mine.status, mine.attempt) == (JobStatus.DONE, 1)
    assert (queued.status, queued.attempt) == (JobStatus.PENDING, 0)


@pytest.mark.parametrize(
    "words", [["--at", "tomorrow 09:30", "tidy up"], ["tidy", "up", "--at=tomorrow 09:30"]]
)
async def test_a_time_of_several_words_is_one_word_of_the_shell(
    settings: Settings, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_job(["session", *words], settings, {}) == 0
    assert "09:30 (" in capsys.readouterr().out
    async with open_house(settings, {}) as house:
        (job,) = await house.storage.jobs.jobs()
    assert (job.prompt, job.status) == ("tidy up", JobStatus.SCHEDULED)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "What shall I do?"),
        (["run"], "What shall I do?"),
        (
            ["reserch", "x"],
            "I know no command reserch. Did you mean research?\nThere are: research, session, ",
        ),
        (["run", "list", "more"], "more is too much here."),
        (
            ["research", "x", "--modle", "y"],
            "--modle is no option of bifrost job research. Did you mean --model?",
        ),
        (
            ["run", "research", "x", "--config", "y"],
            "--config is no option of bifrost job research. If it is part",
        ),
        (["research", "x", "--model", "a b"], "a b cannot be the value of --model"),
        (["research", "x", "--model", "-p"], "-p cannot be the value of --model"),
        (["research", "x", "--model"], "A value is missing after --model."),
        (["research"], "The prompt is empty"),
        (["research", "bell \a"], "The prompt holds a control character (U+0007)"),
        (["show", "ffffff"], "There is no job ffffff. bifrost job list shows the latest ones"),
        (["cancel"], "bifrost job cancel needs the id of a job."),
    ],
)
async def test_words_that_make_no_command_are_answered_on_stderr(
    settings: Settings, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_job(words, settings, {}) == USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(says)


@pytest.mark.parametrize("words", [["help"], ["run", "help"], ["--help"], ["-h"]])
async def test_help_is_a_command_like_any_other(
    settings: Settings, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_job(words, settings, {}) == 0
    printed = capsys.readouterr().out
    assert "- bifrost job research PROMPT: investigate" in printed
    assert "- bifrost job watch ID" in printed


async def test_files_of_this_machine_go_with_a_job(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second")
    words = ["session", f"--file={tmp_path / 'a.txt'}", "what is this?", "--file", str(tmp_path / "b.txt")]
    assert await run_job(words, settings, {}) == 0
    async with open_house(settings, {}) as house:
        (job,) = await house.storage.jobs.jobs()
    received = settings.data_dir / "received"
    files = came_with(job.payload)
    assert job.prompt == "what is this?"
    assert [(received / file.parcel / file.name).read_text() for file in files] == ["first", "second"]


@pytest.mark.parametrize("path", ["", "nowhere.txt", "."])
async def test_a_file_that_is_none_starts_nothing(
    settings: Settings, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_job(["session", "x", "--file", path], settings, {}) == USAGE
    assert "--file names no file" in capsys.readouterr().err


async def test_behind_two_dashes_and_for_other_commands_it_is_a_word(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_job(["session", "--", "what", "does", "--file", "do"], settings, {}) == 0
    assert await run_job(["list", "--file", "x"], settings, {}) == USAGE
    async with open_house(settings, {}) as house:
        (job,) = await house.storage.jobs.jobs()
    assert job.prompt == "what does --file do"


async def test_files_go_to_a_server_that_runs(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "big.bin").write_bytes(b"x" * 20_000_001)
    async with open_site(tmp_path / "site") as site, connect(site.server.url, TOKEN) as client:
        told = await client.command("session x", [tmp_path / "a.txt"])
        assert told.ok
        assert [offer.label for offer in site.door.commands[0].files] == ["a.txt"]
        told = await client.command("session x", [tmp_path / "big.bin"])
        assert not told.ok and told.text.startswith("`big.bin` is too large")
