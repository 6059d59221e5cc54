"""The command table: every verb and option, declared once. Grammar, forms and help derive from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,79}")
"""What the value of an option may look like: never a path, a flag or an expression."""
_DOUBLE, _SINGLE = '["“”„]', "['‘’]"
_OPTION = r"(?:--|—|–)([A-Za-z][\w-]*)"
"""Phones and Slack turn `--` into a dash while people type, and straight quotes into curly ones."""
_VALUE = rf"{_DOUBLE}[^{_DOUBLE[1:]}*{_DOUBLE}(?!\S)|{_SINGLE}[^{_SINGLE[1:]}*{_SINGLE}(?!\S)|\S++"
_FIRST_OPTION = re.compile(rf"\s*{_OPTION}(?:=({_VALUE})?|\s+({_VALUE}))?(?!\S)")
_LAST_OPTION = re.compile(rf"(?:^|\s){_OPTION}(?:=({_VALUE})?|\s+({_VALUE}))?$")
_LONGEST_OPTION = 1_000
"""Characters at the end of a prompt in which options are looked for: the search is not linear."""
_QUOTED = re.compile(rf"{_DOUBLE}(.*){_DOUBLE}|{_SINGLE}(.*){_SINGLE}", re.DOTALL)
_TYPO = 0.75
CHANGES = ("pause", "resume", "delete", "run")
"""What can be done with a schedule."""


class Takes(StrEnum):
    """What follows a verb."""

    PROMPT = "prompt"
    NOTHING = "nothing"
    JOB = "job"
    JOB_AND_TEXT = "job and text"
    SCHEDULE = "change and schedule"
    VERB = "verb"

    @property
    def has_words(self) -> bool:
        """Whether text for an agent may follow."""
        return self in (Takes.PROMPT, Takes.JOB_AND_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """`--name VALUE`. `placeholder` stands for the value in a usage line; `default` holds without it."""

    name: str
    placeholder: str
    summary: str
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One verb. `job_type` is set on those that start a job of that type."""

    verb: str
    summary: str
    takes: Takes
    example: str
    options: tuple[Option, ...] = ()
    job_type: str = ""

    @property
    def shape(self) -> str:
        """The command without its options, such as `/job research PROMPT`."""
        words = {
            Takes.PROMPT: " PROMPT",
            Takes.NOTHING: "",
            Takes.JOB: " ID",
            Takes.JOB_AND_TEXT: " ID [TEXT]",
            Takes.SCHEDULE: f" {'|'.join(CHANGES)} ID",
            Takes.VERB: " [VERB]",
        }[self.takes]
        return f"/job {self.verb}{words}"

    @property
    def usage(self) -> str:
        """The command as it is typed, such as `/job research PROMPT [--model NAME]`."""
        return self.shape + "".join(f" [--{option.name} {option.placeholder}]" for option in self.options)


_MODEL = Option(
    name="model", placeholder="NAME", summary="the model that answers", default="the provider's own choice"
)
_PROVIDER = Option(name="provider", placeholder="NAME", summary="whose CLI does the work")
_EFFORT = Option(name="effort", placeholder="LEVEL", summary="how hard it thinks: low, medium or high")
_TIMEOUT = Option(
    name="timeout",
    placeholder="SPAN",
    summary="how long it may take: 20m, 1h30m",
    default="what is set for the type of job",
)
_PRIORITY = Option(name="priority", placeholder="LEVEL", summary="who goes first: low, normal or high")
RUN_OPTIONS = (
    _MODEL,
    _PROVIDER,
    _EFFORT,
    Option(name="workspace", placeholder="NAME", summary="the directory it works in"),
    _TIMEOUT,
    _PRIORITY,
)
CONTINUE_OPTIONS = tuple(
    replace(option, default="as before") for option in (_MODEL, _PROVIDER, _EFFORT, _TIMEOUT, _PRIORITY)
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

LIST_OPTIONS = (
    Option(name="status", placeholder="NAME", summary="only jobs of this status", default="all"),
    Option(name="type", placeholder="NAME", summary="only jobs of this type", default="all"),
    Option(name="by", placeholder="me|anyone", summary="whose jobs"),
    Option(
        name="before",
        placeholder="ID",
        summary="only jobs that are older than this one",
        default="the newest",
    ),
)

COMMANDS: tuple[Command, ...] = (
    Command(
        verb="research",
        summary="investigate a question and publish a report",
        takes=Takes.PROMPT,
        example="/job research how do we cache sessions?",
        options=(*RUN_OPTIONS, *TIME_OPTIONS),
        job_type="research",
    ),
    Command(
        verb="session",
        summary="do a piece of work, as in a session with the agent",
        takes=Takes.PROMPT,
        example="/job session add a test for the login form --model sonnet",
        options=(*RUN_OPTIONS, *TIME_OPTIONS),
        job_type="session",
    ),
    Command(
        verb="list",
        summary="show the latest jobs",
        takes=Takes.NOTHING,
        example="/job list --status running --by me",
        options=LIST_OPTIONS,
    ),
    Command(verb="show", summary="show one job", takes=Takes.JOB, example="/job show 3fa9c1"),
    Command(verb="cancel", summary="stop a job", takes=Takes.JOB, example="/job cancel 3fa9c1"),
    Command(
        verb="interrupt",
        summary="break off what a job is at, and let it go on with a reply",
        takes=Takes.JOB_AND_TEXT,
        example="/job interrupt 3fa9c1 leave the tests and fix the typo",
    ),
    Command(
        verb="resume",
        summary="go on with a job's session, with new words if you like",
        takes=Takes.JOB_AND_TEXT,
        example="/job resume 3fa9c1 and now write the tests",
        options=CONTINUE_OPTIONS,
    ),
    Command(
        verb="retry",
        summary="do the same again, afresh",
        takes=Takes.JOB,
        example="/job retry 3fa9c1 --timeout 1h",
        options=CONTINUE_OPTIONS,
    ),
    Command(
        verb="schedules",
        summary="show what runs again and when",
        takes=Takes.NOTHING,
        example="/job schedules",
    ),
    Command(
        verb="schedule",
        summary="change a schedule, or start a run of it now",
        takes=Takes.SCHEDULE,
        example="/job schedule pause 5c4ed0",
    ),
    Command(
        verb="help",
        summary="show this, or how to use one of these",
        takes=Takes.VERB,
        example="/job help research",
    ),
)
BY_VERB: Mapping[str, Command] = {command.verb: command for command in COMMANDS}
JOB_COMMANDS = tuple(command for command in COMMANDS if command.job_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The words of a command, told apart. Whether they mean anything is the desk's to say."""

    command: Command
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)


class Misunderstood(Exception):
    """The words make no command. The text is a sentence for the person, with the usage."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.field = field


def parse(text: str) -> Parsed:
    """What was typed after `/job`. Raises Misunderstood, naming the word that is wrong."""
    verb, rest = _split_word(text)
    command = BY_VERB.get(verb.lower())
    if command is None:
        raise Misunderstood(unknown_verb(verb))
    if command.takes is Takes.PROMPT:
        return _parse_prompt(command, rest)
    if command.takes is Takes.SCHEDULE:
        return _parse_change(command, rest)
    return _parse_words(command, rest)


def _parse_words(command: Command, text: str) -> Parsed:
    """Options, the id of a job where one is wanted, and what is left."""
    args: dict[str, str] = {}
    rest, literal = _leading_options(command, text, args)
    target = ""
    if command.takes is not Takes.NOTHING:
        target, rest = _split_word(rest)
        rest, literal = (rest, True) if literal else _leading_options(command, rest, args)
    words = rest.strip() if literal else _trailing_options(command, rest.strip(), args)
    if words and not command.takes.has_words:
        raise Misunderstood(f"`{shown(words)}` is too much here.\n{usage_of(command)}")
    if not target and command.takes in (Takes.JOB, Takes.JOB_AND_TEXT):
        raise Misunderstood(f"`/job {command.verb}` needs the id of a job.\n{usage_of(command)}")
    return Parsed(
        command=command, target=target.strip("#`"), args=args | ({"prompt": words} if words else {})
    )


def usage_of(command: Command) -> str:
    """The usage line and a real example."""
    return f"Usage: `{command.usage}`\nExample: `{command.example}`"


def shown(word: str) -> str:
    """A word of somebody's, safe and short enough to repeat inside back-ticks."""
    flat = re.sub(r"[\x00-\x1f\x7f-\x9f`\u2028\u2029]+", " ", word).strip()
    flat = flat.encode(errors="replace").decode()
    return flat if len(flat) <= 80 else flat[:79] + "…"


def no_option(command: Command, name: str) -> Misunderstood:
    """What is wrong with `--name`."""
    near = get_close_matches(name.lower(), [option.name for option in command.options], n=1, cutoff=_TYPO)
    hint = f" Did you mean `--{near[0]}`?" if near else ""
    literal = " If it is part of your prompt, put a lone `--` before the prompt."
    return Misunderstood(
        f"`--{shown(name)}` is no option of `/job {command.verb}`.{hint}"
        f"{literal if command.takes.has_words else ''}\n{usage_of(command)}"
    )


def unknown_verb(verb: str) -> str:
    """What is said of a word that is no command, or of none."""
    examples = " or ".join(f"`{command.example}`" for command in JOB_COMMANDS)
    usage = f"Usage: `/job {'|'.join(BY_VERB)} …`\nExample: {examples}"
    if not verb:
        return f"What shall I do?\n{usage}"
    near = get_close_matches(verb.lower(), BY_VERB, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"I know no command `{shown(verb)}`.{hint}\n{usage}"


def _split_word(text: str) -> tuple[str, str]:
    """The first word, and all that follows the one space after it, untouched."""
    text = text.lstrip()
    word, *_ = text.split(maxsplit=1) or [""]
    return word, text[len(word) + 1 :]


def _parse_prompt(command: Command, text: str) -> Parsed:
    args: dict[str, str] = {}
    prompt, literal = _leading_options(command, text, args)
    if not literal:
        prompt = _trailing_options(command, prompt.strip(), args)
    return Parsed(command=command, args=args | {"prompt": prompt})


def _parse_change(command: Command, text: str) -> Parsed:
    change, rest = _split_word(text)
    target, words = _split_word(rest)
    if change.lower() not in CHANGES:
        near = get_close_matches(change.lower(), CHANGES, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        said = (
            f"`{shown(change)}` cannot be done with a schedule.{hint}" if change else "What shall I change?"
        )
        raise Misunderstood(f"{said}\n{usage_of(command)}")
    if not target:
        raise Misunderstood(
            f"`/job schedule {change.lower()}` needs the id of a schedule; `/job schedules` shows them.\n"
            f"{usage_of(command)}"
        )
    if words.strip():
        raise Misunderstood(f"`{shown(words)}` is too much here.\n{usage_of(command)}")
    return Parsed(command=command, target=target.strip("#`"), args={"change": change.lower()})


def _leading_options(command: Command, text: str, args: dict[str, str]) -> tuple[str, bool]:
    """Takes options off the front; the flag says that a lone `--` ended them, so the rest is literal."""
    rest = text
    while True:
        word, after = _split_word(rest)
        if word in ("--", "—", "–"):
            return after, True
        option = _FIRST_OPTION.match(rest)
        if option is None or not _is_option(command, option[1]):
            return rest, False
        _set(command, args, option[1], option[2] or option[3] or "")
        rest = rest[option.end() + 1 :]


def _trailing_options(command: Command, text: str, args: dict[str, str]) -> str:
    """Takes options off the end."""
    rest = text
    while True:
        found = _LAST_OPTION.search(rest, max(0, len(rest) - _LONGEST_OPTION))
        if found is None or not _is_option(command, found[1]):
            return rest
        _set(command, args, found[1], found[2] or found[3] or "")
        rest = rest[: found.start()].rstrip()


def _is_option(command: Command, name: str) -> bool:
    """Whether `name` is an option or a slip for one. Any other dashed word belongs to the prompt.

    A slip has the first letter right (`--once` and `--done` are none for `--zone`), and too many words are
    near one of two letters.
    """
    name = name.lower()
    names = [option.name for option in command.options]
    near = [each for each in names if len(each) > 2 and each[0] == name[0]]
    return name in names or bool(get_close_matches(name, near, n=1, cutoff=_TYPO))


def _set(command: Command, args: dict[str, str], name: str, value: str) -> None:
    name = name.lower()
    if quoted := _QUOTED.fullmatch(value):
        value = (quoted[1] or quoted[2] or "").strip()
    if all(option.name != name for option in command.options):
        raise no_option(command, name)
    if name in args:
        raise Misunderstood(f"`--{name}` is given twice; give it once.\n{usage_of(command)}", name)
    if not value:
        raise Misunderstood(f"A value is missing after `--{name}`.\n{usage_of(command)}", name)
    args[name] = value
