"""Bytes to lines: nothing lost, nothing invented, bounded memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from executor.processes.lines import LineSplitter

MB = 1024 * 1024
CHUNKS = st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"\n", b"\n\n", b"a\nb", b"\xff\n"])))


def split(*chunks: bytes, cap: int = 1000) -> list[bytes]:
    splitter = LineSplitter(cap)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


@given(CHUNKS)
def test_the_lines_joined_are_the_input(chunks: list[bytes]) -> None:
    whole = b"".join(chunks).replace(b"\r", b"")
    lines = split(whole, cap=10_000)
    assert b"\n".join(lines) == whole.removesuffix(b"\n")
    assert not any(b"\n" in line for line in lines)


@given(CHUNKS, st.integers(1, 12))
def test_it_does_not_matter_how_the_input_is_cut_into_chunks(chunks: list[bytes], cap: int) -> None:
    assert split(*chunks, cap=cap) == split(b"".join(chunks), cap=cap)


@given(CHUNKS, st.integers(1, 12))
def test_a_line_is_cut_at_the_cap_marked_and_counted(chunks: list[bytes], cap: int) -> None:
    splitter = LineSplitter(cap)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()
    *whole, rest = b"".join(chunks).split(b"\n")
    wanted = [*whole, rest] if rest else whole
    assert lines == [
        line[:cap] + b" [%d bytes left out]" % (len(line) - cap)
        if len(line) > cap
        else line.removesuffix(b"\r")
        for line in wanted
    ]
    assert splitter.truncated == sum(len(line) > cap for line in wanted)


def test_a_line_that_ends_like_on_windows_loses_its_carriage_return() -> None:
    assert split(b"one\r\ntwo\r", b"\nthree") == [b"one", b"two", b"three"]


def test_what_follows_an_overlong_line_is_whole() -> None:
    assert split(b"x" * 30, b"y" * 30, b"\nnext\n", cap=40) == [
        b"x" * 30 + b"y" * 10 + b" [20 bytes left out]",
        b"next",
    ]


def test_a_line_of_fifty_megabytes_takes_no_more_memory_than_the_cap() -> None:
    splitter, chunk = LineSplitter(MB), b"x" * (256 * 1024)
    tracemalloc.start()
    try:
        for _ in range(200):
            assert splitter.feed(chunk) == []
        (line,) = splitter.feed(b"\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (line.removeprefix(b"x" * MB), splitter.truncated) == (b" [51380224 bytes left out]", 1)
    assert peak < 4 * MB


def test_a_line_that_comes_byte_by_byte_takes_no_more_memory_than_the_cap() -> None:
    splitter = LineSplitter(64 * 1024)
    tracemalloc.start()
    try:
        for _ in range(200_000):
            splitter.feed(b"x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 256 * 1024
