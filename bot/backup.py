"""`bifrost backup`: a copy of the database that can be put in its place."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from executor.ports import StoreUnavailable
from storage import back_up, check_database


class NoBackup(Exception):
    """The copy could not be made. The text says why, and what to do."""


def copy_database(database: Path, target: Path) -> str:
    """Copies `database`, which may be in use, to `target`; says what was made. Raises NoBackup."""
    if not database.exists():
        raise NoBackup(f"There is nothing to copy: {database} is made at the first start.")
    try:
        back_up(database, target)
        return f"{target}: {check_database(target)}"
    except FileExistsError:
        raise NoBackup(f"{target} exists already. Name another file, or remove that one.") from None
    except StoreUnavailable as error:
        raise NoBackup(f"{target} could not be written: {error.__cause__}. Name a file elsewhere.") from None
    except OSError as error:
        raise NoBackup(f"{target} could not be written: {error.strerror}. Name a file elsewhere.") from None
    except sqlite3.DatabaseError as error:
        raise NoBackup(f"{database} is damaged ({error}): restore it from an older copy.") from None
