"""What becomes of a job that there is: stopped, gone on with, done again."""

from __future__ import annotations

from dataclasses import replace

from bot.desk import replies
from bot.desk.asks import Answer, Ask, Refusal
from bot.desk.attachments import SEE_FILES, Attachments
from bot.desk.option_table import CONTINUE_OPTIONS
from bot.desk.prompts import problem_of
from bot.desk.terms import on_other_terms
from bot.news.words import state
from executor.catalog import Catalog
from executor.executor import Executor, NoSession
from executor.model import Job, JobStatus, Origin
from executor.outbox import CARD
from executor.ports import SuccessorLives
from storage import Storage


class Continuing:
    """The part of the desk that deals with jobs that there are. Every method may raise Refusal."""

    def __init__(
        self,
        storage: Storage,
        executor: Executor,
        catalog: Catalog,
        attachments: Attachments,
        prompt_limit: int,
    ) -> None:
        self._storage = storage
        self._executor = executor
        self._catalog = catalog
        self._attachments = attachments
        self._prompt_limit = prompt_limit

    async def cancel(self, ask: Ask, job: Job) -> Answer:
        """Stops it, if it has not ended."""
        cancelled = await self._executor.cancel(job.id, ask.origin.actor.name or ask.origin.actor.user_id)
        if cancelled is None:
            now = await self._storage.jobs.job(job.id) or job
            raise Refusal(f"Job `{job.short_id}` is {state(now.status)} already; there is nothing to cancel.")
        return Answer(ok=True, text=replies.cancelled(cancelled, dropped=job.replies), job=cancelled)

    async def resume(self, ask: Ask, job: Job) -> Answer:
        """Lets one that waits go on now, and one that has ended in a new job, with new words or without."""
        prompt = ask.args.get("prompt", "").strip() or (SEE_FILES if ask.files else "")
        if not prompt and not _terms_in(ask):
            hurried = await self._executor.hurry(job.id)
            if hurried is not None:
                does = "starts" if job.status is JobStatus.SCHEDULED else "goes on"
                return Answer(ok=True, text=f"Job `{job.short_id}` {does} now.", job=hurried)
        elif job.status is JobStatus.RATE_LIMITED:
            raise Refusal(
                f"Job `{job.short_id}` waits for a usage limit and takes no new words or options until it "
                f"has ended. `/job resume {job.short_id}` alone lets it go on now."
            )
        self._may_be_continued(job, "resume")
        problem = problem_of(prompt, self._prompt_limit) if prompt else ""
        if problem:
            raise Refusal(problem, "prompt")
        origin = await self.thread_of(job, ask.origin)
        continued = on_other_terms(job, ask.args, self._catalog)
        try:
            async with self._attachments.taken(ask) as files:
                submission = await self._executor.resume(continued, prompt, origin, ask.delivery, files)
        except NoSession as error:
            raise Refusal(replies.no_session(job)) from error
        except SuccessorLives as error:
            raise Refusal(replies.goes_on_already(job, error.job)) from error
        return Answer(ok=True, text=self._queued(submission.job), job=submission.job)

    async def retry(self, ask: Ask, job: Job) -> Answer:
        """Does the same again, afresh, in a new job."""
        self._may_be_continued(job, "retry")
        origin = await self.thread_of(job, ask.origin)
        continued = on_other_terms(job, ask.args, self._catalog)
        try:
            submission = await self._executor.retry(continued, origin, ask.delivery)
        except SuccessorLives as error:
            raise Refusal(replies.goes_on_already(job, error.job)) from error
        return Answer(ok=True, text=self._queued(submission.job), job=submission.job)

    def _queued(self, job: Job) -> str:
        return replies.queued(job, self._catalog.price(job.model))

    def _may_be_continued(self, job: Job, verb: str) -> None:
        if not job.status.final:
            raise Refusal(replies.not_ended(job, verb))
        if job.provider not in self._catalog.providers:
            raise Refusal(
                f"Job `{job.short_id}` was done by {job.provider}, which is switched off here. "
                f"Ask another agent: `/job {job.type} …`."
            )

    async def thread_of(self, job: Job, asked_in: Origin) -> Origin:
        """The job's own thread, whoever asks and wherever: what continues a job stands with it."""
        if job.origin.actor.platform != asked_in.actor.platform:
            return asked_in
        thread = job.origin.thread
        if thread is None:
            entries = await self._storage.outbox.of_job(job.id)
            thread = entries[CARD].message_id if CARD in entries else None
        # An empty id stands for a card that the platform refused: there is no thread below it.
        return replace(asked_in, channel=job.origin.channel, thread=thread or None)


def _terms_in(ask: Ask) -> bool:
    return any(ask.args.get(option.name) for option in CONTINUE_OPTIONS)
