"""One attempt of a job, carried out with a real process and a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from executor.attempt import Attempt
from executor.backends.claude import Claude
from executor.events import Moved, Noticed, ReportPublished, SessionOpened, TextWritten
from executor.executor import Executor
from executor.lifecycle import Transition
from executor.model import EARLIER, RESUMED_SESSION, JobStatus
from executor.processes.sandbox import Mode
from executor.workspaces import Workspace, Workspaces
from tests.builders import carried_out, origin, reached, started
from tests.unit.attempt_scene import NAP, WAIT, Scene, open_scene, until
from tests.walls import wall


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as scene:
        yield scene


@pytest.fixture(params=list(Mode))
async def held_scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """The same in every way that jobs are held."""
    async with open_scene(tmp_path, (await wall(request.param)).argv) as scene:
        yield scene


# How it ends


async def test_a_job_that_is_done_keeps_its_answer_its_log_and_what_it_took(held_scene: Scene) -> None:
    job = await held_scene.ran(
        "cat >$RESULTS/prompt; touch $TMPDIR/x; echo session s1; echo say hi; echo done Tidy."
    )
    assert (job.status, job.result, job.session_id) == (JobStatus.DONE, "Tidy.", "s1")
    assert (job.usage.cost_usd, job.usage.turns) == (0.5, 2)
    assert job.usage.duration_ms is not None
    assert 0 <= job.usage.duration_ms < 20_000
    bodies = await held_scene.bodies(job)
    assert bodies[2:4] == [SessionOpened(session_id="s1"), TextWritten(text="hi")]
    prompt = (held_scene.place / "jobs" / job.id / "results" / "prompt").read_text()
    assert prompt.startswith("Tidy up.")


async def test_a_failure_is_told_in_the_words_of_its_backend(held_scene: Scene) -> None:
    job = await held_scene.ran("exit 9")
    assert (job.status, job.reason, job.message) == (JobStatus.FAILED, "exit", "It ended with 9.")


async def test_what_a_process_says_last_decides_although_its_children_live_on(held_scene: Scene) -> None:
    """F30."""
    job = await held_scene.ran(f"{NAP} & echo done Tidy.; sleep 0.2")
    assert job.status is JobStatus.DONE


async def test_a_cli_that_is_missing_fails_with_the_advice(scene: Scene) -> None:
    """F31."""
    scene.backend.missing = "Install it."
    job = await scene.ran("")
    assert (job.status, job.reason, job.message) == (JobStatus.FAILED, "spawn", "Install it.")


async def test_a_cli_that_cannot_be_started_fails_with_the_reason(held_scene: Scene) -> None:
    """F31."""
    job = await held_scene.ran(f"exit 0 # {'too long for a program' * 10_000}")
    assert (job.status, job.reason) == (JobStatus.FAILED, "spawn")
    assert "Argument list too long" in job.message


async def test_a_workspace_that_is_gone_is_named(scene: Scene) -> None:
    job = await scene.started("exit 0")
    (scene.place / "workspace").rmdir()
    job = await carried_out(scene.workshop, job)
    assert (job.status, job.reason) == (JobStatus.FAILED, "workspace")
    assert f"`{scene.place / 'workspace'}`, which is not there" in job.message


async def test_a_sandbox_that_cannot_be_made_fails_with_its_own_words(tmp_path: Path) -> None:
    broken = (*(await wall(Mode.PIDNS)).argv, "--bind", "/no/such", "/mnt")
    async with open_scene(tmp_path, broken) as scene:
        job = await scene.ran("echo done Tidy.")
    assert (job.status, job.reason) == (JobStatus.FAILED, "spawn")
    assert "/no/such" in job.message


async def test_a_workspace_that_is_configured_no_more_fails_with_those_there_are(scene: Scene) -> None:
    job = await scene.started("exit 0")
    elsewhere = Workspaces(named={"other": Workspace(directory=scene.place)})
    job = await carried_out(replace(scene.workshop, workspaces=elsewhere), job)
    assert (job.status, job.reason) == (JobStatus.FAILED, "workspace")
    assert "`other`" in job.message


@pytest.mark.parametrize("changes", [{"type": "gone"}, {}], ids=["unknown type", "decoder crashes"])
async def test_a_fault_of_our_own_fails_the_job_and_leaves_nothing(
    scene: Scene, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    job = await scene.ran(f"echo crash; {NAP}", **changes)
    assert (job.status, job.reason) == (JobStatus.FAILED, "internal")
    assert "attempt.crashed" in caplog.text


async def test_a_job_that_takes_too_long_is_stopped_and_told_so(held_scene: Scene, tmp_path: Path) -> None:
    job = await held_scene.started(f"echo say hi; {NAP} & wait")
    types = {name: replace(each, timeout_s=0.3) for name, each in held_scene.workshop.job_types.items()}
    job = await carried_out(replace(held_scene.workshop, job_types=types), job)
    assert (job.status, job.reason) == (JobStatus.FAILED, "timeout")
    assert job.message.startswith("It was stopped after 0 s, the limit for this job.")
    assert TextWritten(text="hi") in await held_scene.bodies(job)


async def test_a_job_that_ended_in_time_is_not_timed_out_by_a_slow_store(scene: Scene) -> None:
    say_much = "i=0; while [ $i -lt 5000 ]; do echo notice $i; i=$((i+1)); done"
    job = await scene.started(f"echo say hi; {WAIT}; {say_much}; echo done Tidy.")
    types = {name: replace(each, timeout_s=3) for name, each in scene.workshop.job_types.items()}
    async with asyncio.timeout(20):
        running = asyncio.create_task(Attempt(replace(scene.workshop, job_types=types), job).run())
        await reached(scene.workshop, job, lambda row: row.seq > 2)
        with scene.database() as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            scene.let_go(job)
            await until(lambda: not scene.processes())
            assert (await asyncio.wait([running], timeout=3.1))[1]
            stranger.execute("ROLLBACK")
        await running
    ended = await reached(scene.workshop, job, lambda _: True)
    assert (ended.status, ended.result) == (JobStatus.DONE, "Tidy.")


async def test_a_verdict_stops_the_process_at_once(held_scene: Scene) -> None:
    job = await held_scene.ran(f"echo verdict auth; {NAP}")
    assert (job.status, job.reason, job.message) == (JobStatus.FAILED, "auth", "It cannot be.")


async def test_f33_a_cli_that_is_killed_is_told_from_one_that_fails(
    held_scene: Scene, tmp_path: Path
) -> None:
    script = tmp_path / "claude"
    script.write_text("#!/bin/sh\necho '{}'\nkill -9 $$\n")
    script.chmod(0o755)
    workshop = replace(held_scene.workshop, backends={"claude": Claude(str(script), environment={})})
    job = await carried_out(workshop, await started(workshop, provider="claude", model="sonnet"))
    assert (job.status, job.reason) == (JobStatus.FAILED, "killed")
    assert job.message.startswith("claude was killed, often because the memory ran out.")


# Limits


async def test_a_limit_is_waited_for_until_the_moment_that_was_named(scene: Scene) -> None:
    before = scene.workshop.clock.now()
    job = await scene.ran("echo limited 3600")
    assert (job.status, job.reason, job.message) == (JobStatus.RATE_LIMITED, "rate_limit", "No more.")
    assert job.retry_at is not None
    assert timedelta(hours=1) <= job.retry_at - before < timedelta(hours=1, seconds=80)


@pytest.mark.parametrize("named", ["", "-5", "99999999"], ids=["none", "past", "in years"])
async def test_a_limit_without_a_moment_to_believe_is_waited_for_longer_each_time(
    scene: Scene, named: str
) -> None:
    """F35."""
    limited, waits = await scene.ran(f"echo limited {named}"), []
    for _ in range(4):
        assert limited.retry_at is not None
        waits.append(round((limited.retry_at - scene.workshop.clock.now()).total_seconds() / 60))
        await scene.workshop.store.hurry(limited.id)
        limited = await scene.next_ran()
    assert [minutes // 15 * 15 for minutes in waits] == [15, 30, 60, 60]


async def test_a_limit_is_not_waited_for_for_ever(scene: Scene) -> None:
    job = await scene.ran("echo limited 3600")
    for _ in range(5):
        assert job.status is JobStatus.RATE_LIMITED
        await scene.workshop.store.hurry(job.id)
        job = await scene.next_ran()
    assert (job.status, job.reason, job.attempt) == (JobStatus.FAILED, "rate_limit", 6)
    assert "not tried again by itself" in job.message


async def test_what_has_no_session_starts_afresh_when_the_limit_has_lifted_and_says_so(scene: Scene) -> None:
    job = await scene.ran("echo limited 3600")
    await scene.workshop.store.hurry(job.id)
    scene.backend.script = "echo done Tidy."
    assert (await scene.next_ran()).status is JobStatus.DONE
    assert _notices(await scene.bodies(job)) == ["There is no session to go on with; it starts afresh."]


# A session that is gone


async def test_a_job_whose_session_is_gone_starts_afresh_once_and_says_so(scene: Scene) -> None:
    """F37."""
    payload = {"prompt": "Go on.", RESUMED_SESSION: "s1", EARLIER: "Asked: Why?"}
    job = await scene.ran("echo lost", session_id="s1", payload=payload)
    assert (job.status, job.reason, job.session_id) == (JobStatus.PENDING, "session_not_found", None)
    scene.backend.script = "echo session s2; echo lost"
    job = await scene.next_ran()
    assert (job.status, job.reason, job.attempt) == (JobStatus.FAILED, "session_not_found", 2)
    assert [launch.session_id for launch in scene.backend.launches] == ["s1", None]
    assert "All that is left of it:\n\nAsked: Why?" in scene.backend.launches[1].prompt
    assert _notices(await scene.bodies(job)) == ["There is no session to go on with; it starts afresh."]


async def test_a_session_is_given_up_once_per_job(scene: Scene) -> None:
    await scene.ran("echo lost", session_id="s1")
    scene.backend.script = "echo session s2; echo limited 3600"
    job = await scene.next_ran()
    await scene.workshop.store.hurry(job.id)
    scene.backend.script = "echo lost"
    job = await scene.next_ran()
    assert (job.status, job.reason, job.attempt) == (JobStatus.FAILED, "session_not_found", 3)


# Silence


SILENCE = {"rehearsal": 0.5}


async def test_a_cli_that_says_nothing_is_stopped(scene: Scene) -> None:
    """F26."""
    job = await scene.started(f"echo say hi; {NAP} & wait")
    job = await carried_out(replace(scene.workshop, silence_s=SILENCE), job)
    assert (job.status, job.reason) == (JobStatus.FAILED, "inactivity")
    assert job.message.startswith("rehearsal said nothing for ")


async def test_f34_time_that_is_up_twice_at_once_ends_the_job_once(scene: Scene) -> None:
    job = await scene.started(f"{NAP} & wait", payload={"prompt": "Tidy up.", "timeout_s": "0.5"})
    job = await carried_out(replace(scene.workshop, silence_s=SILENCE), job)
    assert (job.status, job.reason) == (JobStatus.FAILED, "timeout")
    moves = [body.transition for body in await scene.bodies(job) if isinstance(body, Moved)]
    assert moves == [Transition.SUBMIT, Transition.START, Transition.TIME_OUT]


@pytest.mark.parametrize("stream", ["1", "2"])
async def test_a_cli_that_goes_on_talking_is_not(scene: Scene, stream: str) -> None:
    talk = f"for i in 1 2 3 4 5 6 7 8; do echo working >&{stream}; sleep 0.2; done"
    job = await scene.started(f"{talk}; echo done Tidy.")
    job = await carried_out(replace(scene.workshop, silence_s=SILENCE), job)
    assert job.status is JobStatus.DONE


async def test_retry_chatter_is_shown_and_is_no_sign_of_life(scene: Scene) -> None:
    """F26."""
    job = await scene.started("while :; do echo retrying >&2; sleep 0.1; done")
    job = await carried_out(replace(scene.workshop, silence_s=SILENCE), job)
    assert (job.status, job.reason) == (JobStatus.FAILED, "inactivity")
    assert "It is retrying." in _notices(await scene.bodies(job))


async def test_silence_while_waiting_for_a_quota_is_a_limit(scene: Scene) -> None:
    job = await scene.started(f"echo limited 3600; {NAP} & wait")
    job = await carried_out(replace(scene.workshop, silence_s=SILENCE), job)
    assert (job.status, job.reason) == (JobStatus.RATE_LIMITED, "rate_limit")


async def test_a_job_may_be_given_a_time_of_its_own(scene: Scene) -> None:
    job = await scene.started(f"{NAP} & wait", payload={"prompt": "Tidy up.", "timeout_s": "0.3"})
    job = await carried_out(scene.workshop, job)
    assert (job.status, job.reason) == (JobStatus.FAILED, "timeout")


def _notices(bodies: Sequence[object]) -> list[str]:
    return [body.text for body in bodies if isinstance(body, Noticed)]


# What it printed


async def test_what_it_printed_is_kept_on_both_streams_without_its_credentials(scene: Scene) -> None:
    scene.backend.credentials = {"SOME_API_KEY": "sk-0123456789"}
    job = await scene.ran("echo $SOME_API_KEY; echo done Tidy.; echo is $SOME_API_KEY >&2")
    assert job.status is JobStatus.DONE
    lines = scene.printed(job).read_bytes().splitlines()
    assert sorted(lines) == [b"[redacted]", b"done Tidy.", b"stderr: is [redacted]"]


async def test_what_it_printed_is_kept_to_the_line_at_which_we_fail(scene: Scene) -> None:
    job = await scene.ran(f"echo say hi; echo crash; {NAP}")
    assert job.reason == "internal"
    assert scene.printed(job).read_bytes() == b"say hi\ncrash\n"


async def test_every_attempt_keeps_what_it_printed_by_itself(scene: Scene) -> None:
    first = await scene.started(f"echo session s1; {NAP}")
    running = asyncio.create_task(Attempt(scene.workshop, first).run())
    await reached(scene.workshop, first, lambda row: row.session_id is not None)
    running.cancel()
    await asyncio.wait([running], timeout=20)
    scene.backend.script = "echo done Tidy."
    second = await scene.next_ran()
    assert scene.printed(first).read_bytes() == b"session s1\n"
    assert scene.printed(second).read_bytes() == b"done Tidy.\n"


async def test_a_log_that_cannot_be_written_costs_nobody_the_answer(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    job = await scene.started("echo done Tidy.")
    scene.printed(job).mkdir(parents=True)
    job = await carried_out(scene.workshop, job)
    assert (job.status, job.result) == (JobStatus.DONE, "Tidy.")
    assert "raw_log.broken" in caplog.text


# Reports


async def test_research_publishes_its_report_once(held_scene: Scene) -> None:
    script = "printf '# Caches\n\nThey evict.' >$RESULTS/report.md; echo done Short."
    job = await held_scene.ran(script, type="research")
    assert (job.status, job.result) == (JobStatus.DONE, "Short.")
    (folder,) = (held_scene.place / "reports").iterdir()
    assert folder.name == job.report_slug
    assert "They evict." in (folder / "index.html").read_text()
    published = [body for body in await held_scene.bodies(job) if isinstance(body, ReportPublished)]
    assert published == [ReportPublished(slug=folder.name, title="Caches")]


@pytest.mark.parametrize(
    ("script", "changes"),
    [("echo done Tidy.", {}), ("exit 1", {"type": "research"})],
    ids=["a session", "failed research"],
)
async def test_nothing_else_publishes(scene: Scene, script: str, changes: dict[str, Any]) -> None:
    assert (await scene.ran(script, **changes)).report_slug is None
    assert not (scene.place / "reports").exists()


async def test_a_report_that_cannot_be_published_costs_nobody_the_answer(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    (scene.place / "reports").write_text("in the way")
    job = await scene.ran("echo done Short.", type="research")
    assert (job.status, job.result, job.usage.cost_usd) == (JobStatus.DONE, "Short.", 0.5)
    assert "could not be published" in job.message
    assert "attempt.unpublished" in caplog.text


# What it tells the agent


async def test_an_attempt_that_goes_on_is_told_so_and_a_new_one_is_not(scene: Scene) -> None:
    job = await scene.started(f"echo session s1; {NAP}")
    running = asyncio.create_task(Attempt(scene.workshop, job).run())
    await reached(scene.workshop, job, lambda row: row.session_id is not None)
    running.cancel()
    await asyncio.wait([running], timeout=20)
    scene.backend.script = "echo done $SESSION"
    assert (await scene.next_ran()).result == "s1"
    first, second = scene.backend.launches
    assert (first.session_id, second.session_id) == (None, "s1")
    assert first.prompt.startswith("Tidy up.")
    assert second.prompt.startswith("Your work was interrupted.")


async def test_a_follow_up_hears_the_persons_words_at_every_attempt_and_retried(scene: Scene) -> None:
    executor = Executor(scene.workshop.store)
    first = await scene.ran("echo session s1; echo done Tidy.")
    await executor.resume(first, "And the cellar?", origin(), "press")
    scene.backend.script = "echo limited 3600"
    limited = await scene.next_ran()
    await scene.workshop.store.hurry(limited.id)
    scene.backend.script = "exit 1"
    failed = await scene.next_ran()
    await executor.retry(failed, origin(), "again")
    await scene.next_ran()
    assert len(scene.backend.launches) == 4
    for launch in scene.backend.launches[1:]:
        assert launch.session_id == "s1"
        assert launch.prompt.startswith("And the cellar?")


async def test_what_is_retried_begins_afresh(scene: Scene) -> None:
    first = await scene.ran("echo session s1; exit 1")
    await Executor(scene.workshop.store).retry(first, origin(), "again")
    await scene.next_ran()
    assert scene.backend.launches[1].session_id is None
    assert scene.backend.launches[1].prompt.startswith("Tidy up.")


async def test_every_attempt_ends_with_exactly_one_move(scene: Scene) -> None:
    job = await scene.ran("echo done Tidy.")
    moves = [body.transition for body in await scene.bodies(job) if isinstance(body, Moved)]
    assert moves == [Transition.SUBMIT, Transition.START, Transition.FINISH]
