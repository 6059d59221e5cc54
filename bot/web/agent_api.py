"""What the agent of a running job tells of it, and the reports that it or a program publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bot.agent.tools import TOOLS
from bot.web.agent_bodies import PageBody, ProgressBody, PublishedPage, Told, ToolAnswer, UpdateBody
from bot.web.endpoints import Call, Endpoint
from bot.web.record_calls import author_of, refusing
from executor import reports
from executor.events import ProgressTold
from executor.model import Job, Report
from storage import Storage
from storage.hub.agents import ended
from storage.hub.reports import NewReport

_SHELF = "reports"
"""The workspace of a report that no job has published."""


class AgentApi:
    """For agents alone."""

    def __init__(self, storage: Storage) -> None:
        self._words = storage.agents

    def endpoints(self) -> list[Endpoint]:
        told = partial(Endpoint, method="POST", answer=Told, problems=(409, 422), scope="run")
        return [
            Endpoint(
                method="GET",
                path="/api/agent/tools",
                handler=self._tools,
                summary="The tools that there are.",
                answer=list[ToolAnswer],
            ),
            told(
                path="/api/agent/progress",
                handler=refusing(self._progress),
                summary="How far the job is.",
                body=ProgressBody,
            ),
            told(
                path="/api/agent/updates",
                handler=refusing(self._update),
                summary="A message into the thread of the job.",
                body=UpdateBody,
            ),
        ]

    async def _tools(self, call: Call[None, None]) -> Sequence[object]:
        return [ToolAnswer(tool.described()) for tool in TOOLS]

    async def _progress(self, call: Call[None, ProgressBody]) -> Told:
        body = call.body
        note = " ".join(body.note.split())
        await self._words.tell(_job(call), ProgressTold(done=body.done, total=body.total, note=note))
        return Told()

    async def _update(self, call: Call[None, UpdateBody]) -> Told:
        return Told(number=await self._words.post(_job(call), call.body.text.strip()))


class PublishingApi:
    """Makes pages of Markdown. `base_url` tells where they are read."""

    def __init__(self, storage: Storage, directory: Path, base_url: Callable[[], str]) -> None:
        self._storage = storage
        self._directory = directory
        self._base_url = base_url

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path="/api/reports/pages",
                handler=refusing(self._publish),
                summary="Publish a report that is written as Markdown.",
                body=PageBody,
                answer=PublishedPage,
                status=201,
                problems=(403, 409, 422),
                scope="run",
            )
        ]

    async def _publish(self, call: Call[None, PageBody]) -> PublishedPage:
        job = call.caller.job
        facts = _facts(job) if job else [("Published by", author_of(call).name)]
        question = job.prompt if job else ""
        report = await asyncio.to_thread(
            reports.publish, self._directory, question=question, markdown=call.body.markdown, facts=facts
        )
        if job is not None:
            await self._storage.agents.publish(job, report)
        else:
            await self._storage.reports.add(_new(report))
        url = f"{self._base_url()}/reports/{report.slug}/"
        return PublishedPage(slug=report.slug, title=report.title, url=url)


def _facts(job: Job) -> list[tuple[str, str]]:
    asker = job.origin.actor.name or job.origin.actor.user_id
    return [("Asked by", asker), ("Provider", job.provider), ("Model", job.model)]


def _new(report: Report) -> NewReport:
    return NewReport(title=report.title, slug=report.slug, workspace=_SHELF, description=report.description)


def _job(call: Call[None, object]) -> Job:
    if call.caller.job is None:
        raise ended()
    return call.caller.job
