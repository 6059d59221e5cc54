"""The reaper: a program that starts one job and ends only when no process of that job is left.

Started ahead of time with a socket, it waits there for its order. It imports nothing of ours and reads no
output of the job: what a job prints or does must not be able to break it. Each job has one, and each git
command: of Python's own library it imports only what loads within milliseconds, so neither json nor typing.
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
_TURN_S = 0.01
"""Seconds between two looks at a tree that is being ended by force."""
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_RESET = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
"""Signals that we, Python itself or whoever starts us may treat as a fresh process does not: exec keeps what
is ignored, and a shell ignores some for what it runs in the background."""


class Order:
    """What the bot asks for. The job's stdin, stdout and stderr come beside it."""

    def __init__(
        self,
        *,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        limits: dict[str, int],
        sandbox: list[str],
        grace_s: float,
    ) -> None:
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.limits = limits
        """Resource limits by name, without their RLIMIT_."""
        self.sandbox = sandbox
        """What goes before `argv` to put it into bwrap; empty for none."""
        self.grace_s = grace_s


class Process:
    """A process as /proc shows it; `started` in clock ticks after boot."""

    def __init__(self, *, pid: int, parent: int, session: int, started: int) -> None:
        self.pid = pid
        self.parent = parent
        self.session = session
        self.started = started


def main(control: socket.socket) -> None:
    """Waits for the order and carries it out. Without one, because the bot died, there is nothing to do."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_DUMPABLE, 0)  # the order holds a credential, which is no other job's
    _, fds, _, _ = socket.recv_fds(control, 1, 4)
    if not fds:
        return
    for fd in (control.fileno(), *fds):
        os.set_inheritable(fd, False)
    with os.fdopen(fds[0], "rb") as file:
        file.seek(0)
        order = Order(**marshal.load(file))  # noqa: S302 - the bot wrote it
    try:
        job = Job(control, order, fds[1:])
    except OSError as error:
        _say(control, error=[error.errno, order.argv[0]])
    else:
        job.run()


class Job:
    """The processes of a job, from the start of the first to the end of the last."""

    def __init__(self, control: socket.socket, order: Order, stdio: list[int]) -> None:
        self._control = control
        self._grace_s = order.grace_s
        self._nested = bool(order.sandbox)
        self._depth = len(_numbers("self"))
        self._stops = 0
        self._orphaned = False
        self._cause = ""
        self._deadline = 0.0
        self._asked = False
        self._killed = False
        self._status: int | None = None
        self._wake = _hear(self._stop)
        self._starting, failure = os.pipe()
        self._sandbox, status = os.pipe()
        self._leader = _fork(order, stdio, status, failure)
        for fd in (*stdio, status, failure):
            os.close(fd)

    def run(self) -> None:
        """Ends with the report, once the kernel says that there is nothing left to wait for."""
        while self._reap():
            if self._stops or self._status is not None:
                self._end()
            self._listen()
        self._tell_start()
        # Only where bwrap has started the program does it say how that ended.
        entered = not self._nested or b"exit-code" in os.read(self._sandbox, 4096)
        cause = self._cause or "exit"
        _say(self._control, code=self._status, cause=cause, killed=self._killed, entered=entered)

    def _reap(self) -> bool:
        """False once the kernel knows no child of ours: orphans of the job become that, so none is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._leader:
                    self._status = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            return False

    def _listen(self) -> None:
        """Waits for a signal, the start of the job, the end of the bot, or the next turn."""
        sources: list[int | socket.socket] = [self._wake]
        if self._starting >= 0:
            sources.append(self._starting)
        if not self._orphaned:
            sources.append(self._control)
        ready, _, _ = select.select(sources, (), (), self._pause_s())
        if self._wake in ready:
            os.read(self._wake, 4096)
        if self._starting in ready:
            self._tell_start()
        if self._control in ready:  # the bot says nothing after its order: this is its end
            self._orphaned = True
            self._stop()

    def _pause_s(self) -> float | None:
        if not self._cause:
            return None
        if self._forcing or not self._asked:
            return _TURN_S
        return max(0.0, self._deadline - time.monotonic())

    def _stop(self, *_signal: object) -> None:
        self._stops += 1

    def _end(self) -> None:
        """Asks the job to end; by force where its leader has ended, time is up, or we are asked again."""
        if not self._cause:
            self._cause = "stop" if self._status is None else "exit"
            self._deadline = time.monotonic() + self._grace_s
        if self._forcing:
            self._killed |= self._status is None
            end(children)
        elif not self._asked:
            # In its first milliseconds a sandbox holds nobody who could be asked: then again.
            self._asked = self._ask()

    @property
    def _forcing(self) -> bool:
        return self._status is not None or self._stops > 1 or time.monotonic() >= self._deadline

    def _ask(self) -> bool:
        asked = [pid for pid in below([os.getpid()]) if self._may_be_asked(pid)]
        for pid in asked:
            send(pid, signal.SIGTERM)
        return bool(asked)

    def _may_be_asked(self, pid: int) -> bool:
        """Not bwrap, nor the first of a namespace: SIGTERM ends the one hard and is lost on the other."""
        if not self._nested:
            return True
        numbers = _numbers(str(pid))
        return len(numbers) > self._depth and numbers[-1] != "1"

    def _tell_start(self) -> None:
        """Tells the bot, once, what came of the start: its pipe closes with exec, or says what failed."""
        if self._starting < 0:
            return
        said = os.read(self._starting, 4096)
        os.close(self._starting)
        self._starting = -1
        _say(self._control, error=marshal.loads(said) if said else None)  # noqa: S302 - we wrote it


def _say(control: socket.socket, **message: object) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # nobody is left to be told
        control.send(marshal.dumps(message))


def _hear(stop: Callable[..., None]) -> int:
    """A pipe that becomes readable with every signal that matters; those that stop us also call `stop`."""
    ours, kernels = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(kernels, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in _STOPS:
        signal.signal(number, stop)
    return ours


def _fork(order: Order, stdio: list[int], status: int, failure: int) -> int:
    """Starts the job's first process. Raises OSError only where there cannot be one more process."""
    ours = os.getpid()
    # Blocked over the fork: a signal must meet either our handlers or the child's defaults.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        leader = os.fork()
        if leader == 0:
            _become(order, stdio, status, failure, ours)
        return leader
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


def _become(order: Order, stdio: list[int], status: int, failure: int, parent: int) -> None:
    """Turns this forked process into the job's first. Never returns; `failure` is told why it cannot."""
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(127)  # the reaper died before the line above: nobody would end us
        os.setsid()
        for target, fd in enumerate(stdio):
            os.dup2(fd, target)
        os.chdir(order.cwd)
        for name, most in order.limits.items():
            _limit(getattr(resource, f"RLIMIT_{name}"), most)
        argv = order.argv
        if order.sandbox:
            os.set_inheritable(status, True)
            argv = [*order.sandbox, "--json-status-fd", str(status), "--", *argv]
        else:
            prctl(PR_SET_NO_NEW_PRIVS, 1)  # as bwrap does: what becomes another user could not be ended
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execvpe(argv[0], argv, order.env)  # noqa: S606 - never a shell
    except OSError as error:
        os.write(failure, marshal.dumps([error.errno, os.fsdecode(error.filename or order.argv[0])]))
    except ValueError:  # a word with a NUL in it
        os.write(failure, marshal.dumps([errno.EINVAL, order.argv[0]]))
    finally:
        os._exit(127)  # there must never be two of the reaper


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


def prctl(option: int, value: int) -> None:
    """Sets a property of this process. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def send(pid: int, number: int) -> None:
    """Sends a signal to a process that may be gone, or another user's."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def end(roots: Callable[[], Iterable[int]]) -> None:
    """Does what one turn can to end `roots`, children of ours, and all below: to be repeated until none is.

    All are frozen before any is killed, and the roots first: what forks a successor every few milliseconds,
    which is always a child of ours, has moved on by the time that the others are found.
    """
    frozen: set[int] = set()
    while new := set(roots()) - frozen:
        for pid in new:
            send(pid, signal.SIGSTOP)
        frozen |= new
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in below(frozen):
            send(pid, number)
    for pid in frozen:
        send(pid, signal.SIGKILL)


def children() -> Sequence[int]:
    """The children of this process, zombies too."""
    return _kinship()(os.getpid())


def below(roots: Iterable[int]) -> list[int]:
    """Who descends from `roots`. Zombies too: they lead to others, and may have threads that live on."""
    children_of = _kinship()
    found = [child for root in roots for child in children_of(root)]
    for pid in found:  # grows as it is walked
        found += children_of(pid)
    return found


def _kinship() -> Callable[[int], Sequence[int]]:
    """How to find the children of a process: the kernel's own lists, for a machine may have many others."""
    if os.path.exists(f"/proc/self/task/{os.getpid()}/children"):  # noqa: PTH110 - pathlib is slow to load
        return _listed_children
    families: dict[int, list[int]] = {}  # a kernel that was built without
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdigit() and (process := look(int(entry))) is not None:
            families.setdefault(process.parent, []).append(process.pid)
    return lambda pid: families.get(pid, ())


def _listed_children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    return found


def look(pid: int) -> Process | None:
    """The process of this number; None where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return None
    # The name stands in parentheses and may hold any byte, a parenthesis too.
    fields = text[text.rindex(b")") + 2 :].split()
    return Process(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        started=int(fields[19]),
    )


def _numbers(pid: str) -> list[str]:
    """The numbers that a process has, one per PID namespace that it is in, the outermost first."""
    with suppress(OSError), open(f"/proc/{pid}/status") as file:  # noqa: PTH123
        for line in file:
            if line.startswith("NSpid:"):
                return line.split()[1:]
    return []


def start() -> None:
    """What the program does: its one argument is the descriptor of its socket."""
    main(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # at once: the end of this process is what the bot waits for
