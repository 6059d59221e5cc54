"""What the commands are and how one of them is used, out of the command table. Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.desk.access import DECISIONS
from bot.desk.asks import Refusal
from bot.desk.commands import BY_VERB, COMMANDS, Command, unknown_verb
from bot.desk.option_table import Option

_EXAMPLES = ("research", "session", "resume")
_MOST_CHOICES = 20


def help_text() -> str:
    """All commands, a line each under what they are for, and some examples."""
    starting = [command for command in COMMANDS if command.job_type]
    deciding = [command for command in COMMANDS if command.verb in DECISIONS]
    steering = [
        command
        for command in COMMANDS
        if command not in deciding and (command.verb == "list" or command.takes.has_job)
    ]
    rest = [command for command in COMMANDS if command not in (*starting, *steering, *deciding)]
    return "\n\n".join(
        [
            _group("Start a job", starting),
            _group("See and steer jobs", steering),
            _group("Decide about its work, in a git worktree", deciding),
            _group("All else", rest),
            "\n".join(["**Examples**", *(f"- `{BY_VERB[verb].example}`" for verb in _EXAMPLES)]),
            "`/job help research` shows the options of a command. An id may be as short as it is unique.",
        ]
    )


def _group(title: str, commands: Sequence[Command]) -> str:
    lines = (f"- `{command.shape}`: {command.summary}" for command in commands)
    return "\n".join([f"**{title}**", *lines])


def help_about(verb: str, choices: Callable[[str], Sequence[str]]) -> str:
    """That of one command, or of all where `verb` is empty. Raises Refusal."""
    command = BY_VERB.get(verb.lower())
    if command is None and verb:
        raise Refusal(unknown_verb(verb))
    return help_of(command, choices) if command else help_text()


def help_of(command: Command, choices: Callable[[str], Sequence[str]]) -> str:
    """One command: its usage, its options, an example. `choices` as a form has them."""
    lines = [f"**{command.shape}**: {command.summary}"]
    if command.options:
        places = "before or after the prompt; a lone `--` makes all that follows the prompt"
        lines += ["", f"**Options**, {places}" if command.takes.has_words else "**Options**"]
        lines += [_line(option, option.choices or choices(option.name)) for option in command.options]
    return "\n".join([*lines, "", f"Example: `{command.example}`"])


def _line(option: Option, choices: Sequence[str]) -> str:
    default = option.default or (f"`{choices[0]}`" if choices else "")
    without = f"; without it: {default}" if default else ""
    told = all(choice in option.summary + option.placeholder for choice in choices)
    listed = ", ".join(f"`{choice}`" for choice in choices[:_MOST_CHOICES])
    more = ", …" if len(choices) > _MOST_CHOICES else ""
    among = "" if told else f". There are: {listed}{more}"
    return f"- `--{option.name} {option.placeholder}`: {option.summary}{without}{among}"
