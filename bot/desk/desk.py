"""Answers requests: parse, authorise, do. One function per verb."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from bot.desk import commands, replies
from bot.desk.access import Access, Deny
from bot.desk.asks import Answer, Ask, Invocation
from bot.desk.commands import NAME, Command, Misunderstood
from bot.desk.prompts import problem_of
from bot.news.words import state
from executor.catalog import EFFORTS, Catalog, Model, UnknownChoice
from executor.executor import Executor, NoSession
from executor.model import Job, JobRequest, JobStatus, Origin
from executor.outbox import CARD
from executor.ports import SuccessorLives
from executor.workspaces import UnknownWorkspace, Workspaces
from storage import Storage

_ID = re.compile(r"[0-9a-f][0-9a-f-]{0,35}")


class Door(Protocol):
    """The desk, as a platform's door sees it. Never raises for anything that a person can cause."""

    async def command(self, invocation: Invocation) -> Answer:
        """Does what was typed after `/job`. When it returns, what it accepted is committed."""

    async def ask(self, ask: Ask) -> Answer:
        """Does what a button or a form asks for. When it returns, what it accepted is committed."""

    def choices(self, option: str) -> Sequence[str]:
        """The values that an option of the command table may take, the default first, for forms."""


class Refusal(Exception):
    """The request cannot be done. `text` is a sentence for the person, `field` the option at fault."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.field = field


class Desk:
    """The one door behind all doors."""

    def __init__(
        self,
        *,
        storage: Storage,
        executor: Executor,
        access: Access,
        catalog: Catalog,
        workspaces: Workspaces,
        prompt_limit: int,
    ) -> None:
        self._storage = storage
        self._executor = executor
        self._access = access
        self._catalog = catalog
        self._workspaces = workspaces
        self._prompt_limit = prompt_limit

    async def command(self, invocation: Invocation) -> Answer:
        """Does what was typed after `/job`."""
        denied = self._access.authorize(invocation.origin, "help")
        if isinstance(denied, Deny):
            return Answer(ok=False, text=denied.reason)
        try:
            parsed = commands.parse(invocation.text)
        except Misunderstood as error:
            return Answer(ok=False, text=error.text, field=error.field)
        ask = Ask(
            verb=parsed.command.verb,
            origin=invocation.origin,
            delivery=invocation.delivery,
            target=parsed.target,
            args=parsed.args,
        )
        return await self.ask(ask)

    async def ask(self, ask: Ask) -> Answer:
        """Does what a command, a button or a form asks for."""
        command = commands.BY_VERB.get(ask.verb)
        if command is None:
            return Answer(ok=False, text=f"I know no command `{commands.shown(ask.verb)}`.")
        try:
            self._authorize(ask)  # before the target is looked up: who is shut out learns of no job
            target = await self._target(ask, command)
            self._authorize(ask, target)
            return await self._do(ask, command, target)
        except Refusal as error:
            return Answer(ok=False, text=error.text, field=error.field)

    def choices(self, option: str) -> Sequence[str]:
        """The values that an option may take, the default first."""
        values: Mapping[str, Sequence[str]] = {
            "model": self._catalog.model_names(),
            "provider": self._catalog.providers,
            "effort": ("medium", "low", "high"),
            "workspace": tuple(self._workspaces.directories),
        }
        return values[option]

    def _authorize(self, ask: Ask, target: Job | None = None) -> None:
        allowed = self._access.authorize(ask.origin, ask.verb, target)
        if isinstance(allowed, Deny):
            raise Refusal(allowed.reason)

    async def _do(self, ask: Ask, command: Command, target: Job | None) -> Answer:
        if command.job_type:
            return await self._run(ask, command)
        if target is None:
            return await self._list(ask) if ask.verb == "list" else Answer(ok=True, text=commands.help_text())
        verbs = {"show": self._show, "cancel": self._cancel, "resume": self._resume, "retry": self._retry}
        return await verbs[ask.verb](ask, target)

    async def _target(self, ask: Ask, command: Command) -> Job | None:
        """The job that the ask is about. An id that may not be seen answers like one that is unknown."""
        if command.takes not in (commands.Takes.JOB, commands.Takes.JOB_AND_TEXT):
            return None
        prefix = ask.target.strip().lower()
        found = await self._storage.jobs.find(prefix) if _ID.fullmatch(prefix) else ()
        jobs = [job for job in found if self._access.may_see(ask.origin.actor, job)]
        if not jobs:
            raise Refusal(
                f"There is no job `{commands.shown(ask.target)}`. "
                "`/job list` shows the latest ones with their ids."
            )
        if len(jobs) > 1:
            raise Refusal(
                f"`{prefix}` is the beginning of several ids; type more of it: {replies.ids(jobs, prefix)}."
            )
        return jobs[0]

    async def _run(self, ask: Ask, command: Command) -> Answer:
        prompt = ask.args.get("prompt", "")
        problem = problem_of(prompt, self._prompt_limit)
        if problem:
            raise Refusal(f"{problem}\n{commands.usage_of(command)}", "prompt")
        request = self._request(ask, command)
        submission = await self._executor.submit(request)
        return Answer(ok=True, text=replies.queued(submission.job), job=submission.job)

    def _request(self, ask: Ask, command: Command) -> JobRequest:
        _check_values(ask, command)
        model = self._choose_model(ask, command)
        effort = ask.args.get("effort") or "medium"
        if effort not in EFFORTS:
            listed = ", ".join(f"`{each}`" for each in EFFORTS)
            raise Refusal(f"There is no effort `{effort}`. There are: {listed}.", "effort")
        try:
            workspace = self._workspaces.choose(ask.args.get("workspace") or None)
        except UnknownWorkspace as error:
            raise Refusal(str(error), "workspace") from error
        return JobRequest(
            type=command.job_type,
            payload={"prompt": ask.args["prompt"]},
            provider=model.provider,
            model=model.name,
            effort=effort,
            workspace=workspace,
            origin=ask.origin,
            dedupe_key=ask.delivery,
        )

    def _choose_model(self, ask: Ask, command: Command) -> Model:
        provider, model = ask.args.get("provider") or None, ask.args.get("model") or None
        try:
            return self._catalog.choose(command.job_type, provider, model)
        except UnknownChoice as error:
            raise Refusal(str(error), "model" if model else "provider") from error

    async def _list(self, ask: Ask) -> Answer:
        jobs = await self._storage.jobs.jobs(limit=50)
        seen = [job for job in jobs if self._access.may_see(ask.origin.actor, job)][:15]
        return Answer(ok=True, text=replies.listing(seen))

    async def _show(self, ask: Ask, job: Job) -> Answer:
        return Answer(ok=True, text=replies.details(job), job=job)

    async def _cancel(self, ask: Ask, job: Job) -> Answer:
        cancelled = await self._executor.cancel(job.id, ask.origin.actor.name or ask.origin.actor.user_id)
        if cancelled is None:
            now = await self._storage.jobs.job(job.id) or job
            raise Refusal(f"Job `{job.short_id}` is {state(now.status)} already; there is nothing to cancel.")
        return Answer(ok=True, text=replies.cancelled(cancelled), job=cancelled)

    async def _resume(self, ask: Ask, job: Job) -> Answer:
        prompt = ask.args.get("prompt", "").strip()
        if not prompt:
            hurried = await self._executor.hurry(job.id)
            if hurried is not None:
                return Answer(ok=True, text=f"Job `{job.short_id}` goes on now.", job=hurried)
        elif job.status is JobStatus.RATE_LIMITED:
            raise Refusal(
                f"Job `{job.short_id}` waits for a usage limit and takes no new words until it has ended. "
                f"`/job resume {job.short_id}` alone lets it go on now."
            )
        self._may_be_continued(job, "resume")
        problem = problem_of(prompt, self._prompt_limit) if prompt else ""
        if problem:
            raise Refusal(problem, "prompt")
        origin = await self._thread_of(job, ask.origin)
        try:
            submission = await self._executor.resume(job, prompt, origin, ask.delivery)
        except NoSession as error:
            raise Refusal(
                f"Job `{job.short_id}` never got as far as a session, so there is nothing to resume. "
                "Retry does the same again, afresh."
            ) from error
        except SuccessorLives as error:
            raise Refusal(replies.goes_on_already(job, error.job)) from error
        return Answer(ok=True, text=replies.queued(submission.job), job=submission.job)

    async def _retry(self, ask: Ask, job: Job) -> Answer:
        self._may_be_continued(job, "retry")
        origin = await self._thread_of(job, ask.origin)
        try:
            submission = await self._executor.retry(job, origin, ask.delivery)
        except SuccessorLives as error:
            raise Refusal(replies.goes_on_already(job, error.job)) from error
        return Answer(ok=True, text=replies.queued(submission.job), job=submission.job)

    def _may_be_continued(self, job: Job, verb: str) -> None:
        if not job.status.final:
            raise Refusal(
                f"Job `{job.short_id}` is {state(job.status)}; {verb} is for jobs that have ended. "
                f"`/job cancel {job.short_id}` stops it."
            )
        if job.provider not in self._catalog.providers:
            raise Refusal(
                f"Job `{job.short_id}` was done by {job.provider}, which is switched off here. "
                f"Ask another agent: `/job {job.type} …`."
            )

    async def _thread_of(self, job: Job, asked_in: Origin) -> Origin:
        """The job's own thread, whoever asks and wherever: what continues a job stands with it."""
        if job.origin.actor.platform != asked_in.actor.platform:
            return asked_in
        thread = job.origin.thread
        if thread is None:
            entries = await self._storage.outbox.of_job(job.id)
            thread = entries[CARD].message_id if CARD in entries else None
        # An empty id stands for a card that the platform refused: there is no thread below it.
        return replace(asked_in, channel=job.origin.channel, thread=thread or None)


def _check_values(ask: Ask, command: Command) -> None:
    """Forms and calls bring values that no parser has seen."""
    for option in command.options:
        value = ask.args.get(option.name, "")
        if value and not NAME.fullmatch(value):
            raise Refusal(
                f"`{commands.shown(value)}` cannot be the value of `--{option.name}`: a plain name is.\n"
                f"{commands.usage_of(command)}",
                option.name,
            )
