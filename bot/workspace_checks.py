"""What cannot be set of workspaces: names, providers and models that there are none of. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from bot.desk.presets import Presets


def wrong_names(presets: Presets, known: Collection[str]) -> None:
    """Raises ValueError where `presets` mean a workspace that is not `known`."""
    meant = {"`default_workspace`": presets.default} if presets.default else {}
    for (platform, channel), name in presets.channels.items():
        meant[f"`{channel}` under [{platform}.workspaces]"] = name
    for where, name in meant.items():
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in known)
            raise ValueError(f"{where} is `{name}`, which is no workspace; there are: {listed}")


def wrong_terms(
    workspace: str,
    provider: str | None,
    model: str | None,
    switched_on: Collection[str],
    models: Mapping[str, str],
) -> None:
    """Raises ValueError where nobody can work on these terms. `models` are all, with their providers."""
    if model is not None and model not in models:
        near = get_close_matches(model, models, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise ValueError(f"the model of the workspace `{workspace}` is `{model}`, which there is not{hint}")
    if provider and model and models[model] != provider:
        raise ValueError(
            f"the workspace `{workspace}` has the provider {provider}, but `{model}` is a model of "
            f"{models[model]}"
        )
    whose = provider or (models[model] if model else None)
    if whose and switched_on and whose not in switched_on:
        raise ValueError(
            f"the provider of the workspace `{workspace}`, {whose}, is not among the `providers` under "
            "[agents]"
        )


def shut_out(people: Collection[str], let_in: Mapping[str, Collection[str]]) -> list[str]:
    """Those of `people` of a workspace whom no platform lets in. `let_in`: whom each does, `*` for all.

    Of an id without a platform's name that cannot be known where some platform lets everybody in.
    """
    return sorted(each for each in people if not _is_let_in(each, let_in))


def _is_let_in(person: str, let_in: Mapping[str, Collection[str]]) -> bool:
    platform, colon, user_id = person.partition(":")
    if colon and platform in let_in:
        return "*" in let_in[platform] or user_id in let_in[platform]
    chats = {id for name, ids in let_in.items() if name != "web" for id in ids}
    return "*" in chats or person in {"*", "owner", *chats} or person.startswith("token:")
