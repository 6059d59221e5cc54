"""Known faults of the software that Bifrost starts or stands on, and which versions have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executor.backends.base import Checkup

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})([-+a-z]\S*)?", re.IGNORECASE)
_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """A fault that versions before `mended_in` have."""

    id: str
    mended_in: str
    what: str


def _faults(*rows: tuple[str, str, str]) -> tuple[Advisory, ...]:
    return tuple(Advisory(id=name, mended_in=version, what=what) for name, version, what in rows)


ADVISORIES: Mapping[str, Sequence[Advisory]] = {
    "claude": _faults(
        ("CVE-2025-59536", "1.0.111", "a repository's hooks and tools run before anybody trusts it"),
        ("CVE-2026-21852", "2.0.65", "a repository gets the key sent to a server of its own"),
        ("CVE-2026-33068", "2.1.53", "a repository's own permissions count before anybody trusts it"),
        ("CVE-2026-55607", "2.1.163", "a worktree leads out of its sandbox"),
    ),
    "gemini": _faults(
        ("GHSA-wpqr-6v78-jr5g", "0.39.1", "a repository runs code where nobody is there to ask"),
    ),
    "aiohttp": _faults(
        ("CVE-2024-23334", "3.9.2", "files outside of a directory that is served can be read"),
        ("CVE-2024-42367", "3.10.2", "the same, by links"),
        ("CVE-2025-69223", "3.13.3", "a small compressed request fills the memory"),
        ("CVE-2026-54278", "3.14.1", "a small compressed request fills the memory, once more"),
    ),
    "SQLite": _faults(
        ("WAL reset", "3.51.3", "two connections that write at once can damage the database"),
    ),
}
"""By the names of providers and of software."""
_NODE = {"claude": "22", "gemini": "20"}
"""What npm needs of Node to take a version of today: on an older one it silently takes an old one."""


def known(software: str, version: str) -> list[Advisory]:
    """The faults that this version has; none where the version cannot be read."""
    return [each for each in ADVISORIES.get(software, ()) if is_before(version, each.mended_in)]


def is_before(version: str, other: str) -> bool:
    """Whether it is older: one for trial than the same without, and one that cannot be read than none."""
    mine, theirs = _key(version), _key(other)
    return mine is not None and theirs is not None and mine < theirs


def warning(provider: str, checkup: Checkup, node: str) -> str:
    """What is to be said of the version of a CLI; empty where all is well. `node` is Node's version."""
    faults, said = known(provider, checkup.version), []
    if faults:
        listed = "; ".join(f"{each.id}, mended in {each.mended_in}: {each.what}" for each in faults)
        said.append(f"This version has known faults ({listed}).")
    elif is_before(checkup.version, checkup.tried):
        said.append(f"It is older than {checkup.tried}, which Bifrost was tried out with.")
    elif checkup.tried and _key(checkup.version) is None:
        said.append("What version it is cannot be told, nor whether that has known faults.")
    if not said:
        return ""
    if is_before(node, _NODE.get(provider, "")):
        said.append(f"Node {node} is why, if npm was told no version: it then takes one that fits.")
    return " ".join([*said, checkup.install])


def _key(version: str) -> tuple[tuple[int, ...], bool] | None:
    found = _VERSION.fullmatch(version.strip())
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    return (*numbers, *[0] * (_PARTS - len(numbers))), not (found[2] or "").startswith(("-", "a", "b", "rc"))
