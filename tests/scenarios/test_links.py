"""From the private answer to the thread of the job, in the whole bot."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest

from tests.simulators.slack.conversations import page_url
from tests.stage import set_stage

LINK = re.compile(r"<(http://127[.]0[.]0[.]1:[0-9]+/login/[\w-]{43})>")
pytestmark = [pytest.mark.timeout(60)]


async def test_an_acknowledgement_waits_for_no_card_and_show_leads_to_it(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        reply = await stage.ann.command("/job", "research how do we cache?", channel=stage.dev)
        assert reply.plain.startswith("Queued as")
        job = await stage.ended()
        link = f"<{page_url(stage.card())}|Go to its thread>"
        shown = await stage.ann.command("/job", f"show {job.short_id}", channel=stage.dev)
        assert shown.text.endswith(link)
        page = stage.bifrost.server.login_link()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            await browser.get(page)
            url = f"{stage.bifrost.server.url}/jobs/{job.id}"
            async with browser.get(url, headers={"Accept": "text/html"}) as answer:
                assert f'href="{page_url(stage.card())}"' in await answer.text()


async def test_an_admin_gets_a_link_to_the_page_that_opens_it_once_and_nobody_else_sees_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with set_stage(tmp_path, provider="rehearsal", admin=True) as stage:
        reply = await stage.ann.command("/job", "web", channel=stage.dev)
        assert not stage.slack.messages(stage.dev)
        (link,) = LINK.findall(reply.text)
        assert link not in caplog.text
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            for agent, status in (("Slackbot-LinkExpanding 1.0", 403), ("Mozilla/5.0", 200)):
                async with browser.get(link, headers={"User-Agent": agent}) as answer:
                    assert answer.status == status, "what looks at links does not use them up"
            async with browser.get(f"{stage.bifrost.server.url}/channels/dev") as page:
                assert page.status == 200
            async with browser.get(link) as again:
                assert again.status == 403

        refused = await stage.bob.command("/job", "web", channel=stage.dev)
        assert "Only admins may open the page" in refused.text
        assert f"add `{stage.bob.id}` to `admins` under `[slack]`" in refused.text
        assert "/login/" not in refused.text
