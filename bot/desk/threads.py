"""What is said in a job's thread: a command, or a reply to the job. Pure."""

from __future__ import annotations

import re

from bot.desk.asks import REPLY, Ask, Invocation
from bot.desk.commands import BY_VERB, SETTINGS, Misunderstood, Takes
from bot.desk.grammar import Parsed, parse
from executor.model import Job

_ID = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")
"""What is taken for the id of a job or a schedule among words that may be meant for an agent."""


def read(invocation: Invocation, job: Job | None) -> Ask:
    """What is asked for. `job` is the one whose thread this is, None elsewhere. Raises Misunderstood.

    In its thread a command may leave out the job's id, and what is no command is a reply: "show me the diff"
    is for the agent. Only a new job that was asked for wrongly is not taken for one.
    """
    if job is None:
        return _ask(parse(invocation.text), invocation)
    verb, *rest = invocation.text.split(maxsplit=1) or [""]
    if not verb and invocation.files:
        return _reply(invocation)
    command = BY_VERB.get(verb.lower())
    if not verb or (command is not None and command.takes is Takes.PROMPT):
        return _ask(parse(invocation.text), invocation)
    alone = command is not None and command.takes in (Takes.JOB, Takes.JOB_AND_TEXT) and not rest
    # What is said of a job that asks nothing is for its agent.
    answers = command is not None and command.takes is Takes.ANSWER and job.asking and rest
    said = f"{verb} {job.id}" if alone else invocation.text
    if answers and not _ID.fullmatch(rest[0].split(maxsplit=1)[0].strip("#`").lower()):
        said = f"{verb} {job.id} {rest[0]}"
    try:
        parsed = parse(said)
    except Misunderstood:
        return _reply(invocation)
    return _ask(parsed, invocation) if _is_meant(parsed) else _reply(invocation)


def _is_meant(parsed: Parsed) -> bool:
    """Whether words that make a command were not said to an agent all the same."""
    takes, target = parsed.command.takes, parsed.target.lower()
    if takes in (Takes.VERB, Takes.SETTING):
        return not target or target in (BY_VERB if takes is Takes.VERB else SETTINGS)
    return takes is Takes.NOTHING or _ID.fullmatch(target) is not None


def _ask(parsed: Parsed, invocation: Invocation) -> Ask:
    return Ask(
        verb=parsed.command.verb,
        origin=invocation.origin,
        delivery=invocation.delivery,
        target=parsed.target,
        args=parsed.args,
        zone=invocation.zone,
        files=invocation.files,
        buttons=invocation.buttons,
    )


def _reply(invocation: Invocation) -> Ask:
    return Ask(
        verb=REPLY,
        origin=invocation.origin,
        delivery=invocation.delivery,
        args={"prompt": invocation.text},
        zone=invocation.zone,
        files=invocation.files,
    )
