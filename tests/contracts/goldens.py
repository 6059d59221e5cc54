"""How the bot looks on each platform, kept as files: `python -m tests.contracts.goldens` makes them anew.

Whoever makes them anew reads what has changed, as somebody in the channel would.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest import MonkeyPatch

from executor.events import SessionOpened, TextWritten, Todo, TodosChanged, TodoState, ToolStarted
from executor.model import Job, JobStatus, Outcome, OutcomeKind
from executor.questions import Asked, Choice, Decision, QuestionKind, Verdict
from tests.contracts.life import CANCELLED, FAILED, USAGE, Life, living
from tests.contracts.world import Talk
from tests.contracts.worlds import WORLDS, hasten

GOLDEN = Path(__file__).parent / "golden"
PROMPT = "how do we cache <sessions> & *why*? Ask @here or see https://example.com"
OUTPUT = "I read `cache.py` first.\n\n```python\nCACHE = {}  # of sessions\n```\n\n- one place\n- no expiry\n"
ANSWER = (
    "They are **cached**, see [the code](https://example.com/cache.py).\n\n1. `SESSIONS`\n2. nothing else"
)
QUESTIONS = (
    Asked(
        kind=QuestionKind.APPROVAL,
        text="Run a command?",
        detail="rm -rf build && echo '<done>' > `tty`",
        syntax="bash",
        grant="run this very command: rm -rf build && echo '<done>' > `tty`",
    ),
    Asked(
        kind=QuestionKind.PLAN,
        text="Do as this plan says?",
        detail="## Plan\n\n1. Read `cache.py`\n2. **Replace** it, see [this](https://example.com)",
        syntax="markdown",
    ),
    Asked(
        kind=QuestionKind.CHOICE,
        text="Where shall *sessions* live?",
        choices=(
            Choice(label="Redis", description="Fast, and one more thing to run"),
            Choice(label="a *file*", description="Slow & simple"),
        ),
    ),
    Asked(
        kind=QuestionKind.CHOICE,
        text="Which of them are used?",
        choices=tuple(Choice(label=f"Store {number}") for number in range(1, 7)),
        several=True,
    ),
    Asked(
        kind=QuestionKind.APPROVAL,
        text="Change cache.py?",
        detail="--- a/cache.py\n+++ b/cache.py\n@@ -1 +1 @@\n-CACHE = {}\n+CACHE = redis()",
        syntax="diff",
    ),
)
DONE = Outcome(kind=OutcomeKind.DONE, result=ANSWER, usage=USAGE)


def newest(life: Life) -> Talk:
    return life.world.talks[-1]


async def _ask(life: Life, shows: str = "Cancel", options: Mapping[str, str] | None = None) -> None:
    before = len(life.world.talks)
    await life.world.asks("research", PROMPT, options)
    await life.world.until(
        lambda: len(life.world.talks) > before and shows in newest(life).head.buttons, "its card"
    )


async def _work(life: Life) -> Job:
    await _ask(life)
    job = await life.begins()
    todos = [
        ("Read the code", TodoState.DONE),
        ("Write it down", TodoState.ACTIVE),
        ("Check", TodoState.PENDING),
    ]
    items = tuple(Todo(text=text, state=state) for text, state in todos)
    await life.does(job, SessionOpened(session_id="s-1"), TodosChanged(items=items))
    await life.does(job, ToolStarted(tool_id="1", name="Bash", detail="make test"), TextWritten(text=OUTPUT))
    await life.world.until(lambda: any("no expiry" in row.text for row in newest(life).replies), "its output")
    await life.world.until(
        lambda: all(part in newest(life).head.text for part in ("1/3", "make test")), "how far it is"
    )
    return job


async def running(life: Life) -> None:
    await _work(life)


async def done(life: Life) -> None:
    job = await _work(life)
    await life.ends(job, DONE, report=True)


async def failed(life: Life) -> None:
    await _ask(life)
    await life.ends(await life.begins(), FAILED)


async def cancelled(life: Life) -> None:
    await _ask(life)
    job = await life.begins()
    await life.world.until(lambda: "running" in newest(life).head.text.lower(), "that it runs")
    await life.world.presses("Cancel")
    await life.stopped(job)


async def limited(life: Life) -> None:
    await _ask(life)
    resets_at = datetime.now(UTC) + timedelta(hours=2, seconds=30)
    limit = Outcome(
        kind=OutcomeKind.LIMITED,
        message="The usage limit is reached.",
        usage=USAGE,
        resets_at=resets_at,
        retry_at=resets_at,
    )
    await life.ends(await life.begins(), limit)


async def scheduled(life: Life) -> None:
    await _ask(life, "Run now", {"in": "5h"})


async def asking(life: Life) -> None:
    """A question of each kind."""
    await _ask(life)
    job = await life.begins()
    until = datetime.now(UTC) + timedelta(minutes=30)
    await life.storage.questions.ask(job, "r-1", QUESTIONS, until)
    await life.world.until(lambda: len(newest(life).replies) == len(QUESTIONS), "all questions")


async def decided(life: Life) -> None:
    await asking(life)
    (job,) = await life.storage.jobs.jobs([JobStatus.RUNNING])
    verdicts = (Verdict.ALWAYS, Verdict.DENY, Verdict.ANSWER)
    for question, verdict in zip(await life.storage.questions.of_job(job.id), verdicts, strict=False):
        choices = ("Redis",) if verdict is Verdict.ANSWER else ()
        text = "" if verdict is Verdict.ALWAYS else "only on *staging*, @here"
        decision = Decision(verdict=verdict, by="Ann", choices=choices, text=text)
        assert await life.storage.questions.decide(question.id, decision)
    assert await life.told()
    await life.ends(job, Outcome(kind=OutcomeKind.WAITING, reason="waiting"))


async def refused(life: Life) -> None:
    await life.world.asks("research", "x", {"model": "gpt-0"})


SCENES: Mapping[str, Callable[[Life], Awaitable[None]]] = {
    "queued": _ask,
    "running": running,
    "done": done,
    "failed": failed,
    "cancelled": cancelled,
    "asking": asking,
    "decided": decided,
    "limited": limited,
    "scheduled": scheduled,
    "refused": refused,
}


async def pictures(platform: str, place: Path) -> Mapping[str, str]:
    """What each scene looks like there, as the text of its file."""
    found = {}
    async with WORLDS[platform]() as world, living(world, place) as life:
        for name, scene in SCENES.items():
            talks, told = len(world.talks), len(world.told)
            await scene(life)
            assert await life.told()
            shown = {"channel": world.picture()[talks:], "only for who asked": list(world.told[told:])}
            found[name] = normal(json.dumps(shown, indent=1, ensure_ascii=False), await life.jobs()) + "\n"
            await _clear_away(life)
    return found


async def _clear_away(life: Life) -> None:
    """The next scene is to find nobody else at work."""
    for job in await life.jobs():
        if job.status is JobStatus.RUNNING:
            await life.ends(job, CANCELLED)
        elif not job.status.final:
            await life.storage.jobs.cancel(job.id, "test")
    assert await life.told()


def normal(text: str, jobs: Sequence[Job]) -> str:
    """Without what is another at each time: ids, times, ports. It stays what the platform would take."""
    for number, job in enumerate(jobs, 1):
        text = text.replace(job.id, f"{number:06}00-0000-4000-8000-000000000000").replace(
            job.short_id, f"{number:06}"
        )
    for pattern, form in ((r"\b[0-9a-f]{32}\b", "{:032}"), (r"\b1\d{17,19}\b", "1{:018}")):
        known = {
            found: form.format(number)
            for number, found in enumerate(dict.fromkeys(re.findall(pattern, text)), 1)
        }
        text = re.sub(pattern, partial(_known, known), text)
    for pattern, instead in _CHANGING:
        text = re.sub(pattern, instead, text)
    return text


def _known(names: Mapping[str, str], found: re.Match[str]) -> str:
    return names[found[0]]


_CHANGING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "2026-01-01T12:00:00Z"),
    (r"<t:\d+", "<t:1767268800"),
    (r"<!date\^\d+", "<!date^1767268800"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "2026-01-01 12:00 UTC"),
    (r"\d\d:\d\d UTC", "12:00 UTC"),
    (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:4003"),
    (r"sandbox: [^·\"]+?(?=( ·|\"))", "sandbox: reaper"),
    (r"(<dt>sandbox</dt> <dd>)[^<]+", r"\1reaper"),
    (r'("block_id": "\d+)-[0-9a-f]{16}', r"\1-0000000000000000"),
    (r'"id": \d{4,10}\b', '"id": 1001'),
    (r"elapsed: [\d.]+s", "elapsed: 1s"),
    (r"\w{3} \d+ \w{3} \d{4}, \d\d:\d\d:\d\d", "Thu 1 Jan 2026, 12:00:00"),
    (r'(value=\\"0*\d+)-\d+\\"', r"\1-1\""),
)


async def _make() -> None:
    hasten(MonkeyPatch())
    for platform in WORLDS:
        (GOLDEN / platform).mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as place:
            for name, text in (await pictures(platform, Path(place))).items():
                (GOLDEN / platform / f"{name}.json").write_text(text)


if __name__ == "__main__":
    asyncio.run(_make())
