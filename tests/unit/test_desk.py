"""The one door behind all doors: what people are told, and what of it is written down."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk.access import EVERYBODY, Access, Rule
from bot.desk.asks import Answer, Ask, Invocation
from bot.desk.desk import Desk
from executor import outbox
from executor.catalog import Catalog
from executor.events import SessionOpened
from executor.executor import GO_ON, Executor
from executor.lifecycle import Transition
from executor.model import Actor, Job, JobStatus, Origin, Outcome, OutcomeKind, Usage
from executor.wakeups import Wakeups
from executor.workspaces import Workspaces
from storage import Storage, open_storage
from tests.builders import START, TestClock
from tests.unit.test_prompts import TAKEN

LIMIT = 1000


def person(user_id: str, *, team: str = "T1", platform: str = "slack") -> Actor:
    return Actor(platform=platform, team=team, user_id=user_id, name=user_id.title())


ANN, BOB, ADMIN, EVE = person("ann"), person("bob"), person("admin"), person("eve")
OWNER = person("owner", team="", platform="web")
ELSEWHERE = person("ann", team="T2")


@dataclass
class Office:
    """A desk with everything behind it, and short ways to use it."""

    storage: Storage
    desk: Desk
    database: Path
    clock: TestClock
    deliveries: int = 0

    async def type(
        self, text: str, by: Actor = ANN, *, delivery: str = "", thread: str | None = None
    ) -> Answer:
        origin = Origin(actor=by, channel="C0DEV", thread=thread)
        self.clock.pass_by(seconds=1)
        return await self.desk.command(Invocation(text=text, origin=origin, delivery=delivery or self._new()))

    async def ask(self, verb: str, target: str = "", by: Actor = ANN, **args: str) -> Answer:
        return await self.send(verb, args, target, by)

    async def send(self, verb: str, args: dict[str, str], target: str = "", by: Actor = ANN) -> Answer:
        origin = Origin(actor=by, channel="C0DEV")
        return await self.desk.ask(
            Ask(verb=verb, origin=origin, delivery=self._new(), target=target, args=args)
        )

    async def queued(self, text: str = "research how?", by: Actor = ANN) -> Job:
        answer = await self.type(text, by)
        assert answer.ok and answer.job is not None, answer.text
        return answer.job

    async def running(self, by: Actor = ANN, *, session: str = "s-1") -> Job:
        await self.queued(by=by)
        job = await self.storage.jobs.claim("worker", ["rehearsal"])
        assert job is not None
        if session:
            await self.storage.jobs.record(job, [SessionOpened(session_id=session)])
        return job

    async def ended(self, by: Actor = ANN, *, session: str = "s-1", **outcome: object) -> Job:
        job = await self.running(by, session=session)
        usage = Usage(cost_usd=0.42, turns=3, duration_ms=42_000)
        how = Outcome(**{"kind": OutcomeKind.DONE, "result": "42", "usage": usage} | outcome)  # type: ignore[arg-type]
        moves = {OutcomeKind.DONE: Transition.FINISH, OutcomeKind.FAILED: Transition.FAIL}
        settled = await self.storage.jobs.settle(job, moves.get(how.kind, Transition.HIT_LIMIT), how)
        assert settled is not None
        return settled

    async def limited(self) -> Job:
        resets_at = self.clock.now() + timedelta(hours=1)
        return await self.ended(
            kind=OutcomeKind.LIMITED, resets_at=resets_at, message="The limit is reached."
        )

    async def job(self, job: Job) -> Job:
        now = await self.storage.jobs.job(job.id)
        assert now is not None
        return now

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            return {
                name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
                for (name,) in tables
            }

    async def refused(self, answer: Answer, before: dict[str, int]) -> str:
        """The text of a refusal, which has changed nothing."""
        assert not answer.ok
        assert answer.job is None
        assert self.rows() == before
        return answer.text

    def _new(self) -> str:
        self.deliveries += 1
        return f"test:{self.deliveries}"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    clock, wakeups, database = TestClock(), Wakeups(), tmp_path / "bifrost.db"
    async with open_storage(database, wakeups, clock) as storage:
        yield Office(storage, desk_on(storage), database, clock)


def desk_on(storage: Storage, providers: tuple[str, ...] = ("rehearsal", "claude")) -> Desk:
    everybody = frozenset({EVERYBODY})
    owner = frozenset({"owner"})
    rules = {
        "slack": Rule(channels=everybody, people=frozenset({"ann", "bob"}), admins=frozenset({"admin"})),
        "web": Rule(channels=everybody, people=owner, admins=owner),
    }
    return Desk(
        storage=storage,
        executor=Executor(storage.jobs),
        access=Access(rules=rules),
        catalog=Catalog(providers=providers),
        workspaces=Workspaces(directories={"main": Path("/srv/main"), "api": Path("/srv/api")}),
        prompt_limit=LIMIT,
    )


async def test_a_job_is_queued_as_it_was_asked_for(office: Office) -> None:
    answer = await office.type(
        "session tidy up --provider claude --effort high --workspace api", thread="7.1"
    )
    job = answer.job
    assert job is not None
    assert answer == Answer(ok=True, text=f"Queued as `{job.short_id}`: session by claude (opus).", job=job)
    assert (job.type, job.prompt, job.provider, job.model) == ("session", "tidy up", "claude", "opus")
    assert (job.effort, job.workspace, job.status) == ("high", "api", JobStatus.PENDING)
    assert job.origin == Origin(actor=ANN, channel="C0DEV", thread="7.1")


async def test_what_is_not_said_gets_the_defaults(office: Office) -> None:
    job = await office.queued("research how?")
    assert (job.provider, job.model, job.effort, job.workspace) == (
        "rehearsal",
        "rehearsal",
        "medium",
        "main",
    )


async def test_a_model_alone_implies_its_provider(office: Office) -> None:
    job = await office.queued("research how? --model sonnet")
    assert (job.provider, job.model) == ("claude", "sonnet")


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
async def test_a_prompt_is_kept_byte_for_byte(office: Office, text: str) -> None:
    """B04 to B15, B20 to B25, B27, B30."""
    typed = await office.type(f"research -- {text}")
    form = await office.ask("research", prompt=text)
    for answer in (typed, form):
        assert answer.ok and answer.job is not None
        assert (await office.job(answer.job)).prompt == text
        assert text not in answer.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["What shall I do?", "/job research how", "/job session add"]),  # B01, B03
        ("  \n ", ["What shall I do?"]),  # B02
        ("research", ["The prompt is empty", "Usage: `/job research PROMPT"]),
        ("research  \n", ["The prompt is empty", "Example: `/job research"]),
        ("research a\0b", ["control character (U+0000)", "Usage:"]),  # B16
        (
            "research " + "x" * 100_000,
            ["100,000 characters", "at most 1,000", "a file of the workspace"],
        ),  # B17
        ("research half \ud83d", ["not valid Unicode"]),  # B19
        ("root x", ["I know no command `root`", "research|session"]),  # B37
        ("reserch x", ["Did you mean `research`?"]),
        ("research x --model ../../x", ["`../../x` cannot be the value of `--model`"]),  # B38
        ("research x --model gpt", ["There is no model `gpt`", "`rehearsal`"]),
        ("research x --model sonet", ["Did you mean `sonnet`?"]),
        ("research x --model sonnet --provider rehearsal", ["`sonnet` is a model of claude"]),
        (
            "research x --provider gemini",
            ["There is no provider `gemini`. There are: `rehearsal`, `claude`."],
        ),
        ("research --model -p x", ["`-p` cannot be the value of `--model`", "Usage:"]),  # B39
        ("research x --workspace ../..", ["`../..` cannot be the value of `--workspace`"]),  # B40
        ("research x --workspace=/etc", ["`/etc` cannot be the value of `--workspace`"]),  # B41
        ("research x --workspace=$HOME", ["`$HOME` cannot be the value of `--workspace`"]),  # B43
        ("research x --workspace ap", ["There is no workspace `ap`. Did you mean `api`?"]),
        (
            "research x --effort highest",
            ["There is no effort `highest`. There are: `low`, `medium`, `high`."],
        ),
        ("show ' OR 1=1--", ["`OR 1=1--` is too much here"]),  # B48
        ("show 'OR/1=1--", ["There is no job `'OR/1=1--`"]),
        ("show %", ["There is no job `%`"]),
        ("show ffffff", ["There is no job `ffffff`", "`/job list` shows"]),
        ("resume --continue", ["There is no job `--continue`"]),  # B50
        ("cancel " + "f" * 37, ["There is no job"]),
    ],
)
async def test_bad_input_is_refused_with_what_is_wrong_and_changes_nothing(
    office: Office, text: str, says: list[str]
) -> None:
    await office.ended()
    before = office.rows()
    answer = await office.refused(await office.type(text), before)
    for part in says:
        assert part in answer
    assert len(answer) < 700
    assert not re.search("x" * 81, answer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "-p"),
        ("model", "`*<!channel>*`"),
        ("model", "nope"),
        ("provider", "nope"),
        ("effort", "x" * 500),
        ("workspace", "../.."),
        ("workspace", "nope"),
        ("prompt", " "),
    ],
)
async def test_a_form_learns_which_field_is_wrong(office: Office, field: str, value: str) -> None:
    before = office.rows()
    answer = await office.send("research", {"prompt": "how?", field: value})
    text = await office.refused(answer, before)
    assert answer.field == field
    assert len(text) < 400


async def test_what_a_form_leaves_empty_is_a_default(office: Office) -> None:
    answer = await office.ask("research", prompt="how?", model="", provider="", effort="", workspace="")
    assert answer.job is not None
    assert (answer.job.model, answer.job.effort) == ("rehearsal", "medium")


async def test_forms_are_offered_what_the_desk_takes_the_default_first(office: Office) -> None:
    assert office.desk.choices("model")[:2] == ("opus", "sonnet")
    assert office.desk.choices("provider") == ("rehearsal", "claude")
    assert office.desk.choices("effort")[0] == "medium"
    assert office.desk.choices("workspace") == ("main", "api")
    for option in ("model", "provider", "effort", "workspace"):
        for value in office.desk.choices(option):
            assert (await office.send("research", {"prompt": "how?", option: value})).ok


@pytest.mark.parametrize("verb", ["", "explode", "help\n", "`x`"])
async def test_a_verb_that_no_button_of_ours_has_is_refused(office: Office, verb: str) -> None:
    """B52."""
    before = office.rows()
    assert "I know no command" in await office.refused(await office.ask(verb, "3fa9c1"), before)


@pytest.mark.parametrize("text", ["research x", "nonsense", "list", "show ffffff", "help", ""])
async def test_who_is_shut_out_learns_nothing_but_that(office: Office, text: str) -> None:
    before = office.rows()
    answer = await office.refused(await office.type(text, EVE), before)
    assert answer.startswith("You are not on the list of people who may use Bifrost.")


async def test_who_is_shut_out_cannot_press_buttons(office: Office) -> None:
    job = await office.running()
    before = office.rows()
    for verb in ("cancel", "resume", "retry", "show", "list", "help", "research"):
        assert "not on the list" in await office.refused(await office.ask(verb, job.id, EVE), before)


async def test_the_same_delivery_makes_one_job(office: Office) -> None:
    first = await office.type("research how?", delivery="slack:command:1")
    again = await office.type("research how?", delivery="slack:command:1")
    assert first.job is not None and again.job is not None
    assert again.job.id == first.job.id
    await office.storage.jobs.claim("worker", ["rehearsal"])
    late = await office.type("research how?", delivery="slack:command:1")
    assert late.text == f"Taken in already as `{first.job.short_id}`: it is running."
    assert office.rows()["jobs"] == 1


async def test_the_same_delivery_of_a_resume_makes_one_job(office: Office) -> None:
    ended = await office.ended()
    first = await office.type(f"resume {ended.id}", delivery="slack:action:1")
    again = await office.type(f"resume {ended.id}", delivery="slack:action:1")
    assert first.job is not None
    assert again == first


async def test_an_id_is_as_short_as_it_is_unique(office: Office) -> None:
    job = await office.queued()
    for length in (1, 6, 13, 36):
        assert (await office.type(f"show {job.id[:length]}")).job == job
    assert (await office.type(f"show #{job.short_id.upper()}")).job == job


async def test_an_ambiguous_id_is_answered_with_more_of_each(office: Office) -> None:
    first: dict[str, Job] = {}
    while (job := await office.queued()).id[0] not in first:
        first[job.id[0]] = job
    other, before = first[job.id[0]], office.rows()
    text = await office.refused(await office.type(f"cancel {job.id[0]}"), before)
    assert text.startswith(f"`{job.id[0]}` is the beginning of several ids; type more of it: `")
    offered = re.findall(r"`([0-9a-f-]{2,})`", text)
    assert sorted(offered) == sorted({job.id[: len(offered[0])], other.id[: len(offered[0])]})
    assert (await office.type(f"show {offered[0]}")).ok


@pytest.mark.parametrize("verb", ["show", "cancel", "resume", "retry"])
async def test_a_job_of_another_team_answers_like_one_that_is_not(office: Office, verb: str) -> None:
    """B49, B51."""
    job = await office.ended()
    before = office.rows()
    there = await office.refused(await office.type(f"{verb} {job.id}", ELSEWHERE), before)
    nowhere = await office.refused(await office.type(f"{verb} {job.id[:-4]}beef", ELSEWHERE), before)
    assert there == nowhere.replace(f"{job.id[:-4]}beef", job.id)
    assert (await office.type("list", ELSEWHERE)).text.startswith("There are no jobs yet.")


@pytest.mark.parametrize("verb", ["cancel", "resume", "retry"])
async def test_a_job_is_its_owners_and_the_admins(office: Office, verb: str) -> None:
    job = await office.ended() if verb != "cancel" else await office.running()
    before = office.rows()
    text = await office.refused(await office.ask(verb, job.id, BOB), before)
    assert text.startswith(f"Job `{job.short_id}` was started by somebody else: only that person or an admin")
    assert (await office.ask("show", job.id, BOB)).ok
    assert (await office.ask(verb, job.id, ADMIN)).ok


async def test_the_owner_of_the_page_may_do_everything(office: Office) -> None:
    job = await office.running()
    assert job.short_id in (await office.type("list", OWNER)).text
    assert (await office.ask("cancel", job.id, OWNER)).ok


async def test_a_waiting_job_is_cancelled_at_once(office: Office) -> None:
    job = await office.queued()
    answer = await office.type(f"cancel {job.short_id}")
    assert answer.text == f"Job `{job.short_id}` is cancelled; it had not started."
    assert (await office.job(job)).cancelled_by == "Ann"


async def test_a_job_that_waits_for_a_limit_is_cancelled_at_once(office: Office) -> None:
    job = await office.limited()
    assert (await office.type(f"cancel {job.id}")).text == f"Job `{job.short_id}` is cancelled."


async def test_a_running_job_is_asked_to_stop_and_twice_is_no_fault(office: Office) -> None:
    job = await office.running()
    for _ in range(2):
        answer = await office.type(f"cancel {job.short_id}")
        assert answer.ok
        assert answer.text == f"Stopping job `{job.short_id}` …"
    assert (await office.job(job)).cancel_requested_at is not None


async def test_a_press_on_cancel_of_a_job_that_has_ended_says_so(office: Office) -> None:
    job = await office.ended()
    before = office.rows()
    text = await office.refused(await office.ask("cancel", job.id), before)
    assert text == f"Job `{job.short_id}` is done already; there is nothing to cancel."


async def test_resume_goes_on_with_the_session_in_the_same_thread(office: Office) -> None:
    ended = await office.ended()
    await office.storage.outbox.shown(ended.id, outbox.CARD, ended.seq, "100.1")
    answer = await office.type(f"resume {ended.short_id} and now\nthe tests")
    assert answer.job is not None
    assert (answer.job.session_id, answer.job.parent_job_id) == ("s-1", ended.id)
    assert answer.job.prompt == "and now\nthe tests"
    assert answer.job.origin == Origin(actor=ANN, channel="C0DEV", thread="100.1")


async def test_resume_without_words_says_to_go_on(office: Office) -> None:
    ended = await office.ended()
    answer = await office.ask("resume", ended.id)
    assert answer.job is not None and answer.job.prompt == GO_ON


async def test_what_continues_a_job_belongs_to_who_asked(office: Office) -> None:
    ended = await office.ended()
    answer = await office.ask("retry", ended.id, ADMIN)
    assert answer.job is not None and answer.job.origin.actor == ADMIN


async def test_a_job_in_a_thread_is_continued_in_that_thread(office: Office) -> None:
    await office.type("research how?", thread="55.5")
    job = await office.storage.jobs.claim("worker", ["rehearsal"])
    assert job is not None
    await office.storage.jobs.settle(job, Transition.FAIL, Outcome(kind=OutcomeKind.FAILED))
    answer = await office.ask("retry", job.id)
    assert answer.job is not None and answer.job.origin.thread == "55.5"


async def test_a_job_whose_card_was_refused_is_continued_in_the_channel(office: Office) -> None:
    ended = await office.ended()
    await office.storage.outbox.shown(ended.id, outbox.CARD, ended.seq, "")
    answer = await office.ask("retry", ended.id)
    assert answer.job is not None and answer.job.origin.thread is None


async def test_a_job_of_another_platform_is_continued_where_it_is_asked_for(office: Office) -> None:
    ended = await office.ended()
    await office.storage.outbox.shown(ended.id, outbox.CARD, ended.seq, "100.1")
    answer = await office.ask("retry", ended.id, OWNER)
    assert answer.job is not None
    assert answer.job.origin == Origin(actor=OWNER, channel="C0DEV")


async def test_retry_does_the_same_afresh(office: Office) -> None:
    failed = await office.ended(kind=OutcomeKind.FAILED, reason="exit", message="It broke.")
    answer = await office.type(f"retry {failed.id}")
    assert answer.job is not None
    assert answer.job.session_id is None
    assert replace(answer.job, id="", origin=failed.origin).payload == failed.payload


async def test_two_presses_on_resume_start_one_job(office: Office) -> None:
    ended = await office.ended()
    answers = await asyncio.gather(*(office.ask("resume", ended.id) for _ in range(5)))
    (started,) = [answer.job for answer in answers if answer.job is not None]
    others = [answer for answer in answers if not answer.ok]
    assert len(others) == 4
    for answer in others:
        assert answer.text == (
            f"Job `{ended.short_id}` goes on already as `{started.short_id}`, which is pending. "
            f"Wait for it, or stop it with `/job cancel {started.short_id}`."
        )
    assert office.rows()["jobs"] == 2


async def test_a_job_that_never_got_a_session_cannot_be_resumed_but_retried(office: Office) -> None:
    failed = await office.ended(session="", kind=OutcomeKind.FAILED, reason="spawn")
    before = office.rows()
    text = await office.refused(await office.ask("resume", failed.id), before)
    assert "never got as far as a session" in text
    assert "Retry does the same again" in text
    assert (await office.ask("retry", failed.id)).ok


@pytest.mark.parametrize("verb", ["resume", "retry"])
async def test_what_has_not_ended_is_not_continued(office: Office, verb: str) -> None:
    running = await office.running()
    before = office.rows()
    text = await office.refused(await office.ask(verb, running.id), before)
    assert text == (
        f"Job `{running.short_id}` is running; {verb} is for jobs that have ended. "
        f"`/job cancel {running.short_id}` stops it."
    )


async def test_resume_lets_a_job_that_waits_for_a_limit_go_on_now(office: Office) -> None:
    job = await office.limited()
    assert await office.storage.jobs.claim("worker", ["rehearsal"]) is None
    answer = await office.ask("resume", job.id)
    assert answer.text == f"Job `{job.short_id}` goes on now."
    assert await office.storage.jobs.claim("worker", ["rehearsal"]) is not None


async def test_new_words_for_a_job_that_waits_for_a_limit_are_not_lost_in_silence(office: Office) -> None:
    job = await office.limited()
    before = office.rows()
    text = await office.refused(await office.type(f"resume {job.short_id} with new words"), before)
    assert "takes no new words until it has ended" in text
    assert f"`/job resume {job.short_id}` alone" in text
    assert (await office.job(job)).retry_at == job.retry_at


async def test_retry_of_a_job_that_waits_for_a_limit_is_refused_in_words(office: Office) -> None:
    job = await office.limited()
    assert f"Job `{job.short_id}` is rate limited;" in (await office.ask("retry", job.id)).text


@pytest.mark.parametrize(
    ("words", "says"), [("x" * 2000, "at most 1,000"), ("a\0b", "U+0000"), ("\ud83d", "not valid Unicode")]
)
async def test_new_words_are_held_to_the_rules_of_a_prompt(office: Office, words: str, says: str) -> None:
    ended = await office.ended()
    before = office.rows()
    answer = await office.ask("resume", ended.id, prompt=words)
    assert says in await office.refused(answer, before)
    assert answer.field == "prompt"


@pytest.mark.parametrize("verb", ["resume", "retry"])
async def test_a_job_of_an_agent_that_is_switched_off_is_not_continued(office: Office, verb: str) -> None:
    ended = await office.ended()
    before = office.rows()
    office.desk = desk_on(office.storage, ("claude",))
    text = await office.refused(await office.ask(verb, ended.id), before)
    assert "was done by rehearsal, which is switched off here" in text


async def test_no_jobs_are_answered_with_a_first_command(office: Office) -> None:
    text = (await office.type("list")).text
    assert text == "There are no jobs yet. Start one: `/job research how do we cache sessions?`"


async def test_the_list_shows_the_newest_first_on_a_line_each(office: Office) -> None:
    done = await office.ended()
    waits = await office.queued("session clean `everything`\nup " + "and on " * 30)
    first, second = (await office.type("list")).text.splitlines()
    assert first.startswith(f"- `{waits.short_id}` pending · session · clean 'everything' up and on")
    assert first.endswith("…") and len(first) < 110
    assert second == (f"- `{done.short_id}` done · research · how? · cost $0.42 · turns 3 · duration 42s")


async def test_the_list_is_short(office: Office) -> None:
    for number in range(20):
        await office.queued(f"research question {number}")
    lines = (await office.type("list")).text.splitlines()
    assert len(lines) == 15
    assert lines[0].endswith("question 19")


async def test_a_job_is_shown_with_all_that_is_known(office: Office) -> None:
    failed = await office.ended(kind=OutcomeKind.FAILED, reason="exit", message="It broke. Press Retry.")
    answer = await office.type(f"show {failed.short_id}")
    asked_at = f"{START:%Y-%m-%d} 12:00:01 UTC"
    assert answer.text == (
        f"**research** `{failed.short_id}` how?\n"
        "- failed (exit) · cost $0.42 · turns 3 · duration 42s\n"
        "- rehearsal (rehearsal, effort medium) · workspace main\n"
        f"- asked by Ann at {asked_at}\n"
        "- attempt 1 · session `s-1`\n\n"
        "It broke. Press Retry."
    )


async def test_what_is_not_known_of_a_job_is_not_zero(office: Office) -> None:
    text = (await office.type(f"show {(await office.queued()).id}")).text
    assert "- pending · cost unknown · turns unknown · duration unknown" in text
    assert "session `none yet`" in text


async def test_a_continued_job_names_the_one_before_it(office: Office) -> None:
    ended = await office.ended()
    answer = await office.ask("retry", ended.id)
    assert answer.job is not None
    assert f"continues `{ended.short_id}`" in (await office.type(f"show {answer.job.id}")).text


async def test_help_is_for_everybody_who_is_let_in(office: Office) -> None:
    assert (await office.type("help", BOB)).text.startswith("**Commands**")
