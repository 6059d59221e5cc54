"""A job in #dev changes files in a worktree of its own, and people decide what comes of it."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import aiohttp
import pytest

from executor.model import JobStatus
from executor.work import WorkState
from tests.simulators.slack import Message
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(180)]

_REQUEST = "Open pull request"
WORK = "echo '<b>two' >> code.txt && git commit -qam Two && echo loose > loose.txt"


async def git(stage: Stage, *words: str) -> str:
    said = await asyncio.to_thread(
        subprocess.run,
        ("git", *words),
        cwd=stage.settings.workspaces["tree"].path,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()


async def shows(stage: Stage, card: Message, words: str) -> None:
    await stage.slack.until(lambda: words in card.plain, what=f"{words!r} on the card")


async def test_work_goes_from_a_worktree_by_way_of_its_card_into_main(tmp_path: Path) -> None:
    async with set_stage(tmp_path, worktrees=True) as stage:
        await stage.ann.command(
            "/job", f"session change it [[bash:{WORK}]] --workspace tree", channel=stage.dev
        )
        job = await stage.ended()
        assert job.status is JobStatus.DONE
        branch, card = f"bifrost/{job.short_id}", stage.card()
        left = f"work: 1 commit · 2 files · +2 −0 on {branch} (not all of it is committed)"
        assert left in card.plain
        assert any(left in reply.plain for reply in card.thread), "the last word says it, too"
        assert card.buttons == ["Resume", "Retry", "Show diff", "Merge", "Keep", "Discard", _REQUEST]
        assert await git(stage, "status", "--porcelain") == ""

        denied = await stage.bob.command("/job", f"merge {job.short_id}", channel=stage.dev)
        assert "somebody else" in denied.plain
        await stage.ann.click(card, "Show diff")
        direct = stage.slack.dm(stage.ann)
        await stage.slack.until(
            lambda: any(said.files for said in stage.slack.messages(direct)), what="the patch"
        )
        files = [file for said in stage.slack.messages(direct) for file in said.files]
        assert b"+<b>two" in files[0].content
        assert b"+loose" in files[0].content
        await _page_shows(stage, job.id)

        await stage.ann.click(card, "Merge")
        await shows(stage, card, "merged into main by ann")
        assert card.buttons == ["Resume", "Retry"]
        assert await git(stage, "show", "main:loose.txt") == "loose"
        assert await git(stage, "branch", "--list", "bifrost/*") == ""
        again = await stage.ann.command("/job", f"discard {job.short_id}", channel=stage.dev)
        assert again.plain == f"`{branch}` is merged already."
        job = await stage.job(lambda job: job.work is not None and not job.work.open)
        assert job.work is not None
        assert job.work.state is WorkState.MERGED


async def _page_shows(stage: Stage, job_id: str) -> None:
    """The page has colours and escapes; a program gets the patch as it is."""
    url, token = stage.bifrost.server.url, stage.house.data.api_token()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(stage.bifrost.server.login_link()) as answer:
            assert answer.status == 200
        html = {"Accept": "text/html"}
        async with session.get(f"{url}/jobs/{job_id}", headers=html) as answer:
            page = await answer.text()
        assert f'href="/jobs/{job_id}/diff"' in page
        assert "Discard" in page
        async with session.get(f"{url}/jobs/{job_id}/diff", headers=html) as answer:
            assert '<span class="more">+&lt;b&gt;two' in await answer.text()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(f"{url}/jobs/{job_id}/diff") as answer,
    ):
        assert "+<b>two" in await answer.text()
