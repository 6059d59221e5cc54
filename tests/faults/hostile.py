"""A job at its worst, run as a program: processes that every simple way of ending a job leaves behind.

`hostile.py TOKEN HEARTBEAT [leave]`: says "ready" once all of them run. TOKEN stands in their arguments only
for an observer to find them by. With `leave` the first process then ends; else it ignores SIGTERM and stays.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable

CROWD = 60
LIFETIME_S = 60
"""Whatever a test gets wrong, no process outlives this."""

_EXIT_THREAD = {"x86_64": 60, "aarch64": 93}


def main(token: str, heartbeat: str, leave: bool) -> None:
    """Starts them all, waits until each runs, and says so."""
    ready, up = os.pipe()
    wiped = [sys.executable, "-I", "-S", __file__, token, "wiped", str(up)]
    kinds: list[Callable[[], None]] = [
        lambda: stay(up),
        lambda: stay(up, ignore=True),
        lambda: stay(up, ignore=True, session=True),
        lambda: daemon(lambda: stay(up, ignore=True)),
        lambda: daemon(lambda: become(wiped, up)),
        lambda: walk(up, heartbeat),
        lambda: behead(up, heartbeat),
        *[lambda: stay(up)] * CROWD,
    ]
    for kind in kinds:
        fork(kind)
    for _ in kinds:
        os.read(ready, 1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not leave:
        stay(up)


def fork(act: Callable[[], object]) -> None:
    """Does `act` in a new process, which ends with it."""
    if os.fork() == 0:
        with contextlib.suppress(BaseException):
            act()
        os._exit(0)


def stay(up: int, *, ignore: bool = False, session: bool = False) -> None:
    """Waits for ever; ignores SIGTERM, or leads a session of its own."""
    if session:
        os.setsid()
    if ignore:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(LIFETIME_S)
    os.write(up, b".")
    while True:
        signal.pause()


def daemon(act: Callable[[], object]) -> None:
    """Forks twice, in a session and a directory of its own, and holds none of our streams."""
    os.setsid()
    os.chdir("/")
    for stream in range(3):
        os.close(stream)
    fork(act)


def become(argv: list[str], up: int) -> None:
    """Starts another program with nothing in its environment."""
    os.set_inheritable(up, True)
    os.execve(argv[0], argv, {})  # noqa: S606


def behead(up: int, heartbeat: str) -> None:
    """Ends its first thread and goes on in another: to who looks, it is a zombie."""
    threading.Thread(target=beat, args=(up, heartbeat), daemon=True).start()
    ctypes.CDLL(None).syscall(_EXIT_THREAD[platform.machine()], 0)


def beat(up: int, heartbeat: str) -> None:
    """Touches the file for as long as it lives."""
    os.write(up, b".")
    for _ in range(LIFETIME_S * 200):
        os.utime(heartbeat)
        time.sleep(0.005)
    os._exit(0)


def walk(up: int, heartbeat: str) -> None:
    """Is another process every two milliseconds, so that whoever looks comes too late."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ends = time.monotonic() + LIFETIME_S
    os.write(up, b".")
    while time.monotonic() < ends:
        if os.fork() != 0:
            os._exit(0)
        os.utime(heartbeat)
        time.sleep(0.002)


if __name__ == "__main__":
    if sys.argv[2] == "wiped":
        stay(int(sys.argv[3]), ignore=True)
    main(sys.argv[1], sys.argv[2], "leave" in sys.argv)
