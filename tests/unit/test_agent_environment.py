"""What an agent is started with: an environment without our secrets, and a command line of our own words."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from executor.agent_tools import TOKEN, AgentTools, lay_out
from executor.backends.base import Backend, CliMissing, Launch
from executor.backends.checkup import check
from executor.backends.claude import Claude
from executor.backends.codex import Codex
from executor.backends.environment import agent_environment, agent_zone, routes
from executor.backends.gemini import Gemini
from executor.backends.rehearsal import Rehearsal
from executor.backends.rehearsal_search import topic_of
from executor.workspaces import Permissions
from tests.clis import PINS
from tests.programs import alive_with

SESSION = "11111111-2222-3333-4444-555555555555"
OURS = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/bot",
    "LANG": "de_DE.UTF-8",
    "LC_TIME": "en_GB.UTF-8",
    "TERM": "xterm",
    "HTTPS_PROXY": "http://proxy:3128",
    "no_proxy": "localhost",
    "SSL_CERT_FILE": "/etc/ssl/own.pem",
    "SLACK_BOT_TOKEN": "xoxb-hush",
    "BIFROST_TOKEN": "hush",
    "GEMINI_API_KEY": "hush",
    "AWS_SECRET_ACCESS_KEY": "hush",
    "LD_PRELOAD": "/tmp/x.so",
    "NODE_OPTIONS": "--require /tmp/x.js",
}


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    return Launch(
        prompt="Say hello.\n--resume all",
        model="sonnet",
        effort="high",
        session_id=None,
        workspace=tmp_path / "workspace",
        home=tmp_path / "home",
        results=tmp_path / "results",
        temp=tmp_path / "temp",
    )


@pytest.fixture
def cli(tmp_path: Path) -> Path:
    """A program that tells a version, as the CLIs do."""
    return program(tmp_path / "agent", "echo '1.2.3 (An agent)'")


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def claude(cli: Path, *, allow_root: bool = False) -> Claude:
    return Claude(str(cli), environment={"ANTHROPIC_API_KEY": "key"}, allow_root=allow_root)


def gemini(cli: Path) -> Gemini:
    return Gemini(str(cli), environment={"GEMINI_API_KEY": "key"})


def codex(cli: Path) -> Codex:
    return Codex(str(cli), environment={"CODEX_API_KEY": "key"})


def test_only_what_is_named_passes(launch: Launch) -> None:
    passed = agent_environment(launch, {"OWN_KEY": "key"}, OURS)
    assert passed == {
        "PATH": "/usr/bin:/bin",
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "en_GB.UTF-8",
        "TZ": "UTC",
        "TERM": "xterm",
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "localhost",
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
        "HOME": str(launch.home),
        "TMPDIR": str(launch.temp),
        "BIFROST_RESULTS": str(launch.results),
        "OWN_KEY": "key",
    }


def test_where_requests_go_is_never_left_open() -> None:
    known = routes(
        {"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "localhost", "URL": "x"}, "URL", "OTHER_URL"
    )
    assert known["HTTPS_PROXY"] == known["https_proxy"] == "http://proxy:3128", "whichever of the two is read"
    assert known["NO_PROXY"] == known["no_proxy"] == "localhost"
    assert (known["URL"], known["OTHER_URL"], known["http_proxy"]) == ("x", "", "")


def test_a_bare_environment_still_has_a_path_and_a_zone(launch: Launch) -> None:
    passed = agent_environment(launch, {}, {"TZ": ""})
    assert (passed["PATH"], passed["TZ"], passed["LANG"]) == (os.defpath, "UTC", "C.UTF-8")


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "UTC"])
def test_an_agent_lives_in_the_zone_of_the_bot(launch: Launch, zone: str) -> None:
    assert agent_environment(launch, {}, {"TZ": zone})["TZ"] == zone
    assert agent_zone({}, {"TZ": zone}) == ZoneInfo(zone)
    assert agent_zone({"TZ": zone}, {}) == ZoneInfo(zone)


@pytest.mark.parametrize("zone", [":/etc/localtime", "EST5EDT,M3.2.0,M11.1.0", "Mars/Olympus"])
def test_a_zone_that_cannot_be_read_back_is_not_handed_on(launch: Launch, zone: str) -> None:
    assert agent_environment(launch, {}, {"TZ": zone})["TZ"] == "UTC"
    assert agent_zone({"TZ": zone}, {}) == UTC


def test_a_backend_cannot_move_the_home_by_its_own_variables(launch: Launch) -> None:
    assert agent_environment(launch, {"HOME": "/root"}, {})["HOME"] == str(launch.home)


def test_the_commands_of_a_job_go_before_all_others_and_only_who_has_no_tool_server_is_told_of_them(
    launch: Launch, cli: Path
) -> None:
    tools = AgentTools(
        argv=["server"], env={TOKEN: "pass"}, commands=["echo", "it's"], told="Commands of Bifrost: some."
    )
    job = replace(launch, prompt="Say hello.", tools=tools)
    launch.temp.mkdir()
    lay_out(tools, launch.temp)
    for backend in (claude(cli), gemini(cli), codex(cli), Rehearsal()):
        command = backend.command(job)
        told = b"Commands of Bifrost: some." in command.stdin
        assert told is (backend.provider == "rehearsal")
        assert shutil.which("bifrost", path=command.env["PATH"]) == str(launch.temp / "bin" / "bifrost")
        assert command.env[TOKEN] == "pass"
    assert shutil.which("bifrost", path=agent_environment(launch, {}, OURS)["PATH"]) is None
    said = subprocess.check_output([launch.temp / "bin" / "bifrost", "a b", "$c"], text=True)
    assert said == "it's a b $c\n"
    assert topic_of(f"Say hello.\n\n{tools.told}") == "Say hello."


def test_no_secret_of_ours_reaches_any_agent(
    launch: Launch, cli: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OURS.items():
        monkeypatch.setenv(name, value)
    for backend in (claude(cli), gemini(cli), codex(cli)):
        assert not [value for value in backend.command(launch).env.values() if "hush" in value]
    assert "GEMINI_API_KEY" not in claude(cli).command(launch).env


def test_claude_is_told_everything_by_flags_and_variables(launch: Launch, cli: Path) -> None:
    command = claude(cli).command(replace(launch, session_id=SESSION))
    assert list(command.argv) == [
        str(cli),
        "-p",
        *("--input-format", "stream-json"),
        *("--output-format", "stream-json", "--verbose", "--include-partial-messages"),
        *("--model", "sonnet", "--effort", "high", "--resume", SESSION),
        *("--dangerously-skip-permissions", "--permission-prompt-tool", "stdio"),
        *("--settings", str(launch.temp / "claude-settings.json")),
        *("--mcp-config", '{"mcpServers":{}}', "--strict-mcp-config"),
    ]
    assert command.cwd == launch.workspace
    assert command.env["CLAUDE_CONFIG_DIR"] == str(launch.home)
    assert command.env["CLAUDE_CODE_MAX_RETRIES"] == "3"
    assert command.env["ANTHROPIC_API_KEY"] == "key"
    for switch in ("DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"):
        assert command.env[switch] == "1"


def test_gemini_is_told_everything_by_flags_and_variables(launch: Launch, cli: Path) -> None:
    command = gemini(cli).command(replace(launch, session_id=SESSION, model="gemini-2.5-pro"))
    *argv, allowed = command.argv
    assert argv == [
        str(cli),
        *("--output-format", "stream-json", "--approval-mode", "yolo", "-m", "gemini-2.5-pro"),
        *("--include-directories", str(launch.results), "--resume", SESSION),
    ]
    assert allowed.startswith("--allowed-mcp-server-names=bifrost-")
    assert command.env["GEMINI_CLI_HOME"] == str(launch.home)
    assert command.env["GEMINI_CLI_TRUST_WORKSPACE"] == "true"
    assert command.env["GEMINI_CLI_NO_RELAUNCH"] == "true"


def test_codex_is_told_everything_by_flags_and_variables(launch: Launch, cli: Path) -> None:
    flags = [
        *("--json", "--skip-git-repo-check", "-m", "gpt-5.5", "--dangerously-bypass-approvals-and-sandbox"),
        *("-c", "check_for_update_on_startup=false", "-c", "analytics.enabled=false"),
        *("-c", "allow_login_shell=false"),
        *("-c", "model_reasoning_effort=high"),
    ]
    command = codex(cli).command(replace(launch, model="gpt-5.5"))
    assert list(command.argv) == [str(cli), "exec", *flags, "-"]
    assert command.env["CODEX_HOME"] == str(launch.home)
    assert command.env["CODEX_API_KEY"] == "key"
    resumed = codex(cli).command(replace(launch, model="gpt-5.5", session_id=SESSION))
    assert list(resumed.argv) == [str(cli), "exec", "resume", *flags, SESSION, "-"]


def test_a_choice_left_to_the_cli_is_not_named(launch: Launch, cli: Path) -> None:
    free = replace(launch, model="", effort="")
    assert not {"--model", "--effort"} & set(claude(cli).command(free).argv)
    assert "-m" not in gemini(cli).command(free).argv
    assert "-m" not in codex(cli).command(free).argv
    assert not [word for word in codex(cli).command(free).argv if "effort" in word]


def test_an_agent_that_may_not_do_all_is_held_by_its_own_cli(launch: Launch, cli: Path) -> None:
    edits = replace(launch, permissions=Permissions.EDITS)
    asks = replace(launch, permissions=Permissions.ASK)
    for backend in (claude(cli), gemini(cli), codex(cli)):
        for held in (edits, asks):
            words = backend.command(held).argv
            assert not [word for word in words if "dangerously" in word or "yolo" in word]
    for held, mode in ((edits, "acceptEdits"), (asks, "default")):
        argv = list(claude(cli).command(held).argv)
        assert argv[argv.index("--permission-mode") + 1] == mode
        allowed = json.loads((launch.temp / "claude-settings.json").read_bytes())["permissions"]
        assert f"Edit(/{launch.results.resolve()}/**)" in allowed["allow"]
        assert allowed["additionalDirectories"] == [str(launch.results.resolve())]
    for held, mode in ((edits, "auto_edit"), (asks, "default")):
        argv = list(gemini(cli).command(held).argv)
        assert argv[argv.index("--approval-mode") + 1] == mode
    for held, mode in ((edits, "workspace-write"), (asks, "read-only")):
        argv = list(codex(cli).command(held).argv)
        assert f'sandbox_mode="{mode}"' in argv and 'approval_policy="never"' in argv


def test_the_prompt_goes_to_standard_input_only(launch: Launch, cli: Path) -> None:
    for backend in (claude(cli), gemini(cli), codex(cli)):
        command = backend.command(launch)
        words = launch.prompt if backend.provider != "claude" else json.dumps(launch.prompt)
        assert words.encode() in command.stdin
        assert launch.prompt not in command.argv
        assert launch.prompt not in command.env.values()


@pytest.mark.parametrize("session_id", ["", "latest", "--help", f"{SESSION}\n", f"{SESSION} --yolo", "1"])
def test_what_is_no_session_id_is_refused(launch: Launch, cli: Path, session_id: str) -> None:
    for backend in (claude(cli), gemini(cli), codex(cli)):
        with pytest.raises(ValueError, match="not a session id"):
            backend.command(replace(launch, session_id=session_id))


def test_root_is_allowed_only_where_it_was_asked_for(launch: Launch, cli: Path) -> None:
    assert "IS_SANDBOX" not in claude(cli).command(launch).env
    assert claude(cli, allow_root=True).command(launch).env["IS_SANDBOX"] == "1"


def test_gemini_finds_settings_and_keeps_those_it_has(launch: Launch, cli: Path) -> None:
    settings = launch.home / ".gemini" / "settings.json"
    gemini(cli).command(launch)
    written = json.loads(settings.read_text())
    assert written["security"]["auth"]["selectedType"] == "gemini-api-key"
    assert written["privacy"]["usageStatisticsEnabled"] is False
    assert written["general"]["enableAutoUpdate"] is False
    settings.write_text("{}")
    gemini(cli).command(launch)
    assert json.loads(settings.read_text()) == {"mcpServers": {}}
    assert list(settings.parent.iterdir()) == [settings]


@pytest.mark.parametrize("name", ["no-such-cli", "/nowhere/claude"])
def test_f31_a_missing_cli_comes_with_advice_that_names_the_version_we_know(
    launch: Launch, name: str
) -> None:
    backends: tuple[Backend, ...] = (
        Claude(name, environment={}),
        Gemini(name, environment={}),
        Codex(name, environment={}),
    )
    for backend in backends:
        with pytest.raises(CliMissing, match="npm install -g " + "@".join(PINS[backend.provider])) as raised:
            backend.command(launch)
        assert raised.value.provider == backend.provider


def test_a_relative_path_means_ours_and_not_the_workspace(
    launch: Launch, cli: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cli.parent)
    assert Claude("./agent", environment={}).command(launch).argv[0] == str(cli)


async def test_a_checkup_tells_the_version(cli: Path) -> None:
    found = await gemini(cli).checkup()
    assert (found.executable, found.version, found.problem) == (str(cli), "1.2.3", "")
    root = await claude(cli, allow_root=True).checkup()
    assert (root.version, root.problem) == ("1.2.3", "")


async def test_a_version_may_follow_on_a_name(tmp_path: Path) -> None:
    found = await codex(program(tmp_path / "agent", "echo codex-cli 0.169.0")).checkup()
    assert (found.version, found.problem) == ("0.169.0", "")


async def test_a_checkup_tells_what_is_missing(cli: Path) -> None:
    backends: tuple[Backend, ...] = (
        Claude(str(cli), environment={}),
        Gemini(str(cli), environment={}),
        Codex(str(cli), environment={}),
    )
    for backend in backends:
        found = await backend.checkup()
        assert found.version == "1.2.3"
        assert "There is no key: put " in found.problem
    assert "npm install" in (await Claude("no-such-cli", environment={}).checkup()).problem


async def test_a_checkup_as_root_says_that_claude_will_refuse(
    cli: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "allow_root" in (await claude(cli).checkup()).problem


@pytest.mark.parametrize("script", ["exit 3", "echo broken; exit 3", ":"])
async def test_a_checkup_of_a_broken_cli_says_so(tmp_path: Path, script: str) -> None:
    found = await check("claude", str(program(tmp_path / "broken", script)), advice="Install it again.")
    assert "says nothing" in found.problem
    assert found.problem.endswith("Install it again.")


@pytest.mark.parametrize("script", ["exec sleep 60", "sleep 60 & wait", "while :; do echo y; done"])
async def test_a_checkup_of_a_cli_that_hangs_ends(tmp_path: Path, script: str) -> None:
    hanging = program(tmp_path / "hanging", script)
    async with asyncio.timeout(10):
        found = await check("claude", str(hanging), advice="Install it again.", timeout_s=0.2)
    assert "no answer within 0.2 s" in found.problem


@pytest.mark.parametrize("ending", ["echo 1.0", "sleep 60"])
async def test_nothing_is_left_of_a_checkup_not_even_what_left_its_session(
    tmp_path: Path, ending: str
) -> None:
    token = uuid4().hex
    program(tmp_path / "daemon", "trap '' TERM; sleep 60; exit")
    script = f"setsid {tmp_path}/daemon {token} >/dev/null 2>&1 </dev/null & {ending}"
    await check("claude", str(program(tmp_path / "leaving", script)), advice="", timeout_s=1)
    assert alive_with(token) == []


async def test_a_checkup_of_what_cannot_run_says_why(tmp_path: Path) -> None:
    script = program(tmp_path / "script", "")
    script.write_text("#!/no/such/interpreter\n")
    assert "No such file" in (await check("claude", str(script), advice="Install it again.")).problem


async def test_a_checkup_leaves_nothing_of_ours_in_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-hush")
    nosy = program(tmp_path / "nosy", f"env > {tmp_path}/seen; echo 1.0")
    assert (await check("claude", str(nosy), advice="")).version == "1.0"
    seen = (tmp_path / "seen").read_text()
    assert "xoxb-hush" not in seen
    home = next(line for line in seen.splitlines() if line.startswith("HOME=")).removeprefix("HOME=")
    assert not Path(home).exists()
