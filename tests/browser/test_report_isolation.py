"""A hostile report in a real browser: it reads nothing, reaches nothing and leads nobody away."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Frame, Page, expect

from storage.hub.reports import NewReport
from tests.browser.chromium import opened
from tests.browser.door import Site, open_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ATTACKS = """
const attacks = {
  cookie: () => document.cookie,
  "set cookie": () => { document.cookie = "mine=1"; return document.cookie; },
  "local storage": () => localStorage.setItem("mine", "1"),
  "session storage": () => sessionStorage.length,
  database: () => indexedDB.open("mine"),
  caches: () => caches.open("mine"),
  "service worker": () => navigator.serviceWorker.register("/worker.js"),
  popup: () => { const opened = open("SITE/jobs"); if (!opened) throw "no window"; },
  "our api": () => fetch("SITE/api/jobs").then((answer) => answer.text()),
  elsewhere: () => fetch("ELSEWHERE/live"),
  beacon: () => { if (!navigator.sendBeacon("ELSEWHERE/live")) throw "not sent"; },
  socket: () => new Promise((yes, no) => {
    const socket = new EventSource("SITE/channels/dev/live");
    socket.onopen = yes; socket.onerror = no;
  }),
  script: () => new Promise((yes, no) => {
    const script = document.createElement("script");
    script.src = "SITE/static/1/theme.js"; script.onload = yes; script.onerror = no;
    document.head.append(script);
  }),
  picture: () => new Promise((yes, no) => {
    const picture = new Image();
    picture.onload = yes; picture.onerror = no; picture.src = "SITE/static/1/icon.svg";
  }),
  form: () => new Promise((yes, no) => {
    document.addEventListener("securitypolicyviolation", no, { once: true });
    const form = document.createElement("form");
    form.method = "post"; form.action = "SITE/comments"; document.body.append(form); form.submit();
    setTimeout(() => no("went nowhere"), 300);
  }),
  PAGE_ATTACKS
};
(async () => {
  const ran = {};
  for (const [name, attack] of Object.entries(attacks)) {
    try { ran[name] = "done: " + await attack(); } catch (error) { ran[name] = "refused"; }
  }
  document.querySelector("#ran").textContent = JSON.stringify(ran);
})();
"""
FRAMED = """
  "page around": () => parent.document.title,
  "its storage": () => parent.localStorage.length,
  "way of the page": () => { top.location.href = "ELSEWHERE/live"; },
"""


def hostile(site: Site, elsewhere: Site, script: str = ATTACKS, framed: bool = False) -> str:
    attacks = script.replace("PAGE_ATTACKS", FRAMED if framed else "")
    attacks = attacks.replace("ELSEWHERE", elsewhere.server.url).replace("SITE", site.server.url)
    return f"<!doctype html><h1>Report</h1><pre id=ran></pre><script>{attacks}</script>"


async def place(site: Site, name: str, html: str) -> str:
    """A report of an agent's; `name` says whose page it is. Returns its slug."""
    slug = f"hostile-{secrets.token_hex(16)}"
    (site.reports / slug).mkdir()
    (site.reports / slug / name).write_text(html)
    await site.storage.reports.add(NewReport(title="Report", slug=slug, workspace="main"))
    return slug


async def ran(frame: Page | Frame) -> dict[str, Any]:
    await expect(frame.locator("#ran")).not_to_be_empty()
    return dict(json.loads(await frame.locator("#ran").inner_text()))


async def sheet(page: Page) -> Frame:
    handle = await page.wait_for_selector("iframe.sheet")
    assert handle is not None
    frame = await handle.content_frame()
    assert frame is not None
    return frame


@pytest.mark.parametrize("framed", [True, False], ids=["in our page", "by itself"])
async def test_the_scripts_of_a_report_run_and_reach_nothing(
    browser: Browser, site: Site, tmp_path: Path, framed: bool
) -> None:
    """B88, B89: policy B. Charts may be drawn; everything else is refused."""
    async with open_site(tmp_path / "elsewhere") as elsewhere, opened(browser, site) as page:
        answered: list[str] = []
        slug = await place(site, "page.html", hostile(site, elsewhere, framed=framed))
        page.on("response", lambda response: answered.append(response.url))
        path = f"/read/{slug}" if framed else f"/reports/{slug}/"
        await page.goto(site.server.url + path)
        results = await ran(await sheet(page) if framed else page)
        assert len(results) == (18 if framed else 15)
        # A beacon says that it is sent, and is not.
        assert {name for name, how in results.items() if how != "refused"} <= {"beacon"}
        assert page.url == site.server.url + path
        assert not [url for url in answered if url.startswith(elsewhere.server.url)]
        assert not [url for url in answered if "/api/" in url or url.endswith(("/comments", "/jobs"))]
        assert [cookie.get("name") for cookie in await page.context.cookies()] == ["bifrost"]
        assert len(page.context.pages) == 1


async def test_no_script_of_a_report_from_markdown_runs_whatever_is_in_it(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    """B90: policy A, where a page of ours has been tampered with."""
    async with open_site(tmp_path / "elsewhere") as elsewhere, opened(browser, site) as page:
        answered: list[str] = []
        slug = await place(site, "index.html", hostile(site, elsewhere))
        page.on("response", lambda response: answered.append(response.url))
        for path, frame in ((f"/reports/{slug}/", False), (f"/read/{slug}", True)):
            await page.goto(site.server.url + path)
            report = await sheet(page) if frame else page
            await expect(report.get_by_role("heading", name="Report")).to_be_visible()
            assert await report.locator("#ran").inner_text() == ""
        assert {url.removeprefix(site.server.url).split("/")[1] for url in answered} <= {
            *("read", "reports", "static", "live"),
        }


@pytest.mark.parametrize("target", ["SITE/jobs", "ELSEWHERE/login/x"], ids=["ours", "elsewhere"])
async def test_a_report_that_leads_its_frame_away_leads_nowhere(
    browser: Browser, site: Site, tmp_path: Path, target: str
) -> None:
    async with open_site(tmp_path / "elsewhere") as elsewhere, opened(browser, site) as page:
        away = target.replace("SITE", site.server.url).replace("ELSEWHERE", elsewhere.server.url)
        answered: list[tuple[str, int]] = []
        slug = await place(site, "page.html", f"<h1>Report</h1><script>location.href = '{away}'</script>")
        page.on("response", lambda response: answered.append((response.url, response.status)))
        await page.goto(f"{site.server.url}/read/{slug}")
        await page.wait_for_load_state("load")
        await expect(page.get_by_role("link", name="Open by itself")).to_be_visible()
        assert page.url == f"{site.server.url}/read/{slug}"
        frames = [frame for frame in page.frames if frame is not page.main_frame]
        assert not [frame for frame in frames if await frame.get_by_role("navigation").count()]
        # Without its cookie, nobody is logged in there.
        assert [status for url, status in answered if url == away] in ([], [401])
