"""Where there are several workspaces, somebody says in which a job runs: whoever asks, or an admin before."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.timeout(60)]


async def _choose(stage: Stage, name: str) -> None:
    asked = await stage.slack.until(
        lambda: [each for each in stage.ann.ephemerals if "In which workspace" in each.plain],
        what="a question",
    )
    await stage.ann.click(asked[-1], name)


async def test_a_mention_is_asked_back_and_its_file_goes_with_what_was_chosen(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    async with set_stage(tmp_path, provider="rehearsal", workspaces={"api": tmp_path / "api"}) as stage:
        note = stage.slack.file("note.txt", b"to be read")
        said = await stage.ann.mention(stage.dev, "session tidy up", files=[note])
        await _choose(stage, "api")
        job = await stage.ended()
        assert (job.workspace, job.prompt) == ("api", "tidy up")
        (received,) = (tmp_path / "data" / "received").glob("*/*")
        assert received.read_bytes() == b"to be read"
        await stage.slack.until(lambda: stage.ann.ephemerals[-1].plain.startswith("Queued as"), what="that")
        assert len(stage.ann.ephemerals) == 1 and not said.reactions, "the answer took the question's place"
        await stage.ann.command("/job", channel=stage.dev)
        view = await stage.ann.wait_view()
        refused = await stage.ann.submit(view, {"prompt": "and now?"})
        assert refused is not None and "There are several workspaces" in refused["workspace"]
        assert await stage.ann.submit(view, {"prompt": "and now?", "workspace": "api"}) is None


async def test_the_page_says_which_workspace_a_channel_has_and_asks_by_a_field(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    async with set_stage(tmp_path, provider="rehearsal", workspaces={"api": tmp_path / "api"}) as stage:
        server = stage.bifrost.server
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(
            server.address, cookie_jar=jar, headers={"Origin": server.address}
        ) as session:
            async with session.get(server.login_link()) as answer:
                assert answer.status == 200

            async def sends(path: str, **fields: str) -> dict[str, object]:
                async with session.post(path, json={"delivery": str(uuid4()), **fields}) as answer:
                    told: dict[str, object] = await answer.json()
                    return told

            wanted = {"type": "session", "prompt": "tidy up"}
            refused = await sends("/channels/dev/jobs", **wanted)
            assert (refused["ok"], refused["field"]) == (False, "workspace")
            dev = {"platform": "slack", "channel": stage.dev.id}
            assert (await sends("/settings/workspaces", **dev, workspace="apy"))["ok"] is False
            assert (await sends("/settings/workspaces", **dev, workspace="api"))["ok"] is True
            assert (await sends("/settings", default_workspace="main"))["ok"] is True
            async with session.get("/settings", headers={"Accept": "text/html"}) as answer:
                page = await answer.text()
            assert f"<strong>slack.{stage.dev.id}</strong> <span>api" in page
            assert "permissions bypass · everybody · the default" in page
            assert (await sends("/channels/dev/jobs", **wanted))["ok"] is True
            assert (await stage.ended()).workspace == "main"
            await stage.ann.command("/job", "session on slack", channel=stage.dev)
            assert (await stage.ended()).workspace == "api"
            assert (await sends("/settings/workspaces", **dev, workspace="default"))["ok"] is True
            await stage.ann.command("/job", "session on slack again", channel=stage.dev)
            assert (await stage.ended()).workspace == "main"
