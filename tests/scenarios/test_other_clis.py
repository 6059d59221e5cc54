"""A CLI that nobody has heard of does jobs like any other, by a few lines of settings."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from executor.model import JobStatus, OutcomeKind
from tests.simulators.models.environments import ANTHROPIC_KEY
from tests.stage import set_stage

_PARROT = """#!/bin/sh
env > env.txt
case "$(cat)" in
*tired*) echo "Squawk."; echo "weekly quota used up, try again in 2 hours" >&2; exit 7;;
*sick*) echo "half a word"; echo "no cracker" >&2; exit 3;;
*) printf '\\033[32m**Polly %s** says\\033[0m\\n' "$1"
   until [ -e seen ]; do sleep 0.05; done
   echo "that is all.";;
esac
"""
_SETTINGS = """
[agents.others.parrot]
command = ["{script}", "{{model}}"]
models = {{ polly = "parrot/polly-7b", jack = "parrot/jack-1b" }}
environment = {{ PARROT_KEY = "cracker-0042" }}
limit = "quota"
"""


async def test_a_job_by_such_a_cli_is_seen_live_to_its_answer_its_failure_and_its_limit(
    tmp_path: Path,
) -> None:
    script, seen = tmp_path / "parrot", tmp_path / "workspace" / "seen"
    script.write_text(_PARROT)
    script.chmod(0o755)
    more = _SETTINGS.format(script=script)
    async with set_stage(tmp_path, provider="parrot", more=more) as stage:
        reply = await stage.ann.command("/job", "session speak up", channel=stage.dev)
        assert "session by parrot (polly)" in reply.plain
        await stage.slack.until(
            lambda: any("Polly parrot/polly-7b" in said.plain for said in stage.replies()),
            timeout=20,
            what="its first line, while it works",
        )
        seen.touch()
        job = await stage.ended()
        assert (job.status, job.session_id) == (JobStatus.DONE, None)
        assert job.result == "**Polly parrot/polly-7b** says\nthat is all."
        assert "that is all." in stage.card().thread[-1].plain
        assert stage.card().buttons == ["Retry"]
        assert "cost: unknown" in stage.card().plain
        environment = (tmp_path / "workspace" / "env.txt").read_text()
        assert "PARROT_KEY=cracker-0042" in environment
        for secret in (stage.slack.bot_token, ANTHROPIC_KEY, "BIFROST__"):
            assert secret not in environment
        refused = await stage.ann.command("/job", f"resume {job.id[:8]} and?", channel=stage.dev)
        assert "parrot keeps no sessions" in refused.plain

        await stage.ann.command("/job", "session be sick --model jack", channel=stage.dev)
        failed = await stage.ended()
        assert (failed.status, failed.reason, failed.model) == (JobStatus.FAILED, "exit", "jack")
        assert failed.message.startswith("parrot ended with exit code 3 (“no cracker”).")

        script.rename(tmp_path / "flown")
        await stage.ann.command("/job", "session come back", channel=stage.dev)
        missing = await stage.ended()
        assert (missing.status, missing.reason) == (JobStatus.FAILED, "spawn")
        assert missing.message == (
            f"There is no {script} to run. Install it, or correct its `command` under [agents.others.parrot]."
        )
        (tmp_path / "flown").rename(script)

        listed = await stage.ann.command("/job", "models --provider parrot", channel=stage.dev)
        assert "polly" in listed.plain and "the default for" in listed.plain
        unknown = await stage.ann.command("/job", "session x --provider parot", channel=stage.dev)
        assert "Did you mean `parrot`?" in unknown.plain
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"{stage.bifrost.server.url}/api/models",
                headers={"Authorization": f"Bearer {stage.house.data.api_token()}"},
            ) as answer,
        ):
            models = {each["name"]: each for each in await answer.json()}
        assert (models["polly"]["provider"], models["polly"]["default"]) == ("parrot", True)

        await stage.ann.command("/job", "session be tired", channel=stage.dev)
        limited = await stage.job(lambda each: each.status is JobStatus.RATE_LIMITED)
        (attempt,) = await stage.house.storage.jobs.attempts(limited.id)
        assert attempt.outcome is OutcomeKind.LIMITED
        assert set(await stage.house.storage.jobs.limits()) == {"parrot"}
        settings = await stage.ann.command("/job", "settings", channel=stage.dev)
        assert "limit.parrot" in settings.plain
