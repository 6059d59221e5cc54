"""Marks those sources of a report that nothing shows to have been opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from executor.events import Body, ToolEnded, ToolStarted
from executor.lineage import conversation_of
from executor.model import Job
from executor.ports import Store

NOT_READ = "*(not read)*"
_SECTION = re.compile(r"^#{1,4}[ \t]+(?:\d+[.)]?[ \t]+)?(?:sources|references)\b.*$", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,4}[ \t]")
_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,4}[.)]|\[\d{1,4}\]:?)[ \t]+\S")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`|]+")
_PATH = re.compile(r"(?:`([^`\n]+)`|([\w.@~+-]*/?[\w.@~+/-]*\.[A-Za-z]\w{0,9}))")
_LINES = re.compile(r"(?::\d+(?:[-–]\d+)?|#L\d+(?:-L?\d+)?)$")
_CUT = "…"
"""What ends the argument of a tool that was too long to be kept whole."""
_LEAST = 4
"""Characters of a name that is not found in just anything."""


def opened(events: Iterable[Body]) -> Sequence[str]:
    """What the tools were called for whose calls did not fail: addresses, paths, commands."""
    calls: dict[str, str] = {}
    for body in events:
        if isinstance(body, ToolStarted):
            calls[body.tool_id] = body.detail
        elif isinstance(body, ToolEnded) and not body.ok:
            calls.pop(body.tool_id, None)
    return [detail for detail in calls.values() if detail]


async def opened_by(store: Store, job: Job) -> Sequence[str]:
    """What a job has opened, in all its attempts, and those that it goes on with."""
    seen: list[str] = []
    for each in await conversation_of(store, job):
        after = 0
        while events := await store.events(each.id, after):
            seen += opened(event.body for event in events)
            after = events[-1].seq
    return seen


def mark(markdown: str, seen: Sequence[str]) -> str:
    """The report, with NOT_READ behind each entry of its list of sources that is nowhere in `seen`.

    An entry that names neither a path nor an address cannot be looked for, and stays as it is.
    """
    known = [_plain(detail) for detail in seen]
    return "\n".join(
        f"{line.rstrip()} {NOT_READ}" if is_source and not _is_read(line, known) else line
        for line, is_source in _lines(markdown)
    )


def _lines(markdown: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is an entry of the list of sources."""
    within = fenced = False
    for line in markdown.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _HEADING.match(line):
            within = _SECTION.match(line) is not None
        yield line, within and not fenced and _ITEM.match(line) is not None and "not read" not in line.lower()


def _is_read(line: str, known: Sequence[str]) -> bool:
    names = [_plain(name) for name in _names(line)]
    names = [name for name in names if len(name) >= _LEAST]
    return not names or any(_stands(name, detail) for name in names for detail in known)


def _names(line: str) -> Iterator[str]:
    addresses = [found[0].rstrip(").,;:]") for found in _ADDRESS.finditer(line)]
    yield from addresses
    if not addresses:
        for found in _PATH.finditer(line):
            yield _LINES.sub("", (found[1] or found[2]).strip())


def _stands(name: str, detail: str) -> bool:
    """Whether `name` is what the tool was called for, or a part of that: a path in a command."""
    if detail.endswith(_CUT) and len(detail) > 2 * _LEAST and name.startswith(detail[:-1]):
        return True
    start = detail.find(name)
    while start >= 0:
        before, after = detail[:start][-1:], detail[start + len(name) :][:1]
        if not (before.isalnum() or before in ("-", "_")) and not (
            after.isalnum() or after in ("-", "_", "/")
        ):
            return True
        start = detail.find(name, start + 1)
    return False


def _plain(text: str) -> str:
    """An address without what does not matter of it; of a path, how it begins from here."""
    if text.startswith(("http://", "https://")):
        try:
            parts = urlsplit(text)
        except ValueError:
            return text
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}{query}"
    return text.removeprefix("./")
