"""Jobs that work in git worktrees of their own: what they get, what they leave, what becomes of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.house import decisions_on
from bot.settings import Workspace as Settings
from bot.worktree_checks import repository_of
from executor.events import Noticed, WorkLeft
from executor.executor import follow_up
from executor.lifecycle import Transition
from executor.model import Job, JobStatus, Outcome, OutcomeKind
from executor.ports import SystemClock
from executor.steps import watched
from executor.work import WorkState
from executor.workspaces import Workspace
from executor.worktrees.decisions import Decisions, Undecided
from executor.worktrees.upkeep import Upkeep
from tests.builders import carried_out, origin
from tests.forge import ADDRESS, LINK, build_forge
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

    def open_to_requests(self) -> None:
        """As if the settings allowed pull requests."""
        workspace = replace(self.scene.workshop.workspaces.of("main"), pull_requests=ADDRESS)
        room = self.scene.workshop.worktrees
        room.workspaces = replace(room.workspaces, named={"main": workspace})

    async def ground(self, job: Job) -> Workspace:
        """Where it is to work."""
        shop = self.scene.workshop
        return await shop.worktrees.ground(job, shop.workspaces.of("main"), shop.homes)

    @property
    def decisions(self) -> Decisions:
        """As after a restart: nothing is known but what is kept."""
        return decisions_on(self.scene.workshop)

    def worktrees(self) -> list[str]:
        return self.git("worktree", "list", "--porcelain").split("\n\n")[1:]

    def branches(self) -> list[str]:
        return self.git("branch", "--list", "bifrost/*", "--format=%(refname:short)").split()

    def upkeep(self, keep: timedelta = timedelta(days=30)) -> Upkeep:
        shop = self.scene.workshop
        return Upkeep(shop.worktrees, self.decisions, shop.store, shop.wakeups, SystemClock(), keep)


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

        with pytest.raises(Undecided, match=r"code\.txt"):
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
        with pytest.raises(Undecided, match="nothing to decide"):
            await yard.decisions.keep(empty, "Ann")
        await yard.decisions.discard(third, "Ann")
        assert yard.branches() == []


async def test_a_pull_request_is_opened_from_where_no_agent_has_set_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    remote = build_forge(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{home / 'bin'}:{os.environ['PATH']}")
    async with open_yard(tmp_path) as yard:
        steal = f"touch {tmp_path}/stolen"
        job = await yard.worked(
            f"git config credential.helper '!{steal}'; git config core.sshCommand '{steal}'\n"
            f"git config url.ext::{steal}.insteadOf https://\n{WORK}"
        )
        with pytest.raises(Undecided, match="set `pull_requests`"):
            await yard.decisions.request(job)
        yard.open_to_requests()
        with dying_at("request opened"):
            await yard.decisions.request(job)
        assert await yard.decisions.request(job) == LINK, "what there is already is found"
        assert not (tmp_path / "stolen").exists()
        job = await known(yard, job)
        assert job.work is not None
        assert (job.work.request_url, job.work.state) == (LINK, WorkState.LEFT)
        assert yard.git("show", f"{job.work.branch}:loose.txt", at=remote) == "more"
        asked = (home / "requests").read_text().splitlines()[0]
        assert f"--repo={ADDRESS} --head={job.work.branch} --body=Tidy up." in asked
        work = await yard.decisions.merge(job, "Ann")
        assert work.request_url == LINK


BEGINNING = ("worktree put aside", "worktree made")
DECIDING = {
    "merge": ("merge done", "worktree put aside", "branch deleted"),
    "keep": ("worktree put aside",),
    "discard": ("work saved", "worktree put aside", "branch deleted"),
}


@pytest.mark.parametrize("verb", DECIDING)
async def test_whoever_is_killed_anywhere_finds_the_next_time_what_is_done_and_does_the_rest(
    tmp_path: Path, verb: str
) -> None:
    async with open_yard(tmp_path) as yard:
        job = await yard.scene.started(f"{WORK}\necho done Well.")
        for step in BEGINNING if verb == "keep" else ():
            with dying_at(step):
                await yard.ground(job)
        job = await known(yard, await carried_out(yard.scene.workshop, job))
        assert job.work is not None
        assert (job.work.commits, job.work.files) == (1, 3)

        for step in DECIDING[verb]:
            with dying_at(step):
                await getattr(yard.decisions, verb)(job, "Ann")
            await yard.upkeep().clear()
        work = await getattr(yard.decisions, verb)(job, "Ann")

        assert yard.worktrees() == []
        assert list((tmp_path / "worktrees").iterdir()) == []
        assert yard.branches() == ([work.branch] if verb == "keep" else [])
        if verb == "discard":
            assert yard.git("for-each-ref", "--format=%(refname)", "refs/bifrost") == work.note
            yard.git("branch", work.branch, work.note)
        at = "main" if verb == "merge" else work.branch
        assert yard.git("show", f"{at}:code.txt") == "one\ntwo"
        assert yard.git("show", f"{at}:loose.txt") == "more", "what was not committed is kept as well"
        assert len(yard.git("log", "--merges", "--format=%h", at).split()) == (verb == "merge")


async def test_both_sides_of_a_conflict_stay_as_they_were(tmp_path: Path) -> None:
    async with open_yard(tmp_path) as yard:
        job = await yard.worked()
        yard.commit("code.txt", "another\n")
        with pytest.raises(Undecided, match=r"both sides changed `code\.txt`") as told:
            await yard.decisions.merge(job, "Ann")
        assert f"/job resume {job.short_id}" in str(told.value)
        assert yard.git("status", "--porcelain") == ""
        assert (yard.checkout / "code.txt").read_text() == "another\n"
        yard.git("checkout", "-q", "--detach")
        with pytest.raises(Undecided, match="on no branch"):
            await yard.decisions.merge(job, "Ann")
        assert (await yard.decisions.keep(job, "Ann")).state is WorkState.KEPT


HOSTILE = """
git config core.hooksPath "$PWD/.hooks"; git config core.fsmonitor "$PWD/run fsmonitor"
git config diff.external "$PWD/run external"; git config diff.mine.textconv "$PWD/run textconv"
git config diff.mine.command "$PWD/run driver"; git config core.pager "$PWD/run pager"
git config core.editor "$PWD/run editor"; git config core.sshCommand "$PWD/run ssh"
git config gpg.program "$PWD/run gpg"; git config commit.gpgSign true; git config merge.verifySignatures true
git config filter.mine.clean "$PWD/run filter; cat"; git config alias.status "!$PWD/run alias"
mkdir .hooks; for hook in post-checkout pre-commit post-merge reference-transaction post-index-change
do printf '#!/bin/sh\n%s/run hook\n' "$PWD" > .hooks/$hook; chmod +x .hooks/$hook; done
printf '#!/bin/sh\necho $1 >> LOG; env >> LOG.env; echo $PPID $(cat /proc/1/comm) >> LOG.env\n' > run
chmod +x run; echo '* diff=mine filter=mine' > .gitattributes; echo two > code.txt
printf 'gitdir: /nowhere' > .git
"""


async def test_what_a_hostile_repository_names_is_not_run_or_runs_with_the_rights_of_an_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    log = tmp_path / "log"
    async with open_yard(tmp_path) as yard:
        job = await yard.worked(HOSTILE.replace("LOG", str(log)))
        assert job.work is not None, job.message
        assert "+two" in (await yard.decisions.diff(job)).patch.decode()
        await yard.decisions.merge(job, "Ann")
        assert (yard.checkout / "code.txt").read_text() == "two\n"
        assert "+two" in (await yard.decisions.diff(job)).patch.decode(), "its attributes hold here now"
        ran = set(log.read_text().split())
        assert ran == {"filter"}, "git cannot be told to leave these out: files are kept through them"
        assert "xoxb-secret" not in log.with_name("log.env").read_text()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ("rm -rf .git", "not a git repository"),
        ("rm -rf .git; git init -q", "no commit yet"),
        ("rm -rf .git *; git init -q --bare .", "bare repository"),
        ("rm -rf $PWD", "is not there"),
    ],
)
async def test_a_workspace_that_can_have_no_worktree_is_told_in_a_sentence(
    tmp_path: Path, spoil: str, says: str
) -> None:
    async with open_yard(tmp_path) as yard:
        await asyncio.to_thread(subprocess.run, ("sh", "-c", spoil), cwd=yard.checkout, check=True)
        job = await yard.worked("true")
        assert (job.status, job.reason) == (JobStatus.FAILED, "workspace")
        assert says in job.message
        found = await repository_of("main", Settings(path=yard.checkout, worktrees=True))
        assert (found.ok, found.needed) == (False, True)
        yard.checkout.mkdir(exist_ok=True)


async def test_nothing_is_left_for_ever_and_nothing_is_lost(tmp_path: Path) -> None:
    async with open_yard(tmp_path) as yard:
        cut_short = await yard.scene.started(WORK)  # whose bot is killed, and which is cancelled then
        ground = await yard.ground(cut_short)
        (ground.directory / "code.txt").write_text("half\n")
        outcome = Outcome(kind=OutcomeKind.CANCELLED)
        await yard.scene.workshop.store.settle(cut_short, Transition.CANCEL, outcome)
        nested = await yard.worked(f"git init -q inner; cd inner; touch wanted; git add .; {COMMIT} -m Inner")
        unborn = await yard.worked("git init -q unborn; touch unborn/wanted")
        orphan = yard.git("worktree", "add", "-q", "--detach", str(tmp_path / "worktrees" / "orphan"))
        (tmp_path / "worktrees" / "orphan" / "lost").write_text("found")

        await yard.upkeep().clear()
        await yard.upkeep().look()
        cut_short = await known(yard, cut_short)
        assert cut_short.work is not None
        assert cut_short.work.uncommitted
        assert yard.git("show", "refs/bifrost/discarded/orphan:lost") == "found", orphan
        for stays, name in ((nested, "inner"), (unborn, "unborn")):
            with pytest.raises(Undecided, match=name):
                await yard.decisions.discard(stays, "Ann")

        await yard.upkeep(keep=timedelta(0)).look()
        assert yard.git("show", f"bifrost/{cut_short.short_id}:code.txt") == "half"
        kept, stays = await known(yard, cut_short), await known(yard, nested)
        assert (kept.work and kept.work.state, stays.work and stays.work.state) == ("kept", "left")
        assert (tmp_path / "worktrees" / nested.id / "inner" / "wanted").exists()


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
