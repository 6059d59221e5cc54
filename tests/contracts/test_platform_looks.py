"""How everything that the bot says looks on each platform, as the files under golden/ have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.goldens import GOLDEN, SCENES, pictures
from tests.contracts.worlds import WORLDS, quick

__all__ = ["quick"]  # a fixture


@pytest.mark.parametrize("platform", WORLDS)
async def test_everything_looks_as_it_was_judged_to_look(platform: str, tmp_path: Path) -> None:
    """`python -m tests.contracts.goldens` makes the files anew, for a reader's eyes."""
    kept = {name: (GOLDEN / platform / f"{name}.json").read_text() for name in SCENES}
    assert await pictures(platform, tmp_path) == kept
