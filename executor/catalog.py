"""The models that people may name, and which provider and model a job gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

EFFORTS = ("low", "medium", "high")
STRONG_TYPES = frozenset({"session", "research", "autopilot"})
"""Job types that get a provider's strongest model by default; the others get the quicker one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name that people may type, and the id that the CLI is given."""

    name: str
    provider: str
    cli_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """A provider's model for demanding job types and for the quicker ones."""

    strong: str
    quick: str


_CLAUDE = (
    "opus",
    "sonnet",
    "haiku",
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
)
_GEMINI = ("gemini-3.1-pro-preview", "gemini-3-flash-preview", "gemini-2.5-pro", "gemini-2.5-flash")
_GEMINI_ALIASES = {
    "gemini-3.1-pro": "gemini-3.1-pro-preview",
    "gemini-3-flash": "gemini-3-flash-preview",
}
_CODEX = ("gpt-6.1-sol", "gpt-6-astra", "gpt-6-sol", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.5", "gpt-5")
MODELS = (
    *(Model(name=name, provider="claude", cli_id=name) for name in _CLAUDE),
    *(Model(name=name, provider="gemini", cli_id=name) for name in _GEMINI),
    *(Model(name=name, provider="gemini", cli_id=cli_id) for name, cli_id in _GEMINI_ALIASES.items()),
    *(Model(name=name, provider="codex", cli_id=name) for name in _CODEX),
    Model(name="rehearsal", provider="rehearsal", cli_id=""),
)
DEFAULTS: Mapping[str, Defaults] = {
    "claude": Defaults(strong="opus", quick="sonnet"),
    "gemini": Defaults(strong="gemini-3.1-pro-preview", quick="gemini-3-flash-preview"),
    "codex": Defaults(strong="gpt-6.1-sol", quick="gpt-6-luna"),
    "rehearsal": Defaults(strong="rehearsal", quick="rehearsal"),
}


class UnknownChoice(Exception):
    """A provider, model or effort that there is none of. The text is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The providers that are switched on and the models that they answer to."""

    providers: tuple[str, ...]
    """In order of preference: the first one is the default."""
    models: tuple[Model, ...] = field(default=MODELS)

    def choose(self, job_type: str, provider: str | None, model: str | None) -> Model:
        """The model for a job. A model alone implies its provider; a provider alone, its default model.

        Raises UnknownChoice for a name there is none of, and for a model of another provider than asked for.
        """
        if provider is not None and provider not in self.providers:
            raise UnknownChoice(self._unknown("provider", provider, self.providers))
        if model is None:
            return self._default(job_type, provider or self.providers[0])
        found = self._find(model)
        if provider is not None and found.provider != provider:
            raise UnknownChoice(
                f"`{model}` is a model of {found.provider}, but the provider asked for is {provider}. "
                f"Leave one of the two out, or pick one of: {self._names(provider)}."
            )
        return found

    def cli_id(self, model: str) -> str:
        """What the CLI is given for a model name; the name itself where the table has dropped it since."""
        return next((each.cli_id for each in self.models if each.name == model), model)

    def model_names(self) -> tuple[str, ...]:
        """Every model name that may be typed, in order."""
        return tuple(model.name for model in self.models if model.provider in self.providers)

    def _find(self, name: str) -> Model:
        for model in self.models:
            if model.name == name and model.provider in self.providers:
                return model
        raise UnknownChoice(self._unknown("model", name, self.model_names()))

    def _default(self, job_type: str, provider: str) -> Model:
        defaults = DEFAULTS[provider]
        return self._find(defaults.strong if job_type in STRONG_TYPES else defaults.quick)

    def _names(self, provider: str) -> str:
        return ", ".join(f"`{m.name}`" for m in self.models if m.provider == provider)

    @staticmethod
    def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        listed = ", ".join(f"`{each}`" for each in known)
        return f"There is no {what} `{name[:80]}`.{hint} There are: {listed}."
