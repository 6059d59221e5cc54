"""Jobs over HTTP: ask for them, look at them, stop them and go on with them, as people do in chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from aiohttp import web

from bot.desk.asks import ALTER, REPLY, Answer, Ask
from bot.desk.desk import Door
from bot.news.words import state
from bot.web.answers import answered
from bot.web.endpoints import Call, Endpoint
from bot.web.job_bodies import (
    FIELDS,
    Beat,
    Continuation,
    JobChange,
    JobId,
    JobQuery,
    LogQuery,
    NewJob,
    Reply,
    Resumption,
)
from bot.web.job_logs import send_log, send_raw
from bot.web.job_records import OUTPUT_BYTES, JobRecord, record, tail
from bot.web.problems import Problem, no_such_job, unavailable
from executor.listing import JobFilter
from executor.model import Job, JobStatus, Origin
from executor.outbox import CARD
from storage import Storage

_WAITING = (JobStatus.SCHEDULED, JobStatus.RATE_LIMITED)
_MAY: Mapping[JobStatus, str] = {
    JobStatus.PENDING: "it can be cancelled",
    JobStatus.SCHEDULED: "it can be cancelled, started now (`pending`) or given another `scheduled_at`",
    JobStatus.RUNNING: "it can be cancelled",
    JobStatus.RATE_LIMITED: "it can be cancelled, tried now (`pending`) or given another `retry_at`",
}
_ENDED = "it has ended, and can be gone on with: POST /jobs/{id}/resume or /jobs/{id}/retry"


class JobsApi:
    """`jobs` is the directory of what CLIs printed; `base_url` tells where links begin."""

    def __init__(self, storage: Storage, door: Door, jobs: Path, base_url: Callable[[], str]) -> None:
        self._storage = storage
        self._door = door
        self._jobs = jobs
        self._base_url = base_url

    def endpoints(self) -> list[Endpoint]:
        return [*self._collections(), *self._members(), *self._verbs()]

    def _collections(self) -> list[Endpoint]:
        """The same lists under the name that they had, and the one that they have."""
        both = [each for path in ("/api/remote-jobs", "/jobs") for each in self._collection(path)]
        change = Endpoint(
            method="PATCH",
            path="/api/remote-jobs",
            handler=self._change,
            summary="Cancel a job, let it start now, or set its time or task.",
            query=JobId,
            body=JobChange,
            answer=JobRecord,
            problems=(404, 409, 422),
            scope="run",
        )
        return [*both, change]

    def _collection(self, path: str) -> tuple[Endpoint, Endpoint]:
        return (
            Endpoint(
                method="GET",
                path=path,
                handler=self._list,
                summary="Jobs, the newest first.",
                query=JobQuery,
                answer=list[JobRecord],
                problems=(404, 422),
            ),
            Endpoint(
                method="POST",
                path=path,
                handler=self._create,
                summary="A new job.",
                query=Beat,
                body=NewJob,
                answer=JobRecord,
                status=201,
                problems=(204, 409, 422),
                scope="run",
            ),
        )

    def _members(self) -> list[Endpoint]:
        path, problems = "/jobs/{id}", (404, 409, 422)
        return [
            Endpoint(
                method="GET",
                path=path,
                handler=self._show,
                summary="A job.",
                answer=JobRecord,
                problems=(404,),
            ),
            Endpoint(
                method="DELETE",
                path=path,
                handler=self._cancel,
                summary="Stop a job.",
                answer=JobRecord,
                problems=problems,
                scope="run",
            ),
            Endpoint(
                method="GET",
                path=f"{path}/log",
                handler=self._log,
                summary="All that happened to a job, as text.",
                query=LogQuery,
                problems=(404,),
            ),
            Endpoint(
                method="GET",
                path=f"{path}/diff",
                handler=self._diff,
                summary="What a job changed in its worktree, as a patch.",
                problems=(403, 404),
                scope="run",
            ),
        ]

    def _verbs(self) -> list[Endpoint]:
        verbs = (
            ("resume", self._resume, Resumption, "Go on with a job: now, or with its session in a new job."),
            ("retry", self._retry, Continuation, "Do the same again in a new job."),
            ("cancel-retry", self._cancel_retry, None, "Do not try a rate-limited job again."),
            ("reply", self._reply, Reply, "Say something to a job; it goes on with that when it has ended."),
            ("interrupt", self._interrupt, None, "Stop a job for the replies that wait for its end."),
            ("merge", partial(self._decide, "merge"), None, "Merge what a job left in its worktree."),
            ("keep", partial(self._decide, "keep"), None, "Keep that on its branch."),
            ("pr", partial(self._decide, "pr"), None, "Open a pull request of that."),
            ("discard", partial(self._decide, "discard"), None, "Throw that away; git can bring it back."),
        )
        return [
            Endpoint(
                method="POST",
                path=f"/jobs/{{id}}/{verb}",
                handler=handler,
                summary=summary,
                body=body,
                answer=JobRecord,
                problems=(404, 409, 422),
                scope="run",
            )
            for verb, handler, body, summary in verbs
        ]

    async def _list(self, call: Call[JobQuery, None]) -> list[JobRecord]:
        query = call.query
        if query.id is not None:
            return [await self._whole(await self._job(query.id))]
        before = await self._storage.jobs.job(query.cursor) if query.cursor else None
        if query.cursor and before is None:
            raise Problem(422, "`cursor` is none that a list has ended with.", field="cursor")
        wanted = JobFilter(
            statuses=[query.status] if query.status else (),
            job_type=query.type,
            task_id=query.task_id,
            asking=query.asking,
            before=before,
        )
        page = await self._storage.jobs.page(wanted, query.limit, query.limit + 1)
        if page.found > len(page.jobs):
            url = call.request.rel_url.update_query(cursor=page.jobs[-1].id)
            call.headers["Link"] = f'<{url}>; rel="next"'
        return [record(job, self._base_url()) for job in page.jobs]

    async def _create(self, call: Call[Beat, NewJob]) -> JobRecord | web.Response:
        if call.query.heartbeat:
            return web.Response(status=204)  # the executor is part of this process: it needs no such call
        verb, args = call.body.verb_and_args()
        origin = Origin(actor=call.actor, channel=call.body.channel)
        ask = Ask(verb=verb, origin=origin, delivery=call.delivery, args=args)
        job = _done(await answered(self._door.ask(ask)), otherwise=422)
        call.headers["Location"] = f"/jobs/{job.id}"
        return await self._whole(job)

    async def _show(self, call: Call[None, None]) -> JobRecord:
        return await self._whole(await self._job(call.path("id")))

    async def _change(self, call: Call[JobId, JobChange]) -> JobRecord:
        """A time and a task first, so that what starts does so as it shall be."""
        job, body = await self._job(call.query.id), call.body
        given = body.model_fields_set
        if not given:
            raise Problem(422, "Nothing is to be changed: set `status`, `scheduled_at` or `task_id`.")
        at = self._time(job, body)
        verb = _verb(job, body) if body.status is not None and not (at and body.status is job.status) else ""
        args = ({"at": at} if at else {}) | ({"task": body.task_id or ""} if "task_id" in given else {})
        if args:
            job = await self._ask(call, ALTER, job, args)
        if verb:
            job = await self._ask(call, verb, job, {})
        return await self._whole(job)

    def _time(self, job: Job, body: JobChange) -> str:
        """The time that shall be set. Raises Problem 409."""
        name = {JobStatus.SCHEDULED: "scheduled_at", JobStatus.RATE_LIMITED: "retry_at"}.get(job.status, "")
        times = {"scheduled_at": body.scheduled_at, "retry_at": body.retry_at}
        given = [each for each, value in times.items() if value]
        if not given:
            return ""
        if given != [name]:
            raise _illegal(job, f"has no `{given[-1]}` to be set")
        return times[name] or ""

    async def _cancel(self, call: Call[None, None]) -> JobRecord:
        return await self._whole(await self._verb(call, "cancel"))

    async def _resume(self, call: Call[None, Resumption]) -> JobRecord:
        return await self._whole(await self._verb(call, "resume", call.body.args()))

    async def _retry(self, call: Call[None, Continuation]) -> JobRecord:
        return await self._whole(await self._verb(call, "retry", call.body.args()))

    async def _cancel_retry(self, call: Call[None, None]) -> JobRecord:
        job = await self._job(call.path("id"))
        if job.status is not JobStatus.RATE_LIMITED:
            raise _illegal(job, "waits for no other try")
        return await self._whole(await self._ask(call, "cancel", job, {}))

    async def _interrupt(self, call: Call[None, None]) -> JobRecord:
        return await self._whole(await self._verb(call, "interrupt"))

    async def _decide(self, verb: str, call: Call[None, None]) -> JobRecord:
        await self._verb(call, verb)
        return await self._show(call)

    async def _diff(self, call: Call[None, None]) -> web.Response:
        answer = await self._answer(call, "diff", await self._job(call.path("id")), {})
        if answer.file is None:
            raise refused(answer, 404)
        return web.Response(body=answer.file.content, content_type="text/plain", charset="utf-8")

    async def _reply(self, call: Call[None, Reply]) -> JobRecord:
        job = await self._job(call.path("id"))
        return await self._whole(await self._ask(call, REPLY, job, {"prompt": call.body.text}))

    async def _log(self, call: Call[LogQuery, None]) -> web.StreamResponse:
        job, query = await self._job(call.path("id")), call.query
        if not query.raw:
            return await send_log(call.request, self._storage.jobs, job)
        if not call.caller.may("admin"):
            raise Problem(
                403, "What a CLI printed is for tokens of scope `admin`: it was read by nobody.", code="scope"
            )
        return await send_raw(call.request, self._jobs, job, query.attempt or job.attempt)

    async def _verb(self, call: Call[None, object], verb: str, args: Mapping[str, str] | None = None) -> Job:
        return await self._ask(call, verb, await self._job(call.path("id")), args or {})

    async def _ask(self, call: Call[object, object], verb: str, job: Job, args: Mapping[str, str]) -> Job:
        return _done(await self._answer(call, verb, job, args), otherwise=409)

    async def _answer(
        self, call: Call[object, object], verb: str, job: Job, args: Mapping[str, str]
    ) -> Answer:
        origin = replace(job.origin, actor=call.actor)
        if job.origin.actor.platform == call.actor.platform and origin.thread is None:
            entries = await self._storage.outbox.of_job(job.id)
            origin = replace(origin, thread=(entries[CARD].message_id if CARD in entries else None) or None)
        ask = Ask(verb=verb, origin=origin, delivery=call.delivery, target=job.id, args=args)
        return await answered(self._door.ask(ask))

    async def _job(self, job_id: str) -> Job:
        job = await self._storage.jobs.job(job_id.lower())
        if job is None:
            raise no_such_job()
        return job

    async def _whole(self, job: Job) -> JobRecord:
        text, size = await self._storage.api.text_tail(job.id, OUTPUT_BYTES)
        return record(job, self._base_url(), tail(text, size))


def _done(answer: Answer, otherwise: int) -> Job:
    """The job that the desk answers with; what it refuses is a Problem."""
    if answer.job is None or not answer.ok:
        raise refused(answer, otherwise)
    return answer.job


def _verb(job: Job, body: JobChange) -> str:
    """What the status that is wished for comes to. Raises Problem 409."""
    if body.status is JobStatus.CANCELLED and not job.status.final:
        return "cancel"
    if body.status in (JobStatus.PENDING, JobStatus.RUNNING) and job.status in _WAITING:
        return "resume"
    raise _illegal(job, f"cannot be made {state(body.status)}" if body.status else "is as it is")


def _illegal(job: Job, why: str) -> Problem:
    may = _MAY.get(job.status, _ENDED.format(id=job.id))
    return Problem(409, f"Job `{job.short_id}` is {state(job.status)} and {why}: {may}.", code="illegal_move")


def refused(answer: Answer, otherwise: int) -> Problem:
    """What the desk has refused, as a problem; of status `otherwise` where it is nothing more special."""
    if answer.unavailable:
        return unavailable(answer.text)
    # What follows the sentence is how it is typed in chat.
    sentence = answer.text.partition("\nUsage:")[0]
    if answer.denied:
        return Problem(403, sentence)
    if answer.field:
        return Problem(422, sentence, field=FIELDS.get(answer.field, answer.field))
    return Problem(otherwise, sentence)
