"""What a channel looks like after a busy morning, in the announcer's own words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.news import announcements
from bot.news.progress import progress_of
from bot.platforms.base import Announcement, Attachment, Place
from bot.platforms.web import WebPlatform
from executor.events import Todo, TodoState
from executor.model import Actor, Job, JobStatus, Origin, Usage

DEV = Place(team="", channel="dev")
SLUG = "how-we-cache-sessions-9f2c4e7a1b3d50689f2c4e7a1b3d5068"
NOW = datetime.now(UTC)

RUNNING_OUTPUT = """I'll look at where the login form is tested today, then add the missing case.

→ `Grep` `login`
→ `Read` `tests/test_forms.py`

The form has two tests; none covers a wrong password. I add one beside them:

```python
async def test_a_wrong_password_says_so_and_keeps_the_name(client: Client) -> None:
    answer = await client.post("/login", data={"name": "ada", "password": "wrong"})

    assert answer.status == 401
    assert "does not match" in await answer.text()
    assert 'value="ada"' in await answer.text()  # nobody likes to type a name twice, and this line is long
```

→ `Bash` `pytest -q tests/test_forms.py`
"""

RESULT = """Sessions are cached **twice**: in process for 30 s, then in Redis for an hour.

1. `SessionStore.get` asks the local LRU of 10 000 entries first.
2. A miss reads Redis with one `GETEX`, which also renews the expiry.
3. Logging out deletes the Redis key, but **not** the local copies: a session outlives its logout by 30 s.

| layer | lifetime | cleared at logout |
|---|---|---|
| process | 30 s | no |
| Redis | 1 h | yes |

The fix is small: publish the id on the `sessions.revoked` channel that the workers already listen to.
"""

_JOB = Job(
    id="e7704f12-5f5a-4f0e-8d0c-0f5a3c1b2d4e",
    type="session",
    status=JobStatus.RUNNING,
    payload={"prompt": "add a test for the login form"},
    provider="claude",
    model="sonnet",
    effort="high",
    workspace="main",
    origin=Origin(actor=Actor(platform="web", team="", user_id="owner", name="owner"), channel="dev"),
    created_at=NOW,
    attempt=1,
    session_id="3f0d",
    started_at=NOW - timedelta(seconds=133),
)


def job(id: str, status: JobStatus, prompt: str, **more: object) -> Job:
    """A job of somebody's. Final ones took something."""
    finished = NOW if status.final else None
    fields: dict[str, object] = {"finished_at": finished, "payload": {"prompt": prompt}} | more
    return replace(_JOB, id=id, status=status, **fields)  # type: ignore[arg-type]


DONE = job(
    "3fa9c1d0",
    JobStatus.DONE,
    "how do we cache sessions?",
    type="research",
    model="opus",
    result=RESULT,
    report_slug=SLUG,
    usage=Usage(cost_usd=0.42, turns=14, duration_ms=188_000),
)
FAILED = job(
    "b81e07aa",
    JobStatus.FAILED,
    "bump the http client and fix what breaks",
    provider="gemini",
    model="gemini-3.1-pro-preview",
    session_id=None,
    reason="auth",
    message="Gemini does not know this API key. Set a valid `GEMINI_API_KEY`, then press Retry.",
    usage=Usage(duration_ms=4_100),
)
CANCELLED = job(
    "5c2d9044",
    JobStatus.CANCELLED,
    "rewrite the README in the style of a sea shanty",
    cancelled_by="owner",
    message="Cancelled by owner.",
    usage=Usage(cost_usd=0.07, turns=3, duration_ms=41_000),
)
RUNNING = job("e7704f12", JobStatus.RUNNING, "add a test for the login form")
QUEUED = job(
    "91ab3e57", JobStatus.PENDING, "which licences do our dependencies have?", started_at=None, attempt=0
)


TODOS = [Todo(text="Look around", state=TodoState.DONE), Todo(text="Write tests", state=TodoState.ACTIVE)]


def card(job: Job, step: str = "") -> Announcement:
    return announcements.card(
        job, step=step, progress=progress_of(TODOS), now=NOW, public_url="http://127.0.0.1:4003"
    )


def output(text: str, job: Job = RUNNING) -> Announcement:
    return announcements.page(text, job)


async def tell(web: WebPlatform, job: Job, text: str = "", step: str = "") -> str:
    """Posts the job's card, its output and, where it has ended, its last word; returns the card's id."""
    head = await web.post(DEV, card(job, step), f"{job.id}:card")
    thread = replace(DEV, thread=head)
    if text:
        await web.post(thread, output(text, job), f"{job.id}:page:1")
    if job.status.final:
        await web.post(thread, announcements.result(job, "http://127.0.0.1:4003"), f"{job.id}:result")
    return head


async def busy_morning(web: WebPlatform) -> str:
    """Fills #dev; returns the id of the running card."""
    done = await tell(web, DONE, "I start with the session store.\n\n→ `Read` `store.py`")
    report = Attachment(name="report-3fa9c1.html", title="The report", content=b"<h1>Sessions</h1>" * 600)
    await web.attach(replace(DEV, thread=done), report)
    await tell(web, FAILED)
    await tell(web, CANCELLED, "Yo ho, and a bottle of tests.")
    head = await running(web)
    await tell(web, QUEUED)
    return head


async def running(web: WebPlatform) -> str:
    """A job at work; returns the id of its card."""
    return await tell(web, RUNNING, RUNNING_OUTPUT, "Bash pytest -q tests/test_forms.py")
