"""The terms that a job may be asked for on: which model, how hard, how long it may take, who goes first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.desk.asks import Refusal
from bot.desk.commands import shown
from executor.catalog import DEFAULT_EFFORT, EFFORTS, TELLS_COST, Catalog, Model, UnknownChoice
from executor.model import TIMEOUT, Job
from executor.moments import TimeRefused, parse_span
from executor.queueing import PRIORITIES

_LONGEST_S = 86_400.0
_TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a new job was asked for on. `timeout` is a part of its payload."""

    model: Model
    effort: str
    timeout: Mapping[str, str]
    priority: int


def model_of(args: Mapping[str, str], job_type: str, catalog: Catalog) -> Model:
    """`--model` and `--provider`, or the defaults. Raises Refusal."""
    provider, model = args.get("provider") or None, args.get("model") or None
    try:
        return catalog.choose(job_type, provider, model)
    except UnknownChoice as error:
        raise Refusal(str(error), "model" if model else "provider") from error


def check_budget(args: Mapping[str, str], model: Model) -> None:
    """A budget needs a provider that says what it has cost. Raises Refusal."""
    if args.get("budget") and model.provider not in TELLS_COST:
        raise Refusal(
            f"{model.provider} does not say what a job has cost, so that a budget cannot be kept. "
            f"Leave `--budget` out, or take one of: {_listed(tuple(sorted(TELLS_COST)))}.",
            "budget",
        )


def effort_of(args: Mapping[str, str], model: Model | None, default: str = DEFAULT_EFFORT) -> str:
    """`--effort`, among those that the model knows (None: one of a model that is gone). Raises Refusal."""
    effort, known = args.get("effort") or default, (model.efforts if model else ()) or EFFORTS
    if effort in known:
        return effort
    if not args.get("effort"):
        return DEFAULT_EFFORT if DEFAULT_EFFORT in known else known[0]
    whose = f" of `{model.name}`" if model and known != EFFORTS else ""
    raise Refusal(f"There is no effort `{shown(effort)}`{whose}. There are: {_listed(known)}.", "effort")


def timeout_of(args: Mapping[str, str]) -> dict[str, str]:
    """`--timeout` as a part of the payload; nothing where it was not given. Raises Refusal."""
    text = args.get("timeout", "")
    if not text:
        return {}
    try:
        seconds = parse_span(text).total_seconds()
    except TimeRefused as error:
        raise Refusal(str(error), "timeout") from error
    if seconds > _LONGEST_S:
        raise Refusal(f"`{text}` is too long: an attempt may take a day at most.", "timeout")
    return {TIMEOUT: f"{seconds:g}"}


def priority_of(args: Mapping[str, str], default: int = PRIORITIES["normal"]) -> int:
    """`--priority` as a number. Raises Refusal."""
    name = args.get("priority")
    if not name:
        return default
    if name not in PRIORITIES:
        raise Refusal(f"There is no priority `{shown(name)}`. There are: {_listed(PRIORITIES)}.", "priority")
    return PRIORITIES[name]


def task_of(args: Mapping[str, str]) -> str | None:
    """The task that it is done for. Raises Refusal."""
    task = args.get("task", "")
    if task and not _TASK.fullmatch(task):
        raise Refusal(f"`{shown(task)}` cannot be the id of a task: those are like `A82`.", "task")
    return task or None


def on_other_terms(job: Job, args: Mapping[str, str], catalog: Catalog) -> Job:
    """`job` as it shall be continued: what `args` do not say stays as it was. Raises Refusal."""
    model = _other_model(job, args, catalog)
    return replace(
        job,
        model=model,
        effort=effort_of(args, catalog.find(model), job.effort),
        priority=priority_of(args, job.priority),
        payload={**job.payload, **timeout_of(args)},
    )


def _other_model(job: Job, args: Mapping[str, str], catalog: Catalog) -> str:
    named = [name for name in ("model", "provider") if args.get(name)]
    if not named:
        return job.model
    model = model_of(args, job.type, catalog)
    if model.provider != job.provider:
        raise Refusal(
            f"Job `{job.short_id}` was done by {job.provider}, and a session belongs to its provider: "
            f"{model.provider} cannot go on with it. "
            f"Ask {model.provider} afresh: `/job {job.type} … --{named[0]} {args[named[0]]}`.",
            named[0],
        )
    return model.name if "model" in named else job.model


def _listed(names: Mapping[str, int] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
