"""The pages of shared records by the real bot, as forms without a script send them: stories and refusals."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from storage.hub.authors import CLARA
from storage.hub.comments import NewComment
from storage.hub.feedback import Target
from tests.scenarios.test_jobs_api import Service, serving

TASK = {"name": "Docs", "workspace": "dev", "id": "A66", "status": "ready"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is logged in to the page."""

    service: Service
    session: aiohttp.ClientSession

    async def see(self, path: str, status: int = 200) -> str:
        async with self.session.get(path, headers={"Accept": "text/html"}) as answer:
            assert answer.status == status, await answer.text()
            return await answer.text()

    async def send(self, path: str, fields: Mapping[str, str], expected: int = 200) -> str:
        """What the page says that follows."""
        body = {"delivery": str(uuid.uuid4()), **fields}
        headers = {"Accept": "text/html"}
        async with self.session.post(path, data=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == expected, text
            assert expected != 200 or answer.history[0].status == 303
            return text


@pytest.fixture
async def ann(tmp_path: Path) -> AsyncIterator[Person]:
    async with serving(tmp_path) as service:
        url, jar = service.bifrost.server.url, aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(url, cookie_jar=jar, headers={"Origin": url}) as session:
            async with session.get(service.bifrost.server.login_link()) as answer:
                assert answer.status == 200
            yield Person(service=service, session=session)


async def test_a_thought_becomes_a_task_a_job_a_report_and_is_put_away(ann: Person) -> None:
    said = await ann.send("/inbox", {"mode": "draft", "text": "Where is the cache?\n\nNobody knows."})
    (task_id,) = set(re.findall(r"<code>(d-[0-9a-f]{8})</code> is made", said))
    assert task_id in await ann.see("/inbox?tab=drafts")
    here = f"/tasks/{task_id}"
    assert "is ready now" in await ann.send(f"{here}/status", {"status": "ready", "back": here})
    assert task_id in await ann.see("/tasks?status=ready&workspace=dev")
    assert "Queued" in await ann.send(f"{here}/jobs", {"type": "research", "prompt": "where is the cache?"})
    (job,) = await ann.service.call("GET", f"/api/remote-jobs?task_id={task_id}")
    ended = await ann.service.ended(job["id"])
    assert ended.report_slug
    page = await ann.see(here)
    assert f"/jobs/{job['id']}" in page and f"/read/{ended.report_slug}" in page
    assert f"/read/{ended.report_slug}" in await ann.see("/reports")
    reader = await ann.see(f"/read/{ended.report_slug}")
    assert "Written by job" in reader and ended.short_id in reader and "for owner" in reader
    read = {"target_type": "job", "target_id": job["id"], "back": f"/jobs/{job['id']}"}
    assert "So <em>there</em> it is." in await ann.send("/comments", read | {"content": "So *there* it is."})
    filed = await ann.send("/feedback", read | {"content": "Name the line."})
    assert "Name the line." in filed and "Open" in filed
    assert "Name the line." in await ann.see("/inbox")
    await ann.send(f"/read/{ended.report_slug}/status", {"status": "archived", "back": "/reports"})
    assert ended.report_slug not in await ann.see("/reports")
    assert ended.report_slug in await ann.see("/reports?status=Archived")
    await ann.send(f"{here}/status", {"status": "done", "back": here})
    await ann.send(f"{here}/status", {"status": "archived", "back": here})
    assert task_id not in await ann.see("/inbox?tab=tasks")


async def test_what_is_sent_twice_is_done_once_and_other_words_are_another_thing(ann: Person) -> None:
    again = {"delivery": "twice-twice-twice", "mode": "note"}
    for _ in range(2):
        assert "Noted" in await ann.send("/inbox", again | {"text": "The font is small."})
    assert len(await ann.service.call("GET", "/api/feedback")) == 1
    await ann.send("/inbox", again | {"text": "The font is still small."})
    assert len(await ann.service.call("GET", "/api/feedback")) == 2


async def test_what_cannot_be_is_refused_in_words_and_changes_nothing(ann: Person) -> None:
    await ann.send("/tasks", TASK)
    before = await ann.service.call("GET", "/api/tasks")
    here = {"back": "/tasks/A66"}
    fields = {"name": "Docs", "workspace": "dev", "priority": "normal", **here}
    for path, body, sentence in (
        ("/tasks", TASK, "There is a task <code>A66</code> already"),
        ("/tasks/A66", fields | {"deps": "A66"}, "A task cannot name itself"),
        ("/tasks/A66", fields | {"deps": "Z9"}, "There is no task <code>Z9</code>"),
        ("/tasks/A66", fields | {"parent_id": "A66"}, "A task cannot name itself"),
        ("/tasks/A66/status", {"status": "draft", **here}, "cannot become <code>draft</code>"),
        ("/tasks/A66/jobs", {"type": "research", "prompt": " "}, "The prompt is empty"),
        ("/inbox", {"mode": "comment", "text": "x"}, "Say what the comment is about"),
        ("/inbox", {"mode": "comment", "text": "x", "target_id": "Z9"}, "There is no task <code>Z9</code>"),
        ("/comments", {"content": "x", "target_type": "report", "target_id": "no"}, "There is no report"),
        ("/comments/nothing", {"content": "x"}, "There is no comment"),
        ("/feedback/nothing/status", {"status": "parked"}, "There is no feedback"),
    ):
        assert sentence in await ann.send(path, body), path
    for path, body in (
        ("/tasks", TASK | {"name": " "}),
        ("/tasks", TASK | {"workspace": "mars"}),
        ("/inbox", {"mode": "nonsense", "text": "x"}),
        ("/inbox", {"mode": "note", "text": ""}),
        ("/inbox", {"mode": "note", "text": "x", "back": "//elsewhere.example"}),
        ("/comments", {"content": "x" * 100_001, "target_type": "task", "target_id": "A66"}),
    ):
        await ann.send(path, body, 422)
    for path in ("/tasks/Z9", "/read/nothing", "/tasks?before=Z9"):
        assert "There is no such" in await ann.see(path, 404) or "cursor" in await ann.see(path, 404)
    assert await ann.service.call("GET", "/api/tasks") == before
    assert await ann.service.call("GET", "/api/feedback") == []
    assert await ann.service.call("GET", "/api/comments?target_type=task&target_id=A66") == []


async def test_other_peoples_comments_and_processed_feedback_stay_as_they_are(ann: Person) -> None:
    await ann.send("/tasks", TASK)
    comments = ann.service.house.storage.comments
    said = await comments.add(NewComment(target_type=Target.TASK, target_id="A66", content="Mine."), CLARA)
    here = {"back": "/tasks/A66"}
    assert "alone may change" in await ann.send(f"/comments/{said.id}", here | {"content": "Yours."})
    assert "alone may change" in await ann.send(f"/comments/{said.id}/delete", here)
    page = await ann.see("/tasks/A66")
    assert "Mine." in page and f"/comments/{said.id}" not in page
    await ann.send("/inbox", {"mode": "note", "text": "The docs are thin."})
    (note,) = await ann.service.call("GET", "/api/feedback")
    move = f"/feedback/{note['id']}/status"
    assert "Only Clara may" in await ann.send(move, {"status": "processed"})
    swept = {"status": "processed", "processed_note": "Is A66."}
    await ann.service.call("PATCH", f"/api/feedback?id={note['id']}", swept, Bifrost_Actor="clara")
    assert "does not change any more" in await ann.send(move, {"status": "parked"})
    done = await ann.see("/inbox?tab=processed")
    assert "Is A66." in done and move not in done


async def test_nobody_else_sees_any_of_it(ann: Person) -> None:
    await ann.send("/tasks", TASK)
    async with aiohttp.ClientSession(ann.service.bifrost.server.url) as stranger:
        for path in ("/inbox", "/tasks", "/tasks/A66", "/reports", "/read/x"):
            async with stranger.get(path) as answer:
                assert answer.status == 401
        async with stranger.post("/inbox", data={"mode": "note", "text": "x"}) as answer:
            assert answer.status == 401
    evil = {"Origin": "https://elsewhere.example"}
    async with ann.session.post("/inbox", data={"mode": "note", "text": "x"}, headers=evil) as answer:
        assert answer.status == 403
    assert await ann.service.call("GET", "/api/feedback") == []
