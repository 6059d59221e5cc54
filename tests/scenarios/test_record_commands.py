"""`bifrost task …` and its like, as the owner types them at the machine of a running bot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.record_commands import run_record_command
from tests.scenarios.test_jobs_api import serving


async def test_the_owner_keeps_the_records_from_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path) as service:
        data = service.house.data

        async def typed(*words: str) -> tuple[int, str, str]:
            status = await asyncio.to_thread(run_record_command, words, data)
            return status, *capsys.readouterr()

        status, _, refused = await typed("task", "list")
        assert (status, refused.startswith("No bot is serving on ")) == (1, True)
        data.address.write_text(service.bifrost.server.url)  # as `serve` does
        made = await typed("task", "create", "A1", "Fix it", "--workspace", "dev", "--status", "ready")
        assert made == (0, "Task A1 is created as ready: Fix it\n", "")
        await typed("task", "create", "A2", "And that", "--workspace", "dev")
        status, listed, more = await typed("task", "list", "--limit", "1")
        assert "A2  draft" in listed
        assert more == "There are more: go on with `--cursor A2`.\n"
        status, _, refused = await typed("task", "update", "A1", "--status", "done")
        assert (status, refused) == (0, "")
        status, _, refused = await typed("task", "update", "A9", "--status", "done")
        assert (status, refused) == (1, "There is no task `A9`.\n")
        status, _, refused = await typed("update", "Half way")
        assert (status, refused.startswith("`bifrost update Half way` is no command here.")) == (2, True)
