"""Whether the providers and models that the settings name are there, and each name is that of one alone."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from bot.settings import OtherCli, Settings
from executor.catalog import BUILT_IN, MODELS, PLACE


def mistakes(settings: Settings) -> list[str]:
    """What is wrong, each as a setting and a sentence."""
    return [*_taken(settings), *_unknown(settings), *_unplaced(settings), *_shared(settings)]


def _taken(settings: Settings) -> Iterator[str]:
    owners = {model.name: model.provider for model in MODELS}
    for name in settings.agents.others:
        if name not in BUILT_IN and name in owners:
            yield f"`agents.others.{name}`: That is a model of {owners[name]}. Give yours another name."
        if name in BUILT_IN:
            yield (
                f"`agents.others.{name}`: {name} is built in. Set it under [agents.{name}], or give yours "
                "another name."
            )


def _unknown(settings: Settings) -> Iterator[str]:
    known = [*BUILT_IN, *settings.agents.others]
    for where, name in _named(settings):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            listed = ", ".join(f"`{each}`" for each in known)
            yield f"`{where}`: There is no provider `{name}`.{hint} There are: {listed}."


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every provider that is named, and where."""
    yield from ((f"agents.providers.{at}", name) for at, name in enumerate(settings.agents.providers))
    for workspace, each in settings.workspaces.items():
        named = {"provider": each.provider, "fallback": each.fallback}
        yield from ((f"workspaces.{workspace}.{what}", name) for what, name in named.items() if name)
    yield from ((f"provider_slots.{name}", name) for name in settings.provider_slots)
    yield from ((f"inactivity.{name}", name) for name, _ in settings.inactivity)
    yield from ((f"models.{at}.provider", model.provider) for at, model in enumerate(settings.models))


def _unplaced(settings: Settings) -> Iterator[str]:
    for name, cli in settings.agents.others.items():
        placed = any(PLACE in word for word in cli.command)
        if placed and not _has_models(settings, name, cli):
            yield f"`agents.others.{name}.command`: It has a place for `{PLACE}`, but no `models` are named."
        if not placed and _has_models(settings, name, cli):
            yield f"`agents.others.{name}.command`: It has no place for the model: `{PLACE}` stands for that."


def _has_models(settings: Settings, name: str, cli: OtherCli) -> bool:
    return bool(cli.models) or any(model.provider == name for model in settings.models)


def _shared(settings: Settings) -> Iterator[str]:
    """Whoever names a model implies its provider."""
    owners = {model.name: model.provider for model in MODELS}
    for where, name, provider in _models(settings):
        owner = owners.setdefault(name, provider)
        if owner != provider:
            yield (
                f"`{where}`: `{name}` is a model of {owner} already. Give that of {provider} a name of its "
                f"own, such as `{provider}-{name}`, beside its `id`."
            )


def _models(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Every model that is set: where, its name, its provider."""
    for provider, cli in settings.agents.others.items():
        where = f"agents.others.{provider}"
        yield from ((f"{where}.models", name, provider) for name in cli.models)
    yield from ((f"models.{at}", each.name, each.provider) for at, each in enumerate(settings.models))
