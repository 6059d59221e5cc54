"""Agents that use the house: what the tool calls of a real CLI change, and what they may not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from bot.agent.bridge import Bot, Refused
from bot.news import rhythm
from executor.agent_tools import JOB_ID, SOCKET, TOKEN
from executor.events import RecordChanged, UpdatePosted
from executor.model import Job, JobStatus
from storage.hub.authors import OWNER
from storage.hub.feedback import FeedbackStatus, NewFeedback
from storage.hub.tasks import TaskStatus
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]


def plant(place: Path) -> Path:
    """Lets a repository name servers of its own, one of them as ours, and the home of codex one more.

    Returns the file that they would make.
    """
    caught = place / "caught"
    workspace, home = place / "workspace", place / "data" / "agents" / "main" / "codex" / "config.toml"
    servers = {name: {"command": "touch", "args": [str(caught)]} for name in ("bifrost", "theirs")}
    for folder in (".gemini", ".codex"):
        (workspace / folder).mkdir(parents=True)
    for file in (".mcp.json", ".gemini/settings.json"):
        (workspace / file).write_text(json.dumps({"mcpServers": servers, "enableAllProjectMcpServers": True}))
    named = 'mcp_servers."{}" = {{ command = "touch", args = [{}] }}\n'
    as_toml = [named.format(name, json.dumps(str(caught))) for name in (*servers, "the.irs")]
    (workspace / ".codex" / "config.toml").write_text("".join(as_toml[:2]))
    if home.exists():
        home.write_text("".join(as_toml[1:]) + home.read_text())
    return caught


async def asked(stage: Stage, words: str) -> Job:
    await stage.ann.command("/job", words, channel=stage.dev)
    return await stage.ended()


@pytest.mark.parametrize("provider", ["claude", "gemini", "codex"])
async def test_an_agent_keeps_a_task_tells_people_and_publishes_and_nobody_elses_tools_run(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "STEP_S", 0.05)
    async with set_stage(tmp_path, provider=provider) as stage:
        caught = plant(tmp_path)
        assert stage.bifrost.slack is not None
        platform = stage.bifrost.slack.platform
        platform.caps = replace(platform.caps, edits_per_minute=1200)
        job = await asked(
            stage,
            'session [[use:create_task {"id":"d-one","name":"Fix it","workspace":"dev"}'
            '|progress {"done":1,"total":3,"note":"counting"}'
            '|post_update {"text":"Half way"}|post_update {"text":"Half way"}'
            '|publish_report {"markdown":"# All about it"}]]',
        )
        assert job.status is JobStatus.DONE, job.message
        (task,) = await stage.house.storage.tasks.tasks()
        assert (task.id, task.status, task.name) == ("d-one", TaskStatus.DRAFT, "Fix it")
        assert [each.plain for each in stage.replies() if "Half way" in each.plain][:1] == ["📣 Half way"]
        events = [each.body for each in await stage.house.storage.jobs.events(job.id)]
        assert [each for each in events if isinstance(each, UpdatePosted)] == [
            UpdatePosted(number=1, text="Half way")
        ]
        assert RecordChanged(text="created task d-one: Fix it") in events
        card = stage.card()
        assert any("▰▱▱ 1/3 · counting" in version.text for version in card.history)
        assert "todo: 1/3" in card.plain
        url = f"{stage.bifrost.server.url}/reports/{job.report_slug}/"
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert "All about it" in await page.text()
        assert not caught.exists(), "a repository's own server of tools was started"


@pytest.mark.parametrize("provider", ["claude", "gemini"])
async def test_clara_sweeps_the_feedback_by_her_tools(provider: str, tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider=provider) as stage:
        box = stage.house.storage.feedback
        filed = await box.add(NewFeedback(content="The login page is slow"), OWNER)
        job = await asked(
            stage,
            'clara sweep [[use:list_feedback {"status":"open"}'
            '|create_task {"id":"d-slow","name":"Make the login fast","workspace":"dev","status":"idea"}'
            f'|process_feedback {{"id":"{filed.id}","processed_note":"Task d-slow",'
            '"linked_type":"task","linked_id":"d-slow"}]]',
        )
        assert job.status is JobStatus.DONE, job.message
        after = await box.one(filed.id)
        assert after is not None
        assert (after.status, after.processed_note, after.linked_id) == (
            FeedbackStatus.PROCESSED,
            "Task d-slow",
            "d-slow",
        )
        assert "The login page is slow" in job.result
        task = await stage.house.storage.tasks.task("d-slow")
        assert task is not None
        assert task.status is TaskStatus.IDEA


async def test_the_shell_of_an_agent_has_the_same_by_commands(tmp_path: Path) -> None:
    """Of the three, codex is the one whose shell would find its programs elsewhere."""
    async with set_stage(tmp_path, provider="codex") as stage:
        line = "bifrost task create d-one 'Fix it' --workspace dev && bifrost update 'Half way'"
        job = await asked(stage, f"session [[bash:{line}]]")
        assert job.status is JobStatus.DONE, job.message
        (task,) = await stage.house.storage.tasks.tasks()
        assert (task.id, task.name) == ("d-one", "Fix it")
        events = [each.body for each in await stage.house.storage.jobs.events(job.id)]
        assert RecordChanged(text="created task d-one: Fix it") in events
        assert UpdatePosted(number=1, text="Half way") in events


async def test_an_agent_reads_in_words_why_it_may_not(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        box = stage.house.storage.feedback
        filed = await box.add(NewFeedback(content="Slow"), OWNER)
        job = await asked(
            stage,
            f'session [[use:process_feedback {{"id":"{filed.id}","processed_note":"done"}}'
            '|progress {"done":4,"total":3}|read_task {"id":"A1"}]]',
        )
        assert "Only the owner or Clara may change feedback." in job.result
        assert "4 cannot be done of 3." in job.result
        assert "There is none of the id `A1`." in job.result
        after = await box.one(filed.id)
        assert after is not None
        assert after.status is FeedbackStatus.OPEN


async def test_a_token_ends_with_its_attempt_and_is_shown_nowhere(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    agent.write_text(f'#!/bin/sh\nIFS= read -r prompt\nenv > env.txt\necho "it is ${TOKEN}" >&2\nexit 3\n')
    agent.chmod(0o755)
    async with set_stage(tmp_path, executable=str(agent)) as stage:
        job = await asked(stage, "session look around")
        lines = (tmp_path / "workspace" / "env.txt").read_text().splitlines()
        env = dict(line.split("=", 1) for line in lines if "=" in line)
        assert env[SOCKET] == str(stage.house.data.tools_socket)
        assert env[JOB_ID] == job.id
        with pytest.raises(Refused, match="has ended"):
            await called(env)
        with pytest.raises(Refused, match="has ended"):
            await called({**env, TOKEN: stage.house.data.api_token()})
        assert "[redacted]" in job.message
        shown = [stage.card().plain, *(each.plain for each in stage.replies())]
        kept = [path.read_text() for path in (tmp_path / "data" / "jobs").rglob("*.log")]
        assert not any(env[TOKEN] in text for text in (*shown, *kept))
        assert env[TOKEN].encode() not in (tmp_path / "data" / "bifrost.db").read_bytes()


async def called(env: dict[str, str]) -> object:
    return await asyncio.to_thread(Bot(env).call, "GET", "/api/tasks")
