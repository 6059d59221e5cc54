"""Kills bots for so many minutes: `python -m tests.faults.kill.soak 10`."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from tests.faults.kill.strikes import kill_amid_scenes, kill_at_random

_KILLS = 100


async def soak(minutes: float) -> None:
    """Batch after batch until time is up, or until one finds a fault; its directory is then kept."""
    deadline = time.monotonic() + minutes * 60
    ways = cycle((kill_amid_scenes, kill_at_random))
    while time.monotonic() < deadline:
        place = Path(tempfile.mkdtemp(prefix="bifrost-soak-"))
        seed = secrets.randbelow(1_000_000)
        try:
            sys.stdout.write(f"{await next(ways)(place, seed, _KILLS)}\n")
        except BaseException:
            sys.stdout.write(f"seed {seed}, in {place}\n")
            raise
        sys.stdout.flush()
        await asyncio.to_thread(shutil.rmtree, place)


if __name__ == "__main__":
    asyncio.run(soak(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
