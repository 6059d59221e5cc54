"""The shell of a running job without an agent in it: a door of the bot, and the commands that call there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.agent.passes import Passes
from bot.desk.access import Allow, Deny
from bot.web.agent_api import AgentApi, PublishingApi
from bot.web.agent_door import AgentDoor
from bot.web.asking_api import AskingApi
from bot.web.remarks_api import RemarksApi
from bot.web.tasks_api import TasksApi
from executor.agent_tools import AgentTools, lay_out, shelf
from executor.model import Job, Origin
from executor.ports import SystemClock
from executor.wakeups import Wakeups
from storage import Storage, open_storage
from tests.builders import claim_one, request

WITHIN_S = 20.0
"""A bound for a program that takes a tenth of a second."""


@dataclass(frozen=True, kw_only=True)
class Shell:
    """What the agent of a running job has of us."""

    storage: Storage
    place: Path
    tools: AgentTools
    wakeups: Wakeups

    async def type(self, line: str, **other: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error of a line."""
        env = {**self.tools.env, "PATH": f"{shelf(self.place)}{os.pathsep}{os.defpath}", **other}
        async with asyncio.timeout(WITHIN_S):
            process = await asyncio.create_subprocess_shell(
                line,
                cwd=self.place,
                env={name: value for name, value in env.items() if value},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def a_job(place: Path) -> AsyncIterator[tuple[Shell, Passes]]:
    """Runs as long as its block."""

    async def authorize(origin: Origin, verb: str, target: Job) -> Allow | Deny:
        return Allow()

    passes = Passes(place / "tools.sock")
    wakeups = Wakeups()
    async with open_storage(place / "bifrost.db", wakeups) as storage:
        await storage.jobs.submit(request())
        job = await claim_one(storage.jobs, ["rehearsal"])
        assert job is not None
        api = [
            *AgentApi(storage).endpoints(),
            *AskingApi(storage, wakeups, SystemClock(), 600).endpoints(),
            *TasksApi(storage).endpoints(),
            *RemarksApi(storage).endpoints(),
            *PublishingApi(storage, place / "reports", lambda: "http://bot").endpoints(),
        ]
        tools = passes.admit(job)
        lay_out(tools, place)
        door = AgentDoor(place / "tools.sock", passes=passes, storage=storage, authorize=authorize, api=api)
        async with door:
            yield Shell(storage=storage, place=place, tools=tools, wakeups=wakeups), passes
        passes.dismiss(job)
