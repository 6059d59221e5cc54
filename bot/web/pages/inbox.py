"""The inbox: whatever comes to mind is written down here, as a note, a draft, a comment or a job at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.desk.commands import JOB_COMMANDS
from bot.web.bodies import Text, read_body
from bot.web.pages.parts import Parts
from bot.web.pages.saving import RecordBody, Saved
from bot.web.pages.tasks import OrNone, draft_id
from bot.web.problems import Problem
from bot.web.record_bodies import Words
from storage.hub.authors import OWNER, RecordRefused, Why
from storage.hub.comments import NewComment
from storage.hub.feedback import Feedback, FeedbackStatus, NewFeedback, Target
from storage.hub.tasks import Area, NewTask, Priority, Task, TaskFilter, TaskStatus

_MOST = 50
_NAME = 120
_OFFERED = ("research", "workflow", "clara")
"""Types of job that are asked for here, as far as the bot knows them."""
JOBS = tuple(command for command in JOB_COMMANDS if command.job_type in _OFFERED)
TABS: Mapping[str, str] = {"notes": "Notes", "tasks": "Tasks", "drafts": "Drafts", "processed": "Processed"}
_OPEN_TASKS = (TaskStatus.ACTIVE, TaskStatus.READY, TaskStatus.BACKLOG, TaskStatus.IDEA)


class _NoteBody(RecordBody):
    """What the form sends, whatever it is for: what a mode has no use for is left alone."""

    mode: Text
    text: Words
    workspace: Annotated[Area | None, OrNone] = None
    priority: Priority = Priority.NORMAL
    target_type: Target = Target.TASK
    target_id: Annotated[Text, Field(max_length=200)] = ""


class Inbox:
    """Takes what people write down. Everybody who is logged in is `actor`, the owner."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._storage = parts.storage

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/inbox", self._page), web.post("/inbox", self._compose)]

    async def _page(self, request: web.Request) -> web.Response:
        asked = request.query.get("tab", "")
        tab = asked if asked in TABS else "notes"
        return self._parts.page(
            request,
            "inbox.html",
            tab=tab,
            tabs_of_inbox=TABS,
            feedback=await self._feedback(tab),
            tasks=await self._tasks(tab),
            jobs=JOBS,
            areas=tuple(Area),
            priorities=tuple(Priority),
            targets=tuple(Target),
            here=f"/inbox?tab={tab}",
        )

    async def _feedback(self, tab: str) -> Sequence[Feedback]:
        wanted: Sequence[FeedbackStatus] = {
            "notes": (FeedbackStatus.OPEN, FeedbackStatus.PARKED),
            "processed": (FeedbackStatus.PROCESSED,),
        }.get(tab, ())
        found = [
            each for status in wanted for each in await self._storage.feedback.newest(status, limit=_MOST)
        ]
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    async def _tasks(self, tab: str) -> Sequence[Task]:
        wanted: Sequence[TaskStatus] = {"tasks": _OPEN_TASKS, "drafts": (TaskStatus.DRAFT,)}.get(tab, ())
        tasks = self._storage.tasks
        return [each for status in wanted for each in await tasks.tasks(TaskFilter(status=status), _MOST)]

    async def _compose(self, request: web.Request) -> web.Response:
        body = await read_body(request, _NoteBody)
        if body.mode in [command.verb for command in JOBS]:
            answer = await self._parts.asked(body, body.mode, {"prompt": body.text.strip()})
            return self._parts.answers.give(request, answer, body.back or "/inbox")
        written = {"note": self._note, "draft": self._draft, "comment": self._comment}
        if body.mode not in written:
            raise Problem(422, "Say what it is: one of the choices above the text.", field="mode")

        async def change() -> Saved:
            return await written[body.mode](body)

        return await self._parts.saving.once(request, body, change)

    async def _note(self, body: _NoteBody) -> Saved:
        new = NewFeedback(content=body.text.strip(), workspace=body.workspace, priority=body.priority)
        await self._storage.feedback.add(new, OWNER)
        return Saved(text="Noted. It waits for the next sweep.")

    async def _draft(self, body: _NoteBody) -> Saved:
        """The first line becomes the name, all of it the description where there is more."""
        text = body.text.strip()
        first = text.splitlines()[0].strip()
        new = NewTask(
            id=draft_id(),
            name=first if len(first) <= _NAME else f"{first[: _NAME - 1].rstrip()}…",
            description=text if text != first or len(first) > _NAME else "",
            workspace=body.workspace or Area.DEV,
            priority=body.priority,
        )
        task = await self._storage.tasks.add(new, OWNER)
        return Saved(text=f"Draft `{task.id}` is made; it stands under Drafts.")

    async def _comment(self, body: _NoteBody) -> Saved:
        new = NewComment(
            target_type=body.target_type,
            target_id=await self._meant(body.target_type, body.target_id.strip()),
            content=body.text.strip(),
        )
        await self._storage.comments.add(new, OWNER)
        return Saved(text=f"Your comment stands at {body.target_type} `{body.target_id.strip()}`.")

    async def _meant(self, target: Target, name: str) -> str:
        """The id of the record: people know jobs by the beginning of theirs, and reports by their slug."""
        if not name:
            text = "Say what the comment is about: the id of a task or job, or the slug of a report."
            raise RecordRefused(Why.WRONG, text, "target_id")
        if target is Target.JOB:
            found = await self._storage.jobs.find(name, 2)
            return found[0].id if len(found) == 1 else name
        report = await self._storage.reports.by_slug(name) if target is Target.REPORT else None
        return report.id if report else name
