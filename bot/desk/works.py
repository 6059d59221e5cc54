"""What people decide about the work that a job has left in its worktree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bot.desk.asks import Answer, Ask, Refusal
from bot.news.works import summary
from bot.platforms.base import Attachment
from executor.files import amount
from executor.model import Job
from executor.work import Work, WorkState
from executor.worktrees.decisions import Decisions, Undecided

_CUT = (
    "\n\n[The difference is longer than {}; the rest is left out. `git diff` in the repository shows it.]\n"
)


class Works:
    """The part of the desk that deals in worktrees. Who asks has been let in before."""

    def __init__(self, decisions: Decisions, public_url: Callable[[], str]) -> None:
        self._decisions = decisions
        self._public_url = public_url

    @property
    def verbs(self) -> Mapping[str, Callable[[Ask, Job], Awaitable[Answer]]]:
        """What can be asked for. Each raises Refusal."""
        return {
            "diff": self._diff,
            "merge": self._merge,
            "keep": self._keep,
            "discard": self._discard,
            "pr": self._request,
        }

    async def _diff(self, ask: Ask, job: Job) -> Answer:
        try:
            diff = await self._decisions.diff(job)
        except Undecided as error:
            raise Refusal(str(error)) from error
        patch = diff.patch + (_CUT.format(amount(len(diff.patch))).encode() if diff.cut else b"")
        name = f"job-{job.short_id}.diff"
        file = Attachment(name=name, title=f"What {job.type} {job.short_id} changed", content=patch)
        address = f"{self._public_url()}/jobs/{job.id}/diff"
        return Answer(
            ok=True, text=f"{summary(diff.work)}. On the page: {address}", job=job, file=file, says_more=True
        )

    async def _request(self, ask: Ask, job: Job) -> Answer:
        try:
            url = await self._decisions.request(job)
        except Undecided as error:
            raise Refusal(str(error)) from error
        return Answer(ok=True, text=f"Opened: {url}", job=job)

    async def _merge(self, ask: Ask, job: Job) -> Answer:
        return await self._decided(ask, job, self._decisions.merge)

    async def _keep(self, ask: Ask, job: Job) -> Answer:
        return await self._decided(ask, job, self._decisions.keep)

    async def _discard(self, ask: Ask, job: Job) -> Answer:
        return await self._decided(ask, job, self._decisions.discard)

    async def _decided(self, ask: Ask, job: Job, decide: Callable[[Job, str], Awaitable[Work]]) -> Answer:
        try:
            work = await decide(job, ask.origin.actor.name or ask.origin.actor.user_id)
        except Undecided as error:
            raise Refusal(str(error)) from error
        return Answer(ok=True, text=_told(work), job=job, says_more=work.state is WorkState.DISCARDED)


def _told(work: Work) -> str:
    if work.state is WorkState.MERGED:
        return f"`{work.branch}` is merged into `{work.note}`: {summary(work)}."
    if work.state is WorkState.KEPT:
        return f"It stays in the repository on the branch `{work.branch}`; its directory is gone."
    return f"`{work.branch}` is discarded. This brings it back: `git branch {work.branch} {work.note}`"
