"""The real Claude Code and Gemini CLI take the model simulator for the real thing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import clis
from tests.clis import cli
from tests.simulators.models import ModelSimulator, texts

Json = dict[str, Any]


@pytest.fixture
async def models() -> AsyncIterator[ModelSimulator]:
    async with ModelSimulator() as simulator:
        yield simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    exit_code: int
    events: list[Json]
    stderr: str

    def of(self, kind: str) -> list[Json]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def result(self) -> Json:
        (result,) = self.of("result")
        return result


class Workplace:
    """A directory to work in, and one for the configuration and the temporary files of a CLI."""

    def __init__(self, root: Path, models: ModelSimulator) -> None:
        self.models, self.home, self.cwd = models, root / "home", root / "work"
        for directory in (self.home, self.cwd, root / "tmp"):
            directory.mkdir()
        (self.cwd / "README.md").write_text("# A project\n")
        passed = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.env = {**passed, "HOME": str(self.home), "TMPDIR": str(root / "tmp"), "TZ": "UTC"}

    async def claude(self, prompt: str, *options: str, oauth: bool = False) -> Finished:
        flags = ["-p", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"]
        env = {**self.models.claude_env(self.home, oauth=oauth), "CLAUDE_CODE_MAX_RETRIES": "1"}
        return await self._run([str(cli("claude")), *flags, *options], prompt, env)

    async def gemini(self, prompt: str) -> Finished:
        flags = ["--output-format", "stream-json", "--yolo", "-m", "gemini-2.5-flash"]
        alone = {"GEMINI_CLI_TRUST_WORKSPACE": "true", "GEMINI_CLI_NO_RELAUNCH": "true"}
        return await self._run(
            [str(cli("gemini")), *flags], prompt, {**self.models.gemini_env(self.home), **alone}
        )

    async def _run(self, argv: list[str], prompt: str, env: Mapping[str, str]) -> Finished:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self.cwd,
            env={**self.env, **env},
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(45):
                stdout, stderr = await process.communicate(prompt.encode())
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            async with asyncio.timeout(5):
                exit_code = await process.wait()
        events = [json.loads(line) for line in stdout.splitlines()]
        return Finished(exit_code=exit_code, events=events, stderr=stderr.decode())


@pytest.fixture
def workplace(tmp_path: Path, models: ModelSimulator) -> Workplace:
    return Workplace(tmp_path, models)


@pytest.mark.cli
async def test_claude_says_hello_for_a_known_price(workplace: Workplace) -> None:
    run = await workplace.claude("Some words before. [[hello]] Some words after.")
    assert (run.exit_code, run.result["is_error"], run.result["num_turns"]) == (0, False, 1)
    assert run.result["result"] == texts.HELLO
    assert run.result["total_cost_usd"] == pytest.approx(0.00672)
    assert [request.effort for request in workplace.models.requests] == ["medium"]
    assert workplace.models.strays == []


@pytest.mark.cli
async def test_claude_writes_a_file_when_the_model_calls_its_tool(workplace: Workplace) -> None:
    run = await workplace.claude("[[tool:notes.txt]]", "--include-partial-messages")
    assert (run.exit_code, run.result["result"], run.result["num_turns"]) == (0, texts.CLOSING, 2)
    assert (workplace.cwd / "notes.txt").read_text() == "hi there\n"
    assert len([e for e in run.of("stream_event") if e["event"]["type"] == "content_block_delta"]) >= 4


@pytest.mark.cli
async def test_claude_looks_around_and_reports(workplace: Workplace) -> None:
    run = await workplace.claude("Please research. [[report:Caching]]")
    assert (run.exit_code, run.result["result"]) == (0, texts.report("Caching"))
    assert "README.md" in workplace.models.requests[-1].tool_results[0]


@pytest.mark.cli
async def test_claude_resumes_a_session_that_the_model_recalls(workplace: Workplace) -> None:
    first = await workplace.claude("[[hello]]")
    second = await workplace.claude("[[recall]]", "--resume", first.result["session_id"])
    assert second.result["session_id"] == first.result["session_id"]
    assert "earlier markers: ['hello', 'recall']" in second.result["result"]


@pytest.mark.cli
async def test_claude_retries_a_429_and_then_gives_up(workplace: Workplace) -> None:
    run = await workplace.claude("[[rl429:1]]")
    retries = [event for event in run.of("system") if event["subtype"] == "api_retry"]
    assert [(retry["error_status"], retry["error"]) for retry in retries] == [(429, "rate_limit")]
    assert (run.exit_code, run.result["subtype"], run.result["is_error"]) == (1, "success", True)
    assert run.result["api_error_status"] == 429


@pytest.mark.cli
async def test_claude_tells_the_reset_of_a_window_when_it_has_a_token(workplace: Workplace) -> None:
    run = await workplace.claude("[[rluni:3600]]", oauth=True)
    (limit,) = [event["rate_limit_info"] for event in run.of("rate_limit_event")]
    assert (limit["status"], limit["rateLimitType"]) == ("rejected", "five_hour")
    assert abs(limit["resetsAt"] - workplace.models.requests[0].at - 3600) < 5
    assert run.exit_code == 1
    assert run.result["result"].startswith("You've hit your 5-hour limit · resets ")


@pytest.mark.cli
async def test_claude_reports_a_refused_key(workplace: Workplace) -> None:
    run = await workplace.claude("[[e401]]")
    assert (run.exit_code, run.result["api_error_status"]) == (1, 401)
    assert run.of("assistant")[-1]["error"] == "authentication_failed"


@pytest.mark.cli
async def test_gemini_says_hello_in_several_chunks(workplace: Workplace) -> None:
    run = await workplace.gemini("Some words before. [[hello]] Some words after.")
    chunks = [event["content"] for event in run.of("message") if event["role"] == "assistant"]
    assert (run.exit_code, run.result["status"]) == (0, "success")
    assert len(chunks) > 1
    assert "".join(chunks) == texts.HELLO
    assert workplace.models.strays == []


@pytest.mark.cli
async def test_gemini_writes_a_file_when_the_model_calls_its_tool(workplace: Workplace) -> None:
    run = await workplace.gemini("[[tool:notes.txt]]")
    assert [event["tool_name"] for event in run.of("tool_use")] == ["write_file"]
    assert [event["status"] for event in run.of("tool_result")] == ["success"]
    assert (workplace.cwd / "notes.txt").read_text() == "hi there\n"


@pytest.mark.cli
async def test_gemini_looks_around_and_reports(workplace: Workplace) -> None:
    run = await workplace.gemini("Please research. [[report:Caching]]")
    said = "".join(event["content"] for event in run.of("message") if event["role"] == "assistant")
    assert (run.exit_code, [event["status"] for event in run.of("tool_result")]) == (0, ["success"])
    assert said.endswith(texts.report("Caching"))


@pytest.mark.cli
@pytest.mark.parametrize(
    ("marker", "exit_code", "message", "on_stderr"),
    [
        ("rpd", 173, "You have exhausted your daily quota on this model.", "TerminalQuotaError"),
        ("e401", 145, "Request had invalid authentication credentials.", "status: 401"),
    ],
)
async def test_gemini_ends_on_a_refusal(
    workplace: Workplace, marker: str, exit_code: int, message: str, on_stderr: str
) -> None:
    run = await workplace.gemini(f"[[{marker}]]")
    assert (run.exit_code, run.result["status"]) == (exit_code, "error")
    assert message in run.result["error"]["message"]
    assert on_stderr in run.stderr


def test_a_missing_cli_is_a_failure_that_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clis, "_BUILD", tmp_path)
    monkeypatch.delenv("BIFROST_TEST_CLIS", raising=False)
    with pytest.raises(FileNotFoundError, match="run `make clis`"):
        cli("claude")


@pytest.mark.parametrize(("version", "found"), [("2.1.329", True), ("2.1.197", False)])
def test_only_the_pinned_version_counts_and_its_native_program_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: bool
) -> None:
    scope = tmp_path / "node_modules" / "@anthropic-ai"
    (scope / "claude-code").mkdir(parents=True)
    (scope / "claude-code" / "package.json").write_text(json.dumps({"version": version}))
    native = scope / "claude-code-linux-x64" / "claude"
    native.parent.mkdir()
    native.touch(mode=0o755)
    monkeypatch.setattr(clis, "_BUILD", tmp_path / "elsewhere")
    monkeypatch.setenv("BIFROST_TEST_CLIS", str(tmp_path))
    with nullcontext() if found else pytest.raises(FileNotFoundError):
        assert cli("claude") == native
