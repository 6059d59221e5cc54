"""Keeps what the CLI of an attempt printed, byte for byte but for its secrets, in a file of bounded size."""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

log = logging.getLogger(__name__)

HEAD, TAIL = 48 * 1024 * 1024, 16 * 1024 * 1024
"""Bytes that are kept of the beginning and of the end of an attempt's output."""
STDERR = b"stderr: "
"""What a line of standard error begins with; those of standard output stand as they came."""
REDACTED = b"[redacted]"

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|HEADERS", re.IGNORECASE)
_SHORTEST = 8
"""Bytes of a secret. What is shorter stands in too many ordinary words."""
_BLOCK = 1024
"""Lines that are joined and searched at once: one by one, Python would hold up the thread of the loop, and
all at once they need many times the memory, as a chunk may be nothing but newlines."""


def secret_values(environment: Mapping[str, str]) -> list[bytes]:
    """What must not be written down of an agent's environment, longest first: one may be part of another."""
    values = (value for name, value in environment.items() if _SECRET.search(name))
    lines = {line.strip() for value in values for line in os.fsencode(value).splitlines()}
    return sorted((line for line in lines if len(line) >= _SHORTEST), key=len, reverse=True)


def without(secrets: Sequence[bytes], data: bytes) -> bytes:
    """`data` with a mark in place of each of `secrets`, as far as they stand there in one piece."""
    for secret in secrets:
        data = data.replace(secret, REDACTED)
    return data


class RawLog:
    """The file `path`, made at the first line. Blocks, so call it off the loop; any thread may.

    It is there to find faults with, so a fault of its own is logged once and costs the attempt nothing else:
    the log then ends early, and says so.
    """

    def __init__(self, path: Path, head: int = HEAD, tail: int = TAIL) -> None:
        self._path = path
        self._head_size, self._tail_size = head, tail
        self._secrets: Sequence[bytes] = ()
        self._size = 0
        self._files = ExitStack()
        self._head: IO[bytes] | None = None
        self._tail: IO[bytes] | None = None
        self._over = False
        self.truncated = False
        """Whether it lacks some of what was to be written."""
        self._lock = threading.Lock()

    def hide(self, secrets: Sequence[bytes]) -> None:
        """Leaves `secrets`, in the form that they have here, out of what is written from now on."""
        self._secrets = secrets

    def write(self, lines: Sequence[bytes], mark: bytes = b"") -> None:
        """Appends `lines`, each after `mark`. They can be read in the file when this returns."""
        for start in range(0, len(lines), _BLOCK):
            self._write(mark + (b"\n" + mark).join(lines[start : start + _BLOCK]) + b"\n")

    def _write(self, data: bytes) -> None:
        data = without(self._secrets, data)
        with self._lock:
            if self._over:
                return
            try:
                self._append(memoryview(data))
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        """Puts the end of the output after its beginning. Nothing is written any more."""
        with self._lock:
            if self._over:
                return
            self._over = True
            try:
                self._append_tail()
                self._files.close()
            except OSError as error:
                self._give_up(error)

    def _append(self, data: memoryview) -> None:
        if self._head is None:
            # Only ever a new file: an agent could have put a link or a pipe in its place.
            self._head = self._files.enter_context(open(self._path, "xb", opener=_private))  # noqa: SIM115
        room = max(0, self._head_size - self._size)
        self._head.write(data[:room])
        self._head.flush()
        self._size += len(data)
        if len(data) > room:
            self._go_round(data[room:])

    def _go_round(self, data: memoryview) -> None:
        """Writes over what is oldest in the tail, which has no name: nothing is left of it after a crash."""
        if self._tail is None:
            self._tail = self._files.enter_context(TemporaryFile(dir=self._path.parent))  # noqa: SIM115
        while data:
            at = self._tail.tell() % self._tail_size
            self._tail.seek(at)
            self._tail.write(data[: self._tail_size - at])
            data = data[self._tail_size - at :]

    def _append_tail(self) -> None:
        if self._head is None or self._tail is None:
            return
        oldest, left_out = self._tail.tell() % self._tail_size, self._size - self._head_size - self._tail_size
        if left_out > 0:
            self.truncated = True
            self._head.write(b"\n[%d bytes left out]\n" % left_out)
            self._tail.seek(oldest)
            shutil.copyfileobj(self._tail, self._head)
            self._tail.truncate(oldest)
        self._tail.seek(0)
        shutil.copyfileobj(self._tail, self._head)
        self._head.flush()

    def _give_up(self, error: OSError) -> None:
        self._over = self.truncated = True
        kept = os.dup(self._head.fileno()) if self._head and not self._head.closed else None
        with suppress(OSError):
            self._files.close()
        if kept is not None:
            with suppress(OSError), os.fdopen(kept, "wb", 0) as file:
                self._mark_end(file, f"\n[cut: {error.strerror}]\n".encode())
        log.warning("raw_log.broken", extra={"path": str(self._path), "error": str(error)})

    def _mark_end(self, file: IO[bytes], marker: bytes) -> None:
        """Ends the file where all is as it came, with the marker over the last of it: that takes no room."""
        whole = min(self._size, self._head_size)
        file.truncate(whole)
        file.seek(max(0, whole - len(marker)))
        file.write(marker)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
