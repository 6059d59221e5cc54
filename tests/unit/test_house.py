"""The house rules that a reader cannot see from one file: directions, owners of libraries, sizes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STOREYS = ("executor", "storage", "bot")
"""From the ground up: an import never runs up."""
OWNERS = {
    "slack_bolt": ("bot/platforms/slack/",),
    "slack_sdk": ("bot/platforms/slack/",),
    "discord": ("bot/platforms/discord/",),
    "aiohttp.web": ("bot/web/",),
    "aiosqlite": ("storage/sqlite/",),
    "psycopg": ("storage/postgres/",),
    "procrastinate": ("storage/postgres/",),
    "croniter": ("executor/timers.py",),
    "PIL": ("bot/desk/picture.py",),
}
"""Where a library may be imported: each has one owner."""
CONCRETE = {
    "bot.platforms.slack": ("bot.app", "bot.house", "bot.platforms.slack"),
    "bot.platforms.discord": ("bot.app", "bot.platforms.discord"),
    "bot.platforms.web": (
        "bot.app",
        "bot.platforms.web",
        "bot.web",
    ),  # the page shows that platform's messages
    "executor.backends.claude": ("bot.house", "executor.backends.claude"),
    "executor.backends.gemini": ("bot.house", "executor.backends.gemini"),
    "executor.backends.codex": ("bot.house", "executor.backends.codex"),
    "executor.backends.text_cli": ("bot.house", "executor.backends.text_cli"),
    "executor.backends.rehearsal": ("bot.house", "executor.backends.rehearsal"),
}
"""Adapters, and who may name them: the composition root, and their own room."""
MOST_LINES = 400
MOST_FUNCTION_LINES = 40

SOURCES = sorted(path for storey in STOREYS for path in (ROOT / storey).rglob("*.py"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, with names imported from packages as if they were modules."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{_name(path)}: imports are absolute"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_imports_never_run_up_and_libraries_stay_with_their_owner(path: Path) -> None:
    name = _name(path)
    floor = STOREYS.index(name.split("/")[0])
    for module in _imports(path):
        root = module.split(".")[0]
        assert root not in STOREYS or STOREYS.index(root) <= floor, f"{name} imports {module}"
        for library, homes in OWNERS.items():
            if module == library or module.startswith(f"{library}."):
                assert name.startswith(homes), f"{name} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_concrete_adapters_are_named_in_one_place(path: Path) -> None:
    name = _name(path).removesuffix(".py").replace("/", ".")
    for module in _imports(path):
        for adapter, homes in CONCRETE.items():
            if module == adapter or module.startswith(f"{adapter}."):
                assert name.startswith(homes), f"{name} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_modules_and_functions_stay_small_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says in a sentence what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= MOST_FUNCTION_LINES, f"{node.name} has {size} lines"


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "helpers", "common", "manager", "misc"}
    assert not [path for path in SOURCES if path.stem in drawers]


def test_the_lock_files_name_no_address() -> None:
    for name in ("constraints.txt", "constraints-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text


def test_the_plan_of_the_house_names_only_rooms_that_there_are() -> None:
    named = re.findall(
        r"`((?:bot|executor|storage|tests)/[\w./-]*)`", (ROOT / "docs" / "architecture.md").read_text()
    )
    assert len(named) > 50
    assert not [path for path in named if not (ROOT / path).exists()]
