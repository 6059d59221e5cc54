"""Clara: the secretary and project manager, who does one of five rounds over tasks, feedback and reports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from executor.job_types.base import BadPayload, JobType
from executor.job_types.templates import Templates
from executor.model import Job

MODES = ("sweep", "tidy", "archive", "focus", "align")
"""The default first."""
_HEADLINE = re.compile(r"^\W*(Clara: (?:sweep|tidy|archive|focus|align): .*?)\W*$", re.MULTILINE)


def _read(args: Mapping[str, str], _: Path) -> Mapping[str, str]:
    prompt = args["prompt"].strip()
    mode = prompt.split(maxsplit=1)[0].lower().rstrip(":,.") if prompt else MODES[0]
    if mode not in MODES:
        near = get_close_matches(mode, MODES, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        shown = re.sub(r"[`\s]+", " ", mode)[:80]
        listed = ", ".join(f"`{each}`" for each in MODES)
        raise BadPayload(f"Clara has no mode `{shown}`.{hint} There are: {listed}.")
    return {"prompt": prompt or mode, "mode": mode}


def _words(job: Job, templates: Templates) -> Mapping[str, str]:
    mode = job.payload.get("mode", MODES[0])
    return {
        "mode": mode,
        "identity": templates.fill("clara_identity", {}).strip(),
        "tools": templates.fill("clara_tools", {}).strip(),
        "round": templates.fill(f"clara_{mode}", {}).strip(),
    }


def _offers(_: Path, __: Sequence[str]) -> Sequence[str]:
    return MODES


def headline(answer: str) -> str:
    """What she announces of her round, `Clara: sweep: 3 items processed, 1 task created`; or nothing."""
    found = _HEADLINE.search(answer)
    return found[1] if found else ""


CLARA = JobType(name="clara", timeout_s=600, writes=True, read=_read, words=_words, offers=_offers)
