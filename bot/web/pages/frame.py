"""What stands around every page: the ways from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A page that one gets to from everywhere: `g` and then `key`, or by its link."""

    name: str
    href: str
    key: str

    @property
    def icon(self) -> str:
        """Its sign in icons.html."""
        return self.name.lower()


TABS: Sequence[Tab] = (
    Tab(name="Jobs", href="/jobs", key="j"),
    Tab(name="Channels", href="/channels/dev", key="c"),
    Tab(name="Inbox", href="/inbox", key="i"),
    Tab(name="Tasks", href="/tasks", key="t"),
    Tab(name="Reports", href="/reports", key="r"),
    Tab(name="Schedules", href="/schedules", key="s"),
    Tab(name="Usage", href="/usage", key="u"),
    Tab(name="Settings", href="/settings", key="e"),
)
