"""A person asks for each type of job on Slack: real CLIs do it, and the channel sees what it is."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.fsck import check
from tests.scenarios.test_restart import LATER_S, START_S, _results, serving
from tests.simulators.slack import Channel
from tests.stage import Stage, Wishes, hang_backdrop, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]


def asked_of_the_model(stage: Stage) -> str:
    """All that the CLI has sent to the model."""
    return "\n".join(text for request in stage.models.requests for text in request.texts)


def write(stage_place: Path, path: str, text: str) -> None:
    file = stage_place / "workspace" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("provider", "path", "text"),
    [
        ("claude", ".claude/commands/greet.md", "Greet $ARGUMENTS warmly.\n"),
        ("gemini", ".gemini/commands/greet.toml", 'prompt = "Greet {{args}} warmly."\n'),
        ("codex", ".codex/prompts/greet.md", "Greet $ARGUMENTS warmly.\n"),
    ],
)
async def test_a_slash_command_of_the_workspace_runs_in_its_cli(
    tmp_path: Path, provider: str, path: str, text: str
) -> None:
    async with set_stage(tmp_path, provider=provider) as stage:
        write(tmp_path, path, text)
        reply = await stage.ann.command("/job", "workflow /greet Bob [[hello]]", channel=stage.dev)
        assert reply.plain.startswith("Queued as")
        job = await stage.ended()
        assert job.status is JobStatus.DONE, job.message
        assert re.search(r"Greet Bob \[\[hello\]\] warmly\.", asked_of_the_model(stage))


async def test_a_command_that_no_workspace_brings_is_explained_to_the_agent(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", "workflow /status", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.model) == (JobStatus.DONE, "sonnet")
        assert "Run the workflow that this names" in asked_of_the_model(stage)


async def test_clara_does_her_round_and_her_card_announces_it(tmp_path: Path) -> None:
    said = "Clara: focus: 3 items processed, 0 tasks created"
    async with set_stage(tmp_path) as stage:
        await stage.ann.command("/job", f"clara focus [[say:{said}]]", channel=stage.dev)
        job = await stage.ended()
        assert job.status is JobStatus.DONE
        assert said in stage.card().plain
        told = asked_of_the_model(stage)
        assert "You are Clara" in told and "Rank them" in told

        refused = await stage.ann.command("/job", "clara swep", channel=stage.dev)
        assert "Clara has no mode `swep`. Did you mean `sweep`?" in refused.plain


async def test_an_autopilot_works_through_a_file_of_steps_and_its_card_says_where_it_is(
    tmp_path: Path,
) -> None:
    async with set_stage(tmp_path) as stage:
        write(tmp_path, "plans/tidy.md", "- First: begin [[hello]]\n- Second: end [[recall]]\n")
        await stage.ann.command("/job", "autopilot plans/tidy.md --budget 5", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.step, job.attempt) == (JobStatus.DONE, 2, 2)
        assert "steps done: 2 of 2" in stage.card().plain
        assert any("Step 2 of 2: Second" in reply.plain for reply in stage.replies())
        assert re.search(r"I see [3-9] messages", job.result), "both steps are one conversation"


async def test_an_autopilot_stops_in_the_step_that_spends_its_budget(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        steps = "- First: begin [[hello]]\n- Second: look [[bash:echo x]]\n- Third: end [[hello]]"
        await stage.ann.command("/job", f"autopilot --budget 0.01 -- {steps}", channel=stage.dev)
        job = await stage.ended()
        assert (job.status, job.reason, job.step) == (JobStatus.FAILED, "budget", 1), "claude stops in it"
        assert "Step 2 of 3 (Second) failed." in job.message
        assert "steps done: 1 of 3" in stage.card().plain


async def test_a_bot_killed_in_step_three_goes_on_in_step_three(tmp_path: Path) -> None:
    async with hang_backdrop(tmp_path, Wishes()) as backdrop:
        slack, ann = backdrop.slack, backdrop.people[0]
        dev = slack.channel("dev")
        steps = "".join(f"- {name}: {what}\n" for name, what in STEPS.items())
        async with serving(backdrop.config, slack) as bot:
            await ann.command("/job", f"autopilot\n{steps}", channel=dev)
            await backdrop.models.until(
                lambda: any(each.scenario == "hang_once" for each in backdrop.models.requests),
                timeout=LATER_S,
            )
            await slack.until(lambda: _says(dev, "2/4 · Three"), timeout=START_S, what="step 3")
            bot.send_signal(signal.SIGKILL)
            assert await asyncio.wait_for(bot.wait(), START_S) == -signal.SIGKILL
        async with serving(backdrop.config, slack):
            await slack.until(lambda: _results(dev), timeout=LATER_S, what="the last word")
            await slack.until(lambda: "done" in dev.messages[0].plain, timeout=LATER_S, what="a card done")
        assert "steps done: 4 of 4" in dev.messages[0].plain
        assert len(_results(dev)) == 1
    check(tmp_path / "data" / "bifrost.db")
    asked = [text for request in backdrop.models.requests for text in request.texts]
    (interrupted,) = {text for text in asked if text.startswith("Your work was interrupted.")}
    assert "It was step 3 of 4" in interrupted
    assert not any("It was step 1" in text or "It was step 2" in text for text in asked)


STEPS = {"One": "[[hello]]", "Two": "[[hello]]", "Three": "wait [[hang_once:300]]", "Four": "[[hello]]"}


def _says(channel: Channel, words: str) -> bool:
    return any(words in message.plain for message in channel.messages)
