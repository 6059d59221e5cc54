"""Answers requests: parse, authorise, do. One function per verb."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.desk import commands, replies
from bot.desk.access import Access, Deny
from bot.desk.asks import Answer, Ask, Invocation, Refusal
from bot.desk.commands import NAME, TIME_OPTIONS, Command, Misunderstood
from bot.desk.prompts import problem_of
from bot.desk.terms import priority_of, timeout_of
from bot.desk.timetable import Timetable
from bot.news.words import state
from executor.catalog import EFFORTS, Catalog, Model, UnknownChoice
from executor.executor import Executor, NoSession
from executor.model import Job, JobRequest, JobStatus, Origin
from executor.outbox import CARD
from executor.ports import Clock, SuccessorLives
from executor.schedules import Schedule
from executor.timers import LEAST_INTERVAL, Cron
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


class _Findable(Protocol):
    async def find(self, prefix: str) -> Sequence[Job | Schedule]: ...


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
        clock: Clock,
        zone: ZoneInfo,
        least_interval: timedelta = LEAST_INTERVAL,
    ) -> None:
        self._storage = storage
        self._executor = executor
        self._access = access
        self._catalog = catalog
        self._workspaces = workspaces
        self._prompt_limit = prompt_limit
        self._timetable = Timetable(
            schedules=storage.schedules,
            executor=executor,
            permit=self.refusal,
            clock=clock,
            zone=zone,
            least_interval=least_interval,
        )

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
            zone=invocation.zone,
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
            "timeout": (),
            "priority": ("normal", "low", "high"),
        }
        return values[option]

    async def suggest(self, origin: Origin, verb: str, typed: str) -> Sequence[tuple[str, str]]:
        """Ids that `verb` could be about, each with a line that says what it is; nothing for strangers."""
        command = commands.BY_VERB.get(verb)
        if command is None or isinstance(self._access.authorize(origin, verb), Deny):
            return []
        if command.takes is commands.Takes.SCHEDULE:
            schedules = await self._storage.schedules.schedules()
            lines = [
                (each.id, replies.schedule_line(each))
                for each in schedules
                if self._access.may_see(origin, each)
            ]
        else:
            jobs = await self._storage.jobs.jobs(limit=50)
            lines = [
                (job.id, replies.line(job))
                for job in jobs
                if self._access.may_see(origin, job) and _fits(job, verb)
            ]
        return [(id, line) for id, line in lines if typed.strip("#` ").lower() in f"{id} {line}".lower()]

    def refusal(self, request: JobRequest) -> str:
        """Why the owner of a schedule may not have this now, in a sentence; empty where it may run."""
        allowed = self._access.authorize(request.origin, request.type)
        if isinstance(allowed, Deny):
            return allowed.reason
        if request.provider not in self._catalog.providers:
            return f"{request.provider} is switched off here."
        if request.workspace not in self._workspaces.directories:
            return f"There is no workspace `{request.workspace}` any more."
        return ""

    def _authorize(self, ask: Ask, target: Job | Schedule | None = None) -> None:
        allowed = self._access.authorize(ask.origin, ask.verb, target)
        if isinstance(allowed, Deny):
            raise Refusal(allowed.reason)

    async def _do(self, ask: Ask, command: Command, target: Job | Schedule | None) -> Answer:
        if command.job_type:
            return await self._run(ask, command)
        if isinstance(target, Schedule):
            return await self._timetable.change(ask, target)
        if target is None:
            lists = {"list": self._list, "schedules": self._schedules}
            return await lists[ask.verb](ask) if ask.verb in lists else _help()
        verbs = {"show": self._show, "cancel": self._cancel, "resume": self._resume, "retry": self._retry}
        return await verbs[ask.verb](ask, target)

    async def _target(self, ask: Ask, command: Command) -> Job | Schedule | None:
        """What the ask is about. An id that may not be seen answers like one that is unknown."""
        if command.takes in (commands.Takes.PROMPT, commands.Takes.NOTHING):
            return None
        a_schedule = command.takes is commands.Takes.SCHEDULE
        store: _Findable = self._storage.schedules if a_schedule else self._storage.jobs
        prefix = ask.target.strip().lower()
        found = await store.find(prefix) if _ID.fullmatch(prefix) else ()
        seen = [each for each in found if self._access.may_see(ask.origin, each)]
        if not seen:
            raise Refusal(_unknown(ask.target, "schedule" if a_schedule else "job"))
        if len(seen) > 1:
            raise Refusal(
                f"`{prefix}` is the beginning of several ids; type more of it: {replies.ids(seen, prefix)}."
            )
        return seen[0]

    async def _run(self, ask: Ask, command: Command) -> Answer:
        prompt = ask.args.get("prompt", "")
        problem = problem_of(prompt, self._prompt_limit)
        if problem:
            raise Refusal(f"{problem}\n{commands.usage_of(command)}", "prompt")
        request = self._request(ask, command)
        time = await self._timetable.time_of(ask)
        if isinstance(time, Cron):
            # Every run asks anew whether its owner may, and by then nobody vouches for roles.
            actor = replace(ask.origin.actor, roles=frozenset())
            self._authorize(replace(ask, origin=replace(ask.origin, actor=actor)))
            return await self._timetable.add(ask, time, request)
        submission = await self._executor.submit(replace(request, scheduled_at=time.at if time else None))
        text = self._timetable.scheduled(submission.job, time) or replies.queued(submission.job)
        return Answer(ok=True, text=text, job=submission.job)

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
            payload={"prompt": ask.args["prompt"], **timeout_of(ask.args)},
            provider=model.provider,
            model=model.name,
            effort=effort,
            workspace=workspace,
            origin=ask.origin,
            priority=priority_of(ask.args),
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
        seen = [job for job in jobs if self._access.may_see(ask.origin, job)][:15]
        return Answer(ok=True, text=replies.listing(seen, await self._timetable.starts(ask, seen)))

    async def _schedules(self, ask: Ask) -> Answer:
        schedules = await self._storage.schedules.schedules()
        seen = [each for each in schedules if self._access.may_see(ask.origin, each)]
        return Answer(ok=True, text=await self._timetable.listing(seen))

    async def _show(self, ask: Ask, job: Job) -> Answer:
        starts = await self._timetable.starts(ask, [job])
        jobs = self._storage.jobs
        history = replies.history(job, await jobs.attempts(job.id), await jobs.hindrance(job.id))
        return Answer(ok=True, text=replies.details(job, starts.get(job.id, ""), history), job=job)

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
                does = "starts" if job.status is JobStatus.SCHEDULED else "goes on"
                return Answer(ok=True, text=f"Job `{job.short_id}` {does} now.", job=hurried)
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


def _fits(job: Job, verb: str) -> bool:
    """Whether `verb` can do anything with the job as it stands."""
    if verb == "cancel":
        return not job.status.final
    waits = job.status in (JobStatus.RATE_LIMITED, JobStatus.SCHEDULED)
    return job.status.final or (verb == "resume" and waits) or verb == "show"


def _help() -> Answer:
    return Answer(ok=True, text=commands.help_text())


def _unknown(target: str, what: str) -> str:
    if what == "schedule":
        return f"There is no schedule `{commands.shown(target)}`. `/job schedules` shows them with their ids."
    return f"There is no job `{commands.shown(target)}`. `/job list` shows the latest ones with their ids."


def _check_values(ask: Ask, command: Command) -> None:
    """Forms and calls bring values that no parser has seen. What a time may be, its own parser says."""
    for option in command.options:
        if option in TIME_OPTIONS:
            continue
        value = ask.args.get(option.name, "")
        if value and not NAME.fullmatch(value):
            raise Refusal(
                f"`{commands.shown(value)}` cannot be the value of `--{option.name}`: a plain name is.\n"
                f"{commands.usage_of(command)}",
                option.name,
            )
