"""What an agent is told of the task that a session is for: what it is, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from bot.desk.asks import Ask, Refusal
from bot.desk.commands import Command
from bot.desk.terms import task_of
from executor.job_types.session import SESSION, TASK
from storage import Storage
from storage.hub.feedback import Target
from storage.hub.tasks import Task

_DESCRIPTION, _REMARK = 8_000, 1_000
"""Characters of each that are told."""
_REMARKS = 20
_LATEST = 500
"""Tasks among whose ids the nearest are looked for."""


async def on_task(ask: Ask, command: Command, storage: Storage) -> Ask:
    """`ask` with the task's text beside its words; without words, the task is what is asked for.

    Raises Refusal, as of a task that is not on record.
    """
    task_id = task_of(ask.args)
    if task_id is None or command.job_type != SESSION.name:
        return ask
    task = await storage.tasks.task(task_id)
    if task is None:
        raise Refusal(await _unknown(task_id, storage), "task")
    feedback = await storage.feedback.linked_to(Target.TASK, task.id, _REMARKS)
    comments = await storage.comments.of(Target.TASK, task.id, _REMARKS)
    told = _told(
        task,
        [each.content for each in feedback],
        [f"{each.author}: {each.content}" for each in comments],
    )
    prompt = ask.args.get("prompt", "").strip() or f"Do the task {task.id}: {task.name}"
    return replace(ask, args={**ask.args, "prompt": prompt, TASK: told})


async def _unknown(task_id: str, storage: Storage) -> str:
    by_folded = {each.id.lower(): each.id for each in await storage.tasks.tasks(limit=_LATEST)}
    near = get_close_matches(task_id.lower(), by_folded, n=3)
    nearest = f" The nearest are: {', '.join(f'`{by_folded[each]}`' for each in near)}." if near else ""
    return f"There is no task `{task_id}` on record.{nearest} Leave it out for work that is for no task."


def _told(task: Task, feedback: Sequence[str], comments: Sequence[str]) -> str:
    parts = [f"# {task.id}: {task.name}", f"Status {task.status}, priority {task.priority}"]
    if task.deps:
        parts.append(f"Waits for: {', '.join(task.deps)}")
    parts.append(_cut(task.description, _DESCRIPTION))
    for heading, remarks in (("## Feedback", feedback), ("## Comments", comments)):
        if remarks:
            # They come with the newest first, and are read as they were said.
            parts += [heading, *(f"- {_cut(each, _REMARK)}" for each in reversed(remarks))]
    return "\n\n".join(part for part in parts if part.strip())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} …"
