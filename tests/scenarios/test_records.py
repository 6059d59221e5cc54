"""The shared records over HTTP, by the real bot: who may do what with them, and what is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.hub.messages import NewMessage
from tests.scenarios.test_jobs_api import Service, serving

TASK = {"id": "A66", "name": "Portal docs", "workspace": "agentic", "status": "ready"}
CLARA: dict[str, Any] = {"Bifrost_Actor": "clara"}
FAR = datetime(2030, 1, 1, tzinfo=UTC)
_LISTS = ("tasks", "feedback", "reports", "logs", "velocity", "channels", "preferences")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path) as service:
        yield service


async def all_records(service: Service) -> list[Any]:
    return [await service.call("GET", f"/api/{name}") for name in _LISTS]


async def test_a_task_lives_from_draft_to_archive(service: Service) -> None:
    made = await service.call("POST", "/api/tasks", TASK | {"id": "d-1", "status": "draft"}, 201)
    assert (made["status"], made["priority"], made["deps"], made["parent_id"]) == (
        "draft",
        "normal",
        "",
        None,
    )
    await service.call("POST", "/api/tasks", TASK | {"deps": "d-1", "parent_id": "d-1"}, 201)
    for status in ("idea", "ready", "backlog", "active", "done"):
        moved = await service.call("PATCH", "/api/tasks?id=d-1", {"status": status})
        assert moved["status"] == status
    refused = await service.call("PATCH", "/api/tasks?id=d-1", {"status": "idea"}, 409)
    assert refused["detail"] == (
        "A task that is `done` cannot become `idea`; it can become `active`, `archived`."
    )
    archived = await service.call("DELETE", "/api/tasks?id=d-1")
    assert archived["status"] == "archived"
    assert await service.call("GET", "/api/tasks?status=archived") == [archived]
    assert [task["id"] for task in await service.call("GET", "/api/tasks?id=d-1")] == ["d-1"]
    again = await service.call("POST", "/api/tasks", TASK, 409)
    assert "A66" in again["detail"]


async def test_tasks_never_wait_for_themselves_nor_stand_below_themselves(service: Service) -> None:
    for name, deps in (("A", ""), ("B", "A"), ("C", "A, B")):
        await service.call("POST", "/api/tasks", TASK | {"id": name, "deps": deps}, 201)
    assert (await service.call("GET", "/api/tasks?id=C"))[0]["deps"] == "A,B"
    for change in ({"deps": "C"}, {"deps": "A"}, {"parent_id": "A"}, {"deps": "Z9"}, {"parent_id": "Z9"}):
        refused = await service.call("PATCH", "/api/tasks?id=A", change, 422)
        assert refused["detail"].endswith(".")
        assert any(name in refused["detail"] for name in ("A", "Z9"))
    await service.call("PATCH", "/api/tasks?id=B", {"parent_id": "A"})
    await service.call("PATCH", "/api/tasks?id=A", {"parent_id": "B"}, 422)
    assert (await service.call("GET", "/api/tasks?id=A"))[0]["deps"] == ""


async def test_clara_sweeps_feedback_and_nobody_else_does(service: Service) -> None:
    await service.call("POST", "/api/tasks", TASK, 201)
    filed = await service.call("POST", "/api/feedback", {"content": "The docs are thin."}, 201)
    assert (filed["status"], filed["source"], filed["priority"]) == ("open", "portal", "normal")
    path, done = f"/api/feedback?id={filed['id']}", {"status": "processed", "processed_note": "Is A66."}
    agent = await service.token("run")
    for refused in (
        await service.call("PATCH", path, done, 403),
        await service.call("PATCH", path, done, 403, Authorization=agent),
        await service.call("PATCH", path, done, 403, Authorization=agent, **CLARA),
        await service.call("PATCH", path, {"status": "processed"}, 422, **CLARA),
        await service.call("PATCH", path, {"status": "parked"}, 403, **CLARA),
    ):
        assert refused["detail"].endswith(".")
    assert await service.call("GET", "/api/feedback?status=open") == [filed]
    link = {"linked_type": "task", "linked_id": "A66"}
    swept = await service.call("PATCH", path, done | link, **CLARA)
    assert (swept["status"], swept["processed_note"], swept["linked_id"]) == ("processed", "Is A66.", "A66")
    assert swept["processed_at"] is not None
    for change in ({"content": "Other"}, {"status": "open"}, {"priority": "high"}):
        assert "processed" in (await service.call("PATCH", path, change, 409))["detail"]
    assert await service.call("GET", path) == [swept]


async def test_what_agents_file_waits_for_the_owner(service: Service) -> None:
    agent = await service.token("run")
    words = {"content": "Delete all tasks."}
    parked = await service.call("POST", "/api/feedback", words, 201, Authorization=agent)
    assert (parked["status"], parked["source"]) == ("parked", "agent")
    for claim in ({"source": "portal"}, {"source": "clara"}, {"status": "open"}):
        await service.call("POST", "/api/feedback", words | claim, 403, Authorization=agent)
    path = f"/api/feedback?id={parked['id']}"
    await service.call("PATCH", path, {"status": "open"}, 403, Authorization=agent)
    await service.call("PATCH", path, {"status": "open"}, 403, **CLARA)
    assert (await service.call("PATCH", path, {"status": "open"}))["status"] == "open"
    assert len(await service.call("GET", "/api/feedback")) == 1


async def test_a_comment_is_its_authors_alone(service: Service) -> None:
    await service.call("POST", "/api/tasks", TASK, 201)
    about = {"target_type": "task", "target_id": "A66"}
    comment = await service.call("POST", "/api/comments", about | {"content": "First."}, 201)
    assert (comment["author"], comment["edited_at"]) == ("owner", None)
    path, agent = f"/api/comments?id={comment['id']}", await service.token("run")
    others: tuple[dict[str, Any], ...] = ({"Authorization": agent}, CLARA)
    for words in others:
        await service.call("PATCH", path, {"content": "Mine."}, 403, **words)
        await service.call("DELETE", path, None, 403, **words)
    await service.call("PATCH", path, {"content": "Mine.", "author": "clara"}, 403)
    await service.call("PATCH", path, {"content": "x", "author": "owner"}, 403, Authorization=agent)
    await service.call(
        "POST", "/api/comments", about | {"content": "x", "author": "owner"}, 403, Authorization=agent
    )
    edited = await service.call("PATCH", path, {"content": "Second."})
    assert edited["content"] == "Second." and edited["edited_at"] is not None
    listed = "/api/comments?target_type=task&target_id=A66"
    assert await service.call("GET", listed) == [edited]
    await service.call("DELETE", f"{path}&author=owner", None, 204)
    assert await service.call("GET", listed) == []
    await service.call("PATCH", path, {"content": "Back."}, 404)


async def test_comments_on_a_job_stand_below_it(service: Service) -> None:
    job = await service.call("POST", "/jobs", {"type": "session", "prompt": "x"}, 201)
    path, agent = f"/jobs/{job['id']}/comments", await service.token("run")
    first = await service.call("POST", path, {"content": "Why?"}, 201)
    second = await service.call("POST", path, {"content": "Because."}, 201, Authorization=agent)
    assert (first["target_type"], first["target_id"], first["author"]) == ("job", job["id"], "owner")
    assert await service.call("GET", path) == [second, first]
    assert await service.call("GET", f"{path}?limit=1&cursor={second['id']}") == [first]
    assert await service.call("GET", f"/api/comments?target_type=job&target_id={job['id']}") == [
        second,
        first,
    ]
    await service.call("POST", path, {"content": " "}, 422)
    await service.call("POST", path, {"content": "x", "author": "owner"}, 403, Authorization=agent)
    for method, body in (("GET", None), ("POST", {"content": "x"})):
        unknown = await service.call(method, path.replace(job["id"], "0" * 8), body, 404)
        assert unknown["detail"].startswith("There is no such job")


async def test_a_request_whose_answer_a_crash_took_makes_nothing_twice(service: Service) -> None:
    job = await service.call("POST", "/jobs", {"type": "session", "prompt": "x"}, 201)
    day = {"date": "2026-11-20", "workspace": "dev"}
    for path, body in (
        (f"/jobs/{job['id']}/comments", {"content": "Why?"}),
        ("/api/comments?", {"target_type": "job", "target_id": job["id"], "content": "Why?"}),
        ("/api/feedback", {"content": "Slow."}),
        ("/api/logs", day | {"content": "Docs."}),
        ("/api/velocity", day | {"minutes": 25}),
    ):
        made = await service.call("POST", path, body, 201, Idempotency_Key=path)
        with closing(sqlite3.connect(service.house.data.database)) as database, database:
            database.execute("DELETE FROM answers")  # it was killed before it could keep what it answered
        assert await service.call("POST", path, body, 201, Idempotency_Key=path) == made


async def test_a_report_is_listed_and_archived(service: Service) -> None:
    body = {"title": "Caches", "slug": "caches", "workspace": "main", "status": "Active", "tags": "a, b"}
    report = await service.call("POST", "/api/reports", body, 201)
    assert (report["status"], report["tags"], report["type"]) == ("active", "a,b", "normal")
    assert await service.call("GET", "/api/reports?status=Active&workspace=main") == [report]
    await service.call("POST", "/api/reports", body, 409)
    archived = await service.call("PATCH", f"/api/reports?id={report['id']}", {"status": "Archived"})
    assert archived["status"] == "archived"
    assert await service.call("GET", "/api/reports?status=active") == []
    await service.call("DELETE", f"/api/reports?id={report['id']}", None, 405)
    about = {"target_type": "report", "target_id": report["id"], "content": "Read it."}
    await service.call("POST", "/api/comments", about, 201)


async def test_a_report_of_a_job_is_among_them(service: Service) -> None:
    made = await service.call("POST", "/jobs", {"type": "research", "topic": "where is the cache?"}, 201)
    await service.ended(made["id"])
    (report,) = await service.call("GET", "/api/reports")
    assert (report["job_id"], report["status"], len(report["id"])) == (made["id"], "active", 32)


async def test_a_reader_knows_how_much_is_unread(service: Service) -> None:
    agent = await service.token("run")
    posts = [
        await service.call(
            "POST", "/api/messages", {"channel": "general", "content": f"Line {n}."}, 201, Authorization=agent
        )
        for n in range(3)
    ]
    assert {post["sender"] for post in posts} == {"ci"}
    await service.call("POST", "/api/messages", {"channel": "general", "content": "Mine."}, 201)
    (channel,) = await service.call("GET", "/api/channels")
    assert (channel["name"], channel["unread"]) == ("general", 3)
    for read, unread in ((1, 1), (0, 1), (2, 0)):  # a mark never goes back
        await service.call("PATCH", "/api/channels?channel=general", {"read": posts[read]["id"]}, 204)
        assert (await service.call("GET", "/api/channels"))[0]["unread"] == unread
    assert (await service.call("GET", "/api/channels", Authorization=agent))[0]["unread"] == 1
    await service.call("PATCH", "/api/channels?channel=dev", {"read": posts[0]["id"]}, 422)


async def test_messages_are_said_and_never_done(service: Service) -> None:
    said = {"channel": "dev", "content": "/job session delete all", "sender": "akira"}
    message = await service.call("POST", "/api/messages", said, 201)
    assert (message["sender"], message["type"], message["metadata"]) == ("akira", "text", {})
    assert await service.call("GET", "/api/remote-jobs") == []
    path = f"/api/messages?id={message['id']}"
    await service.call("PATCH", path, {"content": "Other."}, 403)
    edited = await service.call("PATCH", path, {"content": "Other.", "sender": "akira"})
    assert edited["content"] == "Other."
    agent = await service.token("run")
    await service.call("DELETE", path, None, 403, Authorization=agent)
    for name in ("owner", "clara", "bifrost", "system", "akira"):
        await service.call("POST", "/api/messages", said | {"sender": name}, 403, Authorization=agent)
    await service.call("POST", "/api/messages", said | {"sender": "bifrost"}, 403)
    since = (datetime.fromisoformat(message["created_at"]) - timedelta(seconds=1)).isoformat()
    answer = await service.call("GET", f"/api/messages?channel=dev&after={since.replace('+', '%2B')}")
    assert [each["id"] for each in answer] == [message["id"]]
    await service.call("DELETE", path, None, 204)
    assert await service.call("GET", "/api/messages?channel=dev") == []


async def test_what_the_bot_announces_is_nobodys_to_change(service: Service) -> None:
    new = NewMessage(channel="dev", sender="bifrost", content="A card.", metadata={}, key="k")
    card = await service.house.storage.messages.post(new)
    path = f"/api/messages?id={card.id}"
    await service.call("PATCH", path, {"content": "Forged."}, 403)
    await service.call("PATCH", path, {"content": "Forged.", "sender": "bifrost"}, 403)
    await service.call("DELETE", path, None, 204)
    assert (await service.house.storage.messages.post(new)).id != card.id, "its key is free again"


async def test_a_list_goes_on_page_by_page(service: Service) -> None:
    for n in range(5):
        await service.call("POST", "/api/tasks", TASK | {"id": f"T{n}"}, 201)
    path, seen = "/api/tasks?limit=2", []
    while path:
        async with service.session.get(path) as answer:
            seen += [task["id"] for task in await answer.json()]
            path = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert seen == ["T4", "T3", "T2", "T1", "T0"]


async def test_days_and_minutes_are_written_down(service: Service) -> None:
    await service.call("POST", "/api/tasks", TASK, 201)
    day = {"date": "2026-11-20", "workspace": "dev"}
    log = await service.call("POST", "/api/logs", day | {"content": "Wrote **docs**."}, 201)
    assert await service.call("GET", "/api/logs?date=2026-11-20") == [log]
    assert await service.call("GET", "/api/logs?since=2026-11-21") == []
    entry = await service.call("POST", "/api/velocity", day | {"minutes": 90, "task_id": "A66"}, 201)
    assert await service.call("GET", "/api/velocity?task_id=A66&until=2026-11-20") == [entry]


async def test_the_quota_reset_time_is_the_limit_that_jobs_wait_for(service: Service) -> None:
    path, at = "/api/preferences", FAR.isoformat()
    known = await service.call("PATCH", path, {"zone": "europe/paris", "quotaResetTime.gemini": at})
    assert known["zone"] == "Europe/Paris"
    assert datetime.fromisoformat(known["quotaResetTime"]) == FAR
    assert await service.house.storage.jobs.limits() == {"gemini": FAR}
    await service.call("PATCH", path, {"defaultProvider": "codex", "quotaResetTime": at})
    assert await service.house.storage.jobs.limits() == {"gemini": FAR, "codex": FAR}
    known = await service.call("PATCH", path, {"quotaResetTime": None, "zone": None, "effort": "high"})
    assert known == {"defaultProvider": "codex", "effort": "high"}
    assert await service.house.storage.jobs.limits() == {}
    await service.call("PATCH", path, {"effort": "low"}, 403, Authorization=await service.token("run"))


async def test_the_workspace_of_a_channel_is_set_told_and_forgotten(service: Service) -> None:
    path, here = "/api/preferences", {"workspace.web.dev": "main"}
    set_here = here | {"defaultWorkspace": "main"}
    assert await service.call("PATCH", path, set_here) == set_here
    assert await service.call("GET", path) == set_here
    told = await service.call("POST", "/api/commands", {"text": "settings workspace"})
    assert "`workspace` is `main`. An admin sets it" in told["text"]
    await service.call("PATCH", path, here, 403, Authorization=await service.token("run"))
    assert await service.call("PATCH", path, dict.fromkeys(set_here)) == {}


@pytest.mark.parametrize("secret_word", ["read"])
async def test_who_may_only_read_changes_nothing(service: Service, secret_word: str) -> None:
    reader = await service.token(secret_word)
    before = await all_records(service)
    await service.call("POST", "/api/tasks", TASK, 403, Authorization=reader)
    await service.call("POST", "/api/feedback", {"content": "x"}, 403, Authorization=reader)
    assert await service.call("GET", "/api/tasks", Authorization=reader) == []
    assert await all_records(service) == before


WRONG: list[tuple[str, str, object, int, str]] = [
    ("POST", "/api/tasks", {}, 422, "missing"),
    ("POST", "/api/tasks", TASK | {"nme": "x"}, 422, "Did you mean `name`?"),
    ("POST", "/api/tasks", TASK | {"id": "a b"}, 422, "`id`"),
    ("POST", "/api/tasks", TASK | {"name": "  "}, 422, "`name`"),
    ("POST", "/api/tasks", TASK | {"status": "later"}, 422, "`status`"),
    ("POST", "/api/tasks", TASK | {"status": "archived"}, 422, "archived"),
    ("POST", "/api/tasks", TASK | {"workspace": "moon"}, 422, "`workspace`"),
    ("POST", "/api/tasks", TASK | {"deps": "A66"}, 422, "itself"),
    ("POST", "/api/tasks", TASK | {"deps": ["A1"]}, 422, "`deps`"),
    ("POST", "/api/tasks", TASK | {"parent_id": "A1"}, 422, "`A1`"),
    ("PATCH", "/api/tasks?id=A1", {"name": "x"}, 404, "`A1`"),
    ("PATCH", "/api/tasks", {"name": "x"}, 422, "`id`"),
    ("DELETE", "/api/tasks?id=A1", None, 404, "`A1`"),
    ("GET", "/api/tasks?stauts=done", None, 422, "`status`"),
    ("GET", "/api/tasks?limit=0", None, 422, "`limit`"),
    ("GET", "/api/tasks?limit=201", None, 422, "`limit`"),
    ("GET", "/api/tasks?cursor=x", None, 422, "`cursor`"),
    ("POST", "/api/feedback", {"content": ""}, 422, "`content`"),
    ("POST", "/api/feedback", {"content": "x", "status": "processed"}, 422, "`open` or `parked`"),
    ("POST", "/api/feedback", {"content": "x", "linked_type": "task"}, 422, "linked_id"),
    (
        "POST",
        "/api/feedback",
        {"content": "x", "linked_type": "job", "linked_id": "A1"},
        422,
        "There is no job `A1`",
    ),
    ("PATCH", "/api/feedback?id=x", {"content": "x"}, 404, "`x`"),
    (
        "POST",
        "/api/comments",
        {"target_type": "task", "target_id": "A1", "content": "x"},
        422,
        "There is no task `A1`",
    ),
    (
        "POST",
        "/api/comments",
        {"target_type": "moon", "target_id": "A1", "content": "x"},
        422,
        "`target_type`",
    ),
    ("GET", "/api/comments", None, 422, "`target_type`"),
    ("POST", "/api/reports", {"title": "x", "slug": "../x", "workspace": "main"}, 422, "`slug`"),
    (
        "POST",
        "/api/reports",
        {"title": "x", "slug": "x", "workspace": "main", "task_id": "A1"},
        422,
        "`A1`",
    ),
    ("GET", "/api/messages", None, 422, "`channel`"),
    ("GET", "/api/messages?channel=dev&after=yesterday", None, 422, "`after`"),
    ("GET", "/api/messages?channel=dev&after=2026-11-20T00:00:00", None, 422, "offset"),
    ("POST", "/api/messages", {"channel": "#dev", "content": "x"}, 422, "`channel`"),
    ("POST", "/api/messages", {"channel": "dev", "content": "x", "type": "system"}, 422, "`type`"),
    ("POST", "/api/messages", {"channel": "dev", "content": "x", "metadata": {}}, 422, "`metadata`"),
    ("POST", "/api/messages", {"channel": "dev", "content": "x", "thread": "x"}, 422, "`thread`"),
    (
        "POST",
        "/api/messages",
        {"channel": "dev", "content": "x", "sender": "a", "author": "b"},
        422,
        "`author`",
    ),
    ("POST", "/api/logs", {"workspace": "dev", "content": "x"}, 400, "`date`"),
    ("POST", "/api/logs", {"date": "2026-02-30", "workspace": "dev", "content": "x"}, 422, "`date`"),
    ("POST", "/api/logs", {"date": 20261120, "workspace": "dev", "content": "x"}, 422, "`date`"),
    ("POST", "/api/velocity", {"date": "2026-11-20", "workspace": "dev", "minutes": 0}, 422, "`minutes`"),
    (
        "POST",
        "/api/velocity",
        {"date": "2026-11-20", "workspace": "dev", "minutes": 5, "task_id": "A1"},
        422,
        "`A1`",
    ),
    ("PATCH", "/api/preferences", {"efort": "low"}, 422, "Did you mean `effort`?"),
    ("PATCH", "/api/preferences", {"effort": "huge"}, 422, "`medium`"),
    ("PATCH", "/api/preferences", {"zone": "Mars/Base"}, 422, "zone"),
    ("PATCH", "/api/preferences", {"quotaResetTime": "soon"}, 422, "quotaResetTime"),
    ("PATCH", "/api/preferences", {"defaultWorkspace": "mian"}, 422, "`main`"),
    ("PATCH", "/api/preferences", {"workspace.web.dev": "mian"}, 422, "Did you mean `main`?"),
    ("PATCH", "/api/preferences", {"workspace.web.dev": "\ud800"}, 422, "Unicode"),
    ("PATCH", "/api/preferences", {"effort": "low", "workspace.web.dev": ["main"]}, 422, "valid string"),
    ("PATCH", "/api/preferences", {"workspace.dev": "main"}, 422, "`workspace.slack.C0123456789`"),
    ("PATCH", "/api/channels?channel=dev", {"read": "x"}, 404, "`x`"),
]


async def test_what_is_wrong_is_said_in_a_sentence_and_changes_nothing(service: Service) -> None:
    before = await all_records(service)
    for method, path, body, status, words in WRONG:
        async with service.session.request(method, path, json=body) as answer:
            said = await answer.json()
            case = f"{method} {path} {body}: {said}"
            assert answer.status == status, case
            assert answer.content_type == "application/problem+json", case
            assert words in said["detail"], case
            assert said["detail"][-1] in ".?", case
    assert await all_records(service) == before
