"""What `bifrost doctor` says of a workspace whose jobs work in git worktrees."""

from __future__ import annotations

from bot.findings import Finding
from bot.settings import Workspace
from executor.processes.shims import Shims
from executor.worktrees import git, repository
from executor.worktrees.git import GitFailed, careful_git


async def repository_of(name: str, workspace: Workspace) -> Finding:
    """Whether worktrees can be made of it: git is new enough, and it is a checkout with a commit."""
    what = f"worktrees of {name}"
    version = await git.version()
    least = ".".join(map(str, git.LEAST))
    if version is None or version < git.LEAST:
        seen = f"git {'.'.join(map(str, version))}" if version else "no git"
        advice = f"Install git {least} or newer, or take `worktrees` out of `{name}` under [workspaces]."
        return Finding(what=what, ok=False, seen=seen, advice=advice)
    seen = f"git {'.'.join(map(str, version))}"
    try:
        async with Shims((), grace_s=0, warm=0) as shims:
            found = await repository.find(careful_git(shims), workspace.path)
            if not await found.commit_of("HEAD"):
                raise GitFailed("It has no commit yet, and a worktree begins at one.")
            dirty = await found.is_dirty()
    except GitFailed as error:
        advice = f"Make `{workspace.path}` a checkout with a commit, or take `worktrees` out of `{name}`."
        return Finding(what=what, ok=False, seen=f"{seen}: {error}", advice=advice)
    advice = "Jobs do not see its uncommitted changes: commit what they shall work on." if dirty else ""
    return Finding(what=what, ok=not dirty, needed=False, seen=seen, advice=advice)
