"""One request to a model API, in words that the three providers share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

Provider = Literal["anthropic", "gemini", "openai"]
JsonObject = dict[str, Any]

_MARKER = re.compile(r"\[\[([a-z_0-9]+)(?::([^\]]*))?\]\]")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing the user's side put into the conversation: words, or what a tool returned."""

    text: str
    is_tool_result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a CLI asked of the model, and the scenario that its newest marker `[[name:argument]]` names.

    `at` is Unix seconds; `credential` names the header and the last four characters of the key, not the key;
    `messages` counts the turns of the conversation; `wants_json` is Gemini's router asking for a verdict.
    """

    provider: Provider
    path: str
    credential: str | None = None
    at: float = 0
    model: str
    stream: bool
    tools: tuple[str, ...] = field(repr=False)
    effort: str | None = None
    messages: int
    wants_json: bool = False
    said: tuple[Said, ...] = field(repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    """What the CLI itself put into the conversation, oldest first."""
    scenario: str = field(init=False)
    argument: str = field(init=False)

    def __post_init__(self) -> None:
        markers = _MARKER.findall(self.prompt)
        name, argument = markers[-1] if markers else ("hello", "")
        object.__setattr__(self, "scenario", name)
        object.__setattr__(self, "argument", argument)

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything the user's side said, oldest first, without tool results."""
        return tuple(said.text for said in self.said if not said.is_tool_result)

    @property
    def prompt(self) -> str:
        """The newest text that carries a marker; the newest text where none does."""
        return self.said[self._asked_at].text if self._asked_at >= 0 else ""

    @property
    def tool_results(self) -> tuple[str, ...]:
        """What tools returned since the prompt, oldest first."""
        return tuple(said.text for said in self.said[self._asked_at + 1 :] if said.is_tool_result)

    @property
    def markers(self) -> tuple[str, ...]:
        """The scenario names of the whole conversation, oldest first: what a resumed session remembers."""
        return tuple(name for text in self.texts for name, _ in _MARKER.findall(text))

    @property
    def _asked_at(self) -> int:
        texts = [place for place, said in enumerate(self.said) if not said.is_tool_result]
        marked = [place for place in texts if _MARKER.search(self.said[place].text)]
        return max(marked or texts, default=-1)
