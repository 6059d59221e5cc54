"""The commands of a job's shell: the program as agents type it, at the door that agents call at."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent.commands import COMMANDS
from bot.agent.plain import table, whole
from bot.agent.tools import TOOLS
from bot.web import asking_api
from executor.agent_tools import SOCKET, TOKEN
from executor.questions import Decision, Verdict
from executor.wakeups import job_topic
from tests.job_shell import WITHIN_S, a_job

ENDED = "Your job has ended, or this is not its token: nothing is taken or told on its behalf.\n"
ROOT = str(Path(__file__).parents[2])


def test_every_tool_is_a_command_and_every_command_takes_what_its_tool_takes() -> None:
    tools = {tool.name: tool for tool in TOOLS}
    assert {command.tool for command in COMMANDS} == set(tools)
    for command in COMMANDS:
        assert set(command.given) <= set(tools[command.tool].takes), command.words
        assert command.file in ("", *command.given), command.words


async def test_an_agent_does_by_commands_what_others_do_by_tools(tmp_path: Path) -> None:
    async with a_job(tmp_path) as (shell, _):
        made = await shell.type("bifrost task create d-one 'Fix it' --workspace dev --description 'As it is'")
        assert made == (0, "Task d-one is created as draft: Fix it\n", "")
        await shell.type("bifrost task create d-two 'And that' --workspace dev --priority high")
        code, listed, more = await shell.type("bifrost task list --limit 1")
        assert (
            listed
            == "ID     STATUS  PRIORITY  WORKSPACE  NAME\nd-two  draft   high      dev        And that\n"
        )
        assert (code, more) == (0, "There are more: go on with `--cursor d-two`.\n")
        code, as_json, _ = await shell.type("bifrost task list --cursor d-two --json")
        assert [task["id"] for task in json.loads(as_json)] == ["d-one"]
        assert (await shell.type("bifrost task update d-one --status active"))[0] == 0
        code, shown, _ = await shell.type("bifrost task show d-one")
        assert "status: active\n" in shown
        assert shown.endswith("description:\n\nAs it is\n")
        assert (await shell.type("echo 'A - B' | bifrost comment add task d-one -"))[0] == 0
        assert "A - B" in (await shell.type("bifrost comment list task d-one"))[1]
        (job,) = await shell.storage.jobs.jobs()
        said = await shell.type("bifrost comment add 'Mind the gap'")
        assert said == (0, f"rehearsal has commented on job {job.id}.\n", "")
        assert "Mind the gap" in (await shell.type("bifrost comment list job $BIFROST_JOB_ID"))[1]
        assert "Mind the gap" in (await shell.type("bifrost comment list"))[1]
        code, _, err = await shell.type("bifrost comment add task 'Mind the gap'")
        assert (code, err.partition(":")[0]) == (1, "`target_id` is missing")
        (tmp_path / "r.md").write_text("# All about it\n")
        code, published, _ = await shell.type("bifrost report publish r.md")
        assert published.startswith("All about it is published: http://bot/reports/all-about-it-")
        assert (await shell.type("bifrost progress 1 3 counting"))[0] == 0
        assert await shell.type("bifrost update 'Half way'") == (0, "Update 1 is posted.\n", "")
        code, filed, _ = await shell.type("bifrost feedback add 'The login is slow'")
        assert filed.endswith(" is filed as parked.\n")


async def test_the_tool_server_is_a_command_and_the_installed_program_knows_the_shell_of_a_job(
    tmp_path: Path,
) -> None:
    async with a_job(tmp_path) as (shell, _):
        ping = """echo '{"id":1,"method":"tools/list"}' | """
        installed = f"{sys.executable} -m bot"
        for program in ("bifrost", installed):
            code, answer, _ = await shell.type(f"{ping}{program} agent-tools", PYTHONPATH=ROOT)
            assert code == 0
            assert len(json.loads(answer)["result"]["tools"]) == len(TOOLS)
        await shell.type("bifrost task create d-one Fix --workspace dev")
        code, listed, _ = await shell.type(f"{installed} task list", PYTHONPATH=ROOT)
        assert (code, "d-one" in listed) == (0, True)
        code, _, refused = await shell.type(f"{installed} update Hello", PYTHONPATH=ROOT, **{TOKEN: ""})
        assert (code, refused.startswith("This works inside a running job alone")) == (1, True)


async def test_what_is_not_done_is_told_in_a_sentence_and_by_the_exit_status(tmp_path: Path) -> None:
    async with a_job(tmp_path) as (shell, passes):
        line = "bifrost task create d-one Fix --workspace dev"
        assert await shell.type(line, **{TOKEN: "another"}) == (1, "", ENDED)
        code, _, err = await shell.type(line, **{TOKEN: ""})
        assert code == 1
        assert err.startswith("This works inside a running job alone: ")
        code, _, err = await shell.type(line, **{SOCKET: str(tmp_path / "none.sock")})
        assert code == 1
        assert err.startswith("Bifrost does not answer: No such file or directory. Go on without its tools")
        code, _, err = await shell.type(f"bifrost update {'a' * 2001}")
        assert err == "The field `text` cannot be taken: it has 2001 characters, and 2000 are the most.\n"
        assert await shell.type("bifrost progress 4 3") == (1, "", "4 cannot be done of 3.\n")
        assert await shell.type("bifrost report publish no.md") == (
            1,
            "",
            "no.md cannot be read: No such file or directory.\n",
        )
        code, out, err = await shell.type("bifrost update Half way")
        assert (code, out) == (2, "")
        assert err.startswith("Unrecognized arguments: way. `bifrost update --help` tells what it takes")
        code, out, err = await shell.type("bifrost task delete d-one")
        assert (code, out) == (2, "")
        assert err.startswith(
            "`bifrost task delete d-one` is no command here. There are:\n  bifrost task list "
        )
        code, out, err = await shell.type("bifrost --help")
        assert (code, err) == (0, "")
        assert "bifrost progress DONE TOTAL [NOTE]  " in out
        code, out, err = await shell.type("bifrost task create --help")
        assert (code, err) == (0, "")
        assert "Look with `bifrost task list` first" in " ".join(out.split())
        assert "list_tasks" not in out
        (job,) = await shell.storage.jobs.jobs()
        passes.dismiss(job)
        assert await shell.type(line) == (1, "", ENDED)
        other = passes.admit(replace(job, attempt=job.attempt + 1))
        code, _, err = await shell.type("bifrost update 'Not mine'", **other.env)
        assert (code, err) == (1, "Your job has ended: nothing more is taken of it.\n")
        assert not await shell.storage.tasks.tasks()


def test_what_others_wrote_moves_no_cursor_of_who_reads_it() -> None:
    evil = {"id": "x", "content": "a\x1b[2Jb\u202ec\nd"}
    assert list(table([evil], ("id", "content"))) == ["ID  CONTENT", "x   a[2Jbc d"]
    assert list(whole(evil)) == ["id: x", "content:\n\na[2Jbc\nd"]


def test_a_list_says_to_the_minute_when_each_was_made() -> None:
    made = {"id": "x", "created_at": "2026-11-21T09:05:59.123456Z"}
    assert list(table([made], ("id", "created_at"))) == ["ID  CREATED_AT", "x   2026-11-21 09:05 UTC"]


async def test_an_agent_asks_and_waits_until_somebody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking_api, "_TURN_S", 0)  # it has to ask again and again
    async with a_job(tmp_path) as (shell, _), asyncio.timeout(WITHIN_S):
        (job,) = await shell.storage.jobs.jobs()
        with shell.wakeups.listen(job_topic(job.id)) as bell:
            asking = asyncio.create_task(shell.type("bifrost ask 'Which colour?' Red 'Light blue'"))
            await bell.wait()
        (question,) = await shell.storage.questions.of_job(job.id)
        assert question.asked.text == "Which colour?"
        assert [choice.label for choice in question.asked.choices] == ["Red", "Light blue"]
        said = Decision(verdict=Verdict.ANSWER, by="Ann", choices=("Light blue",), text="as the sky")
        await shell.storage.questions.decide(question.id, said)
        assert await asking == (0, "Ann: Light blue, as the sky\n", "")
        assert await shell.storage.questions.of_attempt(job) == [], "it was told"
        code, _, why = await shell.type("bifrost ask ''")
        assert code == 1 and "question" in why
