"""A channel's page and what is asked on it: readable and usable without any script."""

from __future__ import annotations

import asyncio
import gzip
import html as html_text
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from yarl import URL

from bot.desk.asks import REPLY
from bot.desk.commands import COMMANDS, FORM_OPTIONS
from bot.platforms.base import Action, Announcement, Link, Place, Shape, Tone
from storage.hub import NewMessage
from tests.browser.door import TOKEN, Site, open_site
from tests.browser.scene import busy_morning

DEV = Place(team="", channel="dev")
COMMAND = "/channels/dev/commands"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with asyncio.timeout(30), open_site(tmp_path) as site:
        yield site


async def page(site: Site, path: str = "/channels/dev") -> str:
    async with site.visitor() as visitor, visitor.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def test_home_is_the_channel(site: Site) -> None:
    async with site.visitor() as visitor, visitor.get("/") as answer:
        assert str(answer.url).endswith("/channels/dev")


async def test_an_empty_channel_teaches_the_first_command(site: Site) -> None:
    assert "/job research how do we cache sessions?" in await page(site)


async def test_the_page_shows_the_morning(site: Site) -> None:
    await busy_morning(site.platform)
    html = await page(site)
    for word in (
        "Done",
        "Failed",
        "Cancelled",
        "Running",
        "Pending",
        "Sessions are cached",
        "$0.42",
        "report-3fa9c1.html",
    ):
        assert word in html
    positions = [html.index(title) for title in ("research 3fa9c1", "session b81e07", "session e7704f")]
    assert positions == sorted(positions)


async def test_the_page_is_small_and_loads_nothing_from_elsewhere(site: Site) -> None:
    await busy_morning(site.platform)
    html = await page(site)
    size = len(gzip.compress(html.encode()))
    async with site.visitor(logged_in=False) as visitor:
        visitor.headers["Accept-Encoding"] = "gzip"
        for name in (file.name for file in files("bot.web").joinpath("static").iterdir()):
            folder = html[html.index("/static/") :].split("/")[2]
            async with visitor.get(f"/static/{folder}/{name}") as answer:
                assert answer.status == 200
                assert "immutable" in answer.headers["Cache-Control"]
                assert answer.headers["Content-Encoding"] == "gzip"
                size += int(answer.headers["Content-Length"])
    assert size < 150_000
    assert not re.search(r'(src|srcset|action)="(https?:)?//', html)
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=", html)


async def test_a_file_that_a_browser_has_is_not_sent_again(site: Site) -> None:
    async with site.visitor(logged_in=False) as visitor:
        async with visitor.get("/static/old/base.css") as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
            etag = answer.headers["ETag"]
        async with visitor.get("/static/old/base.css", headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304


@pytest.mark.parametrize("name", ["x.css", "..%2fserver.py", "base.css%00", "__init__.py"])
async def test_only_what_the_page_needs_is_static(site: Site, name: str) -> None:
    async with site.visitor(logged_in=False) as visitor, visitor.get(f"/static/0/{name}") as answer:
        assert answer.status in (400, 404)


async def test_ended_output_is_folded_away_and_running_output_is_not(site: Site) -> None:
    await busy_morning(site.platform)
    html = await page(site)
    outputs = re.findall(r"<details class=\"output\"[^>]*>", html)
    assert ["data-folded" in output for output in outputs] == [True, True, False]
    assert "I start with the session store." not in html
    folded = re.findall(r'data-folded="([^"]+)"', html)
    assert "I start with the session store." in await page(site, folded[0])


async def test_of_a_running_job_only_the_newest_output_is_unfolded(site: Site) -> None:
    head = await busy_morning(site.platform)
    more = Announcement(shape=Shape.PAGE, tone=Tone.RUNNING, title="Live output, page 2", body="the newest")
    await site.platform.post(replace(DEV, thread=head), more, "page:2")
    html = await page(site)
    assert "the newest" in html
    assert "login form is tested today" not in html


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "evil\u202etxt"]
)
async def test_no_text_of_anybody_becomes_markup(site: Site, text: str) -> None:
    announcement = Announcement(
        shape=Shape.CARD,
        tone=Tone.RUNNING,
        title=text,
        quote=text,
        body=text,
        actions=(Action(verb=text, label=text, job_id=text, confirm=text),),
        links=(Link(label=text, url="javascript:alert(1)"), Link(label="ok", url="/reports/x/")),
    )
    await site.platform.post(DEV, announcement, "x")
    new = NewMessage(channel="dev", sender=text, content=text, metadata={})
    await site.storage.messages.post(new)
    html = await page(site)
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "javascript:" not in html
    assert "\u202e" not in html
    assert 'href="/reports/x/"' in html


async def test_a_prompt_is_shown_to_the_letter(site: Site) -> None:
    typed = "*x* <!here> # h `y`"
    await site.platform.post(DEV, Announcement(shape=Shape.CARD, tone=Tone.GOOD, title="x", quote=typed), "x")
    assert f'<p class="quote">{html_text.escape(typed)}</p>' in await page(site)


async def test_the_box_offers_the_command_table(site: Site) -> None:
    html = await page(site)
    for command in COMMANDS:
        assert f'data-fill="/job {command.verb}' in html


async def test_the_form_has_a_field_for_every_option_of_the_command_table(site: Site) -> None:
    html = await page(site)
    named = re.findall(r'<(?:input|select|textarea) id="field-(\w+)" name="(\w+)"', html)
    names = ["type", "prompt", "files", *(option.name for option in FORM_OPTIONS)]
    assert named == [(name, name) for name in names]
    assert html.count('<option value="research">') == 1
    assert '<details id="new">' in html
    assert '<details id="new" open>' in await page(site, "/channels/dev?new")


async def test_the_form_takes_options_of_the_table_and_nothing_else(site: Site) -> None:
    job = {"type": "research", "prompt": "how?", "delivery": "d-0000001"}
    async with site.visitor() as visitor:
        async with visitor.post("/channels/dev/jobs", json=job | {"at": "18:00", "in": ""}) as answer:
            assert (await answer.json())["ok"] is True
        async with visitor.post("/channels/dev/jobs", json=job | {"target": "3fa9c1"}) as answer:
            assert answer.status == 422
        site.door.wrong["research"] = "at"
        async with visitor.post("/channels/dev/jobs", json=job | {"own_zone": "Asia/Kolkata"}) as answer:
            fields = await answer.json()
    assert (fields["field"], fields["sentence"]) == ("at", "<p>That is <code>wrong</code>.</p>\n")
    first, second = site.door.asks
    assert (first.verb, first.args) == ("research", {"prompt": "how?", "at": "18:00"})
    assert first.delivery == "web:d-0000001"
    assert second.zone is not None and await second.zone() == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("typed", "heard"),
    [
        ("/job research x", "research x"),
        ("research x", "research x"),
        ("  /job   research x\r\ny", "  research x\ny"),
        ("/job", ""),
        ("/jobs x", "/jobs x"),
        ("research /job x", "research /job x"),
    ],
)
async def test_a_command_reaches_the_desk_as_it_was_typed(site: Site, typed: str, heard: str) -> None:
    body = {"text": typed, "delivery": "d-0000001"}
    async with site.visitor() as visitor, visitor.post(COMMAND, json=body) as answer:
        assert answer.status == 200
    (invocation,) = site.door.commands
    assert invocation.text.strip() == heard.strip()
    assert invocation.delivery == "web:d-0000001"
    assert invocation.origin.actor.key == "web::owner"
    assert (invocation.origin.channel, invocation.origin.thread) == ("dev", None)


async def test_the_answer_is_markdown_shown_to_the_asker(site: Site) -> None:
    async with site.visitor() as visitor:
        body = {"text": "research x", "delivery": "d-0000001"}
        async with visitor.post(COMMAND, json=body) as answer:
            fields = await answer.json()
        assert fields["ok"] is True
        assert "<strong>research</strong>" in fields["html"]
        async with visitor.post(COMMAND, json=body | {"text": "serch"}) as answer:
            fields = await answer.json()
        assert fields["ok"] is False
        assert "Did you mean <code>research</code>?" in fields["html"]
    assert "Pending" not in await page(site)


async def test_without_a_script_the_form_leads_back_to_the_answer_once(site: Site) -> None:
    async with site.visitor() as visitor:
        async with visitor.get("/channels/dev") as answer:
            found = re.search(r'name="delivery" value="([^"]+)"', await answer.text())
        assert found
        form = {"text": "/job research x", "delivery": found[1]}
        async with visitor.post(COMMAND, data=form) as answer:
            assert answer.status == 200
            assert "Queued as <code>3fa9c1</code>" in await answer.text()
            address = answer.url
        async with visitor.get(address) as answer:
            assert "Pending" not in await answer.text()
    assert site.door.commands[0].delivery == f"web:{found[1]}"


async def test_a_button_asks_the_desk_in_its_own_thread(site: Site) -> None:
    head = await busy_morning(site.platform)
    replies = await site.storage.messages.replies(head)
    for message in (head, replies[0].id):
        body = {"verb": "cancel", "target": "e7704f12", "delivery": "d-0000001", "message": message}
        async with site.visitor() as visitor, visitor.post("/asks", json=body) as answer:
            assert (await answer.json())["ok"] is True
    for ask in site.door.asks:
        assert (ask.verb, ask.target, ask.delivery) == ("cancel", "e7704f12", "web:d-0000001")
        assert (ask.origin.channel, ask.origin.thread) == ("dev", head)


async def test_a_button_works_without_a_script(site: Site) -> None:
    await busy_morning(site.platform)
    html = await page(site)
    form = re.search(r'<form class="ask".*?</form>', html, re.DOTALL)
    assert form
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    async with site.visitor() as visitor, visitor.post("/asks", data=fields) as answer:
        assert "it is." in await answer.text()
    assert site.door.asks[0].verb == fields["verb"]


async def test_a_reply_goes_to_the_job_of_its_thread_also_without_a_script(site: Site) -> None:
    await busy_morning(site.platform)
    forms = re.findall(
        r'<form class="box" method="post" action="/replies"[^>]*>.*?</form>', await page(site), re.DOTALL
    )
    (form,) = [each for each in forms if "e7704f" in each]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert len(set(re.findall(r'name="delivery" value="([^"]*)"', "".join(forms)))) == len(forms)
    said = fields | {"text": "and now\r\nthe tests"}
    async with site.visitor() as visitor, visitor.post("/replies", data=said) as answer:
        assert answer.status == 200
    (ask,) = site.door.asks
    assert (ask.verb, ask.args, ask.overheard) == (REPLY, {"prompt": "and now\nthe tests"}, False)
    assert (ask.origin.channel, ask.origin.thread) == ("dev", fields["message"])
    assert ask.delivery == f"web:{fields['delivery']}"


@pytest.mark.parametrize("name", ["Dev", "a%2fb", "..", "x" * 41, "%00", "-x"])
async def test_a_channel_has_a_plain_name(site: Site, name: str) -> None:
    address = URL(f"{site.server.url}/channels/{name}", encoded=True)
    async with site.visitor() as visitor, visitor.get(address) as answer:
        assert answer.status in (400, 404)


async def test_a_program_commands_and_reads_the_job_id(site: Site) -> None:
    async with site.visitor(bearer=TOKEN) as program:
        body = {"text": "/job research x", "channel": "ops", "delivery": "release-42"}
        async with program.post("/api/commands", json=body) as answer:
            assert set(await answer.json()) == {"ok", "text", "job_id"}
        for _ in range(2):
            async with program.post("/api/commands", json={"text": "list"}) as answer:
                assert answer.status == 200
    first, second, third = site.door.commands
    assert (first.delivery, first.origin.channel) == ("token:master:release-42", "ops")
    assert second.delivery != third.delivery


@pytest.mark.parametrize(
    ("title", "tone", "state", "rest"),
    [
        ("research 3fa9c1 · done", Tone.GOOD, "Done", "research 3fa9c1"),
        (
            "session 3fa9c1 · rate limited",
            Tone.WAITING,
            "Rate limited",
            "session 3fa9c1",
        ),
        ("Set up", Tone.RUNNING, "Running", "Set up"),
        ("", Tone.BAD, "Failed", ""),
    ],
)
async def test_no_state_is_said_by_colour_alone(
    site: Site, title: str, tone: Tone, state: str, rest: str
) -> None:
    await site.platform.post(DEV, Announcement(shape=Shape.CARD, tone=tone, title=title), "x")
    html = await page(site)
    assert f"</svg>\n{state}</span>" in html
    assert f'class="title">{rest}</h2>' in html
