"""The command table: every verb and option, declared once. Grammar, forms and help derive from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum

from bot.desk.option_table import (
    BUDGET_OPTION,
    CONTINUE_OPTIONS,
    DEPTH_OPTION,
    FAILURE_OPTION,
    LIST_OPTIONS,
    PROVIDER_OPTION,
    QUESTION_OPTION,
    RUN_OPTIONS,
    TASK_OPTION,
    TIME_OPTIONS,
    USAGE_OPTIONS,
    Option,
)

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,79}")
"""What the value of an option may look like: never a path, a flag or an expression."""
TYPO = 0.75
"""How near a word must be to one that there is, to be taken for a slip."""
OTHER_WORDS: Mapping[str, str] = {
    "abort": "cancel",
    "approve": "answer",
    "deny": "answer",
    "jobs": "list",
    "kill": "cancel",
    "log": "show",
    "logs": "show",
    "ls": "list",
    "reply": "resume",
    "run": "session",
    "status": "show",
    "stop": "cancel",
}
"""What people type who know other tools, and the command that is meant."""
CHANGES = ("pause", "resume", "delete", "run")
"""What can be done with a schedule."""


_ANYTHING = "what to do"


class Takes(StrEnum):
    """What follows a verb."""

    PROMPT = "prompt"
    NOTHING = "nothing"
    JOB = "job"
    JOB_AND_TEXT = "job and text"
    ANSWER = "job and answer"
    SCHEDULE = "change and schedule"
    VERB = "verb"
    SETTING = "setting and value"

    @property
    def has_words(self) -> bool:
        """Whether text for an agent may follow."""
        return self in (Takes.PROMPT, Takes.JOB_AND_TEXT, Takes.ANSWER)

    @property
    def has_files(self) -> bool:
        """Whether files may go with that."""
        return self in (Takes.PROMPT, Takes.JOB_AND_TEXT)

    @property
    def has_job(self) -> bool:
        """Whether it is about a job."""
        return self in (Takes.JOB, Takes.JOB_AND_TEXT, Takes.ANSWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One verb. `job_type` is set on those that start a job of that type."""

    verb: str
    summary: str
    takes: Takes
    example: str
    options: tuple[Option, ...] = ()
    job_type: str = ""
    words: str = "PROMPT"
    """What stands for the prompt in a usage line."""
    alone: bool = False
    """Whether it needs no prompt."""
    listed: bool = False
    """Whether there are prompts to choose from."""
    says: str = _ANYTHING
    """What the prompt says, for forms."""

    @property
    def shape(self) -> str:
        """The command without its options, such as `/job research PROMPT`."""
        words = {
            Takes.PROMPT: f" {self.words}",
            Takes.NOTHING: "",
            Takes.JOB: " ID",
            Takes.JOB_AND_TEXT: " ID [TEXT]",
            Takes.ANSWER: " ID ANSWER",
            Takes.SCHEDULE: f" {'|'.join(CHANGES)} ID",
            Takes.VERB: " [VERB]",
            Takes.SETTING: " [NAME [VALUE]]",
        }[self.takes]
        return f"/job {self.verb}{words}"

    @property
    def usage(self) -> str:
        """The command as it is typed, such as `/job research PROMPT [--model NAME]`."""
        return self.shape + "".join(f" [--{option.name} {option.placeholder}]" for option in self.options)


COMMANDS: tuple[Command, ...] = (
    Command(
        verb="research",
        summary="investigate a question and publish a report",
        takes=Takes.PROMPT,
        example="/job research how do we cache sessions?",
        options=(DEPTH_OPTION, *RUN_OPTIONS, *TIME_OPTIONS),
        job_type="research",
    ),
    Command(
        verb="session",
        summary="do a piece of work, as in a session with the agent",
        takes=Takes.PROMPT,
        example="/job session add a test for the login form --model sonnet",
        options=(TASK_OPTION, *RUN_OPTIONS, *TIME_OPTIONS),
        job_type="session",
    ),
    Command(
        verb="workflow",
        summary="run a slash command of the CLI, or a prompt or file of several steps",
        takes=Takes.PROMPT,
        example="/job workflow /commit",
        options=(*RUN_OPTIONS, *TIME_OPTIONS),
        job_type="workflow",
        listed=True,
        words="/COMMAND|PROMPT|FILE",
        says="a slash command, a text or list of steps, or the path of a file with them",
    ),
    Command(
        verb="clara",
        summary="let Clara do a round over tasks and feedback: sweep, tidy, archive, focus or align",
        takes=Takes.PROMPT,
        example="/job clara sweep",
        options=(*RUN_OPTIONS, *TIME_OPTIONS),
        job_type="clara",
        words="[MODE]",
        alone=True,
        listed=True,
        says="sweep (without any), tidy, archive, focus or align",
    ),
    Command(
        verb="autopilot",
        summary="work through a list of steps, one after the other",
        takes=Takes.PROMPT,
        example="/job autopilot plans/release.md --budget 5",
        options=(BUDGET_OPTION, FAILURE_OPTION, *RUN_OPTIONS, *TIME_OPTIONS),
        job_type="autopilot",
        words="STEPS|FILE",
        says="a list, one item per step, or the path of a file with one",
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
        summary="break off what a job is at, for a reply",
        takes=Takes.JOB_AND_TEXT,
        example="/job interrupt 3fa9c1 leave the tests and fix the typo",
    ),
    Command(
        verb="answer",
        summary="answer what a job asks",
        takes=Takes.ANSWER,
        example="/job answer 3fa9c1 deny use the staging database",
        options=(QUESTION_OPTION,),
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
        verb="diff",
        summary="show what a job changed",
        takes=Takes.JOB,
        example="/job diff 3fa9c1",
    ),
    Command(
        verb="merge",
        summary="merge that",
        takes=Takes.JOB,
        example="/job merge 3fa9c1",
    ),
    Command(
        verb="keep",
        summary="keep that on its branch",
        takes=Takes.JOB,
        example="/job keep 3fa9c1",
    ),
    Command(
        verb="discard",
        summary="throw that away",
        takes=Takes.JOB,
        example="/job discard 3fa9c1",
    ),
    Command(verb="pr", summary="open a pull request", takes=Takes.JOB, example="/job pr 3fa9c1"),
    Command(
        verb="schedules",
        summary="show what runs again and when",
        takes=Takes.NOTHING,
        example="/job schedules",
    ),
    Command(
        verb="schedule",
        summary="change a schedule, or run it now",
        takes=Takes.SCHEDULE,
        example="/job schedule pause 5c4ed0",
    ),
    Command(
        verb="models",
        summary="show the models, what they cost and who takes which",
        takes=Takes.NOTHING,
        example="/job models --provider claude",
        options=(replace(PROVIDER_OPTION, summary="only those of one provider", default="all"),),
    ),
    Command(
        verb="web",
        summary="open the page: a login link for admins, told to you alone",
        takes=Takes.NOTHING,
        example="/job web",
    ),
    Command(
        verb="usage",
        summary="show what your jobs have cost",
        takes=Takes.NOTHING,
        example="/job usage --by model --days 7",
        options=USAGE_OPTIONS,
    ),
    Command(
        verb="settings",
        summary="show what a job gets where nobody says, or set it",
        takes=Takes.SETTING,
        example="/job settings provider claude",
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
HERE, ALL_OVER = "workspace", "default_workspace"
"""The settings that are the workspace of this channel, and that of all which have none of their own."""
SETTINGS = (
    *("provider", "effort", "zone", HERE, ALL_OVER),
    *(f"model.{command.job_type}" for command in JOB_COMMANDS),
)
"""What can be set, by the name that people type."""
FORM_PROMPTS = "; ".join(f"{each.verb}: {each.says}" for each in JOB_COMMANDS if each.says != _ANYTHING)
"""What a form for all types of job tells of the prompts that are not just words."""
FORM_OPTIONS = tuple(dict.fromkeys(option for command in JOB_COMMANDS for option in command.options))
"""What a form for a new job asks for, whatever its type."""


class Misunderstood(Exception):
    """The words make no command. The text is a sentence for the person, with the usage."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.field = field


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
    near = get_close_matches(name.lower(), [option.name for option in command.options], n=1, cutoff=TYPO)
    hint = f" Did you mean `--{near[0]}`?" if near else _others_with(name.lower())
    literal = " If it is part of your prompt, put a lone `--` before the prompt."
    return Misunderstood(
        f"`--{shown(name)}` is no option of `/job {command.verb}`.{hint}"
        f"{literal if command.takes.has_words else ''}\n{usage_of(command)}"
    )


def _others_with(name: str) -> str:
    """Which other commands for new jobs have the option."""
    others = [each.verb for each in JOB_COMMANDS if any(option.name == name for option in each.options)]
    listed = " and ".join(f"`/job {verb}`" for verb in others)
    return f" {listed} {'has' if len(others) == 1 else 'have'} it." if 0 < len(others) < 3 else ""


def unknown_verb(verb: str) -> str:
    """What is said of a word that is no command, or of none."""
    examples = " or ".join(f"`{command.example}`" for command in JOB_COMMANDS[:2])
    verbs = ", ".join(f"`{known}`" for known in BY_VERB)
    usage = f"There are: {verbs}. `/job help` says what they do.\nExample: {examples}"
    if not verb:
        return f"What shall I do?\n{usage}"
    meant = OTHER_WORDS.get(verb.lower())
    near = [meant] if meant else get_close_matches(verb.lower(), BY_VERB, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"I know no command `{shown(verb)}`.{hint}\n{usage}"
