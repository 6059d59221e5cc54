"""Every option that a command may have, declared once."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """`--name VALUE`. `placeholder` stands for the value in a usage line; `default` holds without it."""

    name: str
    placeholder: str
    summary: str
    default: str = ""
    choices: tuple[str, ...] = ()
    """What it may be, where that is the same on every bot."""


_MODEL = Option(
    name="model", placeholder="NAME", summary="the model that answers", default="what the settings say"
)
_AS_SET = "what the settings say"
PROVIDER_OPTION = Option(
    name="provider", placeholder="NAME", summary="whose CLI does the work", default=_AS_SET
)
_EFFORT = Option(
    name="effort",
    placeholder="LEVEL",
    summary="how hard it thinks: low, medium or high",
    default=_AS_SET,
)
_TIMEOUT = Option(
    name="timeout",
    placeholder="SPAN",
    summary="how long it may take: 20m, 1h30m",
    default="what is set for the type of job",
)
_PRIORITY = Option(name="priority", placeholder="LEVEL", summary="who goes first: low, normal or high")
RUN_OPTIONS = (
    _MODEL,
    PROVIDER_OPTION,
    _EFFORT,
    Option(
        name="workspace",
        placeholder="NAME",
        summary="the directory it works in",
        default="the one set for the channel, or for all",
    ),
    _TIMEOUT,
    _PRIORITY,
)
TASK_OPTION = Option(
    name="task",
    placeholder="ID",
    summary="the task it is for: the agent reads its description, feedback and comments",
    default="none",
)
DEPTH_OPTION = Option(name="depth", placeholder="standard|deep", summary="how far a research goes")
BUDGET_OPTION = Option(
    name="budget",
    placeholder="USD",
    summary="what an autopilot may cost in all; it stops after the step that has spent it",
    default="no bound",
)
FAILURE_OPTION = Option(
    name="failure", placeholder="stop|go-on", summary="what becomes of an autopilot when a step fails"
)
CONTINUE_OPTIONS = tuple(
    replace(option, default="as before") for option in (_MODEL, PROVIDER_OPTION, _EFFORT, _TIMEOUT, _PRIORITY)
)
"""What may differ in a job that goes on with another one. The provider may not, and says so."""

TIME_OPTIONS = (
    Option(
        name="at",
        placeholder='"TIME"',
        summary="when it starts: 18:00, tomorrow 09:30, mon 7:00, 2026-12-24 18:00",
        default="at once",
    ),
    Option(
        name="in", placeholder="SPAN", summary="how long until it starts: 90m, 2h30m, 1d", default="at once"
    ),
    Option(
        name="cron",
        placeholder='"RHYTHM"',
        summary="when it starts again and again: 0 2 * * mon-fri, @daily",
        default="once",
    ),
    Option(
        name="zone",
        placeholder="ZONE",
        summary="whose clocks are meant: Europe/Paris",
        default="your own",
    ),
    Option(
        name="missed",
        placeholder="once|skip",
        summary="what becomes of runs that were missed while the bot was down",
    ),
)
"""Their values are no names; quotes hold those together that have spaces."""

QUESTION_OPTION = Option(
    name="question",
    placeholder="NUMBER",
    summary="which of its questions, where more than one is open",
    default="the one that is open",
)
LIST_OPTIONS = (
    Option(
        name="status",
        placeholder="NAME",
        summary="only jobs of this status; `asking`: those that wait for an answer",
        default="all",
    ),
    Option(name="type", placeholder="NAME", summary="only jobs of this type", default="all"),
    Option(name="by", placeholder="me|anyone", summary="whose jobs"),
    Option(
        name="before",
        placeholder="ID",
        summary="only jobs that are older than this one",
        default="the newest",
    ),
)

USAGE_OPTIONS = (
    Option(
        name="by",
        placeholder="THING",
        summary="what it is told apart by",
        default="`day`",
        choices=("day", "type", "person", "model", "provider"),
    ),
    Option(name="days", placeholder="NUMBER", summary="how many of the last days", default="30"),
)
