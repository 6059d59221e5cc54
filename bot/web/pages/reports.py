"""The reports: their list, and a page around each that says whose it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from bot.web.bodies import read_body
from bot.web.pages.parts import Parts
from bot.web.pages.remarks import remarks_on
from bot.web.pages.saving import RecordBody, Saved
from bot.web.problems import Problem
from executor.reports import OWN_PAGE, PAGE, SOURCE, links
from executor.untrusted import read_under
from storage.hub.authors import OWNER, RecordRefused
from storage.hub.feedback import Target
from storage.hub.reports import ReportChanges, ReportFilter, ReportRow, ReportStatus

_MOST = 50
_LINKS = 100
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""As for all pages; and a report in its frame can lead that nowhere else."""


class _StatusBody(RecordBody):
    status: ReportStatus


class ReportsPage:
    """Shows reports, whose files lie in `folder`. Everybody who is logged in is the owner."""

    def __init__(self, parts: Parts, folder: Path) -> None:
        self._parts = parts
        self._storage = parts.storage
        self._folder = folder

    def routes(self) -> list[web.AbstractRouteDef]:
        # What lies below /reports/ has the policy of a report; these are pages of ours.
        return [
            web.get("/reports", self._list),
            web.get("/read/{slug}", self._reader),
            web.post("/read/{slug}/status", self._move),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        asked = request.query.get("status", "").lower()
        status = ReportStatus(asked) if asked in tuple(ReportStatus) else ReportStatus.ACTIVE
        reports = self._storage.reports
        try:
            before = request.query.get("before") or None
            found = await reports.reports(ReportFilter(status=status), _MOST + 1, before)
        except RecordRefused as refused:
            raise Problem(404, refused.text) from None
        older = f"/reports?status={status}&before={found[_MOST - 1].id}" if len(found) > _MOST else ""
        return self._parts.page(
            request,
            "reports.html",
            status=status,
            statuses=tuple(ReportStatus),
            reports=found[:_MOST],
            counts=await reports.counts(),
            older=older,
        )

    async def _reader(self, request: web.Request) -> web.Response:
        report = await self._report(request)
        jobs = self._storage.jobs
        own, page, source = await asyncio.to_thread(self._files, report.slug)
        response = self._parts.page(
            request,
            "report.html",
            report=report,
            statuses=[status for status in ReportStatus if status is not report.status],
            job=await jobs.job(report.job_id) if report.job_id else None,
            by_agent=own,
            there=own or page,
            links=(await asyncio.to_thread(links, source))[:_LINKS],
            source=bool(source),
            about=await remarks_on(self._storage, Target.REPORT, report.id),
        )
        response.headers["Content-Security-Policy"] = POLICY
        return response

    def _files(self, slug: str) -> tuple[bool, bool, str]:
        """Whether the agent wrote its own page, whether there is ours, and the Markdown."""
        own = read_under(self._folder, slug, OWN_PAGE, most=1) is not None
        page = read_under(self._folder, slug, PAGE, most=1) is not None
        return own, page, (read_under(self._folder, slug, SOURCE) or b"").decode(errors="replace")

    async def _report(self, request: web.Request) -> ReportRow:
        report = await self._storage.reports.by_slug(request.match_info["slug"])
        if report is None:
            raise Problem(404, "There is no such report. All that there are stand on the page Reports.")
        return report

    async def _move(self, request: web.Request) -> web.Response:
        report, body = await self._report(request), await read_body(request, _StatusBody)

        async def change() -> Saved:
            await self._storage.reports.change(report.id, ReportChanges(status=body.status), OWNER)
            return Saved(text=f"The report is {body.status} now.")

        return await self._parts.saving.once(request, body, change)
