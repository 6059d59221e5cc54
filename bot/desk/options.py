"""What the options of a command may be: for forms to offer, and what a form or a call may bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.desk import lists
from bot.desk.asks import Ask, Refusal
from bot.desk.commands import FORM_OPTIONS, NAME, Command, no_option, shown, usage_of
from bot.desk.option_table import TASK_OPTION
from bot.platforms.base import ALWAYS, APPROVE, DENY
from executor.catalog import DEFAULT_EFFORT, EFFORTS, Catalog
from executor.job_types.autopilot import FAILURES
from executor.job_types.research import DEPTHS
from executor.schedules import Missed

_NAMES = ("model", "provider", "workspace", "depth", "failure")
"""Options whose values name something."""


def choices(option: str, catalog: Catalog, workspaces: Sequence[str]) -> Sequence[str]:
    """The values that an option may take; none where they cannot be listed. `workspaces` are their names."""
    values: Mapping[str, Sequence[str]] = {
        "model": catalog.model_names(),
        "provider": catalog.providers,
        "effort": _efforts(catalog),
        "workspace": workspaces,
        "priority": ("normal", "low", "high"),
        "missed": tuple(Missed),
        "depth": DEPTHS,
        "failure": FAILURES,
        "status": lists.STATUSES,
        "type": lists.TYPES,
        "by": lists.WHOSE,
        "text": (APPROVE, ALWAYS, DENY),
    }
    return values.get(option, ())


def _efforts(catalog: Catalog) -> Sequence[str]:
    """Those of any model, with the usual one first."""
    usual = sorted(EFFORTS, key=lambda effort: effort != DEFAULT_EFFORT)
    on = (model for model in catalog.models if model.provider in catalog.providers)
    return tuple(dict.fromkeys((*usual, *(effort for model in on for effort in model.efforts))))


def check(ask: Ask, command: Command) -> None:
    """Forms and calls bring values that no parser has seen. What is not a name has a check of its own."""
    # A form has the options of all types of job; a call may say of any of them which task it is for.
    strange = set(FORM_OPTIONS) - {TASK_OPTION, *command.options} if command.job_type else set()
    for option in strange:
        if ask.args.get(option.name):
            raise Refusal(no_option(command, option.name).text, option.name)
    for option in command.options:
        value = ask.args.get(option.name, "") if option.name in _NAMES else ""
        if value and not NAME.fullmatch(value):
            raise Refusal(
                f"`{shown(value)}` cannot be the value of `--{option.name}`: a plain name is.\n"
                f"{usage_of(command)}",
                option.name,
            )
