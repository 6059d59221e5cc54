"""The schema of a database file: what it is, and how it is brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from executor.steps import reach
from storage.sqlite.backup import back_up
from storage.sqlite.check import version_of


class NewerSchema(Exception):
    """The file was written by a later release."""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Brings the schema up to date, in one transaction per migration; what there was is backed up before.

    Raises NewerSchema.
    """
    scripts = sorted(
        (
            file
            for file in files("storage.sqlite").joinpath("migrations").iterdir()
            if file.name.endswith(".sql")
        ),
        key=lambda file: file.name,
    )
    version = version_of(connection)
    if version > len(scripts):
        raise NewerSchema(
            f"The database is of schema {version}, this release knows {len(scripts)}: "
            "install the newer release again, or restore a backup from before it."
        )
    if 0 < version < len(scripts):
        back_up(path, path.with_name(f"{path.name}.schema-{version}"), replace=True)
    for number, script in enumerate(scripts[version:], version + 1):
        _apply(connection, script.read_text(), number)


def _apply(connection: sqlite3.Connection, script: str, number: int) -> None:
    reach("migration begins")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(script):
            connection.execute(statement)
            reach("migration statement done")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    reach("migration committed")


def _statements(script: str) -> Iterator[str]:
    """Each statement by itself: `executescript` would commit before it begins."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    yield statement
