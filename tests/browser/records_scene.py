"""A board in the middle of its work: tasks of every status, what was said of them, and two reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from executor import reports
from executor.lifecycle import Transition
from executor.model import Job, Outcome, OutcomeKind
from storage import Storage
from storage.hub.authors import CLARA, OWNER, agent
from storage.hub.comments import NewComment
from storage.hub.feedback import FeedbackChanges, FeedbackStatus, NewFeedback, Target
from storage.hub.reports import ReportChanges, ReportRow
from storage.hub.tasks import Area, NewTask, Priority, TaskStatus
from tests.browser.jobs_scene import ask, start
from tests.browser.scene import RESULT

DESCRIPTION = """Sessions outlive their logout by **30 seconds**: the copies in each process are not cleared.

- publish the id on `sessions.revoked`
- let the workers drop their copy
- a test with two workers

```python
await redis.publish("sessions.revoked", session.id)
```
"""
MARKDOWN = f"""# How we cache sessions

{RESULT}

## Where it is done

See [the store](https://example.org/store) and <https://example.org/redis>.

## What is wrong

A logout reaches one process of four.

## Sources

1. [Redis: GETEX](https://example.org/getex)
"""

OWN = """<!doctype html><html lang="en"><title>Load</title><meta name="color-scheme" content="dark light">
<style>body { font: 1.1rem/1.6 system-ui; margin: 3rem } svg { width: 100%; color: #6e56cf }</style>
<h1>The load of last week</h1><svg viewBox="0 0 70 30" role="img" aria-label="Load by day"></svg>
<script>
const bars = [12, 18, 25, 22, 28, 6, 4].map((high, day) =>
  `<rect x="${day * 10 + 1}" y="${30 - high}" width="8" height="${high}" rx="1" fill="currentColor"/>`);
document.querySelector("svg").innerHTML = bars.join("");
</script></html>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What there is to be looked at."""

    report: ReportRow
    own: ReportRow
    """A report that its agent wrote as a page."""
    job: Job


async def busy_board(storage: Storage, folder: Path) -> Board:
    """Fills the store; the reports' files go to `folder`."""
    await _tasks(storage)
    job = await start(storage, await ask(storage, "how do we cache sessions?", task_id="A66"))
    report = await publish(storage, folder, job)
    other = await start(storage, await ask(storage, "draw the load of last week"))
    own = await publish(storage, folder, other, "# The load of last week\n\nIt is low at night.", OWN)
    await storage.reports.change(report.id, ReportChanges(tags=("cache", "sessions")), OWNER)
    await ask(storage, "fix the logout", type="session", task_id="A66")
    await _remarks(storage, job, report)
    return Board(report=report, own=own, job=job)


async def publish(
    storage: Storage, folder: Path, job: Job, markdown: str = MARKDOWN, html: str = ""
) -> ReportRow:
    """What a running job leaves behind: its report."""
    made = reports.publish(
        folder, question=job.prompt, markdown=markdown, facts=[("Asked by", "owner")], html=html
    )
    done = Outcome(kind=OutcomeKind.DONE, result=RESULT)
    assert await storage.jobs.settle(job, Transition.FINISH, done, made)
    row = await storage.reports.by_slug(made.slug)
    assert row is not None
    return row


async def _tasks(storage: Storage) -> None:
    statuses = {
        "A12": ("Move the sessions to Redis", TaskStatus.DONE, Priority.NORMAL),
        "A31": ("Write down how logins work", TaskStatus.BACKLOG, Priority.LOW),
        "A40": ("Two workers in the tests", TaskStatus.READY, Priority.NORMAL),
        "A66": ("A logout must end the session everywhere", TaskStatus.ACTIVE, Priority.URGENT),
        "d-3fa9c1d0": ("Show who is logged in, and from where", TaskStatus.DRAFT, Priority.NORMAL),
        "A71": ("Passkeys instead of passwords", TaskStatus.IDEA, Priority.HIGH),
        "A72": ("Announce a logout to other tabs", TaskStatus.READY, Priority.NORMAL),
    }
    kin = {"A66": {"deps": ("A12", "A40"), "parent_id": "A31"}, "A72": {"deps": ("A66",)}}
    for task_id, (name, status, priority) in statuses.items():
        new = NewTask(
            id=task_id,
            name=name,
            workspace=Area.DEV,
            status=status,
            priority=priority,
            project="portal" if task_id.startswith("A6") else "",
            description=DESCRIPTION if task_id == "A66" else "",
            **kin.get(task_id, {}),  # type: ignore[arg-type]
        )
        await storage.tasks.add(new, OWNER)


async def _remarks(storage: Storage, job: Job, report: ReportRow) -> None:
    said = storage.comments
    about = NewComment(target_type=Target.TASK, target_id="A66", content="Seen again on **Tuesday**.")
    await said.add(about, OWNER)
    await said.add(
        NewComment(target_type=Target.TASK, target_id="A66", content="I have a test."), agent("opus")
    )
    await said.add(NewComment(target_type=Target.JOB, target_id=job.id, content="Good find."), OWNER)
    await said.add(NewComment(target_type=Target.REPORT, target_id=report.id, content="Read it."), OWNER)
    box = storage.feedback
    await box.add(
        NewFeedback(content="The dark theme is too dark on my phone.", priority=Priority.HIGH), OWNER
    )
    thin = NewFeedback(
        content="The docs name `SESSION_TTL`, the code does not.",
        linked_type=Target.TASK,
        linked_id="A66",
    )
    await box.add(thin, agent("opus"))
    swept = await box.add(NewFeedback(content="Can we see who is logged in?", workspace=Area.DEV), OWNER)
    note = FeedbackChanges(status=FeedbackStatus.PROCESSED, processed_note="Is the draft d-3fa9c1d0.")
    await box.change(swept.id, note, CLARA)
