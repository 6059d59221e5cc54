"""Replies to jobs: one that has ended goes on, one that runs takes them up or keeps them until it ends."""

from __future__ import annotations

from dataclasses import replace

from bot.desk.access import Access, Deny
from bot.desk.answers import Answers
from bot.desk.asks import ANSWER, Answer, Ask, Refusal
from bot.desk.attachments import SEE_FILES, Attachments
from bot.desk.continuing import Continuing
from bot.desk.prompts import problem_of
from bot.desk.replies import interrupted, kept, queued
from bot.news.words import state
from executor.follow_ups import Reply
from executor.model import Job, JobStatus, Origin
from executor.ports import Clock
from storage import Storage

MOST = 20
"""Replies that may wait for the end of one job."""
_NOTHING_FOR_IT = (
    "No reply waits for job `{id}` to be interrupted for. Say what it shall do instead: "
    "`/job interrupt {id} TEXT`. `/job cancel {id}` stops it."
)
_DEAF = (
    "{provider} takes nothing in while it works, so job `{id}` cannot be interrupted, only cancelled: "
    "`/job cancel {id}`. Reply in its thread, and its session goes on with that when it has ended."
)
_NO_JOB = "This is not the thread of a job that you can go on with. `/job list` shows the latest ones."


class FollowUps:
    """The part of the desk that deals in threads."""

    def __init__(
        self,
        storage: Storage,
        access: Access,
        clock: Clock,
        prompt_limit: int,
        attachments: Attachments,
        continuing: Continuing,
    ) -> None:
        self._storage = storage
        self._access = access
        self._prompt_limit = prompt_limit
        self._attachments = attachments
        self._continuing = continuing
        self.answers = Answers(storage, clock, prompt_limit)

    async def job_of_thread(self, origin: Origin) -> Job | None:
        """The job that something said there is about."""
        job = await self._storage.jobs.newest_in_thread(origin) if origin.thread else None
        return job if job is not None and self._access.may_see(origin, job) else None

    async def reply(self, ask: Ask) -> Answer:
        """Goes on with the job of the thread as `resume` does, or lets the words wait. Raises Refusal.

        Where it waits for nothing but an answer in words, they are that.
        """
        try:
            job = await self._meant(ask)
        except Refusal:
            if ask.overheard:
                return Answer(ok=False, text="")
            raise
        known = await self._storage.replies.delivered(ask.delivery)
        if known is not None:
            return Answer(ok=True, text=queued(known), job=known)
        if ask.files and not ask.args.get("prompt", "").strip():
            ask = replace(ask, args={**ask.args, "prompt": SEE_FILES})
        self._check_words(ask)
        self._authorize(ask, job, ANSWER)
        return await self.answers.reply(ask, job) or await self._taken(ask, job)

    async def interrupt(self, ask: Ask, job: Job) -> Answer:
        """Lets the job take up now what was replied to it, with what `ask` adds to that. Raises Refusal.

        One whose CLI takes nothing in while it works can only be stopped: its session then goes on.
        """
        if job.status is not JobStatus.RUNNING:
            raise Refusal(
                f"Job `{job.short_id}` is {state(job.status)}: only one that runs can be interrupted. "
                f"`/job show {job.short_id}` tells how it stands."
            )
        if ask.args.get("prompt"):
            job = await self._told(ask, job)
        actor = ask.origin.actor
        now = await self._storage.replies.interrupt(job.id, actor.name or actor.user_id)
        if now is None:
            raise Refusal(
                _NOTHING_FOR_IT.format(id=job.short_id)
                if job.live
                else _DEAF.format(id=job.short_id, provider=job.provider)
            )
        return Answer(ok=True, text=interrupted(now), job=now)

    async def _told(self, ask: Ask, job: Job) -> Job:
        """The job, once its session has the words."""
        if not job.live:
            raise Refusal(_DEAF.format(id=job.short_id, provider=job.provider))
        self._check_words(ask)
        origin = await self._continuing.thread_of(job, ask.origin)
        return await self._keep(job, replace(ask, origin=origin)) or job

    def _check_words(self, ask: Ask) -> None:
        problem = problem_of(ask.args.get("prompt", ""), self._prompt_limit)
        if problem:
            raise Refusal(problem, "prompt")

    async def _meant(self, ask: Ask) -> Job:
        self._authorize(ask)
        job = await self.job_of_thread(ask.origin) or await self._named(ask)
        if job is None:
            raise Refusal(_NO_JOB)
        self._authorize(ask, job)
        return job

    async def _named(self, ask: Ask) -> Job | None:
        """The job whose button it was, where that stands in no thread of its own."""
        job = await self._storage.jobs.job(ask.target) if ask.target else None
        return job if job is not None and self._access.may_see(ask.origin, job) else None

    def _authorize(self, ask: Ask, job: Job | None = None, verb: str = "resume") -> None:
        allowed = self._access.authorize(ask.origin, verb, job)
        if isinstance(allowed, Deny):
            raise Refusal(allowed.reason, denied=True)

    async def _taken(self, ask: Ask, job: Job) -> Answer:
        if not job.status.final:
            waits_for = await self._keep(job, ask)
            if waits_for is not None:
                return Answer(ok=True, text=kept(waits_for), job=waits_for)
            job = await self._storage.jobs.job(job.id) or job  # it has just ended
        return await self._continuing.resume(replace(ask, verb="resume"), job)

    async def _keep(self, job: Job, ask: Ask) -> Job | None:
        if job.replies >= MOST:
            raise Refusal(f"{MOST} replies wait for job `{job.short_id}` already; let it end first.")
        async with self._attachments.taken(ask) as files:
            reply = Reply(text=ask.args["prompt"], origin=ask.origin, delivery=ask.delivery, files=files)
            return await self._storage.replies.keep(job.id, reply)
