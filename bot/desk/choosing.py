"""In which workspace a new job works, where it does not say: as is set, or as the person chooses who asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from bot.desk.asks import Answer, Ask, Choice, Refusal
from bot.desk.commands import shown
from bot.desk.places import Places
from bot.desk.presets import chosen, said
from storage.drafts import Draft, KeptFile
from storage.sqlite.drafts import Drafts
from storage.sqlite.preferences import PreferenceTable

_NUMBER = re.compile(r"\d{1,4}")
_GONE = "That question is more than a day old, or I do not know it. Ask me for the job again."
_NOT_YOURS = "Somebody else was asked that: only that person can answer. You can ask for a job of your own."
_QUESTION = "In which workspace shall this run?"
_HOW = (
    "`--workspace NAME` says it at once. An admin sets the one of a channel: `/job settings workspace NAME`."
)


class Choosing:
    """The part of the desk that deals in workspaces. Who asks has been let in before."""

    def __init__(self, places: Places, preferences: PreferenceTable, drafts: Drafts) -> None:
        self._places = places
        self._preferences = preferences
        self._drafts = drafts

    async def workspace(self, ask: Ask) -> str:
        """Which one is meant, by a name there is one of; empty where nobody says. Raises Refusal."""
        usable, known = self._usable(ask), self._places.workspaces.named
        option = ask.args.get("workspace", "")
        if option and option not in known:
            raise Refusal(_unknown(option, usable), "workspace")
        if not usable:
            raise Refusal("You may use none of the workspaces that there are.", "workspace", denied=True)
        preferences = await self._preferences.all()
        return chosen(option, said(ask.origin, preferences, self._places.presets), known, usable)

    async def ask_back(self, ask: Ask) -> Answer:
        """Keeps what was asked and lets the person choose, where their door has buttons. Raises Refusal."""
        usable = self._usable(ask)
        if not ask.buttons:
            raise Refusal(
                f"There are several workspaces: name one with `--workspace`. There are: {_listed(usable)}.",
                "workspace",
            )
        draft = await self._drafts.keep(
            Draft(
                delivery=ask.delivery,
                verb=ask.verb,
                origin=ask.origin,
                args=ask.args,
                files=[KeptFile(label=f.label, size=f.size, reference=f.reference) for f in ask.files],
                choices=usable,
            )
        )
        text = f"**{_QUESTION}** {_quoted(ask)}\n{_HOW}"
        return Answer(ok=False, text=text, choice=Choice(draft_id=draft.id, names=draft.choices))

    async def taken(self, ask: Ask) -> Ask:
        """What was asked for, now that `ask` says which workspace is meant. Raises Refusal."""
        draft = await self._drafts.draft(ask.target)
        number = ask.args.get("choice", "")
        if draft is None or not _NUMBER.fullmatch(number) or int(number) >= len(draft.choices):
            raise Refusal(_GONE)
        if draft.origin.actor.key != ask.origin.actor.key:
            raise Refusal(_NOT_YOURS, denied=True)
        return Ask(
            verb=draft.verb,
            # Who they are now, and not who they were: they may have lost a role since.
            origin=replace(draft.origin, actor=ask.origin.actor),
            delivery=draft.delivery,
            args={**draft.args, "workspace": draft.choices[int(number)]},
            zone=ask.zone,
            files=ask.again(draft.files) if ask.again else (),
        )

    def _usable(self, ask: Ask) -> Sequence[str]:
        return self._places.access.workspaces_of(ask.origin.actor)


def _unknown(name: str, usable: Sequence[str]) -> str:
    near = get_close_matches(name, usable, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"There is no workspace `{shown(name)}`.{hint} There are: {_listed(usable)}."


def _quoted(ask: Ask) -> str:
    words = shown(ask.args.get("prompt", ""))
    files = f" · {len(ask.files)} {'file' if len(ask.files) == 1 else 'files'}" if ask.files else ""
    return f"`{ask.verb}{f' {words}' if words else ''}`{files}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
