"""The named queries: none of them grows with the past."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from storage.sqlite.database import open_database
from storage.sqlite.queries import load

ROOMS = sorted(file.name[:-4] for file in files("storage.sqlite").joinpath("queries").iterdir())
QUERIES = [(room, name) for room in ROOMS for name in load(room)]
LISTS = {"providers", "statuses", "sources", "job_ids", "writers"}
GROWING = re.compile(
    r"SCAN (?:jobs|job|other|attempts|events|outbox|messages|fires|reports|past|tasks|feedback|comments"
    r"|session_logs|velocity_logs)\b(?:.* INDEX (\w+))?"
)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    async with open_database(tmp_path / "bifrost.db"):
        with closing(sqlite3.connect(tmp_path / "bifrost.db")) as connection:
            yield connection


@pytest.mark.parametrize(("room", "name"), QUERIES)
async def test_no_query_reads_a_whole_table_that_grows(
    connection: sqlite3.Connection, room: str, name: str
) -> None:
    query = load(room)[name]
    values = {each: "[]" if each in LISTS else "{}" for each in re.findall(r"(?<!:):(\w+)", query)}
    partial = {
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '% WHERE %'")
    }
    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}", values):
        if scan := GROWING.match(step):
            # In the order of an index, up to a limit; or an index of little more than what is asked for.
            assert scan[1] and ("LIMIT" in query or scan[1] in partial), step
