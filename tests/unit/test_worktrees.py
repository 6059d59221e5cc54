"""Jobs that work in git worktrees of their own: what they get, what they leave, what becomes of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from executor.decisions import Decisions, Undecided
from executor.events import Noticed, WorkLeft
from executor.executor import follow_up
from executor.model import Job, JobStatus
from executor.ports import SystemClock
from executor.processes.sandbox import find_sandbox
from executor.steps import watched
from executor.upkeep import Upkeep
from executor.work import WorkState
from tests.builders import origin
from tests.unit.attempt_scene import Scene, open_scene

pytestmark = pytest.mark.timeout(120)

COMMIT = "git -c user.name=a -c user.email=a@b.example commit -q"
WORK = f"echo two >> code.txt; echo new > new.txt; git add -A; {COMMIT} -m Work; echo more > loose.txt"


class Killed(BaseException):
    """The bot dies here."""


@dataclass(slots=True)
class Yard:
    """A scene whose workspace is a git repository with one commit."""

    scene: Scene
    checkout: Path

    def git(self, *words: str, at: Path | None = None) -> str:
        who = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", **who}
        said = subprocess.run(
            ("git", *words), cwd=at or self.checkout, env=env, capture_output=True, text=True, check=True
        )
        return said.stdout.strip()

    def commit(self, name: str, text: str) -> None:
        (self.checkout / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Write {name}")

    async def worked(self, script: str = WORK) -> Job:
        """A job that has worked, as the store knows it."""
        return await self.scene.ran(f"{script}\necho done Well.")

    @property
    def decisions(self) -> Decisions:
        """As after a restart: nothing is known but what is kept."""
        return Decisions(self.scene.workshop.worktrees)

    def worktrees(self) -> list[str]:
        return self.git("worktree", "list", "--porcelain").split("\n\n")[1:]

    def branches(self) -> list[str]:
        return self.git("branch", "--list", "bifrost/*", "--format=%(refname:short)").split()

    def upkeep(self, keep: timedelta = timedelta(days=30)) -> Upkeep:
        shop = self.scene.workshop
        return Upkeep(shop.worktrees, shop.store, shop.wakeups, SystemClock(), keep)


@asynccontextmanager
async def open_yard(place: Path) -> AsyncIterator[Yard]:
    async with open_scene(place, worktrees=True) as scene:
        yard = Yard(scene, place / "workspace")
        yard.git("init", "-q", "-b", "main")
        yard.commit("code.txt", "one\n")
        yield yard


@contextmanager
def dying_at(step: str) -> Iterator[None]:
    def watch(reached: str) -> None:
        if reached == step:
            raise Killed(step)

    with watched(watch), pytest.raises(Killed):
        yield


async def test_a_job_works_on_a_branch_of_its_own_and_what_it_left_can_be_merged(tmp_path: Path) -> None:
    async with open_yard(tmp_path) as yard:
        (yard.checkout / "code.txt").write_text("one\nmine, not committed\n")
        job = await yard.worked()

        branch = f"bifrost/{job.short_id}"
        assert job.status is JobStatus.DONE, job.message
        assert job.work is not None
        assert (job.work.branch, job.work.commits, job.work.files) == (branch, 1, 3)
        assert (job.work.added, job.work.removed, job.work.uncommitted) == (3, 0, True)
        bodies = await yard.scene.bodies(job)
        assert any(isinstance(body, WorkLeft) for body in bodies)
        (told,) = [body.text for body in bodies if isinstance(body, Noticed)]
        assert branch in told
        assert "not committed" in told
        assert yard.git("status", "--porcelain") == "M code.txt"
        patch = (await yard.decisions.diff(job)).patch.decode()
        assert "+two" in patch
        assert "+more" in patch, "what is not committed is shown, too"

        with pytest.raises(Undecided, match="code.txt"):
            await yard.decisions.merge(job, "Ann")
        assert yard.git("log", "--format=%s") == "Write code.txt"
        yard.git("checkout", "-q", "code.txt")
        both = await asyncio.gather(
            yard.decisions.merge(job, "Ann"), yard.decisions.merge(job, "Bob"), return_exceptions=True
        )
        assert [isinstance(each, Undecided) for each in both] == [False, True], both
        assert (yard.checkout / "code.txt").read_text() == "one\ntwo\n"
        assert (yard.checkout / "loose.txt").read_text() == "more\n"
        assert yard.git("log", "--merges", "--format=%s").startswith(f"Merge {branch}: Tidy up.")
        assert (yard.branches(), yard.worktrees()) == ([], [])
        assert "+two" in (await yard.decisions.diff(job)).patch.decode(), "it is still shown"


async def test_jobs_that_go_on_work_in_the_same_place_and_nothing_at_all_leaves_nothing(
    tmp_path: Path,
) -> None:
    async with open_yard(tmp_path) as yard:
        empty = await yard.worked("true")
        assert (empty.work, yard.branches(), yard.worktrees()) == (None, [], [])

        first = await yard.worked("echo two > two.txt")
        second, _ = await goes_on(yard, first, f"ls > listed.txt; git add -A; {COMMIT} -m All")
        assert second.worktree == first.id
        assert second.work is not None
        assert (second.work.commits, second.work.files) == (1, 2)

        await yard.decisions.keep(second, "Ann")
        first = await known(yard, first)
        assert first.work is not None
        assert first.work.state is WorkState.KEPT, "the card of the first job tells of it, too"
        assert yard.worktrees() == []
        third, directory = await goes_on(yard, second, "cat listed.txt")
        assert directory == tmp_path / "worktrees" / first.id, "the same directory, made again"
        assert yard.branches() == [f"bifrost/{first.short_id}"]
        with pytest.raises(Undecided, match="already|kept|nothing"):
            await yard.decisions.keep(empty, "Ann")
        await yard.decisions.discard(third, "Ann")
        assert yard.branches() == []


@pytest.mark.parametrize("verb", ["merge", "keep", "discard"])
async def test_a_bot_killed_anywhere_in_a_decision_finds_it_done_the_second_time(
    tmp_path: Path, verb: str
) -> None:
    async with open_yard(tmp_path) as yard:
        for step in ("worktree promised", "worktree cleared", "worktree made"):
            job = await yard.scene.started(WORK) if step == "worktree promised" else job  # noqa: F821
            with dying_at(step):
                await yard.scene.workshop.worktrees.ground(job, tmp_path / "home")
        await yard.scene.workshop.store.settle  # noqa: B018


async def known(yard: Yard, job: Job) -> Job:
    found = await yard.scene.workshop.store.job(job.id)
    assert found is not None
    return found


async def goes_on(yard: Yard, job: Job, script: str) -> tuple[Job, Path]:
    """The job that goes on with it, and where it worked."""
    asked = follow_up(await known(yard, job), "And now?", origin(), f"delivery of {script}")
    await yard.scene.workshop.store.submit(asked)
    yard.scene.backend.script = f"{script}\necho done Well."
    gone_on = await yard.scene.next_ran()
    return await known(yard, gone_on), yard.scene.backend.launches[-1].workspace
