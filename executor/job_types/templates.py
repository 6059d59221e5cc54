"""The words that agents are given: the templates beside this file, and those that stand in for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from string import Template

_ALWAYS = frozenset({"prompt", "results"})
"""What any template may name."""


class BadTemplate(Exception):
    """A template that cannot stand in for one of ours. The text is a sentence for whoever wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """`others` stand in for ours, by name."""

    others: Mapping[str, str] = field(default_factory=dict)

    def fill(self, name: str, values: Mapping[str, object]) -> str:
        """The template of that name with what it names put in. What is put in is never read as a template."""
        return Template(self.others.get(name) or own(name)).substitute(values)


def own(name: str) -> str:
    """Our template of that name."""
    return files("executor.job_types").joinpath(f"{name}.md").read_text(encoding="utf-8")


def names() -> tuple[str, ...]:
    """All templates that there are."""
    found = (file.name for file in files("executor.job_types").iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in found if name.endswith(".md")))


def check(name: str, text: str) -> None:
    """Raises BadTemplate where `text` cannot stand in for our template of that name."""
    if name not in names():
        near = get_close_matches(name, names(), n=1)
        hint = f"Did you mean `{near[0]}.md`?" if near else f"There are: {', '.join(names())}."
        raise BadTemplate(f"there is no prompt `{name}.md`. {hint}")
    if not text.strip():
        raise BadTemplate("it is empty.")
    template = Template(text)
    if not template.is_valid():
        raise BadTemplate("a `$` in it begins no name: write `$$` for a dollar sign.")
    known = _ALWAYS | set(Template(own(name)).get_identifiers())
    if unknown := sorted(set(template.get_identifiers()) - known):
        listed = ", ".join(f"`${each}`" for each in sorted(known))
        raise BadTemplate(f"nothing is known as `${unknown[0]}` there. There are: {listed}.")
    if "prompt" in Template(own(name)).get_identifiers() and "prompt" not in template.get_identifiers():
        raise BadTemplate("it never says `$prompt`, so that the agent would not be told what was asked.")
