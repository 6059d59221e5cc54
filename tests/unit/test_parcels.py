"""Parcels: names that lead nowhere, files that are whole, and nothing left of what nobody names."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.files import came_with, pack, packed, unpack, worded
from executor.parcels import Fetch, Parcels, Take, TooLarge, plain_name, visible


def bringing(*pieces: bytes) -> Fetch:
    async def fetch(take: Take) -> None:
        for piece in pieces:
            await take(piece)

    return fetch


async def used(*names: str) -> Sequence[str]:
    return names


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("chart.png", "chart.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/abs/olute.txt", "olute.txt"),
        ("..", "file"),
        (".bashrc", "file.bashrc"),
        ("", "file"),
        ("a\nb\x00c.txt", "a-b-c.txt"),
        ("invoice\u202efdp.exe", "invoice-fdp.exe"),
        ("Überblick über Ä.pdf", "Uberblick-uber-A.pdf"),
        ("図表.png", "file.png"),
        ("-rf.sh", "rf.sh"),
        ("x" * 300 + ".tar", "x" * 60 + ".tar"),
        ("a b;$(rm -rf).sh", "a-b-rm-rf.sh"),
    ],
)
def test_names_are_ours(label: str, name: str) -> None:
    assert plain_name(label, ()) == name


@given(st.text(max_size=200), st.integers(0, 3))
def test_every_name_is_one_plain_new_step_below_its_directory(label: str, others: int) -> None:
    taken: set[str] = set()
    for _ in range(others):
        taken.add(plain_name(label, taken))
    name = plain_name(label, taken)
    assert len(taken) == others and name not in taken
    assert Path("/p", name).parent == Path("/p") and not name.startswith((".", "-"))
    assert name.isascii() and len(name) < 90
    assert all(sign.isalnum() or sign in "._-" for sign in name)


def test_what_people_called_it_is_shown_without_signs_that_turn_it() -> None:
    assert visible("invoice\u202efdp\u200b.exe\n") == "invoice fdp .exe"


async def test_a_file_is_on_the_disk_to_be_read_and_not_written(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path / "received")
    async with parcels.parcel() as parcel:
        first = await parcel.add("a/chart.png", bringing(b"12", b"345"), 5)
        second = await parcel.add("chart.png", bringing(), 5)
    path = parcels.root / first.parcel / first.name
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"12345", 0o400)
    assert (first.size, first.type, first.label) == (5, "image/png", "a/chart.png")
    assert (second.parcel, second.name, second.size) == (first.parcel, "chart-2.png", 0)


async def test_more_than_may_be_is_taken_note_of_while_it_comes_and_nothing_stays(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path / "received")
    came: list[bytes] = []

    async def fetch(take: Take) -> None:
        for piece in (b"123", b"456", b"789"):
            came.append(piece)
            await take(piece)

    with pytest.raises(TooLarge):
        async with parcels.parcel() as parcel:
            await parcel.add("a", fetch, 5)
    assert came == [b"123", b"456"]
    assert list(parcels.root.iterdir()) == []


async def test_what_nothing_names_is_swept_away_but_not_what_is_being_filled(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path / "received")
    async with parcels.parcel() as parcel:
        kept = await parcel.add("kept", bringing(b"1"), 5)
    async with parcels.parcel() as parcel:
        await parcel.add("orphan", bringing(b"2"), 5)
    async with parcels.parcel() as parcel:
        new = await parcel.add("new", bringing(b"3"), 5)
        assert await parcels.sweep(lambda: used(kept.parcel)) == 1
        assert {each.name for each in parcels.root.iterdir()} == {kept.parcel, new.parcel}
    assert await parcels.sweep(lambda: used(kept.parcel)) == 1
    assert [each.name for each in parcels.root.iterdir()] == [kept.parcel]


async def test_who_is_cancelled_may_have_committed_so_the_files_stay(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path / "received")
    with pytest.raises(asyncio.CancelledError):
        async with parcels.parcel() as parcel:
            await parcel.add("a", bringing(b"1"), 5)
            raise asyncio.CancelledError
    assert len(list(parcels.root.iterdir())) == 1


async def test_an_agent_is_told_where_the_files_are_and_what_they_are(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    async with parcels.parcel() as parcel:
        files = [await parcel.add(name, bringing(b"x" * 1_500), 5_000) for name in ("a.png", "b c")]
    place = tmp_path / files[0].parcel
    assert worded("what is this?", files, tmp_path) == (
        "what is this?\n\nFiles that came with it (to read; copy what you want to change):\n"
        f"- {place}/a.png (image/png, 1.5 kB)\n"
        f"- {place}/b-c (application/octet-stream, 1.5 kB, sent as b c)"
    )
    assert worded("no files", (), tmp_path) == "no files"
    assert unpack(pack(files)) == tuple(files) and (pack(()), unpack("")) == ("", ())
    after = packed(files[:1], before=packed(files[1:]))
    assert came_with(after) == (files[0],)
