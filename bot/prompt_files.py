"""Prompts of a workspace's own, out of a directory that no agent can write to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from executor.job_types.templates import BadTemplate, Templates, check


class BadPrompts(Exception):
    """The directory, or a file in it, cannot be used. The text is a sentence without its end."""


def read(directory: Path) -> Templates:
    """What stands in for our prompts: `research.md` for that of research. Raises BadPrompts."""
    try:
        found = {file.stem: file.read_text(encoding="utf-8") for file in sorted(directory.glob("*.md"))}
        if not directory.is_dir():
            raise BadPrompts(f"there is no directory {directory}")
    except OSError as error:
        raise BadPrompts(f"{error.filename} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadPrompts(f"a file in {directory} is no text") from error
    for name, text in found.items():
        try:
            check(name, text)
        except BadTemplate as error:
            raise BadPrompts(f"{directory / name}.md: {error}".removesuffix(".")) from error
    return Templates(others=found)


def is_within(directory: Path, places: Iterable[Path]) -> bool:
    """Whether `directory` lies in one of `places`, or one of them in it."""
    return any(directory.is_relative_to(place) or place.is_relative_to(directory) for place in places)
