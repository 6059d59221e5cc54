"""What the bot knows stays with the bot: no agent, no channel and no file gets a token."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from executor.model import JobStatus
from executor.processes.sandbox import Mode
from tests.simulators.models.environments import ANTHROPIC_KEY, GEMINI_KEY
from tests.stage import set_stage

_PR_GET_DUMPABLE = 3


async def test_an_agent_finds_no_token_of_ours_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIFROST__SLACK__BOT_TOKEN", "xoxb-from-the-environment")
    monkeypatch.setenv("SOME_PASSWORD", "hunter2")
    agent = tmp_path / "agent"
    agent.write_text("#!/bin/sh\nenv > env.txt\nls /proc/$$/fd > fds.txt\nls ../data > data.txt\n")
    agent.chmod(0o755)
    async with set_stage(tmp_path, executable=str(agent)) as stage:
        await stage.ann.command("/job", "session look around", channel=stage.dev)
        job = await stage.ended()
        assert job.status is JobStatus.FAILED

        seen = (tmp_path / "workspace" / "env.txt").read_text()
        assert ANTHROPIC_KEY in seen, "its own provider's key, and no other"
        for secret in (
            stage.slack.bot_token,
            stage.slack.app_token,
            "xoxb",
            "hunter2",
            GEMINI_KEY,
            "BIFROST__",
        ):
            assert secret not in seen
        # Its three pipes, and what the shell itself opens to list them.
        assert len((tmp_path / "workspace" / "fds.txt").read_text().split()) <= 5
        if stage.house.sandbox.mode is Mode.PIDNS:
            assert (tmp_path / "workspace" / "data.txt").read_text().split() == [
                "agents",
                "jobs",
                "tools.sock",
            ]


async def test_no_process_of_the_same_user_can_read_the_memory_of_the_bot(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal"):
        assert ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
