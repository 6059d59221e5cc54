"""The bot is killed at random moments under load: nothing is lost, said twice or left over."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.kill.strikes import kill_at_random

pytestmark = pytest.mark.timeout(300)

Record = Callable[[str, object], None]


@pytest.mark.parametrize("batch", range(6))
async def test_a_bot_killed_at_random_moments_loses_nothing_and_says_nothing_twice(
    batch: int, tmp_path: Path, record_property: Record
) -> None:
    record_property("summary", str(await kill_at_random(tmp_path, secrets.randbelow(1_000_000), 51)))
