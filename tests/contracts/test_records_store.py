"""What every store of the shared records must do, as stories, and the rules as tables and properties."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.lifecycle import settle
from executor.model import Outcome, OutcomeKind, Usage
from executor.wakeups import MESSAGES, QUEUE, Wakeups
from storage import Storage, open_storage
from storage.hub.authors import CLARA, OWNER, SYSTEM, Author, RecordRefused, Role, Why, agent, speaking_as
from storage.hub.comments import NewComment
from storage.hub.feedback import (
    Feedback,
    FeedbackChanges,
    FeedbackStatus,
    NewFeedback,
    Source,
    Target,
    check_change,
    filed,
)
from storage.hub.logs import LogFilter, SessionLog, VelocityLog
from storage.hub.messages import NewMessage
from storage.hub.reports import NewReport
from storage.hub.tasks import (
    MOVES,
    Area,
    NewTask,
    Priority,
    TaskChanges,
    TaskFilter,
    TaskStatus,
    check_move,
)
from tests.builders import START, TestClock, claim_one, request
from tests.fsck import check

AKIRA = agent("Akira")
AUTHORS = (OWNER, CLARA, AKIRA, SYSTEM)
TASK = NewTask(id="A66", name="Docs", workspace=Area.DEV, status=TaskStatus.READY)
HELLO = NewMessage(channel="dev", sender="akira", content="Hello.", metadata={})


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def wakeups() -> Wakeups:
    return Wakeups()


@pytest.fixture
async def storage(tmp_path: Path, wakeups: Wakeups, clock: TestClock) -> AsyncIterator[Storage]:
    async with open_storage(tmp_path / "bifrost.db", wakeups, clock) as storage:
        yield storage
    check(tmp_path / "bifrost.db")


# Rules


@pytest.mark.parametrize("author", AUTHORS, ids=lambda author: author.name)
def test_only_the_owner_may_let_others_have_said_it(author: Author) -> None:
    for name in ("owner", "clara", "system", "Akira", "bifrost"):
        allowed = name == author.name or (author is OWNER and name != "bifrost")
        if allowed:
            assert speaking_as(author, name).name == name
        else:
            with pytest.raises(RecordRefused) as refused:
                speaking_as(author, name)
            assert refused.value.why is Why.FORBIDDEN


@given(st.text(max_size=60))
def test_no_agent_has_the_name_of_somebody_else(name: str) -> None:
    try:
        assert agent(name).role is Role.AGENT
    except RecordRefused as refused:
        assert refused.text
    else:
        assert name.casefold() not in {"owner", "clara", "system", "bifrost"}


@given(st.lists(st.sampled_from(TaskStatus), max_size=12), st.sampled_from(AUTHORS))
def test_a_task_only_makes_moves_of_the_table_and_agents_never_curate(
    wishes: list[TaskStatus], author: Author
) -> None:
    status = TaskStatus.DRAFT
    for wish in wishes:
        try:
            check_move(author, status, wish)
        except RecordRefused as refused:
            assert (refused.why is Why.ILLEGAL) == (wish not in MOVES[status])
            continue
        assert wish is status or wish in MOVES[status]
        if author.role in (Role.AGENT, Role.SYSTEM) and wish is not status:
            assert wish in (TaskStatus.ACTIVE, TaskStatus.DONE, TaskStatus.ARCHIVED)
            assert wish is not TaskStatus.ARCHIVED or status is TaskStatus.DONE
        status = wish


@given(st.sampled_from(FeedbackStatus), st.sampled_from(FeedbackStatus), st.sampled_from(AUTHORS))
def test_feedback_moves_as_clara_and_the_owner_say(
    before: FeedbackStatus, after: FeedbackStatus, author: Author
) -> None:
    _S = FeedbackStatus
    allowed = {
        (_S.OPEN, _S.PROCESSED, Role.CLARA),
        (_S.OPEN, _S.PARKED, Role.OWNER),
        (_S.OPEN, _S.ARCHIVED, Role.OWNER),
        (_S.PARKED, _S.ARCHIVED, Role.OWNER),
        (_S.PARKED, _S.OPEN, Role.OWNER),
    }
    changes = FeedbackChanges(status=after)
    if after is _S.PROCESSED:
        changes["processed_note"] = "Done."
    try:
        check_change(author, _feedback(before), changes)
    except RecordRefused:
        legal = False
    else:
        legal = True
    unmoved = before is after is not _S.PROCESSED and author.role in (Role.OWNER, Role.CLARA)
    assert legal == ((before, after, author.role) in allowed or unmoved)


@given(st.sampled_from(AUTHORS), st.sampled_from([None, *Source]), st.sampled_from([None, *FeedbackStatus]))
def test_what_agents_file_is_parked_whoever_says_it(
    author: Author, source: Source | None, status: FeedbackStatus | None
) -> None:
    try:
        told, kept = filed(author, NewFeedback(content="x", source=source, status=status))
    except RecordRefused:
        return
    assert kept in (FeedbackStatus.OPEN, FeedbackStatus.PARKED)
    assert told not in (Source.AGENT, Source.CLAUDEBOT) or kept is FeedbackStatus.PARKED
    assert author.role is not Role.AGENT or kept is FeedbackStatus.PARKED


def _feedback(status: FeedbackStatus) -> Feedback:
    processed = status is FeedbackStatus.PROCESSED
    return Feedback(
        id="1",
        content="x",
        workspace=None,
        priority=Priority.NORMAL,
        status=status,
        target="",
        linked_type=None,
        linked_id=None,
        source=Source.PORTAL,
        processed_at=START if processed else None,
        processed_note="Done." if processed else "",
        created_at=START,
        updated_at=START,
    )


# Stories


async def test_of_many_who_make_the_same_task_one_does(storage: Storage) -> None:
    made = await asyncio.gather(*(storage.tasks.add(TASK, OWNER) for _ in range(10)), return_exceptions=True)
    refused = [each for each in made if isinstance(each, RecordRefused)]
    assert len(refused) == 9
    assert {each.why for each in refused} == {Why.TAKEN}


async def test_two_changes_at_once_are_both_kept(storage: Storage) -> None:
    await storage.tasks.add(TASK, OWNER)
    await asyncio.gather(
        storage.tasks.change("A66", TaskChanges(name="New"), OWNER),
        storage.tasks.change("A66", TaskChanges(status=TaskStatus.ACTIVE), AKIRA),
    )
    task = await storage.tasks.task("A66")
    assert task is not None
    assert (task.name, task.status) == ("New", TaskStatus.ACTIVE)


async def test_of_two_tasks_that_would_wait_for_each_other_one_does(storage: Storage) -> None:
    for name in ("A", "B"):
        await storage.tasks.add(replace(TASK, id=name), OWNER)
    changes = (("A", TaskChanges(deps=("B",))), ("B", TaskChanges(deps=("A",))))
    answers = await asyncio.gather(
        *(storage.tasks.change(task, change, OWNER) for task, change in changes), return_exceptions=True
    )
    assert sum(isinstance(answer, RecordRefused) for answer in answers) == 1


async def test_the_board_knows_how_many_stand_where_and_what_is_around_a_task(storage: Storage) -> None:
    for name, more in {
        "A1": {},
        "A2": {"deps": ("A1",), "priority": Priority.HIGH},
        "A3": {"deps": ("A2", "A1"), "parent_id": "A1", "project": "portal"},
        "A4": {"parent_id": "A1", "status": TaskStatus.DRAFT, "project": "docs"},
    }.items():
        await storage.tasks.add(replace(TASK, id=name, **more), OWNER)  # type: ignore[arg-type]
    none = dict.fromkeys(TaskStatus, 0)
    assert await storage.tasks.counts() == none | {TaskStatus.READY: 3, TaskStatus.DRAFT: 1}
    assert await storage.tasks.counts(TaskFilter(project="portal")) == none | {TaskStatus.READY: 1}
    high = await storage.tasks.tasks(TaskFilter(priority=Priority.HIGH))
    assert [task.id for task in high] == ["A2"]
    assert await storage.tasks.projects() == ["docs", "portal"]
    await storage.tasks.change("A4", TaskChanges(status=TaskStatus.IDEA, project="portal"), OWNER)
    assert await storage.tasks.counts() == none | {TaskStatus.READY: 3, TaskStatus.IDEA: 1}
    assert await storage.tasks.projects() == ["portal"]
    first, third = await storage.tasks.task("A1"), await storage.tasks.task("A3")
    assert first is not None and third is not None
    kin = await storage.tasks.kin(first)
    assert ([task.id for task in kin.waiting], [task.id for task in kin.children]) == (
        ["A2", "A3"],
        ["A3", "A4"],
    )
    assert (kin.deps, kin.parent) == ([], None)
    kin = await storage.tasks.kin(third)
    assert [task.id for task in kin.deps] == ["A2", "A1"]
    assert kin.parent == first


async def test_feedback_is_processed_once(storage: Storage) -> None:
    feedback = await storage.feedback.add(NewFeedback(content="Thin."), OWNER)
    note = FeedbackChanges(status=FeedbackStatus.PROCESSED, processed_note="Is A66.")
    answers = await asyncio.gather(
        *(storage.feedback.change(feedback.id, note, CLARA) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(answer, Feedback) for answer in answers) == 1


async def test_feedback_and_comments_are_found_by_what_they_are_about(storage: Storage) -> None:
    job = (await storage.jobs.submit(request())).job
    new = NewFeedback(content="Slow.", linked_type=Target.JOB, linked_id=job.id)
    kept = await storage.feedback.add(new, OWNER)
    assert await storage.feedback.linked_to(Target.JOB, job.id) == [kept]
    comment = await storage.comments.add(
        NewComment(target_type=Target.JOB, target_id=job.id, content="Why?"), AKIRA
    )
    assert await storage.comments.of(Target.JOB, job.id) == [comment]
    assert comment.author == "Akira"
    with pytest.raises(RecordRefused):
        await storage.comments.delete(comment.id, OWNER)


async def test_what_a_request_made_it_makes_only_once(storage: Storage) -> None:
    job = (await storage.jobs.submit(request())).job
    remark = NewComment(target_type=Target.JOB, target_id=job.id, content="Why?")
    day = SessionLog(date=date(2026, 11, 20), workspace=Area.DEV, content="Docs.")
    minutes = VelocityLog(date=date(2026, 11, 20), workspace=Area.DEV, minutes=25)
    for _ in range(2):
        comment = await storage.comments.add(remark, OWNER, "k")
        await storage.feedback.add(NewFeedback(content="Slow."), OWNER, "k")
        await storage.logs.add_session(day, "k")
        await storage.logs.add_velocity(minutes, "k")
    for kept in (
        await storage.comments.of(Target.JOB, job.id),
        await storage.feedback.newest(),
        await storage.logs.sessions(),
        await storage.logs.velocity(),
    ):
        assert len(kept) == 1
    await storage.comments.delete(comment.id, OWNER)
    assert await storage.comments.add(remark, OWNER, "k") == comment, "it does not come back"
    assert not await storage.comments.of(Target.JOB, job.id)
    await storage.comments.add(remark, OWNER, "other")
    await storage.comments.add(remark, OWNER)
    assert len(await storage.comments.of(Target.JOB, job.id)) == 2


async def test_pages_of_a_list_hold_each_record_once_however_the_clock_stands(
    storage: Storage, clock: TestClock
) -> None:
    for number in range(7):
        clock.pass_by(seconds=number % 3 - 1)
        await storage.tasks.add(replace(TASK, id=f"T{number}"), OWNER)
    seen: list[str] = []
    cursor = None
    while page := await storage.tasks.tasks(TaskFilter(status=TaskStatus.READY), limit=2, cursor=cursor):
        seen += [task.id for task in page]
        cursor = page[-1].id
    assert sorted(seen) == [f"T{number}" for number in range(7)]


async def test_logs_are_listed_by_day_not_by_when_they_were_written(storage: Storage) -> None:
    for day in (20, 22, 21):
        log = SessionLog(date=date(2026, 11, day), workspace=Area.DEV, content="Docs.")
        await storage.logs.add_session(log)
    first = await storage.logs.sessions(limit=2)
    rest = await storage.logs.sessions(limit=2, cursor=first[-1].id)
    assert [log.date.day for log in (*first, *rest)] == [22, 21, 20]
    assert len(await storage.logs.sessions(LogFilter(since=date(2026, 11, 21)))) == 2


@pytest.mark.parametrize("kind", [OutcomeKind.DONE, OutcomeKind.FAILED])
async def test_what_a_job_did_for_its_task_is_written_down_once_when_it_ends(
    storage: Storage, kind: OutcomeKind
) -> None:
    await storage.tasks.add(TASK, OWNER)
    job = await storage.jobs.submit(replace(request(), task_id=TASK.id))
    minute = Usage(duration_ms=60_000)
    for outcome in (Outcome(kind=OutcomeKind.INTERRUPTED, usage=minute), Outcome(kind=kind, usage=minute)):
        claimed = await claim_one(storage.jobs, ["rehearsal"])
        assert claimed is not None
        await storage.jobs.settle(claimed, settle(outcome), replace(outcome, result="All is well."))
        again = await storage.jobs.settle(claimed, settle(outcome), outcome)
        assert again is None
    (spent,) = await storage.logs.velocity(LogFilter(task_id=TASK.id))
    assert (spent.minutes, spent.workspace, spent.notes) == (
        2,
        Area.DEV,
        f"session {job.job.short_id}, {kind}",
    )
    assert await storage.logs.minutes_of(TASK.id) == 2
    (entry,) = await storage.logs.sessions()
    assert entry.content.startswith("**A66 Docs**") and entry.content.endswith("All is well.")


async def test_a_report_belongs_to_a_task_that_there_is(storage: Storage) -> None:
    await storage.tasks.add(TASK, OWNER)
    report = await storage.reports.add(
        NewReport(title="Docs", slug="docs", workspace="main", task_id="A66", tags=("a", "b"))
    )
    assert await storage.reports.of_task("A66") == [report]
    assert await storage.reports.by_slug("docs") == report
    with pytest.raises(RecordRefused):
        await storage.reports.change(report.id, {"task_id": "A67"}, CLARA)
    with pytest.raises(RecordRefused):
        await storage.reports.change(report.id, {"title": "Other"}, AKIRA)


async def test_an_edit_does_not_make_a_message_unread_and_a_reply_counts_with_its_head(
    storage: Storage, wakeups: Wakeups
) -> None:
    head = await storage.messages.post(HELLO)
    await storage.messages.post(replace(HELLO, thread=head.id))
    assert [each.unread for each in await storage.messages.channels(OWNER)] == [1]
    with wakeups.listen(MESSAGES) as bell:
        await storage.messages.mark_read("dev", head.id, OWNER)
        assert bell.rung
    await storage.messages.edit(head.id, "Hello!", agent("akira"))
    assert [each.unread for each in await storage.messages.channels(OWNER)] == [0]
    await storage.messages.delete(head.id, OWNER)
    assert await storage.messages.latest("dev") == []
    assert await storage.messages.message(head.id) is None
    last = (await storage.messages.changed_after("dev", 0))[-1]
    assert last.id == head.id and last.deleted_at is not None


async def test_a_limit_that_is_set_wakes_the_queue(storage: Storage, wakeups: Wakeups) -> None:
    with wakeups.listen(QUEUE) as bell:
        await storage.preferences.change({"quotaResetTime.claude": START.replace(year=2030)})
        assert bell.rung
    assert list(await storage.jobs.limits()) == ["claude"]
    assert (await storage.preferences.change({"quotaResetTime.claude": None})) == {}
