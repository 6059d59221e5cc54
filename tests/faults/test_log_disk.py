"""F15: there is room for all but what the CLI prints. The job goes on, and its attempt says so."""

from __future__ import annotations

from pathlib import Path

from bot.desk import replies
from executor.model import AttemptRecord, Job, JobStatus
from tests.small_files import files_of_at_most
from tests.unit.attempt_scene import open_scene

LIMIT = 2_000_000
"""More than the database of one job, less than what it prints."""


async def test_a_job_whose_log_finds_no_room_is_done_and_says_that_its_log_is_cut(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        with files_of_at_most(LIMIT):
            job = await scene.ran("yes | head -c 4000000; echo session s1; echo done Tidy.")
        assert (job.status, job.result, job.session_id) == (JobStatus.DONE, "Tidy.", "s1")
        (attempt,) = await scene.workshop.store.attempts(job.id)
        assert attempt.log_truncated
        assert " · its log is not whole" in shown(job, attempt)
        printed = scene.printed(job).read_bytes()
        assert printed.startswith(b"y\ny\n")
        assert printed.endswith(b"\n[cut: File too large]\n")
        assert 1_000_000 < len(printed) <= LIMIT


async def test_an_attempt_whose_log_is_whole_says_nothing_of_it(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        job = await scene.ran("echo done Tidy.")
        (attempt,) = await scene.workshop.store.attempts(job.id)
        assert not attempt.log_truncated
        assert "its log" not in shown(job, attempt)


async def test_a_report_that_finds_no_room_leaves_the_answer_and_says_so(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        script = "head -c 600000 /dev/zero | tr '\\0' '&' >$RESULTS/report.md; echo done Tidy."
        with files_of_at_most(2_000_000):  # its page has five times as much
            job = await scene.ran(script, type="research")
        assert (job.status, job.result, job.report_slug) == (JobStatus.DONE, "Tidy.", None)
        assert "could not be published" in job.message
        assert list((scene.place / "reports").iterdir()) == []


def shown(job: Job, attempt: AttemptRecord) -> str:
    """What `/job show` says."""
    known = replies.Background(
        attempts=[attempt], questions=(), hindrance=None, report_url="", starts="", limited_until=""
    )
    return replies.details(job, known)
