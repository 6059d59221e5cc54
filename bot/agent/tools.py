"""The tools of an agent: what each is for, what it takes, and which call of the API it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from storage.hub.feedback import FeedbackStatus, Target
from storage.hub.reports import ReportStatus
from storage.hub.tasks import Area, Priority, TaskStatus

Schema = Mapping[str, Any]
MOST_UPDATE = 2_000
"""Characters of an update."""
MOST_NOTE = 200
"""Characters of a note about progress."""
MOST_QUESTION, MOST_CHOICES, MOST_CHOICE = 2_000, 10, 100
"""Characters of a question, answers that it may offer, and characters of each."""
MOST_STEPS = 10_000
"""Things that there may be to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`query` names what goes into the address; all else, with `fixed`, is the body.

    `one` says that the list which it is answered with holds the one record that is meant.
    """

    name: str
    description: str
    path: str
    method: str = "GET"
    takes: Mapping[str, Schema] = field(default_factory=dict)
    needs: Sequence[str] = ()
    query: Sequence[str] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    one: bool = False

    def described(self) -> dict[str, Any]:
        """It as the bridge needs it, and passes it on to a CLI."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": dict(self.takes),
                "required": [*self.needs],
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": self.method == "GET", "openWorldHint": False},
            **{key: value for key, value in asdict(self).items() if key in _BRIDGED},
        }


_BRIDGED = frozenset({"path", "method", "query", "fixed", "one"})


def _text(description: str, most: int | None = None) -> Schema:
    return {"type": "string", "description": description} | ({"maxLength": most} if most else {})


def _one_of(kind: type[StrEnum], description: str) -> Schema:
    return {"type": "string", "enum": [each.value for each in kind], "description": description}


def _number(description: str, least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


_LIMIT = _number("How many at most; 50 by default.", 1, 200)
_CURSOR = _text("The id of the last one of a list, to go on after it.")
_AREA = _one_of(Area, "The part of life that it belongs to.")
_PRIORITY = _one_of(Priority, "How urgent it is; normal by default.")
_TASK_ID = _text("The id of the task.")
_TASK: Mapping[str, Schema] = {
    "name": _text("What is to be done, in a few words.", 500),
    "description": _text("All that whoever does it should know, as Markdown."),
    "status": _one_of(
        TaskStatus,
        "draft → idea → ready → backlog → active → done → archived. Only Clara and the owner make a task "
        "idea, ready or backlog, or archive one that is not done.",
    ),
    "workspace": _AREA,
    "project": _text("The project that it is a part of."),
    "priority": _PRIORITY,
    "deps": _text("Ids of tasks that must be done before, with commas between them."),
    "parent_id": _text("The task that it is a part of."),
}
_TARGET: Mapping[str, Schema] = {
    "target_type": _one_of(Target, "What sort of record it is about."),
    "target_id": _text("The id of that record."),
}

TOOLS = (
    Tool(
        name="list_tasks",
        description="Lists tasks, the newest first. Filter rather than read them all.",
        path="/api/tasks",
        takes={
            "status": _one_of(TaskStatus, "Only tasks of this status."),
            "workspace": _one_of(Area, "Only tasks of this part of life."),
            "project": _text("Only tasks of this project."),
            "limit": _LIMIT,
            "cursor": _CURSOR,
        },
        query=("status", "workspace", "project", "limit", "cursor"),
    ),
    Tool(
        name="read_task",
        description="Reads one task, whole. list_comments tells what was said about it.",
        path="/api/tasks",
        takes={"id": _TASK_ID},
        needs=("id",),
        query=("id",),
        one=True,
    ),
    Tool(
        name="create_task",
        description="Creates a task, a draft unless `status` says otherwise. "
        "Look with list_tasks first whether there is one already.",
        path="/api/tasks",
        method="POST",
        takes={"id": _text("An id that no task has yet; of a draft such as `d-fix-login`."), **_TASK},
        needs=("id", "name", "workspace"),
    ),
    Tool(
        name="update_task",
        description="Changes a task: give its id, and only what is to be other than it is.",
        path="/api/tasks",
        method="PATCH",
        takes={"id": _TASK_ID, **_TASK},
        needs=("id",),
        query=("id",),
    ),
    Tool(
        name="list_feedback",
        description="Lists feedback, the newest first: what people and agents have remarked.",
        path="/api/feedback",
        takes={
            "status": _one_of(FeedbackStatus, "Only feedback of this status; `open` waits to be processed."),
            "workspace": _one_of(Area, "Only feedback of this part of life."),
            "limit": _LIMIT,
            "cursor": _CURSOR,
        },
        query=("status", "workspace", "limit", "cursor"),
    ),
    Tool(
        name="file_feedback",
        description="Files feedback: what you came upon that others should mend. It waits for the owner.",
        path="/api/feedback",
        method="POST",
        takes={
            "content": _text("What people should know, as Markdown."),
            "workspace": _AREA,
            "priority": _PRIORITY,
            "linked_type": _one_of(Target, "What sort of record it is about."),
            "linked_id": _text("The id of that record."),
        },
        needs=("content",),
    ),
    Tool(
        name="process_feedback",
        description="Marks open feedback as processed, for good: first do what it asks for, then mark it. "
        "For Clara alone.",
        path="/api/feedback",
        method="PATCH",
        takes={
            "id": _text("The id of the feedback."),
            "processed_note": _text("What became of it, in one line.", 500),
            "linked_type": _one_of(Target, "What sort of record it led to or is about."),
            "linked_id": _text("The id of that record."),
        },
        needs=("id", "processed_note"),
        query=("id",),
        fixed={"status": "processed"},
    ),
    Tool(
        name="list_comments",
        description="Lists what was said about a task, a report or a job, the newest first; about your own "
        "job where you name none.",
        path="/api/comments",
        takes={**_TARGET, "limit": _LIMIT, "cursor": _CURSOR},
        query=("target_type", "target_id", "limit", "cursor"),
    ),
    Tool(
        name="comment",
        description="Comments on a task, a report or a job, under your own name; on your own job where you "
        "name none.",
        path="/api/comments",
        method="POST",
        takes={**_TARGET, "content": _text("What you have to say, as Markdown.")},
        needs=("content",),
    ),
    Tool(
        name="list_reports",
        description="Lists reports, the newest first.",
        path="/api/reports",
        takes={
            "status": _one_of(ReportStatus, "Only reports of this status."),
            "workspace": _text("Only reports of jobs that worked in this workspace, such as `main`."),
            "limit": _LIMIT,
            "cursor": _CURSOR,
        },
        query=("status", "workspace", "limit", "cursor"),
    ),
    Tool(
        name="archive_report",
        description="Archives a report that is over. For Clara alone.",
        path="/api/reports",
        method="PATCH",
        takes={"id": _text("The id of the report.")},
        needs=("id",),
        query=("id",),
        fixed={"status": "archived"},
    ),
    Tool(
        name="publish_report",
        description="Publishes a report for people to read, at once, and answers with its address. "
        "Where you are told to write a report into a file, do that instead: it is published at your end, "
        "but of a job that has published one by itself it is not.",
        path="/api/reports/pages",
        method="POST",
        takes={"markdown": _text("The whole report as Markdown; its first heading is its title. No HTML.")},
        needs=("markdown",),
    ),
    Tool(
        name="progress",
        description="Tells people how far you are: the bar on the card of your job. "
        "Not needed for what stands on your own todo list.",
        path="/api/agent/progress",
        method="POST",
        takes={
            "done": _number("How many things are done.", 0, MOST_STEPS),
            "total": _number("How many there are to do.", 1, MOST_STEPS),
            "note": _text("What you are at, in a few words.", MOST_NOTE),
        },
        needs=("done", "total"),
    ),
    Tool(
        name="post_update",
        description="Posts a message into the thread of your job while you work, for what people should know "
        "before the end. Use it sparingly: a job may post 20.",
        path="/api/agent/updates",
        method="POST",
        takes={"text": _text("What you have to tell, as Markdown.", MOST_UPDATE)},
        needs=("text",),
    ),
    Tool(
        name="ask_person",
        description="Asks the people whom your job is for, waits for their answer and returns it. "
        "It may take hours: ask only what you cannot find out, and cannot do well without.",
        path="/api/agent/questions",
        method="POST",
        takes={
            "question": _text("What you need to know, with all that is needed to answer it.", MOST_QUESTION),
            "choices": {
                "type": "array",
                "items": {"type": "string", "maxLength": MOST_CHOICE},
                "maxItems": MOST_CHOICES,
                "description": "Answers to choose from; people may always say something else.",
            },
        },
        needs=("question",),
    ),
)
