"""The raw log: what came is kept as it came, in bounded space, without secrets, and it hurts nobody."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor import raw_log
from executor.raw_log import REDACTED, STDERR, RawLog, secret_values
from tests.small_files import files_of_at_most

SECRET = b"sk-ant-0123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "attempt-1.log"


def written(path: Path, *batches: list[bytes], head: int = 1000, tail: int = 1000) -> bytes:
    raw = RawLog(path, head, tail)
    for batch in batches:
        raw.write(batch)
    raw.close()
    return path.read_bytes()


def test_what_is_no_text_is_kept_byte_for_byte(path: Path) -> None:
    line = b"\xff\x00\x1b]52;c;aGk=\x07 \xe2\x80\xae \xc3("
    assert written(path, [line, b""], [b'{"half": ']) == line + b"\n\n" + b'{"half": \n'


def test_what_came_on_standard_error_is_told_apart(path: Path) -> None:
    raw = RawLog(path)
    raw.write([b"out"])
    raw.write([b"one", b"two"], STDERR)
    assert path.read_bytes() == b"out\nstderr: one\nstderr: two\n"
    raw.close()


def test_nobody_else_may_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        written(path, [b"out"])
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_attempt_that_says_nothing_leaves_no_file(path: Path) -> None:
    RawLog(path).close()
    assert not path.exists()


# Its size


@given(st.lists(st.lists(st.binary(max_size=30), min_size=1, max_size=4), max_size=12))
def test_of_much_output_the_beginning_and_the_end_are_kept(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[bytes]]
) -> None:
    path, head, tail = tmp_path_factory.mktemp("raw") / "log", 40, 25
    whole = b"".join(line + b"\n" for batch in batches for line in batch)
    left_out = len(whole) - head - tail
    kept = written(path, *batches, head=head, tail=tail) if whole else b""
    if left_out > 0:
        assert kept == whole[:head] + b"\n[%d bytes left out]\n" % left_out + whole[-tail:]
    else:
        assert kept == whole


def test_nothing_is_left_beside_it(path: Path) -> None:
    written(path, [b"x" * 5000])
    assert list(path.parent.iterdir()) == [path]


# Secrets


def test_secrets_are_left_out_on_both_streams(path: Path) -> None:
    raw = RawLog(path)
    raw.hide([SECRET])
    raw.write([b'{"key": "' + SECRET + b'"}'])
    raw.write([SECRET + SECRET], STDERR)
    raw.close()
    assert path.read_bytes() == b'{"key": "%b"}\nstderr: %b%b\n' % ((REDACTED,) * 3)


def test_the_secrets_are_what_credentials_of_the_environment_hold_line_by_line() -> None:
    environment = {
        "ANTHROPIC_API_KEY": "sk-ant-0123",
        "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-0123456",
        "ANTHROPIC_CUSTOM_HEADERS": "x-key: 1 2\nshort\r\n",
        "GEMINI_API_KEY": "seven77",
        "PATH": "/usr/local/bin",
        "CLAUDE_CODE_USE_BEDROCK": "1",
    }
    assert secret_values(environment) == [b"sk-ant-0123456", b"sk-ant-0123", b"x-key: 1 2"]


def test_a_secret_that_begins_like_another_is_left_out_whole(path: Path) -> None:
    raw = RawLog(path)
    raw.hide(secret_values({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefgh-ijkl"}))
    raw.write([b"abcdefgh-ijkl"])
    raw.close()
    assert path.read_bytes() == REDACTED + b"\n"


# Its faults


def test_what_stands_in_its_place_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    victim = path.parent / "victim"
    victim.write_text("mine")
    path.symlink_to(victim)
    raw = RawLog(path)
    for _ in range(3):
        raw.write([b"out"])
    raw.close()
    assert victim.read_text() == "mine"
    assert caplog.text.count("raw_log.broken") == 1


def test_a_full_disk_costs_no_more_than_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw = RawLog(path)
    raw.write([b"out"])
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        assert raw._head is not None
        os.dup2(full.fileno(), raw._head.fileno())
    raw.write([b"lost"])
    raw.write([b"lost"])
    raw.close()
    assert path.read_bytes() == b"out\n"
    assert caplog.text.count("raw_log.broken") == 1


def test_what_comes_after_the_end_is_not_written(path: Path) -> None:
    raw = RawLog(path)
    raw.write([b"out"])
    raw.close()
    raw.close()
    raw.write([b"late"])
    assert path.read_bytes() == b"out\n"


def test_two_threads_never_mix_their_lines(path: Path) -> None:
    raw = RawLog(path)

    def write(mark: bytes) -> None:
        for _ in range(200):
            raw.write([b"x" * 100] * 5, mark)

    threads = [threading.Thread(target=write, args=(mark,)) for mark in (b"", STDERR)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    raw.close()
    lines = path.read_bytes().splitlines()
    assert sorted(lines) == sorted([b"x" * 100] * 1000 + [STDERR + b"x" * 100] * 1000)


def test_by_default_it_takes_at_most_64_mib() -> None:
    assert raw_log.HEAD + raw_log.TAIL == 64 * 1024 * 1024


def test_a_log_that_is_cut_says_so_and_is_as_it_came_up_to_there(path: Path) -> None:
    raw = RawLog(path)
    raw.write([b"out %d" % number for number in range(1000)])
    kept = path.read_bytes()
    with files_of_at_most(len(kept) + 500):
        raw.write([b"lost"] * 1000)
        raw.write([b"lost"])
    raw.close()
    assert raw.truncated
    assert path.read_bytes() == kept[:-23] + b"\n[cut: File too large]\n"


def test_a_tail_that_finds_no_room_costs_the_head_nothing(path: Path) -> None:
    raw = RawLog(path, head=1000, tail=1000)
    raw.write([b"%04d" % number for number in range(380)])
    with files_of_at_most(1500):
        raw.close()
    assert raw.truncated
    whole = b"".join(b"%04d\n" % number for number in range(200))
    assert path.read_bytes() == whole[:-23] + b"\n[cut: File too large]\n"


def test_a_log_that_is_whole_is_not_called_cut(path: Path) -> None:
    raw = RawLog(path, head=100, tail=100)
    raw.write([b"x" * 149])
    raw.close()
    assert not raw.truncated
    assert path.stat().st_size == 150
