"""One attempt of a job, from its prompt to the settled outcome."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from executor import answers, autopilot, endings, lifecycle, parcels, reports, sources
from executor.agent_tools import lay_out
from executor.backends.base import CliMissing, Decoder, Launch, Session
from executor.clocks import Clocks
from executor.conversation import Conversation, Handed
from executor.events import Activity, Noticed, ToolEnded
from executor.files import all_of
from executor.job_types.base import JobType
from executor.judgement import judge
from executor.lineage import conversation_of
from executor.live import LiveLog
from executor.model import TIMEOUT, Job, Outcome, OutcomeKind, Report, StopReason
from executor.processes.lines import LINE_CAP
from executor.processes.process import Process, spawn
from executor.questions import QuestionState
from executor.raw_log import STDERR, RawLog, secret_values, without
from executor.requests import Requests
from executor.steps import reach
from executor.unbroken import unbroken
from executor.wakeups import control_topic
from executor.workshop import Workshop
from executor.workspaces import UnknownWorkspace, Workspace
from executor.worktrees.worktrees import NoWorktree

log = logging.getLogger(__name__)

_LOOK_S = 10.0
"""Seconds after which a cancel is found although its wake-up got lost."""
_TURN_S = 0.002
"""Seconds for which lines are decoded before the rest of the bot gets its turn."""
_SILENCE_S = 600.0
"""Seconds without a word that are borne of a provider for which nothing else is set."""
_HANDED = "received"
_INTERNAL = "Something went wrong inside Bifrost itself; its log says what. Press Retry to try again."
_CUT = f"It printed a line of more than {LINE_CAP // 2**20} MiB; what came after those was left out."
_UNPUBLISHED = "Its report could not be published; the log of Bifrost says why. The answer is complete."


class Attempt:
    """Carries out the running attempt of `job`. `run` ends with the job settled, whatever happens."""

    def __init__(self, workshop: Workshop, job: Job) -> None:
        self._workshop = workshop
        self._job = job
        self._live = LiveLog(workshop.store, job)
        self._raw = RawLog(self._place() / f"attempt-{job.attempt}.log")
        self._secrets: Sequence[bytes] = ()
        self._stopped: StopReason | None = None
        self._expires_at: datetime | None = None
        self._clocks: Clocks

    async def run(self) -> None:
        """Prepare, launch, read, publish, settle. Cancelling it interrupts the job, which goes on later."""
        try:
            outcome = await self._carry_out()
        except asyncio.CancelledError:
            await unbroken(self._end(Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown")))
            raise
        except Exception:
            log.exception("attempt.crashed", extra={"job_id": self._job.id})
            outcome = _failed("internal", _INTERNAL)
        await unbroken(self._end(outcome))

    async def _carry_out(self) -> Outcome:
        backend = self._workshop.backends[self._job.provider]
        self._clocks = Clocks(self._timeout_s, self._silence_s, self._spent_s)
        if await self._begins_anew():
            await self._live.add([Noticed(text="There is no session to go on with; it starts afresh.")])
        if headline := autopilot.headline(self._job, self._type.steps(self._job)):
            await self._live.add([Noticed(text=headline)])
        try:
            if why := self._workshop.workspaces.objection(self._job.workspace, backend.provider):
                return _failed("permissions", why)
            workspace = self._workshop.workspaces.of(self._job.workspace)
            ground = self._workshop.worktrees.place(self._job)
            grounded = await self._workshop.worktrees.ground(self._job, workspace, self._home)
            launch = await self._prepare(grounded)
            command = replace(backend.command(launch), sees=(*launch.places, ground))
            self._secrets = secret_values(command.env)
            self._raw.hide(self._secrets)
            reach("attempt prepared")
            process = await spawn(self._workshop.shims, command)
        except (UnknownWorkspace, NoWorktree) as error:
            return _failed("workspace", str(error))
        except CliMissing as error:
            return _failed("spawn", error.advice)
        except OSError as error:
            return _failed("spawn", f"The {backend.provider} CLI could not be started: {error.strerror}.")
        try:
            return await self._read(process, command.stdin, backend.decoder(launch))
        finally:
            # Ended already, unless reading was cancelled or failed.
            await unbroken(process.close(self._workshop.grace_s))

    async def _begins_anew(self) -> bool:
        """Whether an earlier attempt of this provider left no session to go on with."""
        if self._job.attempt == 1 or self._job.session_id is not None:
            return False
        *_, before, _ = await self._workshop.store.attempts(self._job.id)
        return before.reason != endings.HANDED_OVER

    async def _prepare(self, workspace: Workspace) -> Launch:
        job, workshop = self._job, self._workshop
        place = self._place()
        results, temp = place / "results", self._temp()
        for each in (results, temp, self._home, self._handed):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        tools = workshop.tools.admit(job) if workshop.tools else None
        if tools is not None:
            lay_out(tools, temp)
        return Launch(
            prompt=await self._prompt(results, workspace),
            model=workshop.catalog.cli_id(job.model),
            effort=job.effort,
            session_id=job.session_id,
            workspace=workspace.directory,
            home=self._home,
            results=results,
            temp=temp,
            budget_usd=autopilot.left_usd(job),
            permissions=workspace.permissions,
            received=(
                *{workshop.received / file.parcel: None for file in all_of(job.payload)},
                *await self._handed_to_its_session(),
            ),
            tools=tools,
        )

    async def _handed_to_its_session(self) -> Sequence[Path]:
        """Where files lie that came with replies, to this job or to those before it in its conversation."""
        jobs = await conversation_of(self._workshop.store, self._job)
        before = [self._workshop.jobs / each.id / _HANDED for each in jobs[1:]]
        return [self._handed, *(place for place in before if any(place.glob("*")))]

    async def _prompt(self, results: Path, workspace: Workspace) -> str:
        """What the agent is told, with what was decided while it could not be told."""
        job, templates = self._job, workspace.templates
        prompt = self._type.prompt(job, results, self._workshop.received, workspace.directory, templates)
        return prompt + answers.told(await self._workshop.questions.of_job(job.id), templates)

    async def _read(self, process: Process, stdin: bytes, decoder: Decoder) -> Outcome:
        reach("process spawned")
        await self._workshop.store.process_started(self._job, process.record)
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._live.run()),
                group.create_task(self._watch(process, decoder)),
            ]
            if decoder.session is not None:
                helpers.append(group.create_task(self._converse(process, decoder.session)))
            code = await process.read(
                stdin,
                self._taker(decoder, decoder.stdout, lambda: True),
                self._taker(decoder, decoder.stderr, lambda: not decoder.retrying, STDERR),
                more=decoder.session is not None,
            )
            reach("process ended")
            for helper in helpers:
                helper.cancel()
        if process.cut_lines:
            await self._live.add([Noticed(text=_CUT)])
        if process.refusal:
            return _failed("spawn", f"Its sandbox could not be made: {process.refusal.removesuffix('.')}.")
        outcome = await judge(self._workshop, self._job, decoder, code, self._stopped, self._clocks)
        if outcome.handover is not None:
            await self._live.add([Noticed(text=outcome.message)])
        return outcome

    def _taker(
        self,
        decoder: Decoder,
        decode: Callable[[bytes], Sequence[Activity]],
        progress: Callable[[], bool],
        mark: bytes = b"",
    ) -> Callable[[Sequence[bytes]], Awaitable[None]]:
        async def take(lines: Sequence[bytes]) -> None:
            await unbroken(asyncio.to_thread(self._raw.write, lines, mark))
            reach("output kept")
            turn = time.monotonic()
            before = _standing(decoder.session)
            for line in lines:
                activities = decode(without(self._secrets, line))
                if self._stopped is not None:
                    activities = [_cut_off(each) for each in activities]
                if progress():
                    self._clocks.hear()
                await self._live.add(activities)
                if time.monotonic() - turn > _TURN_S:
                    await asyncio.sleep(0)
                    turn = time.monotonic()
            if decoder.verdict is not None or _standing(decoder.session) != before:
                self._workshop.wakeups.ring(control_topic(self._job.id))

        return take

    async def _converse(self, process: Process, session: Session) -> None:
        """Hands over what people say to the job: with new things to do, the silence begins anew."""
        patience = timedelta(seconds=self._workshop.question_patience_s)
        await Conversation(
            mailbox=self._workshop.mailbox,
            requests=Requests(
                questions=self._workshop.questions,
                job=self._job,
                session=session,
                expires_at=lambda: self._workshop.clock.now() + patience,
                hide=lambda text: without(self._secrets, text.encode(errors="replace")).decode(),
            ),
            wakeups=self._workshop.wakeups,
            job=self._job,
            session=session,
            process=process,
            word=self._word,
            heard=self._clocks.hear,
        ).run()

    def _word(self, reply: Handed) -> str:
        """What the session is told of a reply. Its files came after the job was walled in."""
        workshop = self._workshop
        parcels.lay_out(reply.files, workshop.received, self._handed)
        templates = workshop.workspaces.of(self._job.workspace).templates
        results = self._place() / "results"
        return self._type.reply(self._job, reply.text, reply.files, results, self._handed, templates)

    async def _watch(self, process: Process, decoder: Decoder) -> None:
        """Stops the process on a cancel, when time is up, when nothing comes, or when all is known."""
        with self._workshop.wakeups.listen(control_topic(self._job.id)) as bell:
            while True:
                reason = await self._stop_reason(decoder)
                if reason is not None:
                    # Else it has ended by itself, and only its last lines are still read.
                    if process.running:
                        reach("process stops")
                        self._stopped = reason
                        await process.stop(self._workshop.grace_s)
                    return
                await bell.wait(max(0.0, min(_LOOK_S, self._patience_left_s())))

    async def _stop_reason(self, decoder: Decoder) -> StopReason | None:
        if decoder.verdict is not None:
            return StopReason.VERDICT
        job = await self._workshop.store.job(self._job.id)
        if job is not None and job.cancel_requested_at is not None:
            return StopReason.CANCELLED
        self._expires_at = await self._expiry() if job is not None and job.asking else None
        self._clocks.stand_still(self._expires_at is not None)
        if self._expires_at is not None:
            return StopReason.WAITING if self._expires_at <= self._workshop.clock.now() else None
        if self._clocks.time_left_s <= 0:
            return StopReason.TIMEOUT
        return StopReason.SILENT if self._clocks.patience_s <= 0 else None

    async def _expiry(self) -> datetime | None:
        """When the first of its questions has waited for long enough; None where none is open."""
        questions = await self._workshop.questions.of_attempt(self._job)
        waiting = [each.expires_at for each in questions if each.state is QuestionState.OPEN]
        return min(filter(None, waiting), default=None)

    def _patience_left_s(self) -> float:
        """How long nothing has to be done, if nothing happens."""
        if self._expires_at is not None:
            return (self._expires_at - self._workshop.clock.now()).total_seconds()
        return min(self._clocks.time_left_s, self._clocks.patience_s)

    async def _end(self, outcome: Outcome) -> None:
        """Publish, settle, clean up."""
        if self._workshop.tools is not None:
            self._workshop.tools.dismiss(self._job)
        await asyncio.to_thread(self._raw.close)
        outcome = replace(outcome, log_truncated=self._raw.truncated)
        await self._live.flush()
        reach("output recorded")
        report = None
        if outcome.kind is OutcomeKind.DONE and self._type.publishes and not await self._has_published():
            try:
                seen = await sources.opened_by(self._workshop.store, self._job)
                report = await asyncio.to_thread(self._write_report, outcome, seen)
            except Exception:
                log.exception("attempt.unpublished", extra={"job_id": self._job.id})
                outcome = replace(outcome, message=_UNPUBLISHED)
        outcome = await self._onward(outcome)
        transition = lifecycle.settle(outcome)
        if lifecycle.MOVES[transition].target.final:
            await self._workshop.worktrees.leave(self._job)
        if await self._workshop.store.settle(self._job, transition, outcome, report) is None:
            log.warning("attempt.outrun", extra={"job_id": self._job.id})
        await asyncio.to_thread(shutil.rmtree, self._temp(), ignore_errors=True)
        reach("attempt cleared away")

    async def _has_published(self) -> bool:
        """Whether its agent has published a report by itself."""
        job = await self._workshop.store.job(self._job.id)
        return job is not None and job.report_slug is not None

    async def _onward(self, outcome: Outcome) -> Outcome:
        """Of a job with steps: whether it goes on with the next one."""
        job_type = self._workshop.job_types.get(self._job.type)
        steps = job_type.steps(self._job) if job_type else ()
        if not steps:
            return outcome
        outcome = autopilot.onward(self._job, outcome, steps)
        past = await self._workshop.store.attempts(self._job.id)
        return autopilot.summed_up(outcome, past, steps)

    def _write_report(self, outcome: Outcome, seen: Sequence[str]) -> Report:
        job, usage = self._job, outcome.usage
        asker = job.origin.actor.name or job.origin.actor.user_id
        facts = [("Asked by", asker), ("Provider", job.provider), ("Model", job.model)]
        if usage.cost_usd is not None:
            facts.append(("Cost", f"${usage.cost_usd:.2f}"))
        results = self._place() / "results"
        markdown = sources.mark(reports.find_markdown(results, outcome.result), seen)
        html = reports.find_html(results)
        return reports.publish(
            self._workshop.reports, question=job.prompt, markdown=markdown, facts=facts, html=html
        )

    @property
    def _type(self) -> JobType:
        return self._workshop.job_types[self._job.type]

    def _place(self) -> Path:
        return self._workshop.jobs / self._job.id

    @property
    def _home(self) -> Path:
        return self._workshop.homes / self._job.workspace / self._job.provider

    @property
    def _handed(self) -> Path:
        """Files that came with replies to it while it ran."""
        return self._place() / _HANDED

    def _temp(self) -> Path:
        return self._place() / f"tmp-{self._job.attempt}"

    @property
    def _timeout_s(self) -> float:
        return float(self._job.payload.get(TIMEOUT, self._type.timeout_s))

    @property
    def _silence_s(self) -> float:
        return self._workshop.silence_s.get(self._job.provider, _SILENCE_S)

    @property
    def _spent_s(self) -> float:
        """What the steps before have taken of the time."""
        spent_ms = self._job.usage.duration_ms if self._type.steps(self._job) else 0
        return (spent_ms or 0) / 1000


def _standing(session: Session | None) -> tuple[object, ...]:
    """What the conversation goes by."""
    return (session.stage, *session.pending) if session else ()


def _cut_off(activity: Activity) -> Activity:
    """A tool that fails because we stop its CLI has done nothing wrong."""
    if isinstance(activity, ToolEnded) and not activity.ok:
        return replace(activity, stopped=True)
    return activity


async def run_attempt(workshop: Workshop, job: Job) -> None:
    """Carries out the attempt that `job` was claimed for."""
    await Attempt(workshop, job).run()


def _failed(reason: str, message: str) -> Outcome:
    return Outcome(kind=OutcomeKind.FAILED, reason=reason, message=message)
