"""The models that people may name, and which provider and model a job gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

EFFORTS = ("low", "medium", "high")
"""Those that every model is taken to know, or to leave aside."""
DEFAULT_EFFORT = "medium"
STRONG_TYPES = frozenset({"session", "research", "autopilot"})
"""Job types that get a provider's strongest model by default; the others get the quicker one."""
TELLS_COST = frozenset({"claude", "rehearsal"})
"""Providers whose CLI says what a job has cost."""
PLACE = "{model}"
"""What stands for the id of the model in the command of a CLI that is set up."""
_NEAREST = 3
_LEAST = 3
"""Characters that must be typed to find names which hold them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name that people may type, and the id that the CLI is given.

    Prices are US dollars per million tokens; None is unknown.
    """

    name: str
    provider: str
    cli_id: str
    efforts: tuple[str, ...] = ()
    """Those that its CLI is told of; none: it has no such thing, and an effort is for show."""
    input_usd: float | None = None
    output_usd: float | None = None

    @property
    def price(self) -> str:
        """`$5 in, $25 out`; nothing where it is unknown."""
        if self.input_usd is None or self.output_usd is None:
            return ""
        return f"${_short(self.input_usd)} in, ${_short(self.output_usd)} out"


def _short(usd: float) -> str:
    return f"{usd:.2f}".removesuffix(".00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """A provider's model for demanding job types and for the quicker ones."""

    strong: str
    quick: str


def _family(
    provider: str, efforts: tuple[str, ...], price: tuple[float, float] | None, *names: str
) -> tuple[Model, ...]:
    """Names of one model; the CLI gets the first one's own."""
    paid_in, paid_out = price or (None, None)
    return tuple(
        Model(
            name=name,
            provider=provider,
            cli_id=names[0],
            efforts=efforts,
            input_usd=paid_in,
            output_usd=paid_out,
        )
        for name in names
    )


_CLAUDE = (
    (("opus",), (5, 25)),
    (("sonnet",), (3, 15)),
    (("haiku",), (1, 5)),
    (("claude-opus-4-6",), (5, 25)),
    (("claude-sonnet-4-6",), (3, 15)),
    (("claude-haiku-4-5",), (1, 5)),
)
_GEMINI = (
    (("gemini-3.1-pro-preview", "gemini-3.1-pro"), (2, 12)),
    (("gemini-3-flash-preview", "gemini-3-flash"), (0.5, 3)),
    (("gemini-2.5-pro",), (1.25, 10)),
    (("gemini-2.5-flash",), (0.3, 2.5)),
)
_CODEX = ("gpt-6.1-sol", "gpt-6-astra", "gpt-6-sol", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.5", "gpt-5")
MODELS: tuple[Model, ...] = (
    *(model for names, price in _CLAUDE for model in _family("claude", EFFORTS, price, *names)),
    *(model for names, price in _GEMINI for model in _family("gemini", (), price, *names)),
    *(model for name in _CODEX for model in _family("codex", EFFORTS, None, name)),
    Model(name="rehearsal", provider="rehearsal", cli_id="", input_usd=0, output_usd=0),
)
DEFAULTS: Mapping[str, Defaults] = {
    "claude": Defaults(strong="opus", quick="sonnet"),
    "gemini": Defaults(strong="gemini-3.1-pro-preview", quick="gemini-3-flash-preview"),
    "codex": Defaults(strong="gpt-6.1-sol", quick="gpt-6-luna"),
    "rehearsal": Defaults(strong="rehearsal", quick="rehearsal"),
}
BUILT_IN = tuple(DEFAULTS)
"""The providers that there are without anything being set."""


class UnknownChoice(Exception):
    """A provider, model or effort that there is none of. The text is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The providers that are switched on and the models that they answer to."""

    providers: tuple[str, ...]
    """In order of preference: the first one is the default."""
    models: tuple[Model, ...] = field(default=MODELS)
    defaults: Mapping[str, Defaults] = field(default_factory=lambda: DEFAULTS)
    """By provider."""

    def choose(self, job_type: str, provider: str | None, model: str | None) -> Model:
        """The model for a job. A model alone implies its provider; a provider alone, its default model.

        Raises UnknownChoice for a name there is none of, and for a model of another provider than asked for.
        """
        if provider is not None:
            self.provider(provider)
        if model is None:
            return self._default(job_type, provider or self.providers[0])
        found = self._find(model)
        if provider is not None and found.provider != provider:
            raise UnknownChoice(
                f"`{model}` is a model of {found.provider}, but the provider asked for is {provider}. "
                f"Leave one of the two out, or pick one of: {self._names(provider)}."
            )
        return found

    def provider(self, name: str) -> str:
        """The provider of that name. Raises UnknownChoice."""
        if name not in self.providers:
            raise UnknownChoice(self._unknown("provider", name, self.providers))
        return name

    def find(self, name: str) -> Model | None:
        """The model of that name; None where the table has dropped it since."""
        return next((each for each in self.models if each.name == name), None)

    def cli_id(self, model: str) -> str:
        """What the CLI is given for a model name; the name itself where the table has dropped it since."""
        found = self.find(model)
        return found.cli_id if found else model

    def price(self, model: str) -> str:
        """What a model costs, in words; nothing where that is unknown, or nothing is paid."""
        found = self.find(model)
        return f"{found.price} per million tokens" if found and found.price and found.output_usd else ""

    def model_names(self) -> tuple[str, ...]:
        """Every model name that may be typed, in order."""
        return tuple(model.name for model in self.models if model.provider in self.providers)

    def _find(self, name: str) -> Model:
        for model in self.models:
            if model.name == name and model.provider in self.providers:
                return model
        raise UnknownChoice(self._unknown("model", name, self.model_names(), self._why_not(name)))

    def _why_not(self, name: str) -> str:
        found = self.find(name)
        return f" {found.provider}, whose it is, is switched off here." if found else ""

    def _default(self, job_type: str, provider: str) -> Model:
        defaults = self.defaults[provider]
        return self._find(defaults.strong if job_type in STRONG_TYPES else defaults.quick)

    def _names(self, provider: str) -> str:
        return ", ".join(f"`{m.name}`" for m in self.models if m.provider == provider)

    @staticmethod
    def _unknown(what: str, name: str, known: tuple[str, ...], why: str = "") -> str:
        near = " or ".join(f"`{each}`" for each in _near(name, known))
        told = why or (f" Did you mean {near}?" if near else "")
        listed = ", ".join(f"`{each}`" for each in known)
        return f"There is no {what} `{name[:80]}`.{told} There are: {listed}."


def _near(name: str, known: tuple[str, ...]) -> list[str]:
    """The nearest names: of those that are spelled alike, and then of those that hold what was typed."""
    typed = name.lower()
    alike = get_close_matches(typed, known, n=_NEAREST)
    holding = [each for each in known if len(typed) >= _LEAST and typed in each]
    return list(dict.fromkeys((*alike, *holding)))[:_NEAREST]
