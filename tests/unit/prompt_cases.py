"""What agents are told, case by case; run as a program, it writes them down anew for a person to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from executor.autopilot import PROGRAM
from executor.job_types import JOB_TYPES
from executor.job_types.session import TASK
from executor.model import EARLIER, RESUMED_SESSION, Job, JobStatus
from tests.builders import START, origin

KEPT = Path(__file__).parent.parent / "recordings" / "prompts"
_PLAN = "Make a release.\n\n- Test: run all tests\n- Notes: write them\n- Tag it\n"
_RESUMED = {RESUMED_SESSION: "s"}


def a_job(
    job_type: str,
    payload: Mapping[str, str],
    *,
    session: bool = False,
    attempt: int = 1,
    step: int = 0,
    before_step: int = 0,
) -> Job:
    return Job(
        id="j",
        type=job_type,
        status=JobStatus.RUNNING,
        payload=payload,
        provider="claude",
        model="opus",
        effort="medium",
        workspace="main",
        origin=origin(),
        created_at=START,
        session_id="s" if session else None,
        attempt=attempt,
        step=step,
        before_step=before_step,
    )


_SAID, _MORE = {"prompt": "How does the $cache evict?"}, {"prompt": "And the tests?"}
_STEPS = {"prompt": _PLAN, PROGRAM: _PLAN}
CASES: Mapping[str, Job] = {
    "session": a_job("session", _SAID),
    "session-task": a_job("session", {**_SAID, TASK: "# A82: Cache\n\nMake it $fast."}),
    "session-reply": a_job("session", {**_MORE, **_RESUMED}, session=True),
    "session-afresh": a_job("session", {**_MORE, EARLIER: "Asked: how?\n\nAnswered: so."}),
    "interrupted": a_job("session", _SAID, session=True, attempt=2),
    "research-standard": a_job("research", {**_SAID, "depth": "standard"}),
    "research-deep": a_job("research", {**_SAID, "depth": "deep"}),
    "research-reply": a_job("research", {**_MORE, "depth": "deep", **_RESUMED}, session=True),
    "workflow-command": a_job("workflow", {"prompt": "/commit all of it"}),
    "workflow-text": a_job("workflow", _SAID),
    "workflow-steps": a_job("workflow", {"prompt": "plans/release.md", PROGRAM: _PLAN}),
    "workflow-reply": a_job("workflow", {**_MORE, **_RESUMED}, session=True),
    **{
        f"clara-{mode}": a_job("clara", {"prompt": mode, "mode": mode})
        for mode in ("sweep", "tidy", "archive", "focus", "align")
    },
    "clara-reply": a_job("clara", {**_MORE, "mode": "focus", **_RESUMED}, session=True),
    "autopilot": a_job("autopilot", _STEPS),
    "autopilot-step": a_job("autopilot", _STEPS, session=True, attempt=2, step=1, before_step=1),
    "autopilot-interrupted": a_job("autopilot", _STEPS, session=True, attempt=3, step=1, before_step=1),
    "autopilot-without-session": a_job("autopilot", _STEPS, attempt=2, step=1, before_step=1),
    "autopilot-resumed": a_job("autopilot", {**_STEPS, **_MORE, **_RESUMED}, session=True, step=1),
    "autopilot-reply-after-the-end": a_job(
        "autopilot", {**_STEPS, **_MORE, **_RESUMED}, session=True, step=3
    ),
}


def told(name: str) -> str:
    """What the agent is told in that case."""
    job = CASES[name]
    return JOB_TYPES[job.type].prompt(job, Path("/results"), Path("/received"))


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for case in CASES:
        KEPT.joinpath(f"{case}.txt").write_text(told(case), encoding="utf-8")
