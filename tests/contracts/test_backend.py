"""What every backend must conclude from what its CLI really printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from executor.backends.base import Backend, Decoder, Launch
from executor.backends.claude import Claude
from executor.backends.claude_events import ClaudeDecoder
from executor.backends.codex import Codex
from executor.backends.codex_events import CodexDecoder
from executor.backends.failures import QUOTE
from executor.backends.gemini import Gemini
from executor.backends.gemini_events import GeminiDecoder
from executor.events import Activity, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.model import Outcome, OutcomeKind

RECORDINGS = Path(__file__).parent.parent / "recordings"
NOW = datetime(2026, 11, 20, 22, 27, 50, tzinfo=UTC)
DECODERS: dict[str, Callable[[], Decoder]] = {
    "claude": lambda: ClaudeDecoder(workspace="/workspace", now=lambda: NOW),
    "gemini": lambda: GeminiDecoder(workspace="/workspace", now=lambda: NOW),
    "codex": lambda: CodexDecoder(workspace="/workspace", now=lambda: NOW),
}
BACKENDS: tuple[Backend, ...] = (Claude(environment={}), Gemini(environment={}), Codex(environment={}))
LAUNCH = Launch(
    prompt="",
    model="",
    effort="",
    session_id=None,
    workspace=Path("/workspace"),
    home=Path("/home/agent"),
    results=Path("/results"),
    temp=Path("/temp"),
)
KILLED = -9
DONE, FAILED, LIMITED = OutcomeKind.DONE, OutcomeKind.FAILED, OutcomeKind.LIMITED


@dataclass(frozen=True, slots=True)
class Run:
    """A recording, the exit code of its process, and what must be concluded from it."""

    provider: str
    name: str
    exit_code: int
    kind: OutcomeKind
    reason: str
    cost_usd: float | None
    turns: int | None
    session: str | None
    """How the session id begins; None where the CLI never opened one."""
    resets_at: datetime | None = None
    verdict: bool = False
    """Whether the end is known while the process still runs."""

    def __str__(self) -> str:
        return f"{self.provider}-{self.name}"


def _unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _in(**wait: float) -> datetime:
    return NOW + timedelta(**wait)


_claude = partial(Run, "claude")
_gemini = partial(Run, "gemini")
_codex = partial(Run, "codex", cost_usd=None)
RUNS = (
    _claude("hello", 0, DONE, "", 0.00672, 1, "a3027cb8"),
    _claude("tool_partial", 0, DONE, "", 0.01344, 2, "a97c6cc8"),
    _claude("tool_denied", 0, DONE, "", 0.01344, 2, "46bf9f30"),
    _claude("session_first", 0, DONE, "", 0.00672, 1, "aaaaaaaa"),
    # The total of these two is that of the whole conversation, 0.01344 and 0.0336.
    _claude("session_resume", 0, DONE, "", 0.00672, 1, "aaaaaaaa"),
    _claude("session_fork", 0, DONE, "", 0.00672, 1, "5b488f03"),
    _claude("session_id_in_use", 1, FAILED, "session_in_use", None, None, None),
    _claude("root_refused", 1, FAILED, "configuration", None, None, None),
    _claude("limit_allowed", 0, DONE, "", 0.00336, 1, "130795fd"),
    _claude("limit_allowed_warning", 0, DONE, "", 0.00336, 1, "515089c4"),
    _claude("limit_5h_rejected", 1, LIMITED, "rate_limit", 0, 1, "673c2c9f", _unix(1795223753)),
    _claude("limit_5h_rejected_tz", 1, LIMITED, "rate_limit", 0, 1, "550d1fdc", _unix(1795223754)),
    # The event also tells when the window of five hours resets, which is too early.
    _claude("limit_7d_rejected", 1, LIMITED, "rate_limit", 0, 1, "f509bcec", _unix(1795559350)),
    _claude("limit_5h_rejected_v2_1_197", 1, LIMITED, "rate_limit", 0, 1, "c1733132", _unix(1795224552)),
    _claude("http_429_then_ok", 0, DONE, "", 0.00672, 1, "fc8ad748"),
    _claude("http_429_exhausted", 1, LIMITED, "rate_limit", 0, 1, "bc7981f8"),
    _claude("http_429_apikey_unified", 1, LIMITED, "rate_limit", 0, 1, "2949d08e"),
    _claude("auth_401_oauth", 1, FAILED, "auth", 0, 1, "b4d46011"),
    _claude("auth_401_apikey_killed", KILLED, FAILED, "auth", None, None, "523de252", verdict=True),
    _claude("billing_credit", 1, FAILED, "billing", 0, 1, "6589025a"),
    _claude("prompt_too_long", 1, FAILED, "prompt_too_long", 0, 1, "5b148c1a"),
    _claude("server_500", 1, FAILED, "server_error", 0, 1, "abd15a97"),
    _claude("server_529", 1, FAILED, "overloaded", 0, 1, "c3666aea"),
    _claude("bad_model", 1, FAILED, "model", 0, 1, "0cb6aace"),
    _claude("bad_resume", 1, FAILED, "session_not_found", 0, 0, None),
    _claude("sigterm_stream", 143, FAILED, "killed", None, None, "3303f233"),
    _claude("sigterm_tool", 143, FAILED, "killed", None, None, "ae7921b1"),
    # An interrupted claude exits with 0.
    _claude("sigint_stream", 0, FAILED, "killed", 0.0064, 2, "ecfb929c"),
    _claude("sigint_tool", 0, FAILED, "killed", 0.00672, 3, "de3794a8"),
    _claude("sigkill_tool", KILLED, FAILED, "killed", None, None, "7c916f85"),
    _claude("resume_after_sigkill", 0, DONE, "", 0.00672, 1, "7c916f85"),
    _claude("max_turns", 1, FAILED, "max_turns", 0.01344, 3, "011e7f0b"),
    _claude("max_budget", 1, FAILED, "budget", 0.01344, 2, "1ea77858"),
    # Several turns in one process: each result counts anew, the last one decides.
    _claude("live_multi", 0, DONE, "", 0.01344, 2, "58c4b66e"),
    _claude("live_queue", 0, DONE, "", 0.01344, 2, "46037506"),
    _claude("live_interrupt", 0, DONE, "", 0.01318, 3, "8ce1b752"),
    _claude("live_taken_up", 0, DONE, "", 0.01344, 2, "4c5f646d"),
    _claude("live_interrupt_for", 0, DONE, "", 0.01344, 4, "c3e6c12d"),
    # A limit in the first turn, none any more in the second one.
    _claude("live_limit", 0, DONE, "", 0.00336, 2, "169945f3"),
    _claude("live_permission_allow", 0, DONE, "", 0.01344, 2, "12bce5bc"),
    _claude("live_permission_deny", 0, DONE, "", 0.01344, 2, "abd39e5c"),
    _claude("live_asks", 0, DONE, "", 0.01344, 2, "5347f141"),
    _claude("live_asks_cancelled", 1, FAILED, "killed", 0.00672, 3, "a103deee"),
    _claude("live_plan", 0, DONE, "", 0.02688, 4, "e3dbb273"),
    _claude("live_delegates", 0, DONE, "", 0.0336, 3, "cf234f4c"),
    _claude("permission_mcp", 0, DONE, "", 0.01344, 2, "fce915e2"),
    # Gemini tells no cost; a turn is an answer of the model.
    _gemini("hello", 0, DONE, "", None, 1, "89a59755"),
    _gemini("tool_default_approval", 0, DONE, "", None, 2, "d4a80d1d"),
    _gemini("tool_yolo", 0, DONE, "", None, 2, "4aa3b262"),
    _gemini("resume", 0, DONE, "", None, 1, "bbbbbbbb"),
    _gemini("quota_day", 173, LIMITED, "rate_limit", None, 0, "778cd25f", _in(hours=12, minutes=3)),
    _gemini("quota_rpm_killed", KILLED, LIMITED, "rate_limit", None, None, "5cb2fd84", _in(seconds=31.377)),
    _gemini(
        "quota_long_sleep_killed",
        KILLED,
        LIMITED,
        "rate_limit",
        None,
        None,
        "b459d8b7",
        _in(seconds=12_832.388),
        True,
    ),
    _gemini("auth_401", 145, FAILED, "auth", None, 0, "100c8b87"),
    _gemini("server_503_killed", KILLED, FAILED, "server_error", None, None, "66c4292d"),
    _gemini("bad_model", 1, FAILED, "model", None, 0, "2b2c59e8"),
    _gemini("untrusted", 55, FAILED, "configuration", None, None, None),
    _gemini("bad_resume", 42, FAILED, "session_not_found", None, None, None),
    _gemini("sigterm_launcher_ignored", 0, DONE, "", None, 1, "acc48a32"),
    # A gemini that was stopped exits with 0; only the missing result tells.
    _gemini("sigterm_single_process", 0, FAILED, "no_result", None, 1, "3dd24bad"),
    # Codex tells no cost either; its turns are those of the conversation, not of the model.
    _codex("hello", 0, DONE, "", turns=1, session="01a1fb11-1afa"),
    _codex("think", 0, DONE, "", turns=1, session="01a1fb6c-081e"),
    _codex("bash", 0, DONE, "", turns=1, session="01a1fb11-1e26"),
    _codex("command_failed", 0, DONE, "", turns=1, session="01a1fb6c-023e"),
    _codex("file_change", 0, DONE, "", turns=1, session="01a1fb6c-015e"),
    _codex("resume", 0, DONE, "", turns=1, session="01a1fb11-1afa"),
    _codex("http_429", 1, LIMITED, "rate_limit", turns=None, session="01a1fb11-2538"),
    _codex(
        "usage_limit",
        1,
        LIMITED,
        "rate_limit",
        turns=None,
        session="01a1fb11-3094",
        resets_at=datetime(2026, 11, 20, 23, 26, tzinfo=UTC),
    ),
    _codex(
        "usage_limit_later",
        1,
        LIMITED,
        "rate_limit",
        turns=None,
        session="01a1fb6c-032e",
        resets_at=datetime(2026, 11, 22, 1, 5, tzinfo=UTC),
    ),
    _codex("auth_401", 1, FAILED, "auth", turns=None, session="01a1fb11-33d0"),
    _codex("bad_model", 1, FAILED, "model", turns=None, session="01a1fb6c-03f1"),
    _codex("server_500", 1, FAILED, "overloaded", turns=None, session="01a1fb6c-047f"),
    _codex("bad_resume", 1, FAILED, "session_not_found", turns=None, session=None),
    _codex("sigterm", -15, FAILED, "killed", turns=None, session="01a1fb11-379b"),
)
WITH_ANSWER = [run for run in RUNS if run.kind is DONE]
WITHOUT_ANSWER = [run for run in RUNS if run.kind is not DONE]


def replay(run: Run, decoder: Decoder) -> list[Activity]:
    """Everything that the recording says happened."""
    seen: list[Activity] = []
    for suffix, read in ((".ndjson", decoder.stdout), (".stderr.txt", decoder.stderr)):
        recording = RECORDINGS / run.provider / f"{run.name}{suffix}"
        if recording.exists():
            for line in recording.read_bytes().splitlines():
                seen += read(line)
    return seen


def conclusion(run: Run) -> Outcome:
    decoder = DECODERS[run.provider]()
    replay(run, decoder)
    return decoder.conclude(run.exit_code)


def test_every_recording_has_a_promise() -> None:
    recorded = {
        (file.parent.name, file.name.partition(".")[0])
        for suffix in ("ndjson", "stderr.txt")
        for file in RECORDINGS.glob(f"*/*.{suffix}")
        if file.parent.name in DECODERS
    }
    assert recorded == {(run.provider, run.name) for run in RUNS}


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_a_run_ends_as_it_really_ended(run: Run) -> None:
    """F31, F32."""
    outcome = conclusion(run)
    assert (outcome.kind, outcome.reason) == (run.kind, run.reason)
    assert outcome.resets_at == run.resets_at


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_a_run_costs_what_it_cost_alone(run: Run) -> None:
    usage = conclusion(run).usage
    assert usage.cost_usd == (None if run.cost_usd is None else pytest.approx(run.cost_usd))
    assert usage.turns == run.turns


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_a_session_is_opened_once_and_only_where_there_is_one(run: Run) -> None:
    seen = replay(run, DECODERS[run.provider]())
    opened = [each.session_id for each in seen if isinstance(each, SessionOpened)]
    assert len(opened) == (run.session is not None)
    assert all(session_id.startswith(run.session or "") for session_id in opened)


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_the_end_is_known_early_only_where_waiting_is_pointless(run: Run) -> None:
    decoder = DECODERS[run.provider]()
    replay(run, decoder)
    assert (decoder.verdict is not None) is run.verdict


@pytest.mark.parametrize("run", WITH_ANSWER, ids=str)
def test_the_answer_is_the_end_of_the_live_text(run: Run) -> None:
    decoder = DECODERS[run.provider]()
    text = "".join(each.text for each in replay(run, decoder) if isinstance(each, TextWritten))
    outcome = decoder.conclude(run.exit_code)
    assert outcome.message == ""
    assert outcome.result
    assert text.endswith(outcome.result)
    assert text.count(outcome.result) == 1


@pytest.mark.parametrize("run", WITHOUT_ANSWER, ids=str)
def test_a_failure_is_told_in_sentences_for_people(run: Run) -> None:
    outcome = conclusion(run)
    assert outcome.result == ""
    assert outcome.message.endswith(".")
    assert len(outcome.message) < QUOTE + 300
    assert "\n" not in outcome.message
    assert "    at " not in outcome.message


WORDLESS = ("AskUserQuestion", "EnterPlanMode", "ExitPlanMode")
"""Tools that are called with no word, or none that tells what for on one line."""


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_a_tool_ends_only_after_it_started(run: Run) -> None:
    started: set[str] = set()
    for each in replay(run, DECODERS[run.provider]()):
        if isinstance(each, ToolStarted):
            assert each.tool_id not in started
            assert each.name and (each.detail or each.name in WORDLESS)
            started.add(each.tool_id)
        elif isinstance(each, ToolEnded):
            assert each.tool_id in started
            assert each.ok or each.detail


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.provider)
def test_a_process_that_says_nothing_and_dies_is_never_done(backend: Backend) -> None:
    """F32."""
    for exit_code in (0, 1, 42, 137, 143, -1, -9, -15):
        assert backend.decoder(LAUNCH).conclude(exit_code).kind is FAILED


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.provider)
def test_every_attempt_gets_a_decoder_of_its_own(backend: Backend) -> None:
    assert backend.decoder(LAUNCH) is not backend.decoder(LAUNCH)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.provider)
def test_a_file_is_called_as_it_is_called_in_the_workspace(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    # A process is never told that it was started behind a link.
    path = str(tmp_path / "real" / "src" / "a.py")
    edit = {
        "claude": {
            "type": "assistant",
            "message": {
                "content": [{"type": "tool_use", "id": "1", "name": "Edit", "input": {"file_path": path}}]
            },
        },
        "gemini": {
            "type": "tool_use",
            "tool_id": "1",
            "tool_name": "edit",
            "parameters": {"file_path": path},
        },
        "codex": {
            "type": "item.started",
            "item": {"id": "1", "type": "file_change", "changes": [{"path": path}]},
        },
    }[backend.provider]
    decoder = backend.decoder(replace(LAUNCH, workspace=tmp_path / "link"))
    (started,) = decoder.stdout(json.dumps(edit).encode())
    assert isinstance(started, ToolStarted)
    assert started.detail == "src/a.py"
