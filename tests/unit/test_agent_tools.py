"""The tools of agents: what they are to a CLI, and that each stands for a call that there is."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.types import TextContent

from bot.agent import bridge
from bot.agent.deeds import deed
from bot.agent.passes import Passes
from bot.agent.tools import TOOLS
from bot.desk.access import Allow, Deny
from bot.web.agent_api import AgentApi
from bot.web.agent_door import AgentDoor
from bot.web.tasks_api import TasksApi
from executor.agent_tools import AgentTools
from executor.events import ProgressTold
from executor.model import Job, Origin
from executor.wakeups import Wakeups
from storage import open_storage
from tests.builders import claim_one, open_store, request

_RECORDING = Path(__file__).parents[1] / "recordings" / "agent-tools.json"


def test_the_tools_are_what_they_were() -> None:
    """To change them on purpose, write the recording anew: every prompt that names one depends on it."""
    described = json.dumps([tool.described() for tool in TOOLS], indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("BIFROST_RECORD"):
        _RECORDING.write_text(described)
    assert described == _RECORDING.read_text()


async def test_a_token_is_good_for_the_attempt_that_it_was_made_for_alone(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        first = (await store.submit(request())).job
    passes, second = Passes(tmp_path / "tools.sock"), replace(first, attempt=first.attempt + 1)
    tokens = [_bearer(passes.admit(each)) for each in (first, second)]
    assert [passes.job(token) for token in tokens] == [first, second]
    passes.dismiss(first)
    assert [passes.job(token) for token in tokens] == [None, second]
    assert passes.job("Bearer ") is None
    assert passes.job(tokens[1].replace("Bearer", "Basic")) is None


async def test_the_official_client_lists_and_calls_the_tools_and_hears_who_may_not(tmp_path: Path) -> None:
    answers: list[Allow | Deny] = []

    async def authorize(origin: Origin, verb: str, target: Job) -> Allow | Deny:
        return answers[-1] if answers else Allow()

    passes = Passes(tmp_path / "tools.sock")
    async with open_storage(tmp_path / "bifrost.db", Wakeups()) as storage:
        await storage.jobs.submit(request())
        job = await claim_one(storage.jobs, ["rehearsal"])
        assert job is not None
        api = [*AgentApi(storage).endpoints(), *TasksApi(storage).endpoints()]
        tools = passes.admit(job)
        command, *arguments = tools.argv
        server = StdioServerParameters(command=command, args=arguments, env=dict(tools.env))
        door = AgentDoor(
            tmp_path / "tools.sock", passes=passes, storage=storage, authorize=authorize, api=api
        )
        async with door, stdio_client(server) as streams, ClientSession(*streams) as client:
            await client.initialize()
            offered = (await client.list_tools()).tools
            assert [tool.name for tool in offered] == [tool.name for tool in TOOLS]
            done = await client.call_tool("progress", {"done": 1, "total": 2})
            assert not done.is_error
            answers.append(Deny("You are not on the list."))
            refused = await client.call_tool("list_tasks", {})
            (said,) = refused.content
            assert refused.is_error
            assert isinstance(said, TextContent)
            assert said.text.endswith("You are not on the list.")
        events = [each.body for each in await storage.jobs.events(job.id)]
        assert ProgressTold(done=1, total=2) in events


def _bearer(tools: AgentTools) -> str:
    return f"Bearer {tools.env['BIFROST_JOB_TOKEN']}"


@pytest.mark.parametrize(
    ("line", "code"),
    [("{", -32700), ('{"jsonrpc":"2.0","id":1,"method":"sing"}', -32601), ("[]", -32700)],
)
def test_what_is_no_call_is_an_error_and_no_end(
    line: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge.serve(bridge.Bridge(bridge.Bot({})), [line, '{"id":2,"method":"ping"}'], sys.stdout)  # type: ignore[arg-type]
    wrong, right = map(json.loads, capsys.readouterr().out.splitlines())
    assert wrong["error"]["code"] == code
    assert right["result"] == {}


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("list_tasks", {"state": "open"}, r"There is no `state` here\. It takes: status, "),
        ("read_task", {"id": None}, r"`id` is missing: The id of the task\."),
        ("update_task", {"id": "A1"}, r"Nothing is to be other than it is: name what you would change\."),
    ],
)
def test_a_call_that_a_model_gets_wrong_is_refused_in_words(
    name: str, arguments: dict[str, object], said: str
) -> None:
    (tool,) = (tool.described() for tool in TOOLS if tool.name == name)
    with pytest.raises(bridge.Refused, match=said):
        bridge.perform(bridge.Bot({}), tool, arguments)


@pytest.mark.parametrize(
    "params", [[1], {"name": ["x"], "arguments": []}, {"name": "x", "arguments": [1]}, {}]
)
def test_a_call_of_another_shape_is_answered_and_ends_nothing(params: object) -> None:
    answer = bridge.Bridge(bridge.Bot({})).answer({"id": 1, "method": "tools/call", "params": params})
    assert answer is not None
    assert "error" in answer or answer["result"]["isError"]


def test_people_read_what_an_agent_has_changed() -> None:
    task = {"id": "A1", "name": "Fix it\nnow", "status": "done"}
    assert deed("PATCH", "/api/tasks", task) == "changed task A1, now done: Fix it now"
    assert deed("POST", "/api/agent/progress", {}) == ""
