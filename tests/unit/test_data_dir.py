"""The directory that holds everything that lasts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.data_dir import DataDir, DataDirInUse

HOLD = """
import sys
from pathlib import Path
from bot.data_dir import DataDir
with DataDir(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "deep" / "data")
    made.make()
    return made


def test_everything_is_made_for_this_user_alone(data: DataDir) -> None:
    data.make()  # twice is no fault
    for place in (data.root, data.homes, data.jobs, data.reports, data.files):
        assert place.is_dir()
        assert place.stat().st_mode & 0o777 == 0o700


def test_homes_of_an_earlier_release_become_those_of_the_default_workspace(data: DataDir) -> None:
    for provider in ("claude", "gemini"):
        home = data.root / "homes" / provider
        home.mkdir(parents=True)
        (home / "session").write_text(provider)
    kept = data.homes / "main" / "gemini" / "session"
    kept.parent.mkdir(parents=True)
    kept.write_text("newer")
    for _ in range(2):
        data.take_over("main")
        assert (data.homes / "main" / "claude" / "session").read_text() == "claude"
        assert kept.read_text() == "newer"
    assert (data.root / "homes" / "gemini" / "session").exists(), "nothing is thrown away"


def test_a_second_process_is_told_who_holds_the_directory_until_that_one_dies(data: DataDir) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(DataDirInUse) as caught, data.lock():
            pass
        assert caught.value.holder == f"process {holder.pid}"
        assert f"{data.root} is in use by process {holder.pid}. Stop that one first" in str(caught.value)
        holder.kill()
        holder.wait(10)
    with data.lock():
        assert (data.root / "bifrost.lock").read_text() == f"process {os.getpid()}"


def test_a_lock_is_let_go_when_its_block_fails(data: DataDir) -> None:
    with pytest.raises(ZeroDivisionError), data.lock():
        raise ZeroDivisionError
    with data.lock():
        pass


def test_the_token_of_the_command_line_stays_the_same_and_is_this_users_alone(data: DataDir) -> None:
    token = data.api_token()
    assert len(token) > 40
    assert data.api_token() == token == DataDir(data.root).api_token()
    assert (data.root / "api-token").stat().st_mode & 0o777 == 0o600
    assert not [*data.root.glob(".api-token*")]
