"""All named moments on the way, as the code itself lists them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_OF_A_WRITE = ("begins", "commits", "committed")
"""What comes to pass of every transaction."""


def all_steps() -> list[str]:
    """Every literal that is reached, and the three moments of every transaction with a name."""
    sources = [path for storey in ("executor", "storage", "bot") for path in (_ROOT / storey).rglob("*.py")]
    return sorted({step for path in sources for step in _steps(ast.parse(path.read_text()))})


def _steps(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="reach"), args=[ast.JoinedStr()]):
                pass  # a moment of whatever write it is, which stands with that write
            case ast.Call(func=ast.Name(id="reach"), args=args):
                yield _literal(args)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="_database"), attr="write"), args=args):
                yield from (f"{_literal(args)} {moment}" for moment in _OF_A_WRITE)


def _literal(args: list[ast.expr]) -> str:
    """The name of a moment, which only as a literal can be listed."""
    match args:
        case [ast.Constant(value=str(name)), *_]:
            return name
    raise ValueError(f"a moment without a literal name: {ast.unparse(args[0])}")
