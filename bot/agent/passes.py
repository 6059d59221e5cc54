"""Who is let in on behalf of a running job: known for as long as its attempt runs, and nowhere kept."""

from __future__ import annotations

import secrets
import sys
from hashlib import sha256
from pathlib import Path

from bot.agent import bridge, commands
from executor.agent_tools import JOB_ID, SOCKET, TOKEN, AgentTools
from executor.model import Job

# Without site-packages, which they do not need: they start in a third of the time.
_PYTHON = (sys.executable, "-I", "-S")
_COMMANDS = (
    f"import sys; sys.path.append({str(Path(commands.__file__).parents[2])!r}); "
    f"from {commands.__name__} import main; sys.exit(main())"
)


class Passes:
    """Implements executor.agent_tools.ToolRoom. `socket` is where agents call.

    A token is good for one attempt. The process that runs an attempt is the one that is called, and when it
    dies, so does the attempt: what is known by their hash in memory alone dies with both.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._jobs: dict[bytes, Job] = {}

    def admit(self, job: Job) -> AgentTools:
        """From now on the running attempt of `job` is let in."""
        token = secrets.token_urlsafe(32)
        self._jobs[_hash(token)] = job
        return AgentTools(
            argv=(*_PYTHON, bridge.__file__),
            places=(self._socket,),
            env={SOCKET: str(self._socket), TOKEN: token, JOB_ID: job.id},
            commands=(*_PYTHON, "-c", _COMMANDS),
            told=commands.TOLD,
        )

    def dismiss(self, job: Job) -> None:
        """That attempt has ended: its token is good for nothing."""
        ended = [key for key, each in self._jobs.items() if (each.id, each.attempt) == (job.id, job.attempt)]
        for key in ended:
            del self._jobs[key]

    def job(self, authorization: str) -> Job | None:
        """The running job whose agent sends this `Authorization`; None where it is no token that holds."""
        scheme, _, token = authorization.partition(" ")
        return self._jobs.get(_hash(token.strip())) if scheme.lower() == "bearer" else None


def _hash(token: str) -> bytes:
    # Looked up by its hash: how long that takes says nothing about the token.
    return sha256(token.encode(errors="surrogateescape")).digest()
