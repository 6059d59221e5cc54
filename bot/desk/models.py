"""`/job models`: what there is to choose from, by provider. Pure; Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk.asks import Refusal
from executor.catalog import Catalog, Model, UnknownChoice
from executor.job_types import JOB_TYPES


def listing(catalog: Catalog, provider: str = "") -> str:
    """Every model: its names, its price, its efforts, and the types of job that take it. Raises Refusal."""
    try:
        wanted = [catalog.provider(provider)] if provider else catalog.providers
    except UnknownChoice as error:
        raise Refusal(str(error), "provider") from error
    lines: list[str] = []
    for name in wanted:
        first = " (without `--provider`)" if name == catalog.providers[0] else ""
        lines += [f"**{name}**{first}", *_of(catalog, name), ""]
    return "\n".join([*lines, "Prices are per million tokens, what goes in and what comes out."])


def _of(catalog: Catalog, provider: str) -> list[str]:
    """Names of one model stand on one line."""
    by_id: dict[str, list[Model]] = {}
    for model in catalog.models:
        if model.provider == provider:
            by_id.setdefault(model.cli_id, []).append(model)
    return [_line(catalog, models) for models in by_id.values()]


def _line(catalog: Catalog, models: Sequence[Model]) -> str:
    first, names = models[0], {model.name for model in models}
    types = [name for name in JOB_TYPES if catalog.choose(name, first.provider, None).name in names]
    facts = [
        first.price,
        f"effort {', '.join(first.efforts)}" if first.efforts else "",
        f"the default for {', '.join(types)}" if types else "",
    ]
    listed = ", ".join(f"`{model.name}`" for model in models)
    return " · ".join([f"- {listed}", *filter(None, facts)])
