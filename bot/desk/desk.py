"""Answers requests: parse, authorise, do. One function per verb."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from bot.desk import briefs, commands, lists, models, options, replies, sessions, suggestions, threads
from bot.desk.access import DECISIONS, SET, Access, Deny
from bot.desk.asks import ALTER, CHOOSE, REPLY, Answer, Ask, Invocation, Refusal
from bot.desk.attachments import Attachments
from bot.desk.choosing import Choosing
from bot.desk.commands import Command, Misunderstood, Takes
from bot.desk.continuing import Continuing
from bot.desk.defaults import Defaults
from bot.desk.follow_ups import FollowUps
from bot.desk.help import help_about
from bot.desk.login import PageLogin
from bot.desk.places import Places
from bot.desk.presets import Presets
from bot.desk.prompts import payload_of, problem_of
from bot.desk.terms import Terms, check_budget, effort_of, priority_of, task_of, timeout_of
from bot.desk.timetable import Timetable
from bot.desk.usage import UsageDesk
from bot.desk.vouching import Vouching
from bot.desk.works import Works
from bot.outages import refusal
from executor.catalog import Catalog
from executor.executor import Executor
from executor.files import packed
from executor.model import Actor, Job, JobRequest, Origin
from executor.ports import Clock, StoreUnavailable
from executor.schedules import Schedule
from executor.timers import LEAST_INTERVAL, Cron
from executor.workspaces import Workspaces
from executor.worktrees.decisions import Decisions
from storage import Storage

_STANDS_FOR = {ALTER: "resume"}
"""Whoever may do the one may do the other."""
_ID = re.compile(r"[0-9a-f][0-9a-f-]{0,35}")


class Door(Protocol):
    """The desk, as a platform's door sees it. Never raises for anything that a person can cause."""

    async def command(self, invocation: Invocation) -> Answer:
        """Does what was typed after `/job`. When it returns, what it accepted is committed."""

    async def ask(self, ask: Ask) -> Answer:
        """Does what a button or a form asks for. When it returns, what it accepted is committed."""

    def choices(self, option: str, actor: Actor) -> Sequence[str]:
        """The values that `actor` may give an option of the command table, for forms and help.

        The default first, where it is the same everywhere. None where they cannot be listed.
        """


_F = TypeVar("_F", Job, Schedule, covariant=True)


class _Findable(Protocol[_F]):
    async def find(self, prefix: str) -> Sequence[_F]: ...


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
        decisions: Decisions,
        attachments: Attachments,
        prompt_limit: int,
        clock: Clock,
        zone: ZoneInfo,
        public_url: Callable[[], str],
        least_interval: timedelta = LEAST_INTERVAL,
        presets: Presets | None = None,
    ) -> None:
        self._public_url = public_url
        self._storage = storage
        self._executor = executor
        self._access = access
        self.vouching = Vouching(access)
        self.page_login = PageLogin()
        self._catalog, self._workspaces = catalog, workspaces
        self._prompt_limit, self._attachments = prompt_limit, attachments
        places = Places(workspaces=workspaces, presets=presets or Presets(), access=access)
        self.defaults = Defaults(storage.preferences, catalog, zone, places)
        self._choosing = Choosing(places, storage.preferences, storage.drafts)
        self._usage = UsageDesk(storage.api, access, clock, public_url)
        self._continuing = Continuing(storage, executor, catalog, attachments, prompt_limit)
        self._works = Works(decisions, public_url)
        self._follow_ups = FollowUps(storage, access, clock, prompt_limit, attachments, self._continuing)
        self._timetable = Timetable(
            schedules=storage.schedules,
            executor=executor,
            permit=self.refusal,
            clock=clock,
            zone=self.defaults.zone,
            least_interval=least_interval,
        )

    async def command(self, invocation: Invocation) -> Answer:
        """Does what was typed after `/job`."""
        denied = self._access.authorize(invocation.origin, "help")
        if isinstance(denied, Deny):
            return Answer(ok=False, text=denied.reason, denied=True)
        try:
            ask = threads.read(invocation, await self._follow_ups.job_of_thread(invocation.origin))
        except Misunderstood as error:
            return Answer(ok=False, text=error.text, field=error.field)
        except StoreUnavailable as error:
            return _unavailable(error)
        return await self.ask(ask)

    async def ask(self, ask: Ask) -> Answer:
        """Does what a command, a button or a form asks for."""
        try:
            if ask.verb == REPLY:
                return await self._follow_ups.reply(ask)
            return await self._asked(await self._chosen(ask) if ask.verb == CHOOSE else ask)
        except Refusal as error:
            return Answer(ok=False, text=error.text, field=error.field, denied=error.denied)
        except StoreUnavailable as error:
            return _unavailable(error)

    async def _chosen(self, ask: Ask) -> Ask:
        """What was asked before, with the answer to what it lacked."""
        self._authorize(replace(ask, verb="help"))  # who is shut out learns of no draft
        return await self._choosing.taken(ask)

    async def _asked(self, ask: Ask) -> Answer:
        command = commands.BY_VERB.get(_STANDS_FOR.get(ask.verb, ask.verb))
        if command is None:
            raise Refusal(f"I know no command `{commands.shown(ask.verb)}`.")
        options.check(ask, command)
        if ask.files and not command.takes.has_files:
            raise Refusal(f"`/job {command.verb}` takes no files. Nothing was changed.")
        self._authorize(ask)  # before the target is looked up: who is shut out learns of no job
        target = await self._target(ask, command)
        self._authorize(ask, target)
        if command.takes is Takes.SETTING and ask.args:
            self._authorize(replace(ask, verb=SET))
        return await self._do(ask, command, target)

    def choices(self, option: str, actor: Actor) -> Sequence[str]:
        """The values that `actor` may give an option; none where they cannot be listed."""
        return options.choices(option, self._catalog, self._access.workspaces_of(actor))

    def allows(self, origin: Origin, verb: str, job: Job) -> bool:
        """Whether a button for `verb` on `job` may be shown, as it would not be refused."""
        as_what = "resume" if verb == REPLY else verb
        if isinstance(self._access.authorize(origin, as_what, job), Deny):
            return False
        return verb in DECISIONS or not job.status.final or job.provider in self._catalog.providers

    async def suggest(self, origin: Origin, verb: str, typed: str) -> Sequence[tuple[str, str]]:
        """What `verb` could be about, each with a line that says what it is; nothing for strangers."""
        offers = suggestions.Offers(
            storage=self._storage,
            access=self._access,
            workspaces=self._workspaces,
            providers=self._catalog.providers,
        )
        return await offers.find(origin, verb, typed)

    async def refusal(self, request: JobRequest) -> str:
        """Why the owner of a schedule may not have this now, in a sentence; empty where it may run."""
        allowed = await self.vouching.authorize(request.origin, request.type, workspace=request.workspace)
        if isinstance(allowed, Deny):
            return allowed.reason
        if request.provider not in self._catalog.providers:
            return f"{request.provider} is switched off here."
        if request.workspace not in self._workspaces.named:
            return f"There is no workspace `{request.workspace}` any more."
        return ""

    async def reply_refusal(self, job: Job, request: JobRequest) -> str:
        """The same of whoever has replied to `job`, when a new one is to go on with that."""
        allowed = await self.vouching.authorize(request.origin, "resume", job)
        return allowed.reason if isinstance(allowed, Deny) else await self.refusal(request)

    def _authorize(self, ask: Ask, target: Job | Schedule | None = None, *, workspace: str = "") -> None:
        allowed = self._access.authorize(ask.origin, ask.verb, target, workspace)
        if isinstance(allowed, Deny):
            raise Refusal(allowed.reason, "workspace" if workspace else "", denied=True)

    async def _do(self, ask: Ask, command: Command, target: Job | Schedule | None) -> Answer:
        if command.job_type:
            return await self._run(ask, command)
        if isinstance(target, Schedule):
            return await self._timetable.change(ask, target)
        if target is None:
            overviews = {
                "list": self._list,
                "schedules": self._schedules,
                "models": self._models,
                "web": self.page_login.answer,
                "usage": self._usage.answer,
                "settings": self.defaults.answer,
                "help": self._help,
            }
            return await overviews[ask.verb](ask)
        verbs = {
            "show": self._show,
            "answer": self._follow_ups.answers.answer,
            "cancel": self._continuing.cancel,
            ALTER: self._timetable.alter,
            "interrupt": self._follow_ups.interrupt,
            "resume": self._continuing.resume,
            "retry": self._continuing.retry,
            **self._works.verbs,
        }
        return await verbs[ask.verb](ask, target)

    async def _target(self, ask: Ask, command: Command) -> Job | Schedule | None:
        """What the ask is about."""
        if command.takes is Takes.SCHEDULE:
            return await self._find_in(self._storage.schedules, ask, ask.target, "schedule")
        return await self._find(ask, ask.target) if command.takes.has_job else None

    async def _find(self, ask: Ask, prefix: str) -> Job:
        return await self._find_in(self._storage.jobs, ask, prefix, "job")

    async def _find_in(self, store: _Findable[_F], ask: Ask, named: str, what: str) -> _F:
        """The one whose id begins so. An id that may not be seen answers like one that is unknown."""
        prefix = named.strip().lower()
        found = await store.find(prefix) if _ID.fullmatch(prefix) else ()
        seen = [each for each in found if self._access.may_see(ask.origin, each)]
        if not seen:
            raise Refusal(replies.unknown(named, what))
        if len(seen) > 1:
            raise Refusal(
                f"`{prefix}` is the beginning of several ids; type more of it: {replies.ids(seen, prefix)}."
            )
        return seen[0]

    async def _run(self, ask: Ask, command: Command) -> Answer:
        asked, ask = ask, await briefs.on_task(ask, command, self._storage)
        prompt = ask.args.get("prompt", "")
        problem = "" if command.alone and not prompt.strip() else problem_of(prompt, self._prompt_limit)
        if problem:
            raise Refusal(f"{problem}\n{commands.usage_of(command)}", "prompt")
        time = await self._timetable.time_of(ask)
        earlier = await sessions.named(ask, self._storage.jobs, self._access)
        workspace = earlier.workspace if earlier else await self._choosing.workspace(ask)
        if not workspace:
            await self._terms(ask, command, "")  # what is wrong with them is told before anything is asked
            return await self._choosing.ask_back(asked)
        self._authorize(ask, workspace=workspace)
        request = sessions.continued(ask, await self._request(ask, command, workspace), earlier)
        async with self._attachments.taken(ask) as files:
            request = replace(request, payload={**request.payload, **packed(files)})
            if isinstance(time, Cron):
                return await self._timetable.add(ask, time, request)
            request = replace(request, scheduled_at=time.at if time else None)
            submission = await self._executor.submit(request)
        job = submission.job
        if (job.type, job.prompt) != (request.type, request.payload["prompt"]):
            raise Refusal(replies.taken(job))
        text = self._timetable.scheduled(job, time) or replies.queued(job, self._catalog.price(job.model))
        return Answer(ok=True, text=text, job=job)

    async def _request(self, ask: Ask, command: Command, workspace: str) -> JobRequest:
        terms = await self._terms(ask, command, workspace)
        if why := self._workspaces.objection(workspace, terms.model.provider):
            raise Refusal(why, "provider")
        directory = self._workspaces.of(workspace).directory
        return JobRequest(
            type=command.job_type,
            payload={**await payload_of(command, ask.args, directory), **terms.timeout},
            provider=terms.model.provider,
            model=terms.model.name,
            effort=terms.effort,
            workspace=workspace,
            origin=ask.origin,
            priority=terms.priority,
            task_id=task_of(ask.args),
            dedupe_key=ask.delivery,
        )

    async def _terms(self, ask: Ask, command: Command, workspace: str) -> Terms:
        model, effort = await self.defaults.terms(ask.args, command.job_type, workspace)
        check_budget(ask.args, model)
        return Terms(
            model=model,
            effort=effort_of(ask.args, model, effort),
            timeout=timeout_of(ask.args),
            priority=priority_of(ask.args),
        )

    async def _list(self, ask: Ask) -> Answer:
        given = [name for name, value in ask.args.items() if value]
        before = await self._find(ask, ask.args["before"]) if "before" in given else None
        wanted = lists.filter_of(ask.args, ask.origin.actor, self._access.sight(ask.origin), before)
        page = await self._storage.jobs.page(wanted, lists.PAGE, lists.PAGE + lists.MOST_MORE + 1)
        starts = await self._timetable.starts(ask, page.jobs)
        rest = lists.rest_of(page, ask.args)
        return Answer(ok=True, text=replies.listing(page.jobs, starts, rest, chosen=bool(given)))

    async def _help(self, ask: Ask) -> Answer:
        return Answer(ok=True, text=help_about(ask.target, partial(self.choices, actor=ask.origin.actor)))

    async def _models(self, ask: Ask) -> Answer:
        return Answer(ok=True, text=models.listing(self._catalog, ask.args.get("provider", "")))

    async def _schedules(self, ask: Ask) -> Answer:
        return await self._timetable.listing(partial(self._access.may_see, ask.origin))

    async def _show(self, ask: Ask, job: Job) -> Answer:
        jobs, report = self._storage.jobs, f"{self._public_url()}/reports/{job.report_slug}/"
        hindrance, limits = await jobs.hindrance(job.id), await jobs.limits()
        known_already = hindrance is not None and hindrance.limited_until is not None
        limited_until = None if known_already else limits.get(job.provider)
        known = replies.Background(
            attempts=await jobs.attempts(job.id),
            questions=await self._storage.questions.of_job(job.id) if job.asking else (),
            hindrance=hindrance,
            report_url=report if job.report_slug else "",
            starts=(await self._timetable.starts(ask, [job])).get(job.id, ""),
            limited_until=await self._timetable.echo(ask, limited_until) if limited_until else "",
        )
        return Answer(ok=True, text=replies.details(job, known), job=job)


def _unavailable(error: StoreUnavailable) -> Answer:
    return Answer(ok=False, text=refusal(error.fault), unavailable=True)
