"""A GitHub on this machine: a bare repository behind an address, and a `gh` that is logged in to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

ADDRESS = "https://github.com/team/app"
LINK = f"{ADDRESS}/pull/7"
_GH = """#!/bin/sh
[ "$1" = auth ] && exit 0
echo "$@" >> "$HOME/requests"
[ $(wc -l < "$HOME/requests") = 1 ] && echo LINK && exit 0
echo "a pull request already exists:" >&2; echo LINK >&2; exit 1
"""


def build_forge(home: Path) -> Path:
    """All of it below `home`, which is to be HOME; `home`/bin belongs on the PATH. Returns the repository."""
    remote, program = home / "remote.git", home / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(_GH.replace("LINK", LINK))
    program.chmod(0o755)
    (home / ".gitconfig").write_text(f'[url "{remote}"]\n\tinsteadOf = {ADDRESS}\n')
    subprocess.run(("git", "init", "-q", "--bare", str(remote)), check=True)
    return remote
