"""What may be a prompt: any text that reaches the CLI unchanged, and nothing that would not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from bot.desk.asks import Refusal
from bot.desk.commands import Command, usage_of
from executor.job_types import JOB_TYPES
from executor.job_types.base import BadPayload

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LIMIT = 32_000
"""Characters of a prompt that are taken by default."""


def problem_of(prompt: str, limit: int) -> str:
    """Why `prompt` cannot be taken, in a sentence; empty where it can."""
    if not prompt.strip():
        return "The prompt is empty: say what you want done."
    if len(prompt) > limit:
        return (
            f"The prompt has {len(prompt):,} characters; at most {limit:,} are taken. "
            "Put the long part into a file of the workspace and name that file in the prompt."
        )
    found = _CONTROL.search(prompt)
    if found:
        return f"The prompt holds a control character (U+{ord(found[0]):04X}); remove it and send it again."
    try:
        prompt.encode()
    except UnicodeEncodeError:
        return "The prompt is not valid Unicode (it holds half a character); type it anew."
    return ""


async def payload_of(command: Command, args: Mapping[str, str], workspace: Path) -> Mapping[str, str]:
    """What the type of job makes of what was asked for. Raises Refusal."""
    job_type = JOB_TYPES[command.job_type]
    try:
        # It may look into the workspace.
        return await asyncio.to_thread(job_type.read, {**args, "prompt": args.get("prompt", "")}, workspace)
    except BadPayload as error:
        raise Refusal(f"{error}\n{usage_of(command)}", error.field) from error
