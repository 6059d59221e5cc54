"""The rehearsal agent as people get it: the real program, run on small workspaces."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from executor.backends import rehearsal_search
from executor.backends.base import Launch
from executor.backends.rehearsal import Rehearsal
from executor.backends.rehearsal_search import MAX_FILES, telling_words, topic_of
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.files import File, packed
from executor.job_types import JOB_TYPES
from executor.model import Actor, Job, JobStatus, Origin, Outcome, OutcomeKind

CACHE = """\
import time


class LruCache:
    def evict(self) -> None:
        \"\"\"Drops the oldest entry.\"\"\"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What one run of the agent did and left."""

    activities: Sequence[Activity]
    outcome: Outcome
    report: str

    @property
    def session_id(self) -> str:
        return next(a.session_id for a in self.activities if isinstance(a, SessionOpened))

    @property
    def text(self) -> str:
        return "".join(a.text for a in self.activities if isinstance(a, TextWritten))

    @property
    def steps(self) -> list[str]:
        return [f"{a.name} {a.detail}" for a in self.activities if isinstance(a, ToolStarted)]


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    for name in ("workspace", "home", "results", "temp"):
        (tmp_path / name).mkdir()
    return Launch(
        prompt="",
        model="",
        effort="",
        session_id=None,
        workspace=tmp_path / "workspace",
        home=tmp_path / "home",
        results=tmp_path / "results",
        temp=tmp_path / "temp",
    )


def perform(launch: Launch, prompt: str, *, resume: str | None = None, pause_s: float = 0.0) -> Performance:
    launch = dataclasses.replace(launch, prompt=prompt, session_id=resume)
    command = Rehearsal(pause_s).command(launch)
    done = subprocess.run(
        command.argv, env=command.env, input=command.stdin, cwd=command.cwd, capture_output=True, timeout=30
    )
    assert done.stderr == b""
    decoder = Rehearsal().decoder(launch)
    activities = [activity for line in done.stdout.splitlines() for activity in decoder.stdout(line)]
    report = launch.results / "report.md"
    return Performance(
        activities=activities,
        outcome=decoder.conclude(done.returncode),
        report=report.read_text() if report.exists() else "",
    )


def place(launch: Launch, path: str, text: str = "how to evict\n") -> Path:
    target = launch.workspace / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return target


def headings(markdown: str) -> list[str]:
    tokens = MarkdownIt().parse(markdown)
    return [text.content for opening, text in pairwise(tokens) if opening.type == "heading_open"]


def test_a_topic_is_found_with_its_path_line_and_surroundings(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    place(launch, "README.md", "Nothing of interest.\n")
    done = perform(launch, "How does the LruCache evict?")
    assert done.outcome.kind is OutcomeKind.DONE
    assert "### `src/cache.py`, line 4" in done.report
    assert "5      def evict(self) -> None:" in done.report
    assert "2 places in 1 file" in done.report
    assert "`src/cache.py:" in done.outcome.result


def test_the_report_and_the_answer_say_that_no_model_was_called(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    done = perform(launch, "evict")
    title, note = [line for line in done.report.splitlines() if line][:2]
    assert title == "# Rehearsal: evict"
    assert "No model was called" in note and "Cost: $0" in note
    assert "no model was called" in done.outcome.result
    assert any("no model" in a.text for a in done.activities if isinstance(a, Noticed))


def test_the_channel_can_watch_every_step(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    done = perform(launch, "How does it evict?")
    assert done.steps == ["List workspace", 'Search "evict"', "Read src/cache.py:5", "Write report.md"]
    assert "`evict`: 1 place." in done.text
    started = [a.tool_id for a in done.activities if isinstance(a, ToolStarted)]
    ended = [a.tool_id for a in done.activities if isinstance(a, ToolEnded) and a.ok]
    assert started == ended == list(dict.fromkeys(started))
    assert isinstance(done.activities[0], SessionOpened)


def test_it_costs_nothing_and_counts_its_steps_and_its_time(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    done = perform(launch, "evict", pause_s=0.05)
    usage = done.outcome.usage
    assert (usage.cost_usd, usage.turns) == (0.0, len(done.steps))
    assert usage.duration_ms is not None and usage.duration_ms >= 50 * len(done.steps)


def test_nothing_in_the_workspace_changes(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    place(launch, "notes.md")
    before = {path: path.stat() for path in launch.workspace.rglob("*")}
    perform(launch, "evict")
    after = {path: path.stat() for path in launch.workspace.rglob("*")}
    assert before.keys() == after.keys()
    assert all(before[p].st_mtime_ns == after[p].st_mtime_ns for p in before)


def test_an_empty_workspace_is_called_empty(launch: Launch) -> None:
    done = perform(launch, "How does it evict?")
    assert done.outcome.kind is OutcomeKind.DONE
    assert "The workspace holds no files" in done.report
    assert "The workspace holds no files" in done.outcome.result


def test_what_is_not_there_is_said_to_be_missing(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    assert "Nothing was found" in perform(launch, "kubernetes").report
    assert "Not found at all: `kubernetes`." in perform(launch, "evict kubernetes").report


def test_a_topic_without_a_telling_word_is_said_to_have_none(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    assert "no telling word" in perform(launch, "what is this?").report


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "node_modules/left/index.js",
        "src/__pycache__/a.txt",
        ".mypy_cache/a.json",
        "venv/lib/a.py",
        ".env",
        "keys/server.pem",
        "poetry.lock",
    ],
)
def test_foreign_code_caches_and_secrets_are_not_looked_at(launch: Launch, path: str) -> None:
    place(launch, path)
    place(launch, "src/cache.py", CACHE)
    done = perform(launch, "evict")
    assert path not in done.report + done.outcome.result
    assert "1 place in 1 file" in done.report


def test_only_small_text_files_inside_the_workspace_are_read(launch: Launch, tmp_path: Path) -> None:
    place(launch, "src/cache.py", CACHE)
    place(launch, "image.bin", "evict\0")
    place(launch, "huge.txt", "evict\n" * 200_000)
    place(launch, "env/pyvenv.cfg", "evict")
    (tmp_path / "outside.txt").write_text("evict the secret\n")
    (launch.workspace / "link.txt").symlink_to(tmp_path / "outside.txt")
    (launch.workspace / "folder").symlink_to(tmp_path)
    os.mkfifo(launch.workspace / "pipe.txt")
    done = perform(launch, "evict")
    assert "1 place in 1 file" in done.report
    assert "the secret" not in done.report


def test_a_large_workspace_is_read_in_part_and_the_report_says_so(launch: Launch) -> None:
    for number in range(MAX_FILES + 1):
        (launch.workspace / f"{number}.txt").touch()
    assert "as much as a rehearsal reads" in perform(launch, "evict").report


def test_an_excerpt_cannot_end_its_fence(launch: Launch) -> None:
    place(launch, "guide.md", "`````\n# evict\n````\n~~~\n# Not a heading\n")
    report = perform(launch, "evict").report
    assert "Not a heading" in report
    assert "Not a heading" not in headings(report)


def test_a_hostile_file_name_stays_one_cell_and_one_code_span(launch: Launch) -> None:
    place(launch, "a|b`c\n# <img src=x>.txt")
    report = perform(launch, "evict").report
    row = next(line for line in report.splitlines() if line.startswith("| ``a"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert headings(report)[-1].startswith("``a|b`c# <img src=x>.txt``")


def test_a_hostile_topic_stays_text(launch: Launch) -> None:
    topic = "# *evict* <b>`it`</b> | [x](javascript:1) ![y](http://z)"
    report = perform(launch, topic).report
    inline = MarkdownIt().parse(report)[1]
    assert {child.type for child in inline.children or ()} == {"text"}
    assert "".join(child.content for child in inline.children or ()) == f"Rehearsal: {topic}"


def test_control_characters_and_bad_bytes_reach_nobody(launch: Launch) -> None:
    (launch.workspace / os.fsdecode(b"caf\xe9\x1b.txt")).write_bytes(b"evict \x1b[31m\xff\x9b\x07\n")
    done = perform(launch, "evict \ud800\x1b")
    assert "1 place in 1 file" in done.report
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.report + done.outcome.result)


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("caching", "the cache"),
        ("caches", "an LruCache"),
        ("queries", "one query"),
        ("retry policy", "RETRY_AFTER"),
        ("API", "MY_API_KEY"),
        ("rateLimiter", "a ratelimiter"),
        ("src/main.py", "see src/main.py"),
        ("кэш", "наш кэш"),
    ],
)
def test_a_word_is_found_in_its_other_forms(topic: str, text: str) -> None:
    assert any(word.pattern.search(text) for word in telling_words([topic]))


@pytest.mark.parametrize(
    ("topic", "text"), [("test", "the latest"), ("API", "an apiary"), ("workers", "workspace")]
)
def test_a_word_is_not_found_inside_another(topic: str, text: str) -> None:
    assert not any(word.pattern.search(text) for word in telling_words([topic]))


def test_a_file_is_found_by_its_name(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    assert "Read src/cache.py:1" in perform(launch, "What is cache.py about?").steps


@pytest.mark.parametrize("job_type", sorted(JOB_TYPES))
@pytest.mark.parametrize("session_id", [None, "earlier"])
def test_of_every_job_types_prompt_only_the_persons_words_are_the_topic(
    job_type: str, session_id: str | None
) -> None:
    job = a_job(job_type, "How does the cache\nevict?", session_id=session_id, attempt=1)
    assert (
        topic_of(JOB_TYPES[job_type].prompt(job, Path("/results"), Path("/received")))
        == "How does the cache evict?"
    )


@pytest.mark.parametrize("job_type", sorted(JOB_TYPES))
def test_files_that_came_with_it_are_no_topic(job_type: str) -> None:
    file = File(parcel="p", name="invoice.png", label="invoice.png", size=1, type="image/png")
    job = a_job(job_type, "How does the cache evict?", session_id=None, attempt=1)
    job = dataclasses.replace(job, payload={**job.payload, **packed([file])})
    told = JOB_TYPES[job_type].prompt(job, Path("/results"), Path("/received"))
    assert "/received/p/invoice.png (image/png, 1 byte)" in told
    assert topic_of(told) == "How does the cache evict?"


@pytest.mark.parametrize("job_type", sorted(JOB_TYPES))
def test_the_word_to_go_on_is_no_topic(job_type: str) -> None:
    job = a_job(job_type, "How does the cache evict?", session_id="earlier", attempt=2)
    assert topic_of(JOB_TYPES[job_type].prompt(job, Path("/results"), Path("/received"))) == ""


def a_job(job_type: str, prompt: str, *, session_id: str | None, attempt: int) -> Job:
    actor = Actor(platform="web", team="", user_id="u", name="Ada")
    return Job(
        id="j",
        type=job_type,
        status=JobStatus.RUNNING,
        payload={"prompt": prompt},
        provider="rehearsal",
        model="rehearsal",
        effort="medium",
        workspace="w",
        origin=Origin(actor=actor, channel="dev"),
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
        session_id=session_id,
        attempt=attempt,
    )


def test_a_follow_up_goes_on_from_the_earlier_topic_and_searches_both(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    place(launch, "docs/limits.md", "A limit lifts.\n")
    first = perform(launch, "How does it evict?")
    second = perform(launch, "And the limit?", resume=first.session_id)
    assert second.session_id == first.session_id
    assert "Going on from: How does it evict?" in second.text
    assert "Going on from: How does it evict?" in second.report
    assert {'Search "limit"', 'Search "evict"'} <= set(second.steps)


@pytest.mark.parametrize("session_id", ["unknown", "../home/secret", "--help", "", "x" * 101])
def test_a_session_there_is_none_of_cannot_be_gone_on_with(launch: Launch, session_id: str) -> None:
    (launch.home / "secret.json").write_text(json.dumps({"topics": ["evict"]}))
    command = Rehearsal().command(launch)
    argv = [f"--resume={session_id}" if each.startswith("--session=") else each for each in command.argv]
    done = subprocess.run(argv, env=command.env, input=b"", capture_output=True, timeout=30)
    decoder = Rehearsal().decoder(launch)
    for line in done.stdout.splitlines():
        assert decoder.stdout(line) == ()
    outcome = decoder.conclude(done.returncode)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "session_not_found")
    assert outcome.message


def test_a_damaged_session_is_none(launch: Launch) -> None:
    first = perform(launch, "evict")
    (launch.home / "sessions" / f"{first.session_id}.json").write_text("[")
    again = perform(launch, "evict", resume=first.session_id)
    assert again.outcome.reason == "session_not_found"


def test_told_to_stop_it_ends_at_once_and_its_session_can_be_gone_on_with(launch: Launch) -> None:
    place(launch, "src/cache.py", CACHE)
    command = Rehearsal(step_seconds=600).command(dataclasses.replace(launch, prompt="How does it evict?"))
    with subprocess.Popen(
        command.argv, env=command.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=command.cwd
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(command.stdin)
        process.stdin.close()
        session_id = json.loads(process.stdout.readline())["session_id"]
        process.terminate()
        assert process.wait(timeout=10) == -signal.SIGTERM
    assert not (launch.results / "report.md").exists()
    resumed = perform(launch, "Your work was interrupted. Go on.", resume=session_id)
    assert "Going on from: How does it evict?" in resumed.text
    assert resumed.report.startswith("# Rehearsal: How does it evict?")


def test_a_report_that_cannot_be_written_fails_the_attempt(launch: Launch) -> None:
    (launch.results / "report.md").mkdir()
    command = Rehearsal().command(dataclasses.replace(launch, prompt="evict"))
    done = subprocess.run(command.argv, env=command.env, input=command.stdin, capture_output=True, timeout=30)
    decoder = Rehearsal().decoder(launch)
    for line in done.stdout.splitlines():
        decoder.stdout(line)
    for line in done.stderr.splitlines():
        decoder.stderr(line)
    outcome = decoder.conclude(done.returncode)
    assert outcome.kind is OutcomeKind.FAILED
    assert "report.md" in outcome.message


def test_the_program_needs_nothing_but_the_standard_library() -> None:
    """It runs where the packages of the bot need not be, and starts at once."""
    folder = Path(rehearsal_search.__file__).parent
    for part in ("rehearsal_agent.py", "rehearsal_search.py", "rehearsal_text.py"):
        for line in (folder / part).read_text().splitlines():
            if found := re.match(r"(?:from|import) ([\w.]+)", line):
                own = found[1].startswith("executor.backends.rehearsal_")
                assert own or found[1].split(".")[0] in sys.stdlib_module_names, f"{part}: {line}"
