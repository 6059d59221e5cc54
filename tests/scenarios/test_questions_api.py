"""What agents ask, for programs: read as records, decided by a call, told of in the stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from executor.model import Job
from executor.questions import Asked, Choice, QuestionKind
from tests.scenarios.test_jobs_api import Service, serving

RUN = Asked(kind=QuestionKind.APPROVAL, text="Run a command", detail="make", syntax="bash", grant="run make")
WHERE = Asked(
    kind=QuestionKind.CHOICE, text="Where?", choices=(Choice(label="Redis"), Choice(label="Postgres"))
)


async def asking(service: Service) -> Job:
    made = await service.call("POST", "/jobs", {"type": "session", "prompt": "tidy up"}, 201)
    job = await service.until(made["id"], lambda job: job.status == "running")
    until = datetime.now(UTC) + timedelta(minutes=30)
    assert await service.house.storage.questions.ask(job, "r-1", [RUN, WHERE], until)
    return job


async def test_a_program_reads_what_is_asked_and_decides_it_once(tmp_path: Path) -> None:
    async with serving(tmp_path, step_seconds=1) as service:
        job = await asking(service)
        run, where = await service.call("GET", f"/jobs/{job.id}/questions")
        assert (run["state"], run["detail"], run["grant"]) == ("open", "make", "run make")
        assert [each["label"] for each in where["choices"]] == ["Redis", "Postgres"]
        (waits,) = await service.call("GET", "/api/remote-jobs?asking=1&status=running")
        assert (waits["id"], waits["asking"]) == (job.id, 2)
        path = f"/jobs/{job.id}/questions"
        reader = await service.token("read")
        yes = {"verdict": "approve"}
        await service.call("POST", f"{path}/1/answer", yes, 403, Authorization=reader)
        decided = await service.call("POST", f"{path}/1/answer", {"verdict": "deny", "text": "not now"})
        assert (decided["state"], decided["decision"]["text"]) == ("decided", "not now")
        late = await service.call("POST", f"{path}/1/answer", yes, 409)
        assert "was denied by" in late["detail"] and "not now" in late["detail"]
        wrong = await service.call(
            "POST", f"{path}/2/answer", {"verdict": "answer", "choices": ["MySQL"]}, 422
        )
        assert wrong["field"] == "choices"
        wrong = await service.call("POST", f"{path}/2/answer", yes, 422)
        assert wrong["field"] == "verdict"
        await service.call("POST", f"{path}/3/answer", yes, 404)
        chosen = await service.call(
            "POST", f"{path}/2/answer", {"verdict": "answer", "choices": ["Postgres"], "text": "for now"}
        )
        assert (chosen["decision"]["choices"], chosen["decision"]["text"]) == (["Postgres"], "for now")
        assert await service.call("GET", "/api/remote-jobs?asking=1") == []
        told = await stream(service, job)
        assert [told.count(f"event: {name}\n") for name in ("question_asked", "question_closed")] == [2, 2]
        assert '"said":"Postgres, for now"' in told
        log = await service.call("GET", f"/jobs/{job.id}/log")
        assert "* question 1: Run a command\n" in log and ": denied: not now\n" in log


async def stream(service: Service, job: Job) -> str:
    """All that the job's stream says up to its end."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with service.session.get(f"/jobs/{job.id}/stream", timeout=timeout) as answer:
        return (await answer.read()).decode()


async def test_a_form_without_a_script_decides_and_leads_back(tmp_path: Path) -> None:
    async with serving(tmp_path, step_seconds=1) as service:
        job, server = await asking(service), service.bifrost.server
        jar = aiohttp.CookieJar(unsafe=True)
        headers = {"Origin": server.url, "Accept": "text/html"}
        async with aiohttp.ClientSession(server.url, cookie_jar=jar, headers=headers) as browser:
            async with browser.get(server.login_link()) as answer:
                assert answer.status == 200
            fields = {
                "job": job.id,
                "question": "2",
                "says": "answer",
                "choices": "1",
                "text": "",
                "message": "",
                "back": f"/jobs/{job.id}",
                "delivery": f"answer-{job.id}-2-answer",
            }
            async with browser.post(
                "/answers", data=fields, headers={"Origin": "https://evil.example"}
            ) as no:
                assert no.status == 403
            async with browser.get(f"/jobs/{job.id}") as page:
                assert 'id="q2"' in await page.text()
            async with browser.post("/answers", data=fields) as answer:
                text = await answer.text()
            assert answer.url.path == f"/jobs/{job.id}"
            assert "Answered: job" in text and 'id="q2"' not in text and 'id="q1"' in text
