"""Whatever is typed, clicked or printed by a CLI: the right sentence, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import json
import stat
from itertools import pairwise
from pathlib import Path

import pytest

from executor.model import Job, JobStatus
from tests.simulators.slack import Ephemeral, Person, Reply
from tests.stage import Stage, set_stage

pytestmark = [pytest.mark.timeout(120)]

REFUSED = [
    ("research", "The prompt is empty"),
    ("research    ", "The prompt is empty"),
    ("resarch how do we cache?", "Did you mean `research`?"),
    ("dance", "I know no command `dance`"),
    ("research how? --modle opus", "Did you mean `--model`?"),
    ("research --efort high how?", "Did you mean `--effort`?"),
    ("research how? --model opsu", "Did you mean `opus`?"),
    ("research how? --model ../../etc/passwd", "cannot be the value of `--model`"),
    ("research how? --provider gpt", "There is no provider `gpt`"),
    ("research how? --provider gemini --model opus", "`opus` is a model of claude"),
    ("research how? --effort extreme", "There is no effort `extreme`"),
    ("research how? --workspace nowhere", "There is no workspace `nowhere`"),
    ("session " + "x" * 40_001, "40,001 characters; at most 32,000"),  # B18
    ("session x --timeout -1", "`-1` is no span of time"),  # B44
    ("session x --timeout 1e309", "`1e309` is no span of time"),  # B45
    ("session x --timeout NaN", "`NaN` is no span of time"),  # B46
    ("session x --priority 999999999999", "There are: `low`, `normal`, `high`"),  # B47
    ("list --status pending'", "There are: `pending`, `scheduled`, `running`"),  # B79
    ("show", "needs the id of a job"),
    ("show ffffff", "There is no job `ffffff`"),
    ("show ' OR 1=1--", "is too much here"),
    ("cancel 0x1", "There is no job `0x1`"),
    ("resume zzz", "There is no job `zzz`"),
]


async def test_a_wrong_word_gets_a_private_sentence_and_changes_nothing(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        for text, sentence in REFUSED:
            reply = await stage.ann.command("/job", text, channel=stage.dev)
            assert sentence in reply.plain, text
            assert isinstance(reply.shown, Ephemeral), "seen by nobody else"
        assert not stage.slack.messages(stage.dev)
        assert not await stage.house.storage.jobs.jobs()


TAKEN = [
    "session how about 🦄 and 👩‍👩‍👧‍👦?",
    "session مرحبا بالعالم \u202e txet",
    "session <!channel> & <b>bold</b> `code` *stars* @here",
    'session "quotes that do not close',
    "session - [ ] todo",
    "session -p x",
    "session --help",
    "session --dangerously-skip-permissions x",
    "session -- --model opus",
    "session $(id) `id` ; reboot",
    "session " + "y" * 31_000,
]


@pytest.mark.parametrize("typed", TAKEN)
async def test_any_text_is_a_prompt_and_pings_nobody(tmp_path: Path, typed: str) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.ann.command("/job", typed, channel=stage.dev)
        job = await stage.ended()
        assert job.prompt == typed.removeprefix("session ").removeprefix("-- ")
        assert job.status is JobStatus.DONE
        assert {ping.whom for ping in stage.slack.pings} <= {"Ann"}
        assert not stage.slack.throttled


async def test_the_prompt_reaches_the_cli_by_stdin_byte_for_byte_and_never_as_a_flag(tmp_path: Path) -> None:
    script = 'printf "%s\\n" "$@" > args.txt; head -n 1 > prompt.txt; exit 3'
    async with set_stage(tmp_path, executable=_program(tmp_path, script)) as stage:
        await stage.ann.command("/job", "session --  --dangerous `x` 'y' \"z\"", channel=stage.dev)
        await stage.ended()
        workspace = tmp_path / "workspace"
        said = json.loads((workspace / "prompt.txt").read_text())
        assert "--dangerous `x` 'y' \"z\"" in said["message"]["content"][0]["text"]
        assert "--dangerous\n" not in (workspace / "args.txt").read_text()


GARBAGE = [
    ("read -r _; echo 'not json at all'; exit 0", "no_result"),
    ("read -r _; printf '{\"type\": [1, 2'; exit 0", "no_result"),
    ("read -r _; head -c 50000000 /dev/zero | tr '\\0' x; exit 0", "no_result"),
    ("read -r _; printf '\\377\\376\\000\\n{}\\n[]\\nnull\\n'; exit 0", "no_result"),
    ("exit 0", "no_result"),
    ("read -r _; echo 'the disk is on fire' >&2; exit 7", "exit"),
    ("kill -9 $$", "killed"),
]


@pytest.mark.parametrize(("script", "reason"), GARBAGE, ids=[script[:40] for script, _ in GARBAGE])
async def test_whatever_the_cli_prints_the_job_fails_with_a_reason(
    tmp_path: Path, script: str, reason: str
) -> None:
    """F21, F32."""
    async with set_stage(tmp_path, executable=_program(tmp_path, script)) as stage:
        await stage.ann.command("/job", "session do it", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.reason) == (JobStatus.FAILED, reason)
        card = stage.card()
        assert "failed" in card.plain
        assert job.message
        assert job.message in card.plain
        assert "Traceback" not in stage.slack.transcript(stage.dev)
        assert "Retry" in card.buttons


async def test_a_missing_cli_says_how_to_get_it(tmp_path: Path) -> None:
    """F31."""
    async with set_stage(tmp_path, executable=str(tmp_path / "nowhere")) as stage:
        await stage.ann.command("/job", "session do it", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.reason) == (JobStatus.FAILED, "spawn")
        assert "npm install" in stage.card().plain


@pytest.mark.cli
@pytest.mark.parametrize("provider", ["claude", "gemini"])
async def test_a_cli_that_is_not_logged_in_says_what_to_do(tmp_path: Path, provider: str) -> None:
    async with set_stage(tmp_path, provider=provider) as stage:
        await stage.ann.command("/job", "session do it [[e401]]", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.reason) == (JobStatus.FAILED, "auth")
        assert "key" in stage.card().plain


async def test_who_is_not_on_the_list_is_refused_and_told_why(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        for text in ("research how?", "list", "help", "show ffffff"):
            reply = await stage.eve.command("/job", text, channel=stage.dev)
            assert stage.eve.id in reply.plain
        elsewhere = stage.slack.channel("elsewhere")
        reply = await stage.ann.command("/job", "research how?", channel=elsewhere)
        assert elsewhere.id in reply.plain
        assert not await stage.house.storage.jobs.jobs()


async def test_nobody_stops_or_continues_the_job_of_another(tmp_path: Path) -> None:
    """B34, F48: neither by a command, nor by a button, nor in the thread of the job."""
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=0) as stage:
        await stage.ann.command("/job", "research how?", channel=stage.dev)
        job = await stage.ended()
        for text in (f"resume {job.id[:6]}", f"retry {job.id[:6]}", f"cancel {job.id[:6]}"):
            reply = await stage.bob.command("/job", text, channel=stage.dev)
            assert "started by somebody else" in reply.plain
        await stage.bob.mention(stage.dev, f"resume {job.id[:6]}", thread=stage.card())
        await stage.bob.click(stage.card(), "Retry")
        await stage.eve.click(stage.card(), "Resume")
        await _told(stage, stage.bob, "started by somebody else")
        await _told(stage, stage.eve, stage.eve.id)
        assert len(await stage.house.storage.jobs.jobs()) == 1


async def test_a_click_on_a_button_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    """B82, F48: who asks for a change of what has changed since is told how it stands."""
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.ann.command("/job", "research how?", channel=stage.dev)
        job = await stage.ended()
        await stage.ann.click(stage.card(), "Cancel", stale=True)
        await _told(stage, stage.ann, "is done already")
        assert await stage.house.storage.jobs.job(job.id) == job


@pytest.mark.parametrize("new_envelope", [False, True])
async def test_the_same_delivery_twice_is_one_job(tmp_path: Path, new_envelope: bool) -> None:
    """F47."""
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        stage.slack.duplicate_next(new_envelope_id=new_envelope)
        await stage.ann.command("/job", "research how?", channel=stage.dev)
        await stage.ended()
        await stage.slack.redeliver(stage.slack.deliveries[-1], new_envelope_id=True)
        stage.slack.duplicate_next(new_envelope_id=new_envelope)
        await stage.ann.mention(stage.dev, "session what?")
        await stage.slack.until(lambda: len(stage.slack.messages(stage.dev)) == 3, what="the second card")
        await stage.ended()
        assert len(await stage.house.storage.jobs.jobs()) == 2
        assert len(stage.slack.messages(stage.dev)) == 3, "two cards and the mention"


async def test_an_ambiguous_id_asks_for_more_of_it(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal", slots=1) as stage:
        replies: list[Reply] = [
            await stage.ann.command("/job", f"session number {n}", channel=stage.dev) for n in range(17)
        ]
        assert all("Queued" in reply.plain for reply in replies)
        jobs = list(await stage.house.storage.jobs.jobs(limit=20))
        first = _shared_first_letter(jobs)
        reply = await stage.ann.command("/job", f"show {first}", channel=stage.dev)
        assert "several ids" in reply.plain
        reply = await stage.ann.command("/job", f"show {jobs[0].id}", channel=stage.dev)
        assert jobs[0].prompt in reply.plain
        await _cancel_all(stage, jobs)


async def _told(stage: Stage, person: Person, sentence: str) -> None:
    """The person alone reads the sentence."""
    await stage.slack.until(
        lambda: any(sentence in ephemeral.plain for ephemeral in person.ephemerals), what=sentence
    )


async def _cancel_all(stage: Stage, jobs: list[Job]) -> None:
    await asyncio.gather(*(stage.house.executor.cancel(job.id, "test") for job in jobs))


def _shared_first_letter(jobs: list[Job]) -> str:
    """Of seventeen ids made of sixteen digits, two begin alike."""
    letters = sorted(job.id[:1] for job in jobs)
    return next(one for one, other in pairwise(letters) if one == other)


def _program(place: Path, script: str) -> str:
    path = place / "agent"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
