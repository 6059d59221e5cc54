"""Which sources of a report are marked as not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.events import Body, TextWritten, ToolEnded, ToolStarted
from executor.sources import NOT_READ, mark, opened
from tests.unit.attempt_scene import open_scene

SEEN = [
    "https://www.example.org/a/",
    "src/cache.py",
    "sed -n 1,80p docs/limits.md | head",
    "how to cache",
    "https://example.org/" + "x" * 90 + "…",
]


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ("- https://example.org/a", True),
        ("- [A page](https://example.org/a/#part), seen on Monday", True),
        ("1. https://example.org/ab", False),
        ("- https://example.org/b", False),
        ("- http://example.org/a?page=2", False),
        (f"- https://example.org/{'x' * 120}", True),
        ("- `src/cache.py:12-40`", True),
        ("* src/cache.py#L3", True),
        ("- ./src/cache.py, the store", True),
        ("- `src/cache.pyc`", False),
        ("- `lib/src/other.py`", False),
        ("- docs/limits.md", True),
        ("- A talk with Ann", True),
        ("- https://example.org/b (not read)", None),
        ("Some words on https://example.org/b", None),
    ],
)
def test_an_entry_that_no_tool_was_called_for_is_marked(entry: str, read: bool | None) -> None:
    report = f"# T\n\n## Sources\n\n{entry}\n\n## More\n\n- https://example.org/nowhere\n"
    marked = report.replace(entry, f"{entry} {NOT_READ}") if read is False else report
    assert mark(report, SEEN) == marked


def test_only_the_list_of_sources_is_looked_at() -> None:
    report = "# T\n\n- https://example.org/b\n\n```\n## Sources\n- https://example.org/b\n```\n"
    assert mark(report, []) == report


def test_a_call_that_failed_has_opened_nothing() -> None:
    events: list[Body] = [
        ToolStarted(tool_id="1", name="Read", detail="a.py"),
        ToolEnded(tool_id="1", ok=True),
        TextWritten(text="b.py"),
        ToolStarted(tool_id="2", name="WebFetch", detail="https://example.org/gone"),
        ToolEnded(tool_id="2", ok=False),
        ToolStarted(tool_id="3", name="Read"),
    ]
    assert opened(events) == ["a.py"]


async def test_a_published_report_marks_what_was_not_read(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        script = "printf '# T\\n\\n## Sources\\n\\n- src/cache.py\\n' > $RESULTS/report.md; echo done Done."
        job = await scene.ran(script, type="research")
        assert job.report_slug is not None
        report = (tmp_path / "reports" / job.report_slug / "report.md").read_text()
        assert report.endswith(f"- src/cache.py {NOT_READ}\n")
