"""The pages of what people and agents share: inbox, tasks, reports, comments and feedback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from aiohttp import web

from bot.web.asks import Answers
from bot.web.pages.inbox import Inbox
from bot.web.pages.remarks import Remarks
from bot.web.pages.reports import ReportsPage
from bot.web.pages.rows import Door
from bot.web.pages.saving import Saving
from bot.web.pages.task import TaskPage
from bot.web.pages.tasks import TasksPage
from bot.web.templates import Templates
from executor.model import Actor
from storage import Storage


class Routed(Protocol):
    """What answers at some addresses."""

    def routes(self) -> list[web.AbstractRouteDef]: ...


def shared_pages(
    storage: Storage, door: Door, actor: Actor, folder: Path, templates: Templates, answers: Answers
) -> Sequence[Routed]:
    """All of them, for `actor`, who is whoever is logged in; `folder` holds the files of reports."""
    saving = Saving(storage.api, answers)
    return (
        Inbox(storage, door, actor, templates, saving, answers),
        TasksPage(storage, templates, saving, answers),
        TaskPage(storage, door, actor, templates, saving, answers),
        ReportsPage(storage, folder, templates, saving, answers),
        Remarks(storage, saving),
    )
