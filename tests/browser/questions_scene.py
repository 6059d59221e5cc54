"""A job whose agent asks people: for leave to do things, and what they want."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.news.announcements import card
from bot.news.questions import question
from bot.platforms.base import Place
from bot.platforms.web import WebPlatform
from executor.model import Job
from executor.questions import Asked, Choice, Decision, QuestionKind, Verdict
from storage import Storage
from tests.browser.jobs_scene import ask, start, work, write

_DIFF = """\
--- a/app/sessions.py
+++ b/app/sessions.py
@@ -1,4 +1,4 @@
 import json
-CACHE = {}
+CACHE = redis.Redis(decode_responses=True)
 # of sessions
 def session_of(request):"""
QUESTIONS = (
    Asked(
        kind=QuestionKind.APPROVAL,
        text="Run a command?",
        detail="pip install 'redis>=5' && pytest -q tests/test_sessions.py --maxfail=1",
        syntax="bash",
        grant="run this very command",
    ),
    Asked(kind=QuestionKind.APPROVAL, text="Change app/sessions.py?", detail=_DIFF, syntax="diff"),
    Asked(
        kind=QuestionKind.CHOICE,
        text="Where shall sessions live?",
        choices=(
            Choice(label="Redis", description="Fast, and one more thing to run"),
            Choice(label="Postgres", description="Slower, and it is there already"),
            Choice(label="Signed cookies", description="Nothing to keep, but nothing can be revoked"),
        ),
    ),
    Asked(
        kind=QuestionKind.CHOICE,
        text="Which of these pages need a login?",
        choices=(Choice(label="Reports"), Choice(label="Settings"), Choice(label="Usage")),
        several=True,
    ),
)


async def a_job_that_asks(storage: Storage) -> Job:
    """It has asked for a plan, which was approved, and now waits for four answers."""
    job = await start(
        storage, await ask(storage, "keep sessions outside of the process", type="session", provider="gemini")
    )
    await write(storage, job, *work()[:4])
    plan = Asked(kind=QuestionKind.PLAN, text="Do as this plan says?", detail="1. Look\n2. Write")
    until = datetime.now(UTC) + timedelta(minutes=30)
    (planned,) = await storage.questions.ask(job, "r-1", [plan], until)
    assert await storage.questions.decide(planned.id, Decision(verdict=Verdict.APPROVE, by="Ann"))
    await storage.questions.ask(job, "r-2", QUESTIONS, until)
    return await storage.jobs.job(job.id) or job


async def announced(storage: Storage, platform: WebPlatform, job: Job) -> None:
    """The job's card in #dev, and its questions below that."""
    dev = Place(team="", channel="dev")
    says = card(job, step="", now=datetime.now(UTC), public_url="")
    head = await platform.post(dev, says, f"{job.id}:card")
    for asked in await storage.questions.of_job(job.id):
        place = Place(team="", channel="dev", thread=head)
        await platform.post(place, question(asked, job, most=2_000), f"{job.id}:question:{asked.number}")
