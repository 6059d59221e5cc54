"""What programs send about jobs: new ones in either form, changes, and what a list shall hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.desk.commands import BY_VERB, JOB_COMMANDS, shown
from bot.web.bodies import Channel, Fields, Text, checked
from bot.web.problems import Problem
from executor.model import JobStatus

MOST = 200
"""Jobs that a list holds at most."""
_OWNED = frozenset(
    {
        *("output", "session_id", "started_at", "completed_at", "finished_at", "error_reason", "worker"),
        *("error_message", "cost_usd", "turns", "duration_ms", "attempt", "result"),
    }
)
"""What the executor alone knows, and writes."""
_SETTABLE = "`status`, `scheduled_at`, `retry_at` and `task_id`"
_SAME = {"backend": "provider", "scheduledAt": "scheduled_at", "resumeSessionId": "resume_session_id"}
_ARGS = {"scheduled_at": "at", "resume_session_id": "session", "task_id": "task"}
"""What the desk calls them."""
FIELDS = {name: field for field, name in _ARGS.items()}
"""The same, the other way round."""
_WORDS = {"research": "topic", "workflow": "command", "clara": "mode"}
"""What the prompt of some types is also called."""


def _zoned(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError("write the time with its offset from UTC, like `2026-12-24T18:00:00+01:00`")
    return at.isoformat(timespec="seconds")


Time = Annotated[str, Field(max_length=40), AfterValidator(_zoned)]
"""ISO 8601 with an offset: a program cannot be asked whose clocks it means."""
Number = Annotated[int, Field(ge=1, le=MOST)]


class Wishes(Fields):
    """What can be wished of a new job; a type takes what `/job help TYPE` says."""

    prompt: Text | None = None
    topic: Text | None = None
    command: Text | None = None
    mode: Text | None = None
    depth: Text | None = None
    budget: Text | None = None
    failure: Text | None = None
    workspace: Text | None = None
    model: Text | None = None
    provider: Text | None = None
    backend: Text | None = Field(default=None, description="The same as `provider`.")
    effort: Text | None = None
    timeout: Text | None = None
    priority: Text | None = None
    scheduled_at: Time | None = None
    scheduledAt: Time | None = Field(default=None, description="The same as `scheduled_at`.")
    resume_session_id: Text | None = None
    resumeSessionId: Text | None = Field(default=None, description="The same as `resume_session_id`.")
    task_id: Text | None = None


class NewJob(Wishes):
    """A new job, flat or with a `payload`: what stands beside the payload counts more than what is in it."""

    type: Text = Field(default="", json_schema_extra={"enum": [each.job_type for each in JOB_COMMANDS]})
    payload: dict[str, Any] | str | None = Field(default=None, description="An object, or JSON text of one.")
    channel: Channel = "dev"

    def verb_and_args(self) -> tuple[str, Mapping[str, str]]:
        """As the desk takes it. Raises Problem 422."""
        if not self.type:
            raise Problem(422, "The field `type` is missing.", field="type")
        payload = checked(_payload(self.payload), Wishes)
        given = _canonical(payload) | _canonical(self)
        command = BY_VERB.get(self.type)
        if command is None or not command.job_type:
            known = ", ".join(f"`{each.job_type}`" for each in JOB_COMMANDS)
            raise Problem(
                422, f"There is no job type `{shown(self.type)}`. There are: {known}.", field="type"
            )
        takes = {option.name for option in command.options}
        also = _WORDS.get(self.type, "")
        if also in given and also not in takes:
            if "prompt" in given:
                raise Problem(422, f"Give `prompt` or `{also}`, not both.", field=also)
            given["prompt"] = given.pop(also)
        for name in given:
            if name not in takes | _ARGS.keys() | {"prompt"}:
                raise Problem(422, f"A {self.type} job takes no `{name}`.", field=name)
        return self.type, {_ARGS.get(name, name): value for name, value in given.items()}


def _payload(given: Mapping[str, Any] | str | None) -> object:
    if not isinstance(given, str):
        return given or {}
    try:
        fields = json.loads(given)
    except (ValueError, RecursionError):
        raise Problem(422, "The `payload` is text that is no JSON object.", field="payload") from None
    return fields


def _canonical(wishes: Wishes) -> dict[str, str]:
    """What was given, each under its one name."""
    given = wishes.model_dump(include=set(Wishes.model_fields), exclude_none=True)
    return {_SAME.get(name, name): value for name, value in given.items() if _SAME.get(name) not in given}


class JobChange(Fields):
    """What people may change of a job. The rest is the executor's."""

    status: JobStatus | None = Field(
        default=None,
        description="`cancelled` stops it; `pending` or `running` lets one that waits for a time start now.",
    )
    scheduled_at: Time | None = None
    retry_at: Time | None = None
    task_id: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_ours(cls, fields: object) -> object:
        for name in fields if isinstance(fields, dict) else ():
            if name in _OWNED:
                said = f"`{name}` is written by the executor alone; a client may set {_SETTABLE}."
                raise PydanticCustomError("owned", "{said}", {"said": said, "field": name})
        return fields


class Continuation(Fields):
    """How a job is gone on with, where it shall be otherwise than before."""

    model: Text | None = None
    provider: Text | None = None
    effort: Text | None = None
    timeout: Text | None = None
    priority: Text | None = None

    def args(self) -> Mapping[str, str]:
        """As the desk takes them."""
        return self.model_dump(exclude_none=True)


class Resumption(Continuation):
    """The same, with new words if there are any."""

    prompt: Text | None = None


class Reply(Fields):
    """What is said to a job."""

    text: Text


class JobQuery(Fields):
    """Which jobs are wanted, the newest first; `cursor` is that of the header `Link` of the page before."""

    id: Text | None = None
    status: JobStatus | None = None
    asking: bool = Field(default=False, description="`asking=1` is for those that wait for an answer.")
    type: Text | None = None
    task_id: Text | None = None
    limit: Number = 50
    cursor: Text | None = None


class JobId(Fields):
    """Which job is meant."""

    id: Text


class Beat(Fields):
    """`heartbeat=1` asks how the executor is, and makes no job."""

    heartbeat: Annotated[str, Field(pattern="^1$")] | None = None


class LogQuery(Fields):
    """`raw=1` is for what the CLI printed in an attempt, as it came; by default in the last one."""

    raw: bool = False
    attempt: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
