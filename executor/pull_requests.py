"""Opens pull requests, with the login that `gh` or `glab` has for the user that the bot runs as."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from executor.backends.environment import passed_on
from executor.processes.shims import Shims
from executor.worktrees.git import GitFailed, Program, Said
from executor.worktrees.repository import Repository, remove_tree

_LINK = re.compile(r"https?://\S+/(?:pull|merge_requests)/\d+")
_LOGINS = (
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITLAB_TOKEN",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for: that `commit`, as `branch`, is merged into the repository at `url`."""

    url: str
    branch: str
    commit: str
    title: str
    text: str


class PullRequests:
    """Works below `root`, where jobs do not look."""

    def __init__(self, shims: Shims, root: Path) -> None:
        self._shims = shims
        self._root = root
        logins = {name: os.environ[name] for name in (*_LOGINS, "HOME") if name in os.environ}
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GH_PROMPT_DISABLED": "1", "NO_PROMPT": "1", "LC_ALL": "C.UTF-8"}
        self._environment = {**passed_on(os.environ), **quiet, **logins}

    async def open(self, found: Repository, request: Request) -> str:
        """Pushes the branch and opens the request; returns its address. What there is already is found.

        Raises GitFailed.
        """
        tool = await self._tool(urlsplit(request.url).hostname or "")
        await self._push(tool, found, request)
        title, branch = request.title, request.branch
        words = {
            "gh": ("pr", "create", f"--repo={request.url}", f"--head={branch}", f"--body={request.text}"),
            "glab": (
                *("mr", "create", "--yes", f"--repo={request.url}", f"--source-branch={branch}"),
                f"--description={request.text}",
            ),
        }[tool]
        said = await self._run([tool], *words, f"--title={title}", codes=(0, 1))
        links = _LINK.findall(f"{said.text} {said.complaint}")
        if not links or (said.code and "already exists" not in said.complaint):
            raise GitFailed(f"{tool} says: {said.complaint or said.text or 'nothing'}")
        return str(links[-1])

    async def _tool(self, host: str) -> str:
        """Which of the two is logged in there."""
        for tool in ("gh", "glab"):
            try:
                if not (await self._run([tool], "auth", "status", f"--hostname={host}", codes=(0, 1))).code:
                    return tool
            except GitFailed:
                continue
        raise GitFailed(f"Neither `gh` nor `glab` is logged in to {host} (`gh auth login`).")

    async def _push(self, tool: str, found: Repository, request: Request) -> None:
        """From a repository of our own, as an agent could have set in its one what runs with our login."""
        place = self._root / f".push-{request.commit}"
        helper = ("-c", "credential.helper=", "-c", f"credential.helper=!{tool} auth git-credential")
        git = ["git", "-c", "core.hooksPath=/dev/null", *helper]
        try:
            await self._run(git, "init", "--quiet", "--bare", str(place))
            objects = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(found.common / "objects")}
            what = f"{request.commit}:refs/heads/{request.branch}"
            await self._run(git, f"--git-dir={place}", "push", "--quiet", request.url, what, env=objects)
        finally:
            await asyncio.to_thread(remove_tree, place)

    async def _run(
        self, argv: list[str], *words: str, codes: tuple[int, ...] = (0,), env: dict[str, str] | None = None
    ) -> Said:
        program = Program(self._shims, argv, self._environment, [self._root])
        return await program.run(*words, at=self._root, codes=codes, env=env)
