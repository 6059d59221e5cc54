"""What is said of a job, status by status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.news import announcements
from bot.news.newsroom import live_url
from bot.news.progress import progress_of
from bot.platforms.base import Announcement, Progress, Shape, Tone
from executor.events import Todo, TodoState
from executor.model import Job, JobStatus, Usage
from executor.queueing import Hindrance
from tests.builders import START, origin

S = JobStatus
URL = "https://bot.example"
TOOK = Usage(cost_usd=0.42, turns=14, duration_ms=133_000)


def job(status: JobStatus, **changes: Any) -> Job:
    """A job as it stands in that status when nothing odd has happened."""
    made = Job(
        id="3fa9c1d2-0000-4000-8000-000000000000",
        type="research",
        status=status,
        payload={"prompt": "how do we cache sessions?"},
        provider="claude",
        model="opus",
        effort="medium",
        workspace="main",
        origin=origin(),
        created_at=START,
    )
    if status not in (S.PENDING, S.SCHEDULED):
        made = replace(made, attempt=1, started_at=START, session_id="s-1")
    if status.final:
        made = replace(made, usage=TOOK, finished_at=START)
    return replace(made, **changes)


def card(of: Job, *, step: str = "", passed_s: float = 0) -> Announcement:
    now = START + timedelta(seconds=passed_s)
    return announcements.card(of, step=step, now=now, public_url=URL)


def buttons(said: Announcement) -> list[tuple[str, str]]:
    return [(action.verb, action.label) for action in said.actions]


def facts(said: Announcement) -> dict[str, str]:
    return {fact.label: fact.value for fact in said.facts}


CANCEL = [("cancel", "Cancel")]
AGAIN = [("resume", "Resume"), ("retry", "Retry")]
CARDS = {
    S.PENDING: (Tone.WAITING, "pending", CANCEL),
    S.SCHEDULED: (Tone.SCHEDULED, "scheduled", [("resume", "Run now"), ("cancel", "Cancel")]),
    S.RUNNING: (Tone.RUNNING, "running", CANCEL),
    S.DONE: (Tone.GOOD, "done", AGAIN),
    S.FAILED: (Tone.BAD, "failed", AGAIN),
    S.CANCELLED: (Tone.STOPPED, "cancelled", AGAIN),
    S.RATE_LIMITED: (
        Tone.WAITING,
        "rate limited",
        [("resume", "Resume now"), ("cancel", "Cancel retry")],
    ),
}


@pytest.mark.parametrize("status", JobStatus)
def test_a_card_says_how_the_job_stands_and_offers_what_can_be_done(status: JobStatus) -> None:
    tone, words, offered = CARDS[status]
    said = card(job(status))
    assert said.shape is Shape.CARD
    assert said.tone is tone
    assert said.title == f"research 3fa9c1 · {words}"
    assert (said.quote, said.body) == ("how do we cache sessions?", "")
    assert buttons(said) == offered
    assert all(action.job_id == job(status).id for action in said.actions)
    assert facts(said) | {"by": "Ann", "model": "opus (claude)"} == facts(said)
    assert said.mention == ""


@pytest.mark.parametrize("status", JobStatus)
def test_what_it_took_is_said_at_the_end_and_not_before(status: JobStatus) -> None:
    expected = {"cost": "$0.42", "turns": "14", "duration": "2m 13s"} if status.final else {}
    said = facts(card(job(status)))
    assert {label: said[label] for label in ("cost", "turns", "duration") if label in said} == expected


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    said = facts(card(job(S.FAILED, usage=Usage(duration_ms=3_100))))
    assert (said["cost"], said["turns"], said["duration"]) == ("unknown", "unknown", "3.1s")


def test_a_job_that_was_cancelled_before_it_started_took_nothing() -> None:
    said = card(job(S.CANCELLED, started_at=None, session_id=None, cancelled_by="Bob"))
    assert facts(said) == {"by": "Ann", "model": "opus (claude)", "cancelled by": "Bob"}
    assert buttons(said) == [("retry", "Retry")]


@pytest.mark.parametrize("status", [S.DONE, S.FAILED, S.CANCELLED])
def test_only_a_job_with_a_session_can_be_resumed(status: JobStatus) -> None:
    assert buttons(card(job(status, session_id=None))) == [("retry", "Retry")]


def test_a_running_card_counts_the_time_and_names_the_step() -> None:
    said = card(job(S.RUNNING), step="Bash npm test", passed_s=133)
    assert (facts(said)["elapsed"], facts(said)["step"]) == ("2m 13s", "Bash npm test")
    assert said.since == START
    assert card(job(S.DONE)).since is None
    assert "step" not in facts(card(job(S.RUNNING)))


def test_a_job_that_has_run_says_what_held_it() -> None:
    held = {
        status: facts(
            announcements.card(job(status), step="", now=START, public_url=URL, sandbox="pid namespace")
        ).get("sandbox")
        for status in JobStatus
    }
    assert {status for status in JobStatus if held[status]} == {S.RUNNING, S.DONE, S.FAILED, S.CANCELLED}
    assert held[S.DONE] == "pid namespace"


def test_only_what_stops_work_asks_before_it_does() -> None:
    (cancel,) = card(job(S.RUNNING)).actions
    assert cancel.danger
    assert cancel.confirm == "Stop this job? What it has done so far stays done."
    assert not any(action.confirm or action.danger for action in card(job(S.DONE)).actions)


def test_a_job_that_is_asked_to_stop_says_who_asked_and_offers_no_second_time() -> None:
    said = card(job(S.RUNNING, cancel_requested_at=START, cancelled_by="Bob"))
    assert said.title.endswith("· stopping")
    assert said.actions == ()
    assert facts(said)["cancelled by"] == "Bob"


def test_a_job_that_was_done_before_it_could_be_stopped_is_done() -> None:
    said = card(job(S.DONE, cancel_requested_at=START, cancelled_by="Bob"))
    assert said.tone is Tone.GOOD
    assert "cancelled by" not in facts(said)


def test_an_interruption_and_a_later_attempt_are_said() -> None:
    assert card(job(S.PENDING, attempt=1)).title.endswith("· interrupted by a restart, starting again")
    resuming = card(job(S.PENDING, attempt=1, session_id="s"))
    assert resuming.title.endswith("· interrupted by a restart, resuming")
    assert card(job(S.RUNNING, attempt=2)).title.endswith("· running (attempt 2)")


def test_a_job_for_later_says_when_and_one_that_started_late_how_late() -> None:
    later = job(S.SCHEDULED, scheduled_at=START + timedelta(hours=2))
    (starts,) = (fact for fact in card(later).facts if fact.label == "starts")
    assert (starts.value, starts.at) == ("2026-11-20 14:00 UTC", START + timedelta(hours=2))
    assert not any(action.confirm for action in card(later).actions), "nothing is lost by it"
    late = job(S.RUNNING, scheduled_at=START - timedelta(hours=3), schedule_id="5c4ed01e")
    assert facts(card(late)) | {"schedule": "5c4ed0", "late": "3 h"} == facts(card(late))
    assert "late" not in facts(card(job(S.DONE, scheduled_at=START - timedelta(seconds=30))))


def test_a_limit_says_when_it_is_over_and_why() -> None:
    said = card(
        job(S.RATE_LIMITED, retry_at=START + timedelta(hours=2), message="The 5-hour limit is used up.")
    )
    assert facts(said)["goes on at"] == "2026-11-20 14:00 UTC"
    assert said.body == "The 5-hour limit is used up."


def test_a_failure_says_what_why_and_the_reason_as_a_word() -> None:
    failed = job(S.FAILED, reason="auth", message="Claude is not logged in. Run `claude login`.")
    for said in (card(failed), announcements.result(failed, URL)):
        assert facts(said)["reason"] == "auth"
        assert "Claude is not logged in. Run `claude login`." in said.body


def test_a_long_prompt_is_cut_on_the_card() -> None:
    said = card(job(S.PENDING, payload={"prompt": "word " * 1000}))
    assert len(said.quote) <= 300
    assert said.quote.endswith("…")


@pytest.mark.parametrize("status", JobStatus)
def test_a_report_is_linked_as_soon_as_there_is_one(status: JobStatus) -> None:
    (link,) = card(job(status, report_slug="how-3fa9")).links
    assert (link.label, link.url) == ("Report", "https://bot.example/reports/how-3fa9/")
    assert card(job(status)).links == ()


def test_who_has_no_name_is_shown_by_id_and_a_model_of_its_provider_alone() -> None:
    of = origin()
    nameless = replace(of, actor=replace(of.actor, name=""))
    said = facts(card(job(S.PENDING, origin=nameless, model="rehearsal", provider="rehearsal")))
    assert said == {"by": "ann", "model": "rehearsal"}


@pytest.mark.parametrize("status", [S.DONE, S.FAILED, S.CANCELLED])
def test_the_last_word_notifies_who_asked_and_says_what_it_took(status: JobStatus) -> None:
    said = announcements.result(job(status, result="42", report_slug="how-3fa9"), URL)
    assert said.shape is Shape.RESULT
    assert (said.tone, said.title) == (CARDS[status][0], card(job(status)).title)
    assert said.mention == "ann"
    assert buttons(said) == AGAIN
    assert facts(said) | {"cost": "$0.42", "turns": "14", "duration": "2m 13s"} == facts(said)
    assert said.links == card(job(status, report_slug="how-3fa9")).links


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (job(S.DONE, result="  The answer is **42**.\n"), "The answer is **42**."),
        (job(S.DONE, result=" \n"), "It ended without an answer in words."),
        (job(S.FAILED), "The job was failed."),
        (job(S.CANCELLED), "The job was cancelled."),
        (job(S.CANCELLED, message="It was stopped.", result="half an answer"), "It was stopped."),
    ],
)
def test_the_last_word_is_the_answer_or_the_reason(of: Job, text: str) -> None:
    assert announcements.result(of, URL).body == text


def test_a_long_answer_is_cut_and_says_where_the_rest_is() -> None:
    body = announcements.result(job(S.DONE, result="```\n" + "x = 1\n" * 1000 + "```"), URL).body
    assert len(body) <= 3_000
    assert body.endswith("x = 1\n```\n\n*… the rest is in the output above or attached.*")


def test_a_page_of_output_is_the_text_alone() -> None:
    said = announcements.page("some text", job(S.RUNNING))
    assert (said.shape, said.body, said.title) == (Shape.PAGE, "some text", "Output of 3fa9c1")
    assert not (said.facts or said.actions or said.links)


@pytest.mark.parametrize(
    ("hindrance", "words"),
    [
        (Hindrance(asked=True), "an answer to its question"),
        (Hindrance(), "a free slot"),
        (Hindrance(provider_full=True), "a free slot of claude"),
        (Hindrance(workspace_holder="abcdef12-3"), "workspace main, busy with #abcdef"),
        (Hindrance(session_holder="abcdef12-3"), "its session, busy with #abcdef"),
        (
            Hindrance(switched_off=True, limited_until=START),
            "claude, which is switched off here: cancel it, or ask the admin to switch it on",
        ),
    ],
)
def test_a_waiting_card_says_what_it_waits_for(hindrance: Hindrance, words: str) -> None:
    said = announcements.card(job(S.PENDING), step="", now=START, public_url=URL, hindrance=hindrance)
    assert facts(said)["waits for"] == words


def test_a_card_that_waits_for_a_limit_says_until_when() -> None:
    until = START + timedelta(hours=2)
    said = announcements.card(
        job(S.PENDING), step="", now=START, public_url=URL, hindrance=Hindrance(limited_until=until)
    )
    fact = said.facts[-1]
    assert fact.label == "waits for the usage limit of claude until"
    assert (fact.value, fact.at) == (f"{until:%Y-%m-%d %H:%M} UTC", until)


def test_a_limited_card_counts_down() -> None:
    limited = job(S.RATE_LIMITED, retry_at=START + timedelta(hours=3, minutes=12))
    said = card(limited)
    assert facts(said)["goes on"] == "in 3 h 12 min"
    assert said.until == limited.retry_at
    assert facts(card(limited, passed_s=3600))["goes on"] == "in 2 h 12 min"


def test_a_job_that_another_provider_does_instead_says_which() -> None:
    said = card(job(S.PENDING, attempt=1, reason="fallback", message="claude is at its usage limit."))
    assert said.title.endswith("goes on with claude")
    assert said.body.endswith("claude is at its usage limit.")


def test_a_job_that_starts_afresh_says_why() -> None:
    said = card(job(S.PENDING, attempt=1, reason="session_not_found"))
    assert said.title.endswith("its session is gone, starting afresh")


TODOS = [Todo(text="Look", state=TodoState.DONE), Todo(text="Write", state=TodoState.ACTIVE)]


@pytest.mark.parametrize("status", JobStatus)
def test_only_a_running_card_has_a_bar_and_a_link_to_the_live_output(status: JobStatus) -> None:
    live = f"{URL}/jobs/1"
    said = announcements.card(
        job(status), step="", now=START, public_url=URL, progress=progress_of(TODOS), live_url=live
    )
    runs = status is S.RUNNING
    assert said.progress == (Progress(done=1, total=2, note="Write") if runs else None)
    assert [link.url for link in said.links] == ([live] if runs else [])
    assert facts(said).get("todo") == (None if runs else "1/2")


@pytest.mark.parametrize("status", [S.PENDING, S.RUNNING, S.RATE_LIMITED, S.DONE, S.FAILED])
def test_the_bar_of_a_program_is_its_steps_whatever_the_agent_has_listed(status: JobStatus) -> None:
    plan = {"prompt": "p.md", "program": "- Look\n- Write: it all\n- Tidy"}
    of = job(status, type="autopilot", payload=plan, step=1)
    said = announcements.card(of, step="", now=START, public_url=URL, progress=progress_of(TODOS))
    assert said.progress == (None if status.final else Progress(done=1, total=3, note="Write"))
    assert facts(said).get("steps done") == ("1 of 3" if status.final else None)
    assert not {"program", "todo"} & set(facts(said))


def test_a_running_card_says_what_earlier_attempts_took_and_makes_no_figure_up() -> None:
    said = facts(card(job(S.RUNNING, usage=TOOK)))
    assert (said["cost so far"], said["turns so far"]) == ("$0.42", "14")
    assert not {"cost so far", "turns so far"} & set(facts(card(job(S.RUNNING))))


@pytest.mark.parametrize(
    ("url", "platform", "linked"),
    [
        ("https://bot.example", "slack", True),
        ("http://127.0.0.1:4003", "slack", False),
        ("http://localhost:4003", "discord", False),
        ("http://[::1]:4003", "slack", False),
        ("http://127.0.0.1:4003", "web", True),
        ("", "web", False),
    ],
)
def test_live_output_is_linked_where_its_readers_reach_the_page(
    url: str, platform: str, linked: bool
) -> None:
    of = job(S.RUNNING)
    assert live_url(url, platform, of) == (f"{url}/jobs/{of.id}" if linked else "")
