"""Slash commands that a workspace brings: which there are, and what makes a CLI run one."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.slash_commands import commands, given, is_command


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "workspace"
    for path, text in {
        ".claude/commands/commit.md": "Commit $ARGUMENTS.",
        ".claude/commands/ops/deploy.md": "Deploy.",
        ".claude/commands/notes.txt": "no command",
        ".claude/commands/with space.md": "no command",
        ".claude/commands/a/b/c/too-deep.md": "no command",
        ".gemini/commands/greet.toml": 'prompt = "Greet {{args}}."',
        ".codex/prompts/greet.md": "---\ndescription: greets\n---\nGreet $1 and $2: $ARGUMENTS!\n",
    }.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "secret.md").write_text("secret")
    (place / ".claude" / "commands" / "link.md").symlink_to(tmp_path / "secret.md")
    (place / ".codex" / "prompts" / "link.md").symlink_to(tmp_path / "secret.md")
    return place


def test_every_cli_has_its_own_commands(workspace: Path) -> None:
    assert commands(workspace, "claude") == ("/commit", "/ops:deploy")
    assert commands(workspace, "gemini") == ("/greet",)
    assert commands(workspace, "codex") == ("/greet",)
    assert commands(workspace, "rehearsal") == ()
    assert commands(workspace / "nowhere", "claude") == ()


@pytest.mark.parametrize(
    ("provider", "command", "text"),
    [
        ("claude", "/commit all of it", "/commit all of it"),
        ("claude", " /ops:deploy\n", "/ops:deploy"),
        ("gemini", "/greet Ann", "/greet Ann"),
        ("codex", "/greet Ann Bob", "Greet Ann and Bob: Ann Bob!"),
        ("codex", "/greet", "Greet  and : !"),
        ("claude", "/status", None),
        ("claude", "/link", None),
        ("codex", "/link", None),
        ("claude", "/../../secret", None),
        ("claude", "commit", None),
        ("rehearsal", "/commit", None),
    ],
)
def test_a_cli_is_given_what_makes_it_run_the_command(
    workspace: Path, provider: str, command: str, text: str | None
) -> None:
    assert given(command, workspace, provider) == text


@pytest.mark.parametrize(
    ("prompt", "is_one"),
    [
        ("/commit", True),
        ("/ops:deploy to prod\nnow", True),
        ("/srv/data is full", False),
        ("/", False),
        ("// no", False),
        ("do /commit", False),
        ("/-x", False),
    ],
)
def test_what_is_a_command(prompt: str, is_one: bool) -> None:
    assert is_command(prompt) is is_one
