"""Agents of every CLI ask people by the tool that they have for it, also where they may only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.events import TextWritten
from executor.model import Job, JobStatus
from executor.questions import Decision, Question, QuestionState, Verdict
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]
BLUE = Decision(verdict=Verdict.ANSWER, by="Bob", choices=("Blue",))


async def asked(stage: Stage, prompt: str) -> tuple[Job, Question]:
    """The job, and what it asks as soon as it does."""
    await stage.ann.command("/job", f"session {prompt}", channel=stage.dev)
    job = await stage.job(lambda job: job.asking > 0)
    (question,) = await stage.house.storage.questions.of_job(job.id)
    return job, question


@pytest.mark.parametrize("provider", ["claude", "gemini", "codex"])
async def test_every_agent_can_ask_and_is_told_the_answer(provider: str, tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider=provider, permissions="ask") as stage:
        _, question = await asked(stage, '[[use:ask_person {"question":"Which colour?"}]]')
        assert (question.asked.text, question.state) == ("Which colour?", QuestionState.OPEN)
        await stage.house.storage.questions.decide(question.id, BLUE)
        ended = await stage.ended()
        assert (ended.status, ended.asking) == (JobStatus.DONE, 0)
        assert '"answer": "Blue"' in ended.result.replace("\\", "")


async def test_the_rehearsal_asks_too_and_once_more_where_nobody_answers(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal", patience="1s") as stage:
        job, question = await asked(stage, "ask me: Which colour? Red, Blue")
        assert [choice.label for choice in question.asked.choices] == ["Red", "Blue"]
        await stage.job(lambda job: job.reason == "waiting")
        *_, again = await stage.house.storage.questions.of_job(job.id)
        assert (again.asked, again.state) == (question.asked, QuestionState.OPEN)
        await stage.house.storage.questions.decide(again.id, BLUE)
        ended = await stage.ended()
        assert (ended.status, ended.attempt) == (JobStatus.DONE, 2)
        said = [each.body for each in await stage.house.storage.jobs.events(job.id)]
        assert any("Which colour? Bob: Blue" in each.text for each in said if isinstance(each, TextWritten))
