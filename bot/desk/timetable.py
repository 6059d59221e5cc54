"""Jobs for later and schedules, as people ask for them and look after them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.desk.asks import Answer, Ask, Refusal
from bot.desk.commands import CHANGES, shown
from bot.desk.replies import queued, quoted
from bot.desk.terms import task_of
from bot.news.words import state
from executor.executor import Executor
from executor.model import SHORT_ID, Job, JobRequest, JobStatus
from executor.moments import Moment, TimeRefused, echo, parse_at, parse_in, parse_zone
from executor.ports import Clock
from executor.schedules import Missed, Schedule, Verdict, new_schedule, next_from
from executor.timers import Cron, parse_cron
from storage.sqlite.schedules import Schedules

_WHEN = ("at", "in", "cron")
_NONE = (
    "Nothing runs again by itself. Example: "
    '`/job session tidy the changelog --cron "0 2 * * mon-fri" --zone Europe/Paris`.'
)


class Timetable:
    """The part of the desk that deals in times. Who asks has been let in before."""

    def __init__(
        self,
        *,
        schedules: Schedules,
        executor: Executor,
        permit: Callable[[JobRequest], Awaitable[str]],
        clock: Clock,
        zone: Callable[[], Awaitable[ZoneInfo]],
        least_interval: timedelta,
    ) -> None:
        self._schedules = schedules
        self._executor = executor
        self._permit = permit
        self._clock = clock
        self._zone = zone
        self._least_interval = least_interval

    async def time_of(self, ask: Ask) -> Moment | Cron | None:
        """When it shall start, or by which rhythm; None for at once. Raises Refusal."""
        given = [name for name in _WHEN if ask.args.get(name)]
        if len(given) > 1:
            raise Refusal("`--at`, `--in` and `--cron` exclude each other; give one.", given[1])
        if ask.args.get("missed") and given != ["cron"]:
            raise Refusal(
                "`--missed` says what becomes of missed runs of a `--cron`; give one too.", "missed"
            )
        if not given:
            if ask.args.get("zone"):
                raise Refusal(
                    "`--zone` says whose clocks `--at` or `--cron` mean; give one of them too.", "zone"
                )
            return None
        return self._read(given[0], ask.args[given[0]], await self.zone_of(ask))

    async def zone_of(self, ask: Ask) -> ZoneInfo:
        """Whose clocks are meant: as the ask says, else the person's own, else the bot's."""
        if ask.args.get("zone"):
            try:
                return parse_zone(ask.args["zone"])
            except TimeRefused as error:
                raise Refusal(str(error), "zone") from error
        name = await ask.zone() if ask.zone else ""
        with suppress(TimeRefused):  # a platform may know a zone that we do not
            if name:
                return parse_zone(name)
        return await self._zone()

    async def add(self, ask: Ask, cron: Cron, request: JobRequest) -> Answer:
        """Makes a schedule. The same delivery makes one."""
        missed = _missed(ask.args.get("missed") or Missed.ONCE)
        now = self._clock.now()
        schedule = await self._schedules.add(new_schedule(cron, request, now, missed))
        runs = "; then ".join(
            echo(Moment(at=fire.at, zone=cron.zone), now) for fire in schedule.cron.next_runs(now)
        )
        of = schedule.request
        return Answer(
            ok=True,
            text=f"Schedule `{schedule.short_id}`: {of.type} by {of.provider} ({of.model}), "
            f"`{schedule.cron.expression}` on the clocks of {schedule.cron.zone.key}.\nNext: {runs}.\n"
            f"`/job schedule pause {schedule.short_id}` lets it rest, "
            f"`/job schedule delete {schedule.short_id}` ends it.",
        )

    def scheduled(self, job: Job, moment: Moment | None) -> str:
        """What is said of a job that waits for its time; nothing where it does not."""
        if moment is None or job.status is not JobStatus.SCHEDULED or job.scheduled_at is None:
            return ""
        kept = Moment(at=job.scheduled_at, zone=moment.zone, notes=moment.notes)
        return (
            f"Scheduled as `{job.short_id}`: {echo(kept, self._clock.now())}.\n"
            f"`/job resume {job.short_id}` starts it now, `/job cancel {job.short_id}` calls it off."
        )

    async def alter(self, ask: Ask, job: Job) -> Answer:
        """Sets when a waiting job starts, which task a job is done for, or both. Raises Refusal."""
        text, task = ask.args.get("at", ""), task_of(ask.args)
        moment = self._read("at", text, await self.zone_of(ask)) if text else None
        altered = await self._executor.alter(
            job.id,
            at=moment.at if isinstance(moment, Moment) else None,
            task_id=task if "task" in ask.args else job.task_id,
        )
        if altered is None:
            raise Refusal(f"Job `{job.short_id}` is {state(job.status)}: it waits for no time.")
        return Answer(ok=True, text=f"Job `{job.short_id}` is changed.", job=altered)

    async def starts(self, ask: Ask, jobs: Sequence[Job]) -> Mapping[str, str]:
        """When those start, or go on, that wait for their time, in words, by id."""
        times = {
            job.id: {JobStatus.SCHEDULED: job.scheduled_at, JobStatus.RATE_LIMITED: job.retry_at}.get(
                job.status
            )
            for job in jobs
        }
        later = {job_id: at for job_id, at in times.items() if at is not None}
        if not later:
            return {}
        zone, now = await self.zone_of(ask), self._clock.now()
        return {job_id: echo(Moment(at=at, zone=zone), now) for job_id, at in later.items()}

    async def echo(self, ask: Ask, at: datetime) -> str:
        """A time as the person reads it."""
        return echo(Moment(at=at, zone=await self.zone_of(ask)), self._clock.now())

    async def listing(self, seen: Callable[[Schedule], bool]) -> Answer:
        """A line per schedule that is `seen`, and another where its last run did not start as it should."""
        schedules = [each for each in await self._schedules.schedules() if seen(each)]
        return Answer(ok=True, text="\n".join([await self._line(each) for each in schedules]) or _NONE)

    async def change(self, ask: Ask, schedule: Schedule) -> Answer:
        """Does `ask.args["change"]`. Raises Refusal where that changes nothing."""
        changes = dict(zip(CHANGES, (self._pause, self._resume, self._delete, self._run), strict=True))
        wanted = ask.args.get("change", "")
        if wanted not in changes:
            raise Refusal(f"`{shown(wanted)}` cannot be done with a schedule.")
        return await changes[wanted](ask, schedule)

    def _read(self, name: str, text: str, zone: ZoneInfo) -> Moment | Cron:
        now = self._clock.now()
        try:
            if name == "cron":
                return parse_cron(text, zone, now=now, least=self._least_interval)
            return (parse_at if name == "at" else parse_in)(text, now=now, zone=zone)
        except TimeRefused as error:
            raise Refusal(str(error), name) from error

    async def _pause(self, ask: Ask, schedule: Schedule) -> Answer:
        if not await self._schedules.pause(schedule, self._clock.now()):
            raise Refusal(f"Schedule `{schedule.short_id}` rests already.")
        resume = f"`/job schedule resume {schedule.short_id}`"
        return Answer(ok=True, text=f"Schedule `{schedule.short_id}` rests. {resume} lets it go on.")

    async def _resume(self, ask: Ask, schedule: Schedule) -> Answer:
        now = self._clock.now()
        if not await self._schedules.resume(schedule, now):
            raise Refusal(f"Schedule `{schedule.short_id}` goes on already: {self._next(schedule)}.")
        resumed = Moment(at=next_from(schedule, now), zone=schedule.cron.zone)
        return Answer(ok=True, text=f"Schedule `{schedule.short_id}` goes on: next {echo(resumed, now)}.")

    async def _delete(self, ask: Ask, schedule: Schedule) -> Answer:
        if not await self._schedules.delete(schedule, self._clock.now()):
            raise Refusal(f"Schedule `{schedule.short_id}` is deleted already.")
        job_id = schedule.unfinished_job_id
        goes_on = f"; job `{job_id[:SHORT_ID]}` of its last run goes on" if job_id else ""
        return Answer(ok=True, text=f"Schedule `{schedule.short_id}` is deleted{goes_on}.")

    async def _run(self, ask: Ask, schedule: Schedule) -> Answer:
        request = schedule.run_request(ask.delivery)
        refusal = await self._permit(request)
        if refusal:
            raise Refusal(refusal)
        submission = await self._executor.submit(request)
        return Answer(ok=True, text=queued(submission.job), job=submission.job)

    async def _line(self, schedule: Schedule) -> str:
        line = (
            f"- `{schedule.short_id}` `{schedule.cron.expression}` ({schedule.cron.zone.key}) · "
            f"{schedule.request.type} · {quoted(schedule.request, 60)} · {self._next(schedule)}"
        )
        last = await self._schedules.fires(schedule.id, limit=1)
        if not last or (last[0].verdict is Verdict.STARTED and not last[0].note):
            return line
        return f"{line}\n  - last: {last[0].note}"

    def _next(self, schedule: Schedule) -> str:
        if schedule.paused_at is not None:
            return "paused"
        return f"next {echo(Moment(at=schedule.next_run, zone=schedule.cron.zone), self._clock.now())}"


def _missed(word: str) -> Missed:
    if word not in set(Missed):
        raise Refusal(f"`{shown(word)}` is no way to deal with missed runs: `once` or `skip` is.", "missed")
    return Missed(word)
