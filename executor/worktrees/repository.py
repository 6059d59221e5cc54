"""The repository of a workspace and the worktrees in it, in terms of git. What is done twice is done once."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from executor.steps import reach
from executor.untrusted import read_under
from executor.worktrees.git import GitFailed, Program, Said

DISCARDED = "refs/bifrost/discarded"
"""Below it stands what was thrown away."""
_LOCKS = ("index.lock", "HEAD.lock")
"""What a git leaves behind that was killed; none runs any more where we look."""
_SHORT = re.compile(r"(\d+) (files? changed|insertions?|deletions?)")
_LINK = "160000"
"""The mode of what is a repository of its own."""


class Conflict(Exception):
    """Two sides have changed the same lines of `files`. Nothing was changed."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(", ".join(files))
        self.files = files


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a worktree holds, but for what git is told to ignore: the commit it stands on, and its files.

    `dirty`: not all of them are in the commit. `missing`: why not all of them could be taken in.
    """

    head: str
    tree: str
    dirty: bool
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """`checkout` is a directory in it, `prefix` the way there from its top; git keeps it in `common`."""

    git: Program
    checkout: Path
    common: Path
    prefix: str

    async def commit_of(self, name: str) -> str:
        """The id of a commit; empty where there is none of that name."""
        found = await self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", codes=(0, 1))
        return found.text

    async def contains(self, whole: str, part: str) -> bool:
        """Whether the commit `part` is in the history of `whole`."""
        return not (await self.run("merge-base", "--is-ancestor", part, whole, codes=(0, 1))).code

    async def is_dirty(self) -> bool:
        """Whether the checkout holds changes that are in no commit."""
        return bool((await self.run("status", "--porcelain", "--untracked-files=no")).output)

    async def free_branch(self, id: str) -> str:
        """A name for the branch of a job that no other branch has."""
        for length in (6, 10, len(id)):
            if not await self.commit_of(f"refs/heads/bifrost/{id[:length]}"):
                break
        return f"bifrost/{id[:length]}"

    def stands(self, path: Path) -> bool:
        """Whether the worktree `path` is there, and whole."""
        return path.is_dir() and self._admin(path).is_dir() and not self._half_made(path)

    async def add(self, path: Path, branch: str, base: str) -> None:
        """Makes the worktree: on its branch, where that is there, else on a new one from `base`."""
        if await asyncio.to_thread(self._is_strange, path):
            raise GitFailed(
                f"`{path}` is there, but the repository knows nothing of it (`git worktree list`): "
                "move it away, if anything in it is wanted."
            )
        await self.remove(path)
        known = await self.commit_of(f"refs/heads/{branch}")
        on = (path, branch) if known else ("-b", branch, path, base)
        await self.run("worktree", "add", "--quiet", *on)

    async def remove(self, path: Path) -> None:
        """Removes a worktree, whole or not; its branch stays. Half removed, it does not count as one."""
        gone = path.with_name(f".gone-{path.name}")
        await asyncio.to_thread(remove_tree, gone)
        # At once: what is half removed must never be taken for what a job has left.
        await asyncio.to_thread(_rename, path, gone)
        reach("worktree put aside")
        await asyncio.to_thread(remove_tree, self._admin(path))
        await asyncio.to_thread(remove_tree, gone)

    async def snapshot(self, path: Path) -> Snapshot:
        """What the worktree holds; neither its files nor its index are touched."""
        admin, index = self._admin(path), path.with_name(f".index-{path.name}")
        for name in _LOCKS:
            (admin / name).unlink(missing_ok=True)
        head, committed = (await self.within(path, "rev-parse", "HEAD^{commit}", "HEAD^{tree}")).text.split()
        try:
            await asyncio.to_thread(_copy_index, admin, index)
            env = {"GIT_INDEX_FILE": str(index)}
            # A repository without a commit, or a file that nobody may read, must not keep out the rest.
            codes = (0, 1, 128)
            added = await self.within(path, "add", "--all", "--ignore-errors", codes=codes, env=env)
            missing = added.complaint or "files cannot be read" if added.code else ""
            tree = (await self.within(path, "write-tree", env=env)).text
        finally:
            for left in (index, index.with_name(f"{index.name}.lock")):
                left.unlink(missing_ok=True)
        return Snapshot(head=head, tree=tree, dirty=tree != committed, missing=missing)

    async def commit(self, snapshot: Snapshot, message: str) -> str:
        """A commit that holds all of a snapshot; its own where that does."""
        if not snapshot.dirty:
            return snapshot.head
        return (await self.run("commit-tree", snapshot.tree, "-p", snapshot.head, "-m", message)).text

    async def set_branch(self, branch: str, tip: str) -> None:
        """Lets a branch end at `tip`. What it then holds no more is saved."""
        before = await self.commit_of(f"refs/heads/{branch}")
        if before and before != tip and not await self.contains(tip, before):
            await self.save(branch, before)
        if before != tip:
            await self.run("update-ref", "-m", "bifrost", f"refs/heads/{branch}", tip, before or "0" * 40)

    async def delete_branch(self, branch: str, tip: str) -> None:
        """Deletes a branch that ends at `tip`, or is no more."""
        if await self.commit_of(f"refs/heads/{branch}") == tip:
            await self.run("update-ref", "-d", f"refs/heads/{branch}", tip)

    async def save(self, branch: str, tip: str) -> str:
        """Keeps a commit for good, beside all that was discarded under that name before. Returns its name."""
        name = f"{DISCARDED}/{branch.removeprefix('bifrost/')}"
        number = 1
        while True:
            ref = name if number == 1 else f"{name}-{number}"
            known = await self.commit_of(ref)
            if not known:
                await self.run("update-ref", ref, tip, "0" * 40)
                return ref
            if await self.contains(known, tip):
                return ref
            number += 1

    async def commits(self, base: str, tip: str) -> int:
        return int((await self.run("rev-list", "--count", f"{base}..{tip}")).text)

    async def changes(self, base: str, tree: str) -> tuple[int, int, int]:
        """How many files differ, and how many lines are more and fewer."""
        said = await self._diff("--shortstat", base, tree)
        numbers = {name[0]: int(number) for number, name in _SHORT.findall(said.text)}
        return numbers.get("f", 0), numbers.get("i", 0), numbers.get("d", 0)

    async def diff(self, base: str, tree: str, most: int) -> Said:
        """The difference as a patch, at most `most` bytes of it."""
        return await self._diff("--patch-with-stat", "--stat-width=100", base, tree, most=most)

    async def nested(self, path: Path, base: str, tree: str) -> Sequence[str]:
        """Directories of the worktree that are repositories of their own: no commit holds what is in them."""
        raw = (await self._diff("--raw", "--no-renames", "-z", base, tree)).output.decode(errors="replace")
        fields = raw.split("\0")
        pairs = zip(fields[::2], fields[1::2], strict=False)
        return [
            name for about, name in pairs if _LINK in about.split()[1:2] and (path / name / ".git").exists()
        ]

    async def merge(self, tip: str, message: str) -> tuple[str, str]:
        """Merges into the branch that the checkout is on; returns that branch and where it ends now.

        Raises Conflict, and GitFailed where the checkout is on no branch or holds other changes to the same
        files; then nothing is changed.
        """
        on = (await self.run("symbolic-ref", "--quiet", "--short", "HEAD", codes=(0, 1))).text
        if not on:
            raise GitFailed(
                "The checkout of the workspace is on no branch (detached HEAD): switch it to one."
            )
        head = await self.commit_of("HEAD")
        if await self.contains(head, tip):
            return on, head
        options = ("--write-tree", "--name-only", "--no-messages", "-z")
        said = await self.run("merge-tree", *options, head, tip, codes=(0, 1))
        tree, *files = said.output.decode(errors="replace").rstrip("\0").split("\0")
        if said.code:
            raise Conflict(sorted(set(files)))
        merged = (await self.run("commit-tree", tree, "-p", head, "-p", tip, "-m", message)).text
        await self.run("merge", "--ff-only", "--quiet", merged)
        reach("merge done")
        return on, merged

    async def run(self, *words: str | Path, codes: Sequence[int] = (0,), most: int = 2**23) -> Said:
        """Runs git in the checkout."""
        return await self.git.run(*words, at=self.checkout, codes=codes, most=most)

    async def within(
        self, path: Path, *words: str, codes: Sequence[int] = (0,), env: dict[str, str] | None = None
    ) -> Said:
        """Runs git in a worktree: by our own knowledge of where it belongs: its `.git` is its agent's."""
        places = (f"--git-dir={self._admin(path)}", f"--work-tree={path}")
        return await self.git.run(*places, *words, at=path, codes=codes, env=env)

    async def _diff(self, *words: str, most: int = 2**23) -> Said:
        options = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--submodule=short")
        return await self.run("diff", *options, *words, "--", most=most)

    def _admin(self, path: Path) -> Path:
        return self.common / "worktrees" / path.name

    def _is_strange(self, path: Path) -> bool:
        return path.is_dir() and not self._admin(path).is_dir()

    def _half_made(self, path: Path) -> bool:
        """git locks a worktree while it makes it."""
        return (read_under(self._admin(path), "locked", most=100) or b"").startswith(b"initializing")


async def find(git: Program, checkout: Path) -> Repository:
    """The repository that a directory is a checkout of. Raises GitFailed."""
    if not await asyncio.to_thread(checkout.is_dir):
        raise GitFailed(f"The directory `{checkout}` is not there.")
    words = ("--path-format=absolute", "--git-common-dir", "--is-bare-repository", "--show-prefix")
    said = await git.run("rev-parse", *words, at=checkout)
    common, bare, *prefix = said.output.decode(errors="replace").split("\n")
    if bare != "false":
        raise GitFailed(f"`{checkout}` is a bare repository: a workspace is a checkout.")
    return Repository(git=git, checkout=checkout, common=Path(common), prefix=prefix[0] if prefix else "")


def remove_tree(path: Path) -> None:
    """Removes a directory, also where an agent has made a part of it read-only."""
    with suppress(OSError):
        shutil.rmtree(path)
        return
    if path.is_symlink() or not path.is_dir():
        return
    for folder, names, _ in os.walk(path):
        for place in (Path(folder), *(Path(folder) / name for name in names)):
            with suppress(OSError):
                if not place.is_symlink():
                    place.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def _rename(path: Path, gone: Path) -> None:
    with suppress(FileNotFoundError):
        path.rename(gone)


def _copy_index(admin: Path, index: Path) -> None:
    index.unlink(missing_ok=True)
    content = read_under(admin, "index")
    if content is not None:
        index.write_bytes(content)
        # By this time git knows which files may have changed in the second in which it last looked at them.
        changed = (admin / "index").lstat()
        os.utime(index, ns=(changed.st_atime_ns, changed.st_mtime_ns))
