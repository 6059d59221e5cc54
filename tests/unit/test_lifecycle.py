"""The table of legal moves, and the job machine: a model against the real store."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from executor import lifecycle
from executor.events import Activity, Noticed, SessionOpened, TextWritten
from executor.executor import Executor
from executor.lifecycle import MOVES, Transition
from executor.model import Handover, Job, JobStatus, Outcome, OutcomeKind, Report, Usage
from executor.ports import OpenAttempt, ProcessRecord, Submission, SuccessorLives
from executor.questions import Asked, Decision, QuestionKind, QuestionState, Verdict
from executor.queueing import QueueRules
from executor.wakeups import Wakeups
from storage import open_storage
from tests.builders import START, TestClock, claim_one, origin, request
from tests.fsck import check

_T = TypeVar("_T")
_S, _K, _Q = JobStatus, OutcomeKind, QuestionState

LEGAL: dict[Transition, tuple[set[JobStatus | None], JobStatus]] = {
    Transition.SUBMIT: ({None}, _S.PENDING),
    Transition.SCHEDULE: ({None}, _S.SCHEDULED),
    Transition.START: ({_S.PENDING, _S.SCHEDULED, _S.RATE_LIMITED}, _S.RUNNING),
    Transition.FINISH: ({_S.RUNNING}, _S.DONE),
    Transition.FAIL: ({_S.RUNNING}, _S.FAILED),
    Transition.TIME_OUT: ({_S.RUNNING}, _S.FAILED),
    Transition.GO_SILENT: ({_S.RUNNING}, _S.FAILED),
    Transition.HIT_LIMIT: ({_S.RUNNING}, _S.RATE_LIMITED),
    Transition.INTERRUPT: ({_S.RUNNING}, _S.PENDING),
    Transition.START_AFRESH: ({_S.RUNNING}, _S.PENDING),
    Transition.HAND_OVER: ({_S.RUNNING}, _S.PENDING),
    Transition.ADVANCE: ({_S.RUNNING}, _S.PENDING),
    Transition.PAUSE: ({_S.RUNNING}, _S.PENDING),
    Transition.CANCEL: ({_S.PENDING, _S.SCHEDULED, _S.RUNNING, _S.RATE_LIMITED}, _S.CANCELLED),
}


@pytest.mark.parametrize("status", [None, *JobStatus], ids=str)
@pytest.mark.parametrize("transition", Transition)
def test_a_move_is_legal_only_where_the_table_says_so(
    transition: Transition, status: JobStatus | None
) -> None:
    sources, target = LEGAL[transition]
    assert lifecycle.target(status, transition) is (target if status in sources else None)


def test_the_table_knows_every_transition() -> None:
    assert set(MOVES) == set(LEGAL) == set(Transition)


@pytest.mark.parametrize("status", [each for each in JobStatus if each.final])
def test_nothing_leaves_a_final_status(status: JobStatus) -> None:
    assert not any(lifecycle.target(status, transition) for transition in Transition)


@pytest.mark.parametrize("kind", OutcomeKind)
def test_every_outcome_moves_a_running_job(kind: OutcomeKind) -> None:
    assert lifecycle.target(_S.RUNNING, lifecycle.settle(Outcome(kind=kind))) is not None


def test_a_limit_that_another_provider_makes_up_for_is_not_waited_for() -> None:
    outcome = Outcome(kind=_K.LIMITED, handover=Handover(provider="gemini", model="flash"))
    assert lifecycle.settle(outcome) is Transition.HAND_OVER


ENDS = {
    _K.DONE: _S.DONE,
    _K.FAILED: _S.FAILED,
    _K.TIMED_OUT: _S.FAILED,
    _K.SILENT: _S.FAILED,
    _K.LIMITED: _S.RATE_LIMITED,
    _K.INTERRUPTED: _S.PENDING,
    _K.LOST: _S.PENDING,
    _K.WAITING: _S.PENDING,
    _K.CANCELLED: _S.CANCELLED,
}
PROVIDERS, SESSIONS = ("claude", "gemini"), ("one", "two")
OTHER = Handover(provider="gemini", model="flash")
RULES = QueueRules(provider_slots={"gemini": 1}, writers=frozenset({"session"}))
ACTIVITIES: st.SearchStrategy[list[Activity]] = st.lists(
    st.one_of(
        st.builds(TextWritten, text=st.text(max_size=5)),
        st.builds(SessionOpened, session_id=st.sampled_from(SESSIONS)),
        st.builds(Noticed, text=st.text(max_size=5)),
    ),
    max_size=3,
)
REQUESTS = st.sampled_from(["r1", "r2"])
USAGES = st.builds(
    Usage,
    cost_usd=st.none() | st.floats(0, 10),
    turns=st.none() | st.integers(0, 9),
    duration_ms=st.none() | st.integers(0, 10**6),
)


@dataclass(kw_only=True)
class Expected:
    """What the model holds of a job."""

    provider: str
    session_id: str | None
    parent: str | None
    status: JobStatus = _S.PENDING
    attempt: int = 0
    wish: str = ""
    """Who wants it cancelled while it runs."""
    retry_at: datetime | None = None
    usage: Usage = field(default_factory=Usage)
    slug: str | None = None
    type: str = "research"
    user_id: str = "ann"
    priority: int = 1
    questions: list[Posed] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        return self.status in (_S.PENDING, _S.RATE_LIMITED)


@dataclass(kw_only=True)
class Posed:
    """What the model holds of a question."""

    text: str
    state: QuestionState = QuestionState.OPEN
    attempt: int | None
    request: str = ""
    told: bool = False
    """Whether an attempt was told what was decided, which the store does not show."""
    verdict: Verdict | None = None


class JobMachine(RuleBasedStateMachine):
    """Does to the store what callers may do, in any order, and compares it with the model after each step."""

    jobs = Bundle("jobs")
    attempts = Bundle("attempts")
    """Jobs as they were when claimed: what their attempts hold, also long after those have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = TestClock()
        self.expected: dict[str, Expected] = {}
        self.keys: dict[str, str] = {}
        self.slugs = 0
        self.limits: dict[str, datetime] = {}
        """Until when providers are limited."""

    @initialize()
    def open(self) -> None:
        place = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.database = place / "bifrost.db"
        opening = open_storage(self.database, Wakeups(), self.clock, RULES)
        storage = self.do(self.stack.enter_async_context(opening))
        self.store, self.questions = storage.jobs, storage.questions
        self.executor = Executor(self.store)

    def teardown(self) -> None:
        self.do(self.stack.aclose())
        self.runner.close()

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        async def bounded() -> _T:
            async with asyncio.timeout(5):
                return await work

        self.clock.pass_by(seconds=1)
        return self.runner.run(bounded())

    @rule(
        target=jobs,
        key=st.none() | st.sampled_from("abc"),
        provider=st.sampled_from(PROVIDERS),
        session_id=st.none() | st.sampled_from(SESSIONS),
        terms=st.tuples(
            st.sampled_from(["research", "session"]), st.sampled_from(["ann", "bob"]), st.integers(0, 2)
        ),
    )
    def submit(
        self, key: str | None, provider: str, session_id: str | None, terms: tuple[str, str, int]
    ) -> Any:
        job_type, user_id, priority = terms
        asked = request(
            dedupe_key=key,
            provider=provider,
            session_id=session_id,
            type=job_type,
            origin=origin(user_id=user_id),
            priority=priority,
        )
        return self.submitted(self.do(self.executor.submit(asked)), key, session_id=session_id)

    @rule(target=jobs, job_id=jobs, key=st.sampled_from("defghi"), resume=st.booleans())
    def go_on(self, job_id: str, key: str, resume: bool) -> Any:
        job = self.do(self.store.job(job_id))
        assert job is not None
        if not job.status.final or (resume and job.session_id is None):
            return multiple()
        children = [each for each, known in self.expected.items() if known.parent == job_id]
        living = [each for each in children if not self.expected[each].status.final]
        go_on = self.executor.resume(job, "", origin(), key) if resume else None
        try:
            submission = self.do(go_on or self.executor.retry(job, origin(), key))
        except SuccessorLives as error:
            assert [error.job.id] == living
            assert key not in self.keys
            return multiple()
        assert key in self.keys or not living
        session_id = job.session_id if resume else job.payload.get("resume_session_id")
        return self.submitted(submission, key, session_id=session_id, parent=job_id)

    def submitted(
        self, submission: Submission, key: str | None, *, session_id: str | None, parent: str | None = None
    ) -> Any:
        job = submission.job
        if key in self.keys:
            assert (submission.created, job.id) == (False, self.keys[key])
            return multiple()
        assert submission.created
        assert job.id not in self.expected
        if key is not None:
            self.keys[key] = job.id
        self.expected[job.id] = Expected(
            provider=job.provider,
            session_id=session_id,
            parent=parent,
            type=job.type,
            user_id=job.origin.actor.user_id,
            priority=job.priority,
        )
        return job.id

    @rule(target=attempts, providers=st.sampled_from([PROVIDERS, PROVIDERS, PROVIDERS[:1], ()]))
    def claim(self, providers: tuple[str, ...]) -> Any:
        job = self.do(claim_one(self.store, providers))
        ready = [each for each, known in self.expected.items() if self.is_ready(known, providers)]
        ready.sort(key=self.turn)
        assert (job.id if job else None) == (ready[0] if ready else None)
        if job is None:
            return multiple()
        known = self.expected[job.id]
        known.status, known.attempt, known.retry_at = _S.RUNNING, known.attempt + 1, None
        self.do(self.store.process_started(job, ProcessRecord(pid=1, started=2, boot_id="boot")))
        return job

    def is_ready(self, known: Expected, providers: tuple[str, ...]) -> bool:
        return (
            known.waits
            and known.provider in providers
            and not any(question.state is _Q.OPEN for question in known.questions)
            and (known.retry_at is None or known.retry_at <= self.clock.now())
            and not self.is_in_use(known.provider, known.session_id)
            and self.limits.get(known.provider, START) <= self.clock.now()
            and not (known.provider == "gemini" and self.running(provider="gemini"))
            and not (known.type == "session" and self.running(type="session"))
        )

    def running(self, **facts: str) -> int:
        """How many jobs run of which these facts hold."""
        return sum(
            known.status is _S.RUNNING and all(getattr(known, name) == value for name, value in facts.items())
            for known in self.expected.values()
        )

    def turn(self, job_id: str) -> tuple[int, int]:
        """What jobs that are ready are sorted by; those that are equal go by age."""
        known = self.expected[job_id]
        return -known.priority, self.running(user_id=known.user_id)

    def is_in_use(self, provider: str, session_id: str | None) -> bool:
        return session_id is not None and any(
            (known.status, known.provider, known.session_id) == (_S.RUNNING, provider, session_id)
            for known in self.expected.values()
        )

    def is_open(self, job: Job) -> bool:
        known = self.expected[job.id]
        return (known.status, known.attempt) == (_S.RUNNING, job.attempt)

    @rule(job=attempts, activities=ACTIVITIES)
    def record(self, job: Job, activities: list[Activity]) -> None:
        known = self.expected[job.id]
        kept = self.do(self.store.record(job, activities))
        assert kept == self.is_open(job)
        for each in activities if kept else ():
            if isinstance(each, SessionOpened) and not self.is_in_use(known.provider, each.session_id):
                known.session_id = each.session_id

    @rule(
        job=attempts,
        kind=st.sampled_from([*OutcomeKind, _K.LIMITED, _K.INTERRUPTED]),
        usage=USAGES,
        minutes=st.integers(1, 10),
        reports=st.booleans(),
        hands_over=st.booleans(),
    )
    def settle(
        self, job: Job, kind: OutcomeKind, usage: Usage, minutes: int, reports: bool, hands_over: bool
    ) -> None:
        known, was_open = self.expected[job.id], self.is_open(job)
        resets_at = self.clock.now() + timedelta(minutes=minutes)
        report = self.report() if kind is _K.DONE and reports else None
        outcome = Outcome(kind=kind, reason="why", message="Why.", usage=usage)
        if kind is _K.LIMITED:
            outcome = replace(outcome, resets_at=resets_at, handover=OTHER if hands_over else None)
        settled = self.do(self.store.settle(job, lifecycle.settle(outcome), outcome, report))
        assert (settled is not None) == was_open
        if settled is not None:
            meant = _S.PENDING if outcome.handover else ENDS[kind]
            end = meant if meant.final or not known.wish else _S.CANCELLED
            known.status, known.wish = end, known.wish if end is _S.CANCELLED else ""
            known.usage += usage
            known.retry_at = resets_at if end is _S.RATE_LIMITED else None
            known.slug = report.slug if report else None
            if kind is _K.LIMITED:
                self.limits[known.provider] = max(resets_at, self.limits.get(known.provider, START))
            if outcome.handover and end is _S.PENDING:
                known.provider, known.session_id = OTHER.provider, None
            if kind is _K.LOST and end is _S.PENDING:
                known.session_id = None
            goes_on = kind in (_K.INTERRUPTED, _K.LIMITED, _K.WAITING) and not outcome.handover
            self.left(known, goes_on and not end.final, pauses=kind is _K.WAITING)

    def left(self, known: Expected, goes_on: bool, *, pauses: bool = False) -> None:
        """Nobody waits for the answers any more; who goes on will come back to the questions."""
        for question in [each for each in known.questions if each.state is _Q.OPEN]:
            if not goes_on:
                question.state = _Q.WITHDRAWN
            elif pauses:
                question.state = _Q.EXPIRED
                known.questions.append(Posed(text=question.text, attempt=None))
        for question in known.questions:
            if question.state is not _Q.DECIDED or not question.told:
                question.attempt = None

    @rule(job=attempts, texts=st.lists(st.sampled_from("xy"), min_size=1, max_size=2), request=REQUESTS)
    def ask(self, job: Job, texts: list[str], request: str) -> None:
        known, was_open = self.expected[job.id], self.is_open(job)
        asked = [Asked(kind=QuestionKind.APPROVAL, text=text, grant=f"do {text}") for text in texts]
        got = self.do(self.questions.ask(job, request, asked, self.clock.now() + timedelta(hours=1)))
        expected: list[Posed] = []
        for text in texts if was_open else ():
            expected.append(self.posed(known, text, job.attempt, request, expected))
        assert [each.number for each in got] == [_place(known.questions, each) for each in expected]

    def posed(self, known: Expected, text: str, attempt: int, request: str, others: list[Posed]) -> Posed:
        """The question that an attempt's asking comes to: one that there is, or a new one."""
        same = [
            each
            for each in known.questions
            if each.text == text and each.state in (_Q.OPEN, _Q.DECIDED) and not _is_in(others, each)
        ]
        own = [each for each in same if (each.attempt, each.request) == (attempt, request)]
        found = next(iter(own or [each for each in same if each.attempt is None and not each.told]), None)
        if found is None:
            given = any((each.text, each.verdict) == (text, Verdict.ALWAYS) for each in known.questions)
            found = Posed(text=text, attempt=attempt)
            if given:
                found.state, found.verdict = _Q.DECIDED, Verdict.ALWAYS
            known.questions.append(found)
        found.attempt, found.request = attempt, request
        return found

    @rule(job=attempts, data=st.data(), verdict=st.sampled_from(Verdict))
    def decide(self, job: Job, data: st.DataObject, verdict: Verdict) -> None:
        rows = self.do(self.questions.of_job(job.id))
        if not rows:
            return
        row = data.draw(st.sampled_from(list(rows)))
        questions = self.expected[job.id].questions
        question = questions[row.number - 1]
        decided = self.do(self.questions.decide(row.id, Decision(verdict=verdict, by="Ann")))
        assert (decided is not None) == (question.state is _Q.OPEN)
        for each in questions if decided else ():
            alike = verdict is Verdict.ALWAYS and each.text == question.text
            if each.state is _Q.OPEN and (each is question or alike):
                each.state, each.verdict = _Q.DECIDED, verdict

    @rule(job=attempts, request=REQUESTS)
    def told(self, job: Job, request: str) -> None:
        self.do(self.questions.told(job, request))
        for each in self.expected[job.id].questions:
            if (each.attempt, each.request) == (job.attempt, request):
                if each.state is _Q.OPEN:
                    each.state, each.attempt = _Q.WITHDRAWN, None
                each.told = each.state is _Q.DECIDED

    def report(self) -> Report:
        self.slugs += 1
        return Report(slug=f"report-{self.slugs}", title="Report", description="")

    @rule(
        job=attempts, transition=st.sampled_from([Transition.SUBMIT, Transition.SCHEDULE, Transition.START])
    )
    def settle_by_what_ends_nothing(self, job: Job, transition: Transition) -> None:
        assert self.do(self.store.settle(job, transition, Outcome(kind=_K.DONE), self.report())) is None

    @rule(job=attempts, by=st.sampled_from(["Ann", "Bob"]))
    def cancel_what_was_started(self, job: Job, by: str) -> None:
        self.cancel(job.id, by)

    @rule(job_id=jobs, by=st.sampled_from(["Ann", "Bob"]))
    def cancel(self, job_id: str, by: str) -> None:
        known = self.expected[job_id]
        job = self.do(self.store.cancel(job_id, by))
        assert (job is None) == known.status.final
        if known.waits:
            known.status, known.retry_at, known.wish = _S.CANCELLED, None, by
            self.left(known, goes_on=False)
        elif known.status is _S.RUNNING:
            known.wish = known.wish or by

    @rule(job=attempts)
    def hurry(self, job: Job) -> None:
        known = self.expected[job.id]
        hurried = self.do(self.store.hurry(job.id))
        assert (hurried is not None) == (known.status is _S.RATE_LIMITED)
        if hurried is not None:
            known.retry_at = self.clock.now()
            self.limits.pop(known.provider, None)

    @rule(minutes=st.integers(1, 10))
    def time_passes(self, minutes: int) -> None:
        self.clock.pass_by(minutes=minutes)

    @invariant()
    def store_equals_model(self) -> None:
        now = self.clock.now()
        jobs, attempts, next_due = self.do(self.seen(now))
        assert {job.id: _told(job) for job in jobs} == {
            job_id: replace(known, questions=[]) for job_id, known in self.expected.items()
        }
        for job in jobs:
            posed = self.expected[job.id].questions
            assert job.asking == sum(each.state is _Q.OPEN for each in posed)
            rows = self.do(self.questions.of_job(job.id)) if posed else ()
            assert [(each.state, each.attempt, each.decision and each.decision.verdict) for each in rows] == [
                (each.state, each.attempt, each.verdict) for each in posed
            ]
        running = {each for each, known in self.expected.items() if known.status is _S.RUNNING}
        assert {attempt.job.id for attempt in attempts} == running
        moments = [known.retry_at for known in self.expected.values() if known.retry_at]
        waited_for = {known.provider for known in self.expected.values() if known.waits}
        moments += [at for provider, at in self.limits.items() if provider in waited_for]
        assert next_due == min((each for each in moments if each > now), default=None)
        check(self.database)

    async def seen(self, now: datetime) -> tuple[Sequence[Job], Sequence[OpenAttempt], datetime | None]:
        store = self.store
        return await store.jobs(limit=1000), await store.open_attempts(), await store.next_due(now)


def _place(questions: list[Posed], question: Posed) -> int:
    """Its number; questions that look the same are not."""
    return next(place for place, each in enumerate(questions, 1) if each is question)


def _is_in(questions: list[Posed], question: Posed) -> bool:
    return any(each is question for each in questions)


def _told(job: Job) -> Expected:
    return Expected(
        provider=job.provider,
        session_id=job.session_id,
        parent=job.parent_job_id,
        status=job.status,
        attempt=job.attempt,
        wish=job.cancelled_by,
        retry_at=job.retry_at,
        usage=job.usage,
        slug=job.report_slug,
        type=job.type,
        user_id=job.origin.actor.user_id,
        priority=job.priority,
    )


TestJobMachine = pytest.mark.timeout(300)(JobMachine.TestCase)  # a failure is made small before it is told
TestJobMachine.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
