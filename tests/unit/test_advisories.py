"""Which versions have known faults, and what the doctor says of them."""

from __future__ import annotations

import pytest

from bot.advisories import ADVISORIES, is_before, known, warning
from executor.backends.base import Checkup
from tests.clis import PINS


@pytest.mark.parametrize(
    ("version", "other", "older"),
    [
        ("2.1.162", "2.1.163", True),
        ("2.1.163", "2.1.163", False),
        ("2.1.164", "2.1.163", False),
        ("2.1", "2.1.0", False),
        ("2", "2.0.1", True),
        ("v20.20.2", "22", True),
        ("2.10.0", "2.9.9", False),
        ("2.1.163-beta.1", "2.1.163", True),
        ("3.14.1rc1", "3.14.1", True),
        ("2.1.163+build.7", "2.1.163", False),
        ("", "1", False),
        ("nightly", "1", False),
        ("1.2.3.4.5", "2", False),
        ("1..2", "2", False),
        ("9" * 5000, "1", False),
        ("1", "", False),
    ],
)
def test_a_version_is_older_by_its_numbers_and_what_is_none_is_older_than_nothing(
    version: str, other: str, older: bool
) -> None:
    assert is_before(version, other) is older


@pytest.mark.parametrize(
    ("software", "version", "ids"),
    [
        ("claude", "1.0.110", ["CVE-2025-59536", "CVE-2026-21852", "CVE-2026-33068", "CVE-2026-55607"]),
        ("claude", "2.1.52", ["CVE-2026-33068", "CVE-2026-55607"]),
        ("claude", "2.1.53", ["CVE-2026-55607"]),
        ("claude", "2.1.163", []),
        ("gemini", "0.39.0", ["GHSA-wpqr-6v78-jr5g"]),
        ("gemini", "0.39.1", []),
        ("aiohttp", "3.14.0", ["CVE-2026-54278"]),
        ("aiohttp", "3.14.1", []),
        ("SQLite", "3.51.2", ["WAL reset"]),
        ("SQLite", "3.51.3", []),
        ("codex", "0.0.1", []),
        ("claude", "who knows", []),
    ],
)
def test_a_fault_is_known_of_the_versions_before_the_one_that_mends_it(
    software: str, version: str, ids: list[str]
) -> None:
    assert [each.id for each in known(software, version)] == ids


def test_what_we_test_with_has_no_known_fault() -> None:
    assert not [pin for name, (_, pin) in PINS.items() if known(name, pin)]
    assert all(is_before("0", each.mended_in) for faults in ADVISORIES.values() for each in faults)


@pytest.mark.parametrize(
    ("version", "node", "says"),
    [
        ("2.1.329", "20.1.0", ""),
        ("2.1.400", "", ""),
        ("2.1.197", "22.0.0", "It is older than 2.1.329, which Bifrost was tried out with. Install it."),
        ("2.1.197", "v20.20.2", "tried out with. Node v20.20.2 is why, if npm was told no version: "),
        (
            "2.1.100",
            "",
            "This version has known faults (CVE-2026-55607, mended in 2.1.163: a worktree leads out of its "
            "sandbox). Install it.",
        ),
        ("2.x", "", "What version it is cannot be told, nor whether that has known faults. Install it."),
    ],
)
def test_an_old_cli_is_warned_of_with_what_to_do(version: str, node: str, says: str) -> None:
    checkup = Checkup(executable="claude", version=version, tried="2.1.329", install="Install it.")
    told = warning("claude", checkup, node)
    assert says in told if says else told == ""


def test_of_a_cli_that_was_never_tried_nothing_is_said() -> None:
    assert warning("goose", Checkup(executable="/usr/bin/goose", version=""), "20.1.0") == ""
