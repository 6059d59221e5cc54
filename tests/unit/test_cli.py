"""The program `bifrost`, run as people and scripts run it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[1] / "recordings"
WITHIN_S = 30.0
"""A bound for a program that takes a second or two."""
SLOW = {"BIFROST__AGENTS__REHEARSAL__STEP_SECONDS": "30"}


@dataclass
class Program:
    """`bifrost` with a data directory and a workspace of its own."""

    place: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.place),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(RECORDINGS.parents[1]),  # this tree, wherever another one is installed
            "BIFROST__DATA_DIR": str(self.data),
            "BIFROST__WORKSPACES__MAIN": str(self.place / "workspace"),
            "BIFROST__WEB__PORT": "0",
            "BIFROST__DRAIN_SECONDS": "0",
            "BIFROST__AGENTS__PROVIDERS": "rehearsal",
            "BIFROST__AGENTS__REHEARSAL__STEP_SECONDS": "0",
            **self.more,
        }

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            env=self.environment | more,
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        with self.start(*words, **more) as process:
            return _ended(process)

    @contextlib.contextmanager
    def serving(self, **more: str) -> Iterator[subprocess.Popen[str]]:
        with self.start("serve", **more) as server:
            try:
                read_until(server, "Stop with Ctrl-C.")
                yield server
            finally:
                server.send_signal(signal.SIGTERM)
                _ended(server)


def _ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    try:
        out, err = process.communicate(timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the program prints up to the line that holds `words`."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if words in line:
            return printed
    raise AssertionError(f"{words!r} was never printed, but {printed!r}, {_ended(process).stderr!r}")


def interrupted(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """How the program ends after the signal, and what it prints then."""
    process.send_signal(number)
    ended = _ended(process)
    return ended.returncode, ended.stdout


@pytest.fixture
def bifrost(tmp_path: Path) -> Program:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "cache.py").write_text("def cache_session(key):\n    return SESSIONS[key]\n")
    return Program(tmp_path)


def test_it_says_its_version_and_its_commands(bifrost: Program) -> None:
    assert re.fullmatch(r"bifrost \d+\.\d+\.\d+\n", bifrost.run("--version").stdout)
    shown = bifrost.run("--help")
    assert shown.returncode == 0
    for command in ("serve", "demo", "job", "doctor", "login"):
        assert f"│ {command} " in shown.stdout


def test_the_doctor_says_that_all_is_well_or_what_to_do(bifrost: Program) -> None:
    well = bifrost.run("doctor")
    assert (well.returncode, well.stderr) == (0, "")
    assert well.stdout.rstrip().endswith("Ready.")
    assert "✔  agent rehearsal" in well.stdout
    assert "(permissions: bypass)" in " ".join(well.stdout.split())
    ill = bifrost.run("doctor", BIFROST__WORKSPACES__MAIN="/nowhere", BIFROST__AGENTS__PROVIDERS="claude")
    assert ill.returncode == 1
    assert re.search(r"✘  workspace main +/nowhere *\n +→ Make the directory, or correct `main`", ill.stdout)
    assert "✘  agent claude" in ill.stdout
    assert ill.stdout.rstrip().endswith("2 to mend.")


def test_the_doctor_warns_of_an_old_cli_and_of_one_that_is_not_there(bifrost: Program) -> None:
    tools = bifrost.place / "tools"
    tools.mkdir()
    for name, says in (("claude", "2.1.100 (Claude Code)"), ("node", "v20.20.2")):
        (tools / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tools / name).chmod(0o755)
    config = bifrost.place / "bifrost.toml"
    config.write_text("[agents.others.goose]\ncommand = ['goose']\n[agents.others.cat]\ncommand = ['cat']\n")
    more = {
        "PATH": f"{tools}:/usr/bin:/bin",
        "ANTHROPIC_API_KEY": "key",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
        "BIFROST__AGENTS__CLAUDE__ALLOW_ROOT": "true",
        "BIFROST__AGENTS__CLAUDE__ENVIRONMENT__IS_SANDBOX": "1",
    }
    answer = bifrost.run("doctor", "--json", **more)
    assert answer.returncode == 1
    findings = {finding["what"]: finding for finding in json.loads(answer.stdout)}
    old = findings["agent claude"]
    assert (old["ok"], old["needed"], old["seen"]) == (
        *(False, False),
        f"2.1.100 {tools}/claude (key not tried: no answer from 127.0.0.1:1)",
    )
    assert "CVE-2026-55607, mended in 2.1.163" in old["advice"]
    assert "Node v20.20.2 is why" in old["advice"]
    assert "`npm install -g @anthropic-ai/claude-code@" in old["advice"]
    assert (
        findings["agent goose"]["needed"] and "There is no goose to run" in findings["agent goose"]["advice"]
    )
    assert (findings["agent cat"]["ok"], findings["agent cat"]["seen"]) == (True, "/usr/bin/cat")
    assert findings["aiohttp"]["ok"] and findings["SQLite"]["ok"]


def test_the_doctor_speaks_to_scripts(bifrost: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = bifrost.run("doctor", "--json", BIFROST__WEB__PORT=port)
    assert answer.returncode == 1
    findings = {finding["what"]: finding for finding in json.loads(answer.stdout)}
    assert [what for what, finding in findings.items() if not finding["ok"] and finding["needed"]] == ["page"]
    assert findings["page"]["seen"] == f"http://127.0.0.1:{port}: the port is taken"
    assert findings["page"]["advice"] == "Set another `host` or `port` under [web]."


def test_the_doctor_warns_of_tokens_within_reach(bifrost: Program) -> None:
    config = bifrost.place / "workspace" / "bifrost.toml"
    config.write_text(
        'slack = { bot_token = "xoxb-1", app_token = "xapp-1", api_url = "http://127.0.0.1:1/" }'
    )
    config.chmod(0o644)
    answer = bifrost.run("doctor", "--json", "--config", str(config))
    findings = {finding["what"]: finding for finding in json.loads(answer.stdout)}
    assert f"chmod 600 {config}" in findings["configuration"]["advice"]
    assert "lies in a workspace" in findings["configuration"]["advice"]
    assert "xoxb" not in answer.stdout


def test_a_job_runs_in_the_terminal_without_a_server(bifrost: Program) -> None:
    ran = bifrost.run("job", "run", "research", "where is cache_session", "--effort", "low")
    assert (ran.returncode, ran.stderr) == (0, "")
    queued = re.match(r"Queued as ([0-9a-f]{6}): research by rehearsal \(rehearsal\)\.\n", ran.stdout)
    assert queued is not None
    for part in (
        "▶ running",
        '🔧 Search "cache_session"',
        "✔ done",
        f"research {queued[1]} where is cache_session\n- done · cost $0.00 · turns ",
        "effort low",
    ):
        assert part in ran.stdout
    assert re.search(r"· turns \d+ · duration \d+\.\ds", ran.stdout)
    report = Path(ran.stdout.splitlines()[-1].removeprefix("- report file: "))
    assert "cache_session" in report.read_text()
    assert "\x1b" not in ran.stdout

    assert re.fullmatch(
        rf"- {queued[1]} done · research · where is cache_session · cost \$0\.00 · .*\n",
        bifrost.run("job", "list").stdout,
    )
    assert "- done · cost $0.00" in bifrost.run("job", "show", queued[1]).stdout
    assert "\x1b[" in bifrost.run("job", "show", queued[1], FORCE_COLOR="1").stdout
    resumed = bifrost.run("job", "run", "resume", queued[1], "and", "SESSIONS")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert f"continues {queued[1]}" in resumed.stdout


def test_words_that_make_no_command_are_answered_on_stderr(bifrost: Program) -> None:
    answer = bifrost.run("job", "reserch", "x")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(
        "I know no command reserch. Did you mean research?\nThere are: research, "
    )
    assert "\x1b" not in answer.stderr


def test_what_stands_behind_the_first_word_is_the_commands(bifrost: Program) -> None:
    queued = bifrost.run("job", "research", "--", "--config", "--help")
    assert queued.returncode == 0
    assert "No bot is serving here, so it waits for `bifrost serve`." in queued.stdout
    assert " · research · --config --help\n" in bifrost.run("job", "list").stdout
    assert "- bifrost job research PROMPT: " in bifrost.run("job", "--help").stdout


@pytest.mark.parametrize("words", [["doctor"], ["serve"]])
def test_a_configuration_that_cannot_be_used_is_said_in_a_sentence(
    bifrost: Program, words: list[str]
) -> None:
    """F52: it is read at the start alone, so a running bot keeps what it has."""
    answer = bifrost.run(*words, BIFROST__SLOTZ="3")
    assert (answer.returncode, answer.stdout) == (78, "")
    assert answer.stderr == (
        "The configuration in the environment cannot be used:\n"
        "- `slotz` is no setting. Did you mean `slots`?\n"
    )


@pytest.mark.parametrize("words", [["serve"], ["demo", "--once"], ["job", "run", "research", "x"]])
def test_without_the_sandbox_that_is_required_nothing_runs(bifrost: Program, words: list[str]) -> None:
    bare = {"PATH": "/nowhere", "BIFROST__REQUIRE_SANDBOX": "true"}
    answer = bifrost.run(*words, **bare)
    assert (answer.returncode, answer.stdout) == (78, "")
    assert answer.stderr.startswith("Jobs cannot be sandboxed: bwrap is not installed")
    assert len(answer.stderr.splitlines()) == 1


def test_the_doctor_says_whether_jobs_are_sandboxed_and_what_is_missing(bifrost: Program) -> None:
    for required in ("false", "true"):
        bare = {"PATH": "/nowhere", "BIFROST__REQUIRE_SANDBOX": required}
        answer = bifrost.run("doctor", "--json", **bare)
        assert answer.returncode == (1 if required == "true" else 0)
        (finding,) = (each for each in json.loads(answer.stdout) if each["what"] == "sandbox")
        assert finding["ok"] is False
        assert finding["seen"].startswith("reaper: bwrap is not installed")
        assert "Make bwrap work" in finding["advice"]


def test_a_configuration_file_that_is_not_there_is_named(bifrost: Program) -> None:
    answer = bifrost.run("job", "--config", "nope.toml", "list")
    assert (answer.returncode, answer.stderr) == (78, "There is no configuration file nope.toml.\n")


def test_a_data_directory_that_cannot_be_one_is_named(bifrost: Program) -> None:
    bifrost.data.write_text("a file")
    answer = bifrost.run("job", "list")
    assert answer.returncode == 78
    assert answer.stderr == f"{bifrost.data}: File exists. `bifrost doctor` says what is missing.\n"
    assert bifrost.run("doctor").returncode == 1


def test_a_broken_database_is_named_and_left_alone(bifrost: Program) -> None:
    bifrost.data.mkdir()
    database = bifrost.data / "bifrost.db"
    database.write_bytes(b"no database at all, " * 1000)
    answer = bifrost.run("job", "list")
    assert answer.returncode == 78
    assert answer.stderr.startswith(
        "The database cannot be used: file is not a database. Restore the database"
    )
    assert "✘  database" in bifrost.run("doctor").stdout
    assert database.read_bytes().startswith(b"no database")


def test_a_job_that_fails_is_a_failure(bifrost: Program) -> None:
    failed = bifrost.run("job", "run", "research", "x", BIFROST__WORKSPACES__MAIN="/nowhere")
    assert failed.returncode == 1
    assert (
        "✘ failed (workspace): Its workspace `main` should be `/nowhere`, which is not there."
        in failed.stdout
    )
    assert "- attempt 1: failed (workspace)\n" in failed.stdout


def test_a_job_that_waits_for_a_limit_ends_with_a_status_of_its_own(bifrost: Program) -> None:
    claude = bifrost.place / "claude"
    claude.write_text(f"#!/bin/sh\nread -r _; cat {RECORDINGS}/claude/limit_5h_rejected.ndjson; exit 1\n")
    claude.chmod(0o755)
    limited = bifrost.run(
        *("job", "run", "research", "x"),
        BIFROST__AGENTS__PROVIDERS="claude",
        BIFROST__AGENTS__CLAUDE__EXECUTABLE=str(claude),
        BIFROST__AGENTS__CLAUDE__ALLOW_ROOT="true",
    )
    assert limited.returncode == 75, limited.stdout + limited.stderr
    assert "… rate limited: " in limited.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_job_that_is_followed(bifrost: Program, number: signal.Signals) -> None:
    with bifrost.start("job", "run", "research", "cache_session", **SLOW) as running:
        read_until(running, "🔧")
        status, printed = interrupted(running, number)
    assert status == 1
    assert "■ stopping, as owner wishes" in printed
    assert "■ cancelled" in printed
    assert " cancelled · research · " in bifrost.run("job", "list").stdout


def test_a_server_is_asked_where_one_is_running(bifrost: Program) -> None:
    with bifrost.serving() as server:
        ran = bifrost.run("job", "run", "research", "where is cache_session")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "✔ done" in ran.stdout
        assert "- done · cost $0.00 · turns " in ran.stdout
        assert Path(ran.stdout.splitlines()[-1].removeprefix("- report file: ")).is_file()
        started = bifrost.run("job", "research", "where is cache_session")
        assert re.search(r"`?bifrost job watch [0-9a-f]{6}`? follows it\.\n$", started.stdout)
        refused = bifrost.run("job", "run", "reserch")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "Did you mean research?" in refused.stderr
        assert "✔  page" in bifrost.run("doctor").stdout

        second = bifrost.run("serve")
        assert second.returncode == 1
        assert f"{bifrost.data} is in use by process {server.pid}. Stop that one first" in second.stderr

        link = bifrost.run("login").stdout.strip()
        with urllib.request.urlopen(link, timeout=WITHIN_S) as page:  # noqa: S310 - our own address
            assert "You are logged in" in page.read().decode()
        status, _ = interrupted(server, signal.SIGTERM)
        assert status == 0
    assert not (bifrost.data / "server-address").exists()


def test_a_signal_cancels_the_job_at_the_server(bifrost: Program) -> None:
    with bifrost.serving(**SLOW):
        with bifrost.start("job", "run", "research", "cache_session") as running:
            read_until(running, "🔧")
            status, printed = interrupted(running, signal.SIGINT)
        assert status == 1
        assert "■ cancelled" in printed


def test_a_server_that_stops_leaves_its_followers_with_a_sentence(bifrost: Program) -> None:
    with bifrost.serving(**SLOW) as server, bifrost.start("job", "run", "research", "cache") as running:
        read_until(running, "🔧")
        assert interrupted(server, signal.SIGTERM)[0] == 0
        followed = _ended(running)
    assert followed.returncode == 1
    assert followed.stderr == "The bot stopped. The job goes on when it is started again.\n"
    assert " pending · research · cache" in bifrost.run("job", "list").stdout


def test_a_server_that_is_gone_is_said_to_be(bifrost: Program) -> None:
    assert "Start one with `bifrost serve`." in bifrost.run("login").stderr
    bifrost.data.mkdir(exist_ok=True)
    (bifrost.data / "server-address").write_text("http://127.0.0.1:1")  # as a killed one leaves it
    answer = bifrost.run("login")
    assert answer.returncode == 1
    assert answer.stderr.startswith("No bot answers at http://127.0.0.1:1: ")
    assert bifrost.run("job", "list").returncode == 0


def test_a_port_that_is_taken_is_named_and_the_demo_takes_another(bifrost: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bifrost.more["BIFROST__WEB__PORT"] = str(taken.getsockname()[1])
        served = bifrost.run("serve")
        assert served.returncode == 1
        assert (
            f"cannot be served at 127.0.0.1:{taken.getsockname()[1]}: Address already in use. Set"
            in served.stderr
        )
        shown = bifrost.run("demo", "--once")
    assert (shown.returncode, shown.stderr) == (0, "")
    for part in (
        "#dev",
        "/job research --provider rehearsal",
        "🔧 Write report.md",
        "✔ research ",
        "Report: http://",
        "without --once it stays",
    ):
        assert part in shown.stdout
    assert re.search(r"cost \$0\.00 · turns \d+ · duration ", shown.stdout)
    assert "\x1b" not in shown.stdout


def test_the_demo_goes_on_serving_until_it_is_stopped(bifrost: Program) -> None:
    with bifrost.start("demo") as demo:
        printed = read_until(demo, "Stop with Ctrl-C.")
        assert re.search(r"/login/\S+\n", printed)
        assert f"workspace main: {bifrost.place / 'workspace'}\n" in printed
        assert interrupted(demo, signal.SIGINT)[0] == 0


def test_a_demo_is_stopped_before_its_job_is_done(bifrost: Program) -> None:
    with bifrost.start("demo", **SLOW) as demo:
        read_until(demo, "🔧")
        assert interrupted(demo, signal.SIGINT)[0] == 1


def test_nothing_that_is_started_inherits_a_secret(bifrost: Program) -> None:
    with (
        bifrost.serving(BIFROST__SLACK__CHANNELS="C01", **SLOW),
        bifrost.start("job", "run", "research", "cache") as running,
    ):
        read_until(running, "🔧")
        agents = [
            (process / "environ").read_bytes()
            for process in Path("/proc").glob("[0-9]*")
            if _is_agent_of(process, bifrost)
        ]
        interrupted(running, signal.SIGINT)
    assert agents
    assert not any(b"BIFROST__" in environment for environment in agents)


def _is_agent_of(process: Path, bifrost: Program) -> bool:
    try:
        words = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return b"rehearsal_agent.py" in words and os.fsencode(bifrost.place) in words
