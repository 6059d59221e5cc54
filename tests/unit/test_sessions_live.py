"""The real CLIs go on with a conversation, or say that they do not have it any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.events import ToolEnded, ToolStarted
from executor.model import OutcomeKind
from tests.agents import Agents, attempt, launch
from tests.simulators.models import ModelSimulator, texts

pytestmark = pytest.mark.cli
STALE = "11111111-2222-3333-4444-555555555555"
CODEX_MODEL = "gpt-5.5"
"""The newest that takes its tools as the simulator offers them."""


@pytest.fixture
async def models() -> AsyncIterator[ModelSimulator]:
    async with ModelSimulator() as simulator:
        yield simulator


@pytest.fixture
def agents(tmp_path: Path, models: ModelSimulator) -> Agents:
    return Agents(tmp_path, models)


@pytest.mark.parametrize("provider", ["claude", "gemini", "codex"])
async def test_a_conversation_that_is_gone_is_told_by_every_cli(agents: Agents, provider: str) -> None:
    backend = agents.backend(provider)
    run = await attempt(backend, launch(agents.place, "[[hello]]", session_id=STALE))
    assert (run.outcome.kind, run.outcome.reason) == (OutcomeKind.FAILED, "session_not_found")
    assert agents.models.requests == []


async def test_codex_goes_on_with_its_thread(agents: Agents) -> None:
    codex = agents.codex()
    # A prompt that begins like a flag is no flag: it comes on standard input.
    begun = await attempt(codex, launch(agents.place, "--help\n[[hello]]", model=CODEX_MODEL))
    assert (begun.outcome.kind, begun.outcome.result) == (OutcomeKind.DONE, texts.HELLO)
    asked = launch(agents.place, "[[recall]]", session_id=begun.session_id, model=CODEX_MODEL)
    run = await attempt(codex, asked)
    assert "earlier markers: ['hello', 'recall']" in run.outcome.result
    assert run.session_id == begun.session_id
    assert [request.effort for request in agents.models.requests] == ["low", "low"]
    assert agents.models.strays == []


async def test_codex_shows_its_tools(agents: Agents) -> None:
    asked = launch(agents.place, "[[bash:echo hi > notes.txt; exit 3]]", model=CODEX_MODEL)
    run = await attempt(agents.codex(), asked)
    (started,) = [each for each in run.activities if isinstance(each, ToolStarted)]
    (ended,) = [each for each in run.activities if isinstance(each, ToolEnded)]
    assert (started.name, started.detail) == ("shell", "echo hi > notes.txt; exit 3")
    assert (ended.tool_id, ended.ok, ended.detail) == (started.tool_id, False, "Exit code 3")
    assert (asked.workspace / "notes.txt").read_text() == "hi\n"
    assert run.outcome.result == texts.CLOSING


@pytest.mark.parametrize(
    ("marker", "model", "reason"), [("e401", CODEX_MODEL, "auth"), ("hello", "nonexist", "model")]
)
async def test_codex_says_why_it_was_refused(agents: Agents, marker: str, model: str, reason: str) -> None:
    run = await attempt(agents.codex(), launch(agents.place, f"[[{marker}]]", model=model))
    assert (run.outcome.kind, run.outcome.reason) == (OutcomeKind.FAILED, reason)
