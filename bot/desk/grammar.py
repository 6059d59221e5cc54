"""The grammar of what is typed after `/job`, derived from the command table. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from bot.desk.commands import (
    BY_VERB,
    CHANGES,
    FORM_OPTIONS,
    TYPO,
    Command,
    Misunderstood,
    Takes,
    no_option,
    shown,
    unknown_verb,
    usage_of,
)

_DOUBLE, _SINGLE = '["“”„]', "['‘’]"
_OPTION = r"(?:--|—|–)([A-Za-z][\w-]*)"
"""Phones and Slack turn `--` into a dash while people type, and straight quotes into curly ones."""
_VALUE = rf"{_DOUBLE}[^{_DOUBLE[1:]}*{_DOUBLE}(?!\S)|{_SINGLE}[^{_SINGLE[1:]}*{_SINGLE}(?!\S)|\S++"
_FIRST_OPTION = re.compile(rf"\s*{_OPTION}(?:=({_VALUE})?|\s+({_VALUE}))?(?!\S)")
_LAST_OPTION = re.compile(rf"(?:^|\s){_OPTION}(?:=({_VALUE})?|\s+({_VALUE}))?$")
_NUMBERS = r"[\d*][\d*/,-]*"
_BARE = (
    r"[“”„‘’\"']?((?:[a-z]+|\d{4}-\d\d-\d\d)\s+\d{1,2}:\d\d(?::\d\d)?"
    rf"|{_NUMBERS}(?:\s+{_NUMBERS}){{2}}(?:\s+[\w*][\w*/,-]*){{2}})(?!\S)"
)
"""A time or a rhythm, as it is typed by whoever forgets the quotes."""
_FIRST_BARE = re.compile(rf"\s*(?:--|—|–)(at|cron)[=\s]\s*{_BARE}", re.IGNORECASE)
_LAST_BARE = re.compile(rf"(?:^|\s)(?:--|—|–)(at|cron)[=\s]\s*{_BARE}$", re.IGNORECASE)
_LONGEST_OPTION = 1_000
"""Characters at the end of a prompt in which options are looked for: the search is not linear."""
_QUOTED = re.compile(rf"{_DOUBLE}(.*){_DOUBLE}|{_SINGLE}(.*){_SINGLE}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The words of a command, told apart. Whether they mean anything is the desk's to say."""

    command: Command
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)


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
    if command.takes is Takes.SETTING:
        name, value = _split_word(rest)
        return Parsed(
            command=command, target=name.strip("`"), args={"value": value.strip()} if value.strip() else {}
        )
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
    if not target and command.takes.has_job:
        raise Misunderstood(f"`/job {command.verb}` needs the id of a job.\n{usage_of(command)}")
    return Parsed(
        command=command, target=target.strip("#`"), args=args | ({"prompt": words} if words else {})
    )


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
        _check_quotes(command, _FIRST_BARE.match(rest))
        option = _FIRST_OPTION.match(rest)
        if option is None or not _is_option(command, option[1]):
            return rest, False
        _set(command, args, option[1], option[2] or option[3] or "")
        rest = rest[option.end() + 1 :]


def _trailing_options(command: Command, text: str, args: dict[str, str]) -> str:
    """Takes options off the end."""
    rest = text
    while True:
        tail = max(0, len(rest) - _LONGEST_OPTION)
        _check_quotes(command, _LAST_BARE.search(rest, tail))
        found = _LAST_OPTION.search(rest, tail)
        if found is None or not _is_option(command, found[1]):
            return rest
        _set(command, args, found[1], found[2] or found[3] or "")
        rest = rest[: found.start()].rstrip()


def _check_quotes(command: Command, bare: re.Match[str] | None) -> None:
    """Of a time without quotes only the first word would be taken, and the rest for the prompt."""
    if bare is None or all(option.name != bare[1].lower() for option in command.options):
        return
    name = bare[1].lower()
    raise Misunderstood(
        f'The value of `--{name}` has spaces, so put it in quotes: `--{name} "{" ".join(bare[2].split())}"`.',
        name,
    )


def _is_option(command: Command, name: str) -> bool:
    """Whether `name` is an option, of this command or of another type of job, or a slip for one of its own.

    Any other dashed word belongs to the prompt.

    A slip has the first letter right (`--once` and `--done` are none for `--zone`), and too many words are
    near one of two letters.
    """
    name = name.lower()
    names = [option.name for option in command.options]
    near = [each for each in names if len(each) > 2 and each[0] == name[0]]
    known = {*names, *(option.name for option in FORM_OPTIONS)}
    return name in known or bool(get_close_matches(name, near, n=1, cutoff=TYPO))


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
