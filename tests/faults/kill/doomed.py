"""Starts bots, each the real `bifrost serve` in a process of its own that kills itself at the armed step.

Python and its imports cost half a second, a fork of them nothing: `python -m tests.faults.kill.doomed` reads
the path of a configuration from standard input, line by line, and forks a bot for each. It says `begun PID`
and `ended PID STATUS`. All that a bot leaves behind becomes its child.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import bot.serve  # noqa: F401  loaded once, before the forks
from bot.cli import main as bifrost
from bot.platforms import missed
from bot.platforms.slack import threads
from bot.platforms.slack.platform import SlackPlatform
from executor.processes import reaper
from executor.steps import watched

SIZE = 256
"""Bytes of the file that names the armed step: `2 claim begins` is the second time that it is reached."""

_LINGER_S = 0.02
"""Seconds that the step takes at which the bot dies: what runs beside it goes on meanwhile."""


class Watch:
    """Writes down each step and dies at the armed one, which it disarms: so whoever looks knows why."""

    def __init__(self, place: Path) -> None:
        with (place / "armed").open("r+b") as file:
            self._armed = mmap.mmap(file.fileno(), SIZE)
        self._log = os.open(place / "reached", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._counted = b""
        self._times = 0

    def __call__(self, step: str) -> None:
        os.write(self._log, f"{step}\n".encode())
        armed = self._armed[:]
        if armed != self._counted:
            self._counted, self._times = armed, 0
        number, _, name = armed.rstrip(b"\0").decode().partition(" ")
        if name in (step, "any"):
            self._times += 1
            if self._times == int(number):
                time.sleep(_LINGER_S)
                self._armed[:] = bytes(SIZE)
                os.kill(os.getpid(), signal.SIGKILL)


def live(config: Path) -> None:
    """Becomes the bot. Never returns."""
    status = 70
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(config.with_suffix(".log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for target, source in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(PATH=f"{config.parent / 'bin'}:{os.defpath}", HOME=str(config.parent))
        # The simulator allows as much; at Slack's own pace, hundreds of lives would take hours.
        threads.GAP_S, missed.PAUSE_S = 0.0, 0.2
        SlackPlatform.caps = replace(
            SlackPlatform.caps,
            edits_per_minute=60_000,
            edit_burst=1000,
            posts_per_minute=60_000,
            post_burst=1000,
            least_edit_gap_s=0.1,
            files_per_minute=60_000,
            lookups_per_minute=60_000,
        )
        sys.argv = ["bifrost", "serve", "--config", str(config)]
        with watched(Watch(config.parent)):
            bifrost()
    except SystemExit as exit:
        status = exit.code if isinstance(exit.code, int) else 0
    finally:
        os._exit(status)


def main() -> None:
    """Forks bots until standard input ends; then none is left."""
    reaper.prctl(reaper.PR_SET_CHILD_SUBREAPER, 1)
    wake, kernels = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(kernels, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.freeze()
    while True:
        ready, _, _ = select.select((0, wake), (), ())
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready:
            line = os.read(0, 4096)
            if not line:
                break
            pid = os.fork()
            if pid == 0:
                live(Path(line.decode().strip()))
            _say("begun", pid)
        _bury()
    while reaper.children():
        reaper.end(reaper.children)
        _bury()


def _bury() -> None:
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _say("ended", pid, os.waitstatus_to_exitcode(status))
    except ChildProcessError:
        return


def _say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


if __name__ == "__main__":
    main()
