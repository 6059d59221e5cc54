"""The Home tab of the whole bot: one's own jobs, from the form to the last button."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.simulators.slack import View
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.timeout(60)]


async def showing(stage: Stage, text: str) -> View:
    found = await stage.slack.until(
        lambda: [view for view in (stage.ann.home_view,) if view and text in view.plain],
        what=f"a Home tab with {text!r}",
        timeout=10,
    )
    return found[0]


async def test_a_job_is_started_followed_and_done_again_from_the_home_tab(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=0.5) as stage:
        await stage.ann.home()
        await stage.ann.click(await showing(stage, "You have no jobs yet"), "New job")
        form = await stage.ann.wait_view()
        assert not await stage.ann.submit(form, {"prompt": "how do we cache?"})
        view = await showing(stage, "running")
        assert "Cancel" in view.buttons
        job = await stage.ended()
        assert (job.status, job.origin.channel) == (JobStatus.DONE, stage.slack.dm(stage.ann).id)
        view = await showing(stage, "done")
        assert "Recently" in view.plain and "how do we cache?" in view.plain
        assert {"Retry", "Thread"} <= set(view.buttons)
        await stage.ann.click(view, "Retry", value=job.id)
        again = await stage.ended()
        assert again.parent_job_id == job.id
        assert not stage.slack.messages(stage.dev), "what is asked alone is told alone"


async def test_a_stranger_sees_only_why(tmp_path: Path) -> None:
    """B35: who is not on the list is refused, by every door."""
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.eve.home()
        await stage.slack.until(lambda: stage.eve.home_view is not None, what="the refusal")
        view = stage.eve.home_view
        assert view is not None and view.plain.startswith("You are not on the list")
        assert view.buttons == []
