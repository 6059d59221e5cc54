"""Reports and files: what jobs made is read by whom it concerns, and can do nothing to them."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from yarl import URL

from bot.platforms.base import Attachment, Place
from executor.lifecycle import Transition
from executor.model import Report
from executor.untrusted import read_under
from tests.browser.door import Site, open_site
from tests.unit.test_web_streams import DONE, post, start

DEV = Place(team="", channel="dev")
POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)

OWN_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with asyncio.timeout(30), open_site(tmp_path) as site:
        yield site


async def publish(site: Site) -> str:
    """A report as a job leaves it; returns its slug."""
    slug = f"how-we-cache-{secrets.token_hex(16)}"
    folder = site.reports / slug
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><h1>Sessions</h1><script>alert(1)</script>")
    (folder / "report.md").write_text("# Sessions")
    job = await start(site)
    report = Report(slug=slug, title="Sessions", description="")
    await site.storage.jobs.settle(job, Transition.FINISH, DONE, report)
    return slug


async def test_whoever_knows_the_slug_reads_the_report(site: Site) -> None:
    slug = await publish(site)
    async with site.visitor(logged_in=False) as visitor:
        async with visitor.get(f"/reports/{slug}/") as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert "Sessions" in await answer.text()
        async with visitor.get(f"/reports/{slug}/report.md") as answer:
            assert (answer.status, answer.content_type) == (200, "text/markdown")
            assert await answer.text() == "# Sessions"
        async with visitor.get(f"/reports/{slug}") as answer:
            assert str(answer.url).endswith(f"/reports/{slug}/")


@pytest.mark.parametrize("path", ["{slug}/", "{slug}/report.md", "{slug}", "nothing/", "", "{slug}/x/y"])
async def test_every_answer_below_reports_has_the_policy(site: Site, path: str) -> None:
    """B90, B91, B94: a script in a report meets an opaque origin and no right to run, whatever the status."""
    slug = await publish(site)
    address = "/reports/" + path.format(slug=slug)
    for method in ("GET", "POST"):
        async with (
            site.visitor(logged_in=False) as visitor,
            visitor.request(method, address, allow_redirects=False) as answer,
        ):
            assert answer.headers["Content-Security-Policy"] == POLICY
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["X-Robots-Tag"] == "noindex"


async def test_a_page_that_the_agent_wrote_may_run_scripts_and_nothing_else(site: Site) -> None:
    """B89: policy B, to the letter, and only for that page."""
    slug = await publish(site)
    (site.reports / slug / "page.html").write_text("<h1>Mine</h1>")
    async with site.visitor(logged_in=False) as visitor:
        async with visitor.get(f"/reports/{slug}/") as answer:
            assert await answer.text() == "<h1>Mine</h1>"
            assert answer.headers["Content-Security-Policy"] == OWN_POLICY
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        async with visitor.get(f"/reports/{slug}/report.md") as answer:
            assert answer.headers["Content-Security-Policy"] == POLICY
        async with visitor.get(f"/reports/{slug}/page.html") as answer:
            assert answer.status == 401
            assert answer.headers["Content-Security-Policy"] == POLICY


@pytest.mark.parametrize(
    "slug",
    [
        "..%2f..%2fetc%2fpasswd",
        "..%2f{known}",
        "%2e%2e",
        "{known}%00",
        "%00",
        "CON",
        "x" * 300,
        ".",
        "%F0%9F%8C%88",
        "{known}%2f..%2f{known}",
        "unknown-9f2c4e7a1b3d50689f2c4e7a1b3d5068",
    ],
)
@pytest.mark.parametrize("file", ["", "report.md"])
async def test_a_slug_that_is_none_of_ours_is_no_report(site: Site, slug: str, file: str) -> None:
    """B92: looked up in the database, never joined to a path."""
    path = f"/reports/{slug.format(known=await publish(site))}/{file}"
    async with (
        site.visitor(logged_in=False) as visitor,
        visitor.get(URL(site.server.url + path, encoded=True)) as answer,
    ):
        assert answer.status in (400, 401, 404)


async def test_a_report_the_database_does_not_know_is_not_served(site: Site) -> None:
    folder = site.reports / "made-by-hand"
    folder.mkdir()
    (folder / "index.html").write_text("x")
    async with site.visitor(logged_in=False) as visitor, visitor.get("/reports/made-by-hand/") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("what", ["file", "folder", "gone", "pipe", "directory"])
async def test_a_link_in_a_report_is_not_followed(site: Site, tmp_path: Path, what: str) -> None:
    """B93: a job may put anything into its folder."""
    slug = await publish(site)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "index.html").write_text("the secret")
    page = site.reports / slug / "index.html"
    page.unlink()
    if what == "file":
        page.symlink_to(secret / "index.html")
    elif what == "folder":
        (page.parent / "report.md").unlink()
        page.parent.rmdir()
        page.parent.symlink_to(secret)
    elif what == "pipe":
        os.mkfifo(page)
    elif what == "directory":
        page.mkdir()
    async with site.visitor(logged_in=False) as visitor, visitor.get(f"/reports/{slug}/") as answer:
        assert answer.status == 404
        assert "secret" not in await answer.text()


@pytest.mark.parametrize("names", [("..", "x"), ("a", ".."), ("a/b",), ("",), ("a\0b",), (".", "x")])
def test_no_name_leads_out_of_a_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    (tmp_path / "x").write_text("x")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("b")
    assert read_under(tmp_path / "a", *names) is None


async def attach(site: Site, name: str, content: bytes = b"<script>") -> str:
    file_id = await site.platform.attach(DEV, Attachment(name=name, title="A file", content=content))
    return f"/messages/{file_id}/files/{name}"


@pytest.mark.parametrize(
    ("name", "content_type", "downloads"),
    [
        ("report.md", "text/markdown", True),
        ("output.txt", "text/plain", True),
        ("chart.svg", "application/octet-stream", True),
        ("page.htm", "application/octet-stream", True),
        ("Straße ü.bin", "application/octet-stream", True),
        ("report.html", "text/html", False),
    ],
)
async def test_a_file_is_downloaded_and_runs_nothing(
    site: Site, name: str, content_type: str, downloads: bool
) -> None:
    path = await attach(site, name)
    async with site.visitor() as visitor, visitor.get(path) as answer:
        assert answer.status == 200
        assert await answer.read() == b"<script>"
        assert answer.content_type == content_type
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers.get("Content-Disposition", "").startswith("attachment") is downloads


async def test_a_large_file_comes_whole(site: Site) -> None:
    path = await attach(site, "report.md", b"x" * 3_000_000)
    async with site.visitor() as visitor, visitor.get(path) as answer:
        assert len(await answer.read()) == 3_000_000


async def test_a_file_wants_a_login(site: Site) -> None:
    path = await attach(site, "report.md")
    async with site.visitor(logged_in=False) as visitor, visitor.get(path) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("name", ["other.md", "..%2freport.md", "..", "%00", "report.md%00"])
async def test_only_the_name_in_the_message_is_a_file(site: Site, name: str) -> None:
    path = (await attach(site, "report.md")).removesuffix("report.md") + name
    async with site.visitor() as visitor, visitor.get(URL(site.server.url + path, encoded=True)) as answer:
        assert answer.status in (400, 404)


async def test_a_message_without_a_file_has_none(site: Site) -> None:
    message = await post(site, "x")
    async with site.visitor() as visitor, visitor.get(f"/messages/{message}/files/x") as answer:
        assert answer.status == 404
