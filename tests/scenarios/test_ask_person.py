"""Agents of every CLI ask people by the tool that they have for it, also where they may only read."""

from __future__ import annotations

from pathlib import Path

import pytest

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
