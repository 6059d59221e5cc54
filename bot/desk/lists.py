"""`/job list`: which jobs are asked for, and how the next page is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.desk.asks import Refusal
from bot.desk.commands import JOB_COMMANDS, shown
from executor.listing import JobFilter, JobPage, Sight
from executor.model import Actor, Job, JobStatus

PAGE = 15
"""Jobs that are shown at a time."""
MOST_MORE = 100
"""As many more as this are counted, and no more."""
ASKING = "asking"
"""Stands beside the statuses: the jobs, of whatever status, that wait for an answer."""
STATUSES = (*(status.value for status in JobStatus), ASKING)
TYPES = tuple(command.job_type for command in JOB_COMMANDS)
WHOSE = ("anyone", "me")


def filter_of(args: Mapping[str, str], actor: Actor, sight: Sight | None, before: Job | None) -> JobFilter:
    """The jobs that `actor` asks for, of those in `sight`. Raises Refusal."""
    status = _one_of("status", args, STATUSES)
    if _one_of("by", args, WHOSE) == "me":
        sight = replace(_team_of(actor), user_id=actor.user_id)
    return JobFilter(
        statuses=[JobStatus(status)] if status and status != ASKING else (),
        asking=status == ASKING,
        job_type=_one_of("type", args, TYPES) or None,
        sight=sight,
        before=before,
    )


def rest_of(page: JobPage, args: Mapping[str, str]) -> str:
    """How many older jobs there are and what shows them; nothing where there are none."""
    more = page.found - len(page.jobs)
    if more <= 0:
        return ""
    number = f"more than {MOST_MORE}" if more > MOST_MORE else str(more)
    given = [f" --{name} {args[name]}" for name in ("status", "type", "by") if args.get(name)]
    return f"There are {number} older ones: `/job list{''.join(given)} --before {page.jobs[-1].id[:8]}`"


def _team_of(actor: Actor) -> Sight:
    return Sight(platform=actor.platform, team=actor.team)


def _one_of(name: str, args: Mapping[str, str], known: tuple[str, ...]) -> str:
    value = args.get(name, "")
    if value and value not in known:
        listed = ", ".join(f"`{each}`" for each in known)
        raise Refusal(f"`{shown(value)}` cannot be the value of `--{name}`. There are: {listed}.", name)
    return value
