"""Where the pinned agent CLIs for tests are; `make clis` installs them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

PINS: Final = {
    "claude": ("@anthropic-ai/claude-code", "2.1.329"),
    "gemini": ("@google/gemini-cli", "0.61.0"),
    "codex": ("@openai/codex", "0.169.0"),
}

_BUILD = Path(__file__).parent.parent / "build" / "clis"


def cli(name: str) -> Path:
    """The pinned executable, from `build/clis` or the directory that `BIFROST_TEST_CLIS` names.

    Raises FileNotFoundError, which says what to run, where it is missing or of another version:
    a test that cannot run is a failure, not a skip.
    """
    package, pin = PINS[name]
    places = [_BUILD, *map(Path, filter(None, [os.environ.get("BIFROST_TEST_CLIS")]))]
    for place in places:
        if executable := _installed(place / "node_modules", name, package, pin):
            return executable
    looked = " or ".join(map(str, places))
    raise FileNotFoundError(f"{package}@{pin} is not in {looked}: run `make clis`")


def _installed(modules: Path, name: str, package: str, pin: str) -> Path | None:
    manifest = modules / package / "package.json"
    # Without a version npm on Node 20 silently takes an older claude, the newest that names Node 20.
    if not manifest.is_file() or json.loads(manifest.read_text())["version"] != pin:
        return None
    # Where npm may not run install scripts, claude's launcher is a stub; its native package always works.
    candidates = [*modules.glob(f"{package}-*/{name}"), modules / ".bin" / name]
    return next((found.resolve() for found in candidates if os.access(found, os.X_OK)), None)
