"""A process is named by more than its number."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from executor.processes.record import process_record


@pytest.mark.parametrize("name", ["a) S 1 1 (b", "with space", "new\nline", ")"])
def test_a_process_has_one_name_for_as_long_as_it_lives_whatever_its_program(
    name: str, tmp_path: Path
) -> None:
    program = tmp_path / name
    shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([program, "1000"])
    try:
        record = process_record(process.pid)
        assert record is not None
        assert record.pid == process.pid
        assert record.started > 0
        assert record.boot_id
        assert process_record(process.pid) == record
    finally:
        process.kill()
        process.wait()
    assert process_record(process.pid) is None
