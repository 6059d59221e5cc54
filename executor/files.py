"""Files that people give a job along with their words, and how its agent is told of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

FILES = "files"
"""In a payload: the files that came with the words, and those of the conversation before."""
RECEIVED = "Files that came with it"
"""How the list of them begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that somebody sent. `parcel` is the directory that holds it, and whatever came with it.

    `name` is ours, plain and unique there; `label` is what the person called it, without harmful signs.
    """

    parcel: str
    name: str
    label: str
    size: int
    type: str
    """As its name says, such as `image/png`."""
    earlier: bool = False
    """Whether it came with what the job goes on from, and not with its own words."""


def pack(files: Sequence[File]) -> str:
    """The files as text, to be kept; empty where there are none."""
    return orjson.dumps([asdict(file) for file in files]).decode() if files else ""


def unpack(text: str) -> tuple[File, ...]:
    """The inverse of `pack`."""
    return tuple(File(**fields) for fields in orjson.loads(text)) if text else ()


def all_of(payload: Mapping[str, str]) -> tuple[File, ...]:
    """Every file that a payload tells of."""
    return unpack(payload.get(FILES, ""))


def came_with(payload: Mapping[str, str]) -> tuple[File, ...]:
    """The files that came with its own words."""
    return tuple(file for file in all_of(payload) if not file.earlier)


def packed(files: Sequence[File], before: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part of a payload that tells of `files`, and of those of the payload that it goes on from."""
    earlier = [replace(file, earlier=True) for file in all_of(before or {})]
    text = pack([*files, *earlier])
    return {FILES: text} if text else {}


def worded(words: str, files: Sequence[File], received: Path) -> str:
    """What an agent is told: the words, and where the files are that came with them.

    `received` is the directory of all parcels.
    """
    if not files:
        return words
    lines = [f"- {received / file.parcel / file.name} ({_about(file)})" for file in files]
    return "\n".join([words, "", f"{RECEIVED} (to read; copy what you want to change):", *lines])


def _about(file: File) -> str:
    called = "" if file.label == file.name else f", sent as {file.label}"
    return f"{file.type}, {amount(file.size)}{called}"


def amount(size: int) -> str:
    """`812 bytes`, `3.4 kB`, `20 MB`."""
    for unit, bytes_each in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= bytes_each:
            return f"{size / bytes_each:.1f}".removesuffix(".0") + f" {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"
