"""What a CLI remembers belongs to one workspace, outlasts releases, and stands several jobs at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from executor.model import Job, JobStatus
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]

MODELS = {"claude": "", "gemini": " --model gemini-2.5-flash", "codex": " --model gpt-5.5"}


def homes(stage: Stage, workspace: str) -> Path:
    return stage.settings.data_dir / "agents" / workspace


async def asked(stage: Stage, words: str, provider: str) -> Job:
    await stage.ann.command(
        "/job", words + (MODELS[provider] if words.startswith("session") else ""), channel=stage.dev
    )
    job = await stage.ended()
    assert job.status is JobStatus.DONE, job.message
    return job


@pytest.mark.parametrize("provider", list(MODELS))
async def test_a_session_of_a_release_with_one_home_per_provider_goes_on(
    tmp_path: Path, provider: str
) -> None:
    async with set_stage(tmp_path, provider=provider) as stage:
        first = await asked(stage, "session remember 7 [[hello]]", provider)
        homes(stage, "main").rename(stage.settings.data_dir / "homes")
        stage.house.data.take_over("main")
        assert (homes(stage, "main") / provider).is_dir()
        job = await asked(stage, f"resume {first.short_id} which? [[recall]]", provider)
        assert (job.session_id, job.attempt) == (first.session_id, 1)
        assert "'hello', 'recall'" in job.result


@pytest.mark.parametrize("provider", ["claude", "gemini"])
async def test_two_workspaces_share_the_credentials_and_nothing_else(tmp_path: Path, provider: str) -> None:
    (tmp_path / "other").mkdir()
    async with set_stage(tmp_path, provider=provider, workspaces={"other": tmp_path / "other"}) as stage:
        for workspace in ("main", "other"):
            await asked(stage, f"session --workspace {workspace} [[hello]]", provider)
        sessions = [job.session_id or "" for job in await stage.house.storage.jobs.jobs()]
        assert len({request.credential for request in stage.models.requests}) == 1
        for name, own, foreign in (("other", *sessions), ("main", *reversed(sessions))):
            kept = "\n".join(map(str, (homes(stage, name) / provider).rglob("*")))
            assert own[:8] in kept
            assert foreign[:8] not in kept


async def test_claudes_that_start_at_once_do_not_spoil_the_home_they_share(tmp_path: Path) -> None:
    async with set_stage(tmp_path, slots=6) as stage:
        for number in range(6):
            await stage.ann.command("/job", f"research {number} [[tool_once:{number}]]", channel=stage.dev)
        for number in range(6):
            job = await stage.job(lambda job: job.status.final, number=number)
            assert job.status is JobStatus.DONE, job.message
        home = homes(stage, "main") / "claude"
        json.loads((home / ".claude.json").read_text())
        assert not [*home.rglob("*corrupt*")]
        sessions = {job.session_id for job in await stage.house.storage.jobs.jobs()}
        assert {path.stem for path in home.glob("projects/*/*.jsonl")} == sessions
