"""Jobs over HTTP, by the real bot: what programs ask for, see, stop and go on with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bot.app import Bifrost
from bot.configuration import load
from bot.house import House
from executor.model import Job
from executor.wakeups import job_topic
from tests.fsck import check
from tests.stage import running

Asked = dict[str, Any]
SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running bot and a program that calls it."""

    house: House
    bifrost: Bifrost
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, body: object = None, status: int = 200, **headers: str
    ) -> Any:
        """What is answered, which must be of this status."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, path, json=body, headers=names) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return json.loads(text) if "json" in answer.content_type else text

    async def token(self, scope: str, **wishes: object) -> str:
        made = await self.call("POST", "/api/tokens", {"name": "ci", "scope": scope, **wishes}, 201)
        return f"Bearer {made['token']}"

    async def until(self, job_id: str, condition: Callable[[Job], bool]) -> Job:
        async with asyncio.timeout(SECONDS):
            with self.house.wakeups.listen(job_topic(job_id)) as bell:
                while True:
                    job = await self.house.storage.jobs.job(job_id)
                    assert job is not None
                    if condition(job):
                        return job
                    await bell.wait(1)

    async def ended(self, job_id: str) -> Job:
        return await self.until(job_id, lambda job: job.status.final)


@asynccontextmanager
async def serving(place: Path, step_seconds: float = 0) -> AsyncIterator[Service]:
    """A bot whose one agent is rehearsal, and the bearer of its own token."""
    (place / "workspace").mkdir(exist_ok=True)
    (place / "workspace" / "cache.py").write_text("CACHE = {}\n")
    config = place / "bifrost.toml"
    config.write_text(
        f"""
        data_dir = "{place / "data"}"
        drain_seconds = 0
        grace_seconds = 1
        workspaces = {{ main = "{place / "workspace"}" }}
        web = {{ port = 0 }}
        [agents]
        providers = ["rehearsal"]
        rehearsal = {{ step_seconds = {step_seconds} }}
        """
    )
    settings = load(config, {})
    async with running(settings) as (house, bifrost):
        headers = {"Authorization": f"Bearer {house.data.api_token()}"}
        async with aiohttp.ClientSession(bifrost.server.url, headers=headers) as session:
            yield Service(house=house, bifrost=bifrost, session=session)
    check(settings.data_dir / "bifrost.db")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path) as service:
        yield service


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path, step_seconds=30) as service:
        yield service


async def test_a_program_asks_for_research_and_reads_how_it_went(service: Service) -> None:
    body = {"type": "research", "topic": "where is the cache?", "task_id": "A82"}
    made = await service.call("POST", "/api/remote-jobs", body, 201)
    assert (made["type"], made["task_id"], made["source"]) == ("research", "A82", "web")
    assert made["payload"] == {"prompt": "where is the cache?", "depth": "standard"}
    await service.ended(made["id"])
    job = await service.call("GET", f"/jobs/{made['id']}")
    assert (job["status"], job["error_reason"]) == ("done", None)
    assert job["cost_usd"] == 0
    assert job["turns"] > 0
    assert job["output"]
    assert "[" not in job["output"][:1]
    (listed,) = await service.call("GET", "/api/remote-jobs?status=done&task_id=A82&type=research")
    assert (listed["id"], listed["output"]) == (made["id"], None)
    log = await service.call("GET", f"/jobs/{made['id']}/log")
    assert log.startswith("= pending\n= running, attempt 1\n")
    assert log.rstrip().splitlines()[-1].startswith("= done")
    raw = await service.call("GET", f"/jobs/{made['id']}/log?raw=1")
    assert '"type"' in raw
    assert "cache" in await service.call("GET", job["report_url"].removeprefix(service.bifrost.server.url))


@pytest.mark.parametrize(
    "body",
    [
        {"type": "session", "payload": {"prompt": "tidy up", "effort": "low"}},
        {"type": "session", "payload": '{"prompt": "tidy up", "effort": "low"}'},
        {
            "type": "session",
            "payload": {"prompt": "no", "effort": "high"},
            "prompt": "tidy up",
            "effort": "low",
        },
        {"type": "session", "prompt": "tidy up", "effort": "low", "backend": "rehearsal"},
    ],
    ids=["payload", "payload as text", "the top level wins", "flat, with an alias"],
)
async def test_either_form_of_a_new_job_is_taken(service: Service, body: Asked) -> None:
    made = await service.call("POST", "/jobs", body, 201)
    assert (made["payload"], made["effort"], made["provider"]) == ({"prompt": "tidy up"}, "low", "rehearsal")


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({}, "type", "The field `type` is missing."),
        ({"type": "dance", "prompt": "x"}, "type", "There is no job type `dance`. There are: `research`"),
        ({"type": "session"}, "prompt", "The prompt is empty: say what you want done."),
        ({"type": "session", "prompt": "x", "promt": "y"}, "promt", "Did you mean `prompt`?"),
        ({"type": "session", "payload": {"promt": "y"}}, "promt", "There is no field `promt` here."),
        ({"type": "session", "payload": "[1]"}, "", "must be a JSON object"),
        ({"type": "session", "payload": "{"}, "payload", "is text that is no JSON object"),
        ({"type": "session", "prompt": "x", "topic": "y"}, "topic", "A session job takes no `topic`."),
        ({"type": "research", "prompt": "x", "topic": "y"}, "topic", "Give `prompt` or `topic`, not both."),
        ({"type": "session", "prompt": "x", "model": "gpt-0"}, "model", "There is no model `gpt-0`."),
        ({"type": "session", "prompt": "x", "model": "-p"}, "model", "a plain name is."),
        ({"type": "session", "prompt": "x", "workspace": "../.."}, "workspace", "a plain name is."),
        ({"type": "session", "prompt": "x", "task_id": "../x"}, "task_id", "cannot be the id of a task"),
        ({"type": "session", "prompt": "x", "resumeSessionId": "--continue"}, "resume_session_id", "No job"),
        ({"type": "session", "prompt": "x", "scheduledAt": "2030-01-01T00:00"}, "scheduledAt", "offset"),
        (
            {"type": "session", "prompt": "x", "scheduled_at": "2020-01-01T00:00:00Z"},
            "scheduled_at",
            "is past",
        ),
    ],
)
async def test_a_new_job_that_cannot_be_is_refused_by_the_field(
    service: Service, body: Asked, field: str, says: str
) -> None:
    problem = await service.call("POST", "/api/remote-jobs", body, 422)
    assert says in problem["detail"]
    assert problem.get("field", "") == field
    assert problem["code"] == "invalid"
    assert await service.call("GET", "/jobs") == []


async def test_a_job_for_later_can_be_put_off_started_and_called_off(slow: Service) -> None:
    body = {"type": "session", "prompt": "tidy", "scheduledAt": _in_hours(5)}
    at = (await slow.call("POST", "/jobs", body, 201))["id"]
    path = f"/api/remote-jobs?id={at}"
    moved = await slow.call("PATCH", path, {"scheduled_at": _in_hours(6), "task_id": "B1"})
    assert (moved["status"], moved["task_id"], moved["scheduled_at"]) == ("scheduled", "B1", _in_hours(6))
    problem = await slow.call("PATCH", path, {"status": "done"}, 409)
    assert problem["detail"].endswith(
        "is scheduled and cannot be made done: it can be cancelled, started now (`pending`) or given another "
        "`scheduled_at`."
    )
    problem = await slow.call("PATCH", path, {"retry_at": _in_hours(6)}, 409)
    assert "has no `retry_at` to be set" in problem["detail"]
    await slow.call("PATCH", path, {"status": "pending"})
    await slow.until(at, lambda job: job.started_at is not None)
    cancelled = await slow.call("DELETE", f"/jobs/{at}")
    assert cancelled["status"] in ("running", "cancelled")
    assert (await slow.ended(at)).cancelled_by == "owner"
    problem = await slow.call("PATCH", path, {"status": "running"}, 409)
    assert (problem["code"], "/resume" in problem["detail"]) == ("illegal_move", True)
    assert (await slow.call("DELETE", f"/jobs/{at}", status=409))["code"] == "conflict"


@pytest.mark.parametrize("field", ["output", "session_id", "cost_usd", "started_at"])
async def test_what_the_executor_writes_is_not_for_others_to_write(service: Service, field: str) -> None:
    made = await service.call("POST", "/jobs", {"type": "session", "prompt": "x"}, 201)
    problem = await service.call("PATCH", f"/api/remote-jobs?id={made['id']}", {field: "1"}, 422)
    assert (problem["field"], "the executor alone" in problem["detail"]) == (field, True)


async def test_an_ended_job_is_gone_on_with_in_a_new_one(service: Service) -> None:
    task = {"id": "A1", "name": "Cache sessions", "workspace": "dev"}
    await service.call("POST", "/api/tasks", task, 201)
    made = await service.call("POST", "/jobs", {"type": "session", "prompt": "x", "task_id": "A1"}, 201)
    first = await service.ended(made["id"])
    second = await service.call("POST", f"/jobs/{first.id}/resume", {"prompt": "and now y"})
    assert (second["parent_job_id"], second["task_id"]) == (first.id, "A1")
    await service.ended(second["id"])
    again = await service.call("POST", f"/jobs/{second['id']}/retry")
    assert again["parent_job_id"] == second["id"]
    await service.ended(again["id"])
    said = await service.call("POST", f"/jobs/{again['id']}/reply", {"text": "thanks, and z"})
    assert (said["parent_job_id"], said["payload"]["prompt"]) == (again["id"], "thanks, and z")
    body = {"type": "session", "prompt": "on", "resumeSessionId": first.session_id}
    resumed = await service.call("POST", "/jobs", body, 201)
    assert (resumed["session_id"], resumed["parent_job_id"]) == (first.session_id, None)
    problem = await service.call("POST", f"/jobs/{first.id}/cancel-retry", status=409)
    assert "waits for no other try" in problem["detail"]
    await service.ended(resumed["id"])


async def test_a_list_is_read_page_by_page_and_none_is_missed(service: Service) -> None:
    made = [
        (await service.call("POST", "/jobs", {"type": "session", "prompt": f"{n}"}, 201))["id"]
        for n in range(5)
    ]
    seen, url = [], "/jobs?limit=2"
    while url:
        async with service.session.get(url) as answer:
            seen += [job["id"] for job in await answer.json()]
            url = URL(answer.links["next"]["url"]).relative().human_repr() if "next" in answer.links else ""
    assert seen == made[::-1]


async def test_the_same_key_is_answered_the_same(service: Service) -> None:
    body = {"type": "session", "prompt": "once"}
    first = await service.call("POST", "/jobs", body, 201, Idempotency_Key="k-1")
    again = await service.call("POST", "/jobs", body, 201, Idempotency_Key="k-1")
    assert again == first
    problem = await service.call("POST", "/jobs", body | {"prompt": "two"}, 422, Idempotency_Key="k-1")
    assert problem["code"] == "key_reused"
    assert len(await service.call("GET", "/jobs")) == 1
    other = await service.token("run")
    mine = await service.call("POST", "/jobs", body, 201, Idempotency_Key="k-1", Authorization=other)
    assert mine["id"] != first["id"], "a key is the caller's own"


async def test_a_token_does_what_its_scope_says_and_no_more(service: Service) -> None:
    read, run = await service.token("read"), await service.token("run", days=1)
    body = {"type": "session", "prompt": "x"}
    owners = await service.call("POST", "/jobs", body, 201)
    problem = await service.call("POST", "/jobs", body, 403, Authorization=read)
    assert (problem["code"], "scope `run`" in problem["detail"]) == ("scope", True)
    assert await service.call("GET", "/jobs", Authorization=read)
    made = await service.call("POST", "/jobs", body, 201, Authorization=run)
    assert made["requested_by"] == "ci"
    problem = await service.call("DELETE", f"/jobs/{owners['id']}", status=403, Authorization=run)
    assert "started by somebody else" in problem["detail"]
    await service.ended(made["id"])
    await service.call("POST", f"/jobs/{made['id']}/retry", Authorization=run)
    await service.call("GET", f"/jobs/{made['id']}/log?raw=1", status=403, Authorization=run)
    (_, token) = await service.call("GET", "/api/tokens")
    assert "token" not in token
    await service.call("DELETE", f"/api/tokens?id={token['id']}", status=204)
    await service.call("GET", "/jobs", status=401, Authorization=run)
    data = (service.house.data.database).read_bytes()
    assert run.removeprefix("Bearer ").encode() not in data


async def test_the_executor_says_truthfully_when_it_last_looked_for_work(service: Service) -> None:
    assert await service.call("POST", "/api/remote-jobs?heartbeat=1", status=204) == ""
    beat = await service.call("GET", "/api/heartbeat")
    assert (beat["online"], beat["offline_after_s"]) == (True, 90)
    assert beat["last_beat_at"]


async def test_what_was_used_is_summed_by_day_and_by_person(service: Service) -> None:
    made = await service.call("POST", "/jobs", {"type": "session", "prompt": "x"}, 201)
    await service.ended(made["id"])
    for by, key in (("day", ""), ("type", "session"), ("model", "rehearsal"), ("person", "web::owner")):
        (used,) = await service.call("GET", f"/api/usage?by={by}")
        assert (used["key"], used["jobs"], used["attempts"], used["cost_usd"]) == (key, 1, 1, 0)
    problem = await service.call("GET", "/api/usage?since=2020-01-01", status=422)
    assert problem["field"] == "since"


async def test_a_schedule_is_made_paused_and_ended(service: Service) -> None:
    body = {"type": "session", "prompt": "tidy", "cron": "0 2 * * *", "zone": "Europe/Paris"}
    made = await service.call("POST", "/api/schedules", body, 201, Idempotency_Key="s-1")
    assert made == await service.call("POST", "/api/schedules", body, 201, Idempotency_Key="s-1")
    assert (made["cron"], made["zone"], made["paused"]) == ("0 2 * * *", "Europe/Paris", False)
    path = f"/api/schedules?id={made['id']}"
    assert (await service.call("PATCH", path, {"paused": True}))["next_run"] is None
    await service.call("PATCH", path, {"paused": True}, 409)
    assert (await service.call("POST", "/api/schedules", body | {"cron": "60 * * * *"}, 422))[
        "field"
    ] == "cron"
    await service.call("DELETE", path, status=204)
    await service.call("DELETE", path, status=404)
    assert await service.call("GET", "/api/schedules") == []


async def test_what_a_bot_has_to_offer_is_told_without_paths(service: Service, tmp_path: Path) -> None:
    assert await service.call("GET", "/api/workspaces") == [
        {
            **{"name": "main", "default": True, "fallback": None, "provider": None, "model": None},
            "permissions": "bypass",
        }
    ]
    (model,) = await service.call("GET", "/api/models")
    assert (model["name"], model["provider"]) == ("rehearsal", "rehearsal")


def _in_hours(hours: int) -> str:
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)
    return at.isoformat().replace("+00:00", "Z")


async def test_a_browser_gets_the_page_and_a_program_the_record(service: Service) -> None:
    made = await service.call("POST", "/jobs", {"type": "session", "prompt": "x"}, 201)
    html = "text/html,application/xhtml+xml,*/*;q=0.8"
    for path in ("/jobs", f"/jobs/{made['id']}", "/docs"):
        assert "<!doctype html>" in await service.call("GET", path, Accept=html)
    assert (await service.call("GET", f"/jobs/{made['id']}"))["id"] == made["id"]
    unknown = await service.call("GET", "/jobs/00000000-0000-4000-8000-000000000000", status=404)
    assert unknown["code"] == "not_found"
