"""Reads the named statements of a .sql file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(name: str) -> Mapping[str, str]:
    """The statements of `queries/NAME.sql` by the name in the `-- name:` line above each."""
    text = files("storage.sqlite").joinpath("queries", f"{name}.sql").read_text()
    parts = _NAME.split(text)[1:]
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
