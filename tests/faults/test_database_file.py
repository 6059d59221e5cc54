"""F11, F17, F53: the database file, when it is damaged, when it is of an older release, and its copies."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from executor.ports import StoreFault, StoreUnavailable
from executor.steps import watched
from storage.sqlite.backup import back_up
from storage.sqlite.database import open_database
from tests.builders import open_store, request
from tests.faults.store_faults import error
from tests.fsck import check
from tests.unit.test_database import MIGRATIONS, WRITER, schema

COPIES = 8


# Damaged


@pytest.mark.parametrize("place", [0, 4096], ids=["its head", "a page"])
async def test_a_damaged_database_is_refused_and_not_touched(tmp_path: Path, place: int) -> None:
    database = tmp_path / "bifrost.db"
    async with open_store(tmp_path) as store:
        for _ in range(20):
            await store.submit(request())
    with database.open("r+b") as file:
        file.seek(place)
        file.write(b"\xa5" * 2000)
    damaged = database.read_bytes()

    answer = bifrost(tmp_path, "serve")

    assert answer.returncode == 78
    assert answer.stdout == ""
    assert answer.stderr.startswith("The database cannot be used: ")
    assert "Restore the database from a backup: " in answer.stderr
    assert "move bifrost.db, bifrost.db-wal and bifrost.db-shm aside" in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert database.read_bytes() == damaged
    refused = bifrost(tmp_path, "backup", str(tmp_path / "copy.db"))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is damaged" in refused.stderr
    assert list(tmp_path.glob("*copy*")) == []


# Of an older release


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
async def test_a_fault_at_any_statement_of_a_migration_leaves_a_whole_schema_and_a_copy_of_the_old_one(
    tmp_path: Path, version: int
) -> None:
    """Of the migration that comes next; each is next for one version."""
    expected = {number: schema(_made(tmp_path / f"of-{number}", number)) for number in _versions(version)}
    for number in range(1, 200):
        path = _made(tmp_path / str(number), version)
        strike = _Nth("migration statement done", number)
        with watched(strike):
            if not await _opens(path):
                assert schema(path) == expected[_version(path)], f"after statement {number}"
        copy = path.with_name(f"bifrost.db.schema-{version}")
        assert schema(copy) == expected[version]
        assert copy.stat().st_mode & 0o777 == 0o600
        if _version(path) > version:
            break
        assert await _opens(path), "the next start finishes it"
        check(path)
    else:
        pytest.fail("the next migration never ended")
    assert await _opens(path)
    assert schema(path) == expected[len(MIGRATIONS)]


async def test_nothing_is_migrated_without_a_copy(tmp_path: Path) -> None:
    path = _made(tmp_path / "a", 1)
    before = schema(path)
    (path.parent / "bifrost.db.schema-1").mkdir()  # stands where the copy would
    with pytest.raises(OSError, match="schema-1"):
        async with open_database(path):
            pass
    assert schema(path) == before


async def test_a_new_database_is_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        async with open_database(tmp_path / "bifrost.db"):
            pass
    assert list(tmp_path.glob("*schema*")) == []


# Copies


def test_a_copy_made_while_somebody_writes_is_sound_and_holds_what_was_acknowledged(tmp_path: Path) -> None:
    with _writer(tmp_path) as acknowledged:
        for number in range(COPIES):
            known = {next(acknowledged) for _ in range(5)}
            copy = tmp_path / f"copy-{number}.db"
            answer = bifrost(tmp_path, "backup", str(copy))
            assert (answer.returncode, answer.stderr) == (0, "")
            assert answer.stdout == f"{copy}: sound, schema {len(MIGRATIONS)}\n"
            check(copy)
            with closing(sqlite3.connect(copy)) as connection:
                assert known <= {job_id for (job_id,) in connection.execute("SELECT id FROM jobs")}
    assert len(list(tmp_path.glob(".*"))) == 0, "nothing is left lying about"


async def test_a_copy_can_be_put_in_the_place_of_the_database(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        job = (await store.submit(request())).job
        back_up(tmp_path / "bifrost.db", tmp_path / "copy.db")
    (tmp_path / "restored").mkdir()
    (tmp_path / "copy.db").rename(tmp_path / "restored" / "bifrost.db")
    async with open_store(tmp_path / "restored") as store:
        assert await store.job(job.id) == job


async def test_a_copy_replaces_nothing_and_says_why_it_cannot_be_made(tmp_path: Path) -> None:
    missing = bifrost(tmp_path, "backup", str(tmp_path / "copy.db"))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "is made at the first start" in missing.stderr
    async with open_store(tmp_path):
        pass
    mine = tmp_path / "mine"
    mine.write_text("mine")
    taken = bifrost(tmp_path, "backup", str(mine))
    assert (taken.returncode, taken.stderr) == (
        1,
        f"{mine} exists already. Name another file, or remove that one.\n",
    )
    assert mine.read_text() == "mine"
    nowhere = bifrost(tmp_path, "backup", str(tmp_path / "nowhere" / "copy.db"))
    assert nowhere.returncode == 1
    assert "could not be written: No such file or directory." in nowhere.stderr


class _Nth:
    """Lets the `left`-th `step` fail as a full disk lets it fail."""

    def __init__(self, step: str, left: int) -> None:
        self._step = step
        self.left = left

    def __call__(self, step: str) -> None:
        self.left -= step == self._step
        if step == self._step and self.left == 0:
            raise error(StoreFault.FULL)


async def _opens(path: Path) -> bool:
    try:
        async with open_database(path):
            return True
    except StoreUnavailable:
        return False


def _versions(oldest: int) -> range:
    return range(oldest, len(MIGRATIONS) + 1)


def _made(place: Path, version: int) -> Path:
    """A database as the release of schema `version` left it."""
    place.mkdir()
    path = place / "bifrost.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for name in MIGRATIONS[:version]:
            connection.executescript(files("storage.sqlite").joinpath("migrations", name).read_text())
        connection.execute(f"PRAGMA user_version = {version}")
    return path


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)


def bifrost(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(data),
        "PYTHONPATH": str(Path.cwd()),
        "BIFROST__DATA_DIR": str(data),
        "BIFROST__WEB__PORT": "0",
    }
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env=environment,
        cwd=data,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def _writer(place: Path) -> Iterator[Iterator[str]]:
    """Another process that submits jobs as fast as it can; the ids of those it was told are kept."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield (line.strip() for line in process.stdout)
        finally:
            process.kill()
