"""What a job gets where nobody says: the preferences, as people see and change them, and how they act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from bot.desk.asks import Answer, Ask, Refusal
from bot.desk.commands import BY_VERB, SETTINGS, shown, usage_of
from bot.desk.terms import model_of
from bot.news.words import moment
from executor.catalog import DEFAULT_EFFORT, EFFORTS, Catalog, Model, UnknownChoice
from executor.job_types import JOB_TYPES
from executor.moments import TimeRefused, parse_zone
from storage.hub.preferences import (
    DEFAULT_PROVIDER,
    EFFORT,
    MODEL_OF,
    QUOTA_RESET_TIME,
    ZONE,
    Preferences,
)
from storage.sqlite.preferences import PreferenceTable

FORGET = "default"
"""The value that takes a setting back."""
LIMIT = "limit."
"""Before a provider's name: the setting that is its usage limit, which can be forgotten and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the settings: `value` is what holds, `chosen` whether somebody has said so."""

    name: str
    value: str
    chosen: bool
    summary: str
    choices: Sequence[str] = ()


def preferred(job_type: str, catalog: Catalog, preferences: Preferences, provider: str = "") -> Model:
    """The model of a job that names none, and `provider` or nobody: as the type has it, then as all have it.

    A preference for what is switched off here is none, and so is a type's model of another provider.
    """
    named = catalog.find(preferences.get(f"{MODEL_OF}{job_type}", ""))
    if named is not None and named.provider in catalog.providers and provider in ("", named.provider):
        return named
    usual = preferences.get(DEFAULT_PROVIDER, "")
    return catalog.choose(job_type, provider or (usual if usual in catalog.providers else None), None)


class Defaults:
    """The part of the desk that deals in settings. Who changes one has been let in before."""

    def __init__(self, preferences: PreferenceTable, catalog: Catalog, zone: ZoneInfo) -> None:
        self._preferences = preferences
        self._catalog = catalog
        self._zone = zone

    async def terms(self, args: Mapping[str, str], job_type: str) -> tuple[Model, str]:
        """The model of a new job, and how hard it thinks where nobody says. Raises Refusal."""
        known = await self._preferences.all()
        effort = known.get(EFFORT, DEFAULT_EFFORT)
        provider = args.get("provider", "")
        if args.get("model") or (provider and provider not in self._catalog.providers):
            return model_of(args, job_type, self._catalog), effort
        return preferred(job_type, self._catalog, known, provider), effort

    async def zone(self) -> ZoneInfo:
        """Whose clocks are meant where nobody says."""
        return self._known_zone(await self._preferences.all())

    async def settings(self) -> Sequence[Setting]:
        """All that can be set, as it holds now."""
        known = await self._preferences.all()
        catalog, usual = self._catalog, preferred("", self._catalog, known).provider
        provider = known.get(DEFAULT_PROVIDER) == usual
        return [
            Setting(
                name="provider",
                value=usual,
                chosen=provider,
                summary="whose CLI does the work",
                choices=catalog.providers,
            ),
            Setting(
                name="effort",
                value=known.get(EFFORT, DEFAULT_EFFORT),
                chosen=EFFORT in known,
                summary="how hard it thinks",
                choices=EFFORTS,
            ),
            Setting(
                name="zone",
                value=self._known_zone(known).key,
                chosen=ZONE in known,
                summary="whose clocks are meant where a person's own are not known",
            ),
            *(self._of_type(job_type, known) for job_type in JOB_TYPES),
        ]

    async def limits(self) -> Mapping[str, datetime]:
        """Until when each provider is limited that is, by its name."""
        known, prefix = await self._preferences.all(), f"{QUOTA_RESET_TIME}."
        return {
            key.removeprefix(prefix): datetime.fromisoformat(until)
            for key, until in known.items()
            if key.startswith(prefix)
        }

    async def answer(self, ask: Ask) -> Answer:
        """Shows the settings, shows one, or sets one. Raises Refusal."""
        name, value = ask.target.lower(), ask.args.get("value", "").strip()
        if not name:
            several = {each: ask.args[each] for each in SETTINGS if ask.args.get(each)}
            return await self._set(several) if several else Answer(ok=True, text=await self._listing())
        if name.startswith(LIMIT):
            return await self._forget_limit(name.removeprefix(LIMIT), value)
        if name not in SETTINGS:
            raise Refusal(_unknown(name), "name")
        if value:
            await self._preferences.change({_KEYS[name]: self._checked(name, value)})
        (now,) = [each for each in await self.settings() if each.name == name]
        said = f"`{name}` is `{now.value}`{'' if now.chosen else ', as nobody has set it'}."
        return Answer(ok=True, text=said if value else f"{said} {self._way_to_set(now)}")

    async def _set(self, several: Mapping[str, str]) -> Answer:
        """All of them, or none."""
        changes = {_KEYS[name]: self._checked(name, value, name) for name, value in several.items()}
        await self._preferences.change(changes)
        return Answer(
            ok=True, text="The settings are kept. They hold for every job that is asked for from now on."
        )

    async def _listing(self) -> str:
        lines = [
            f"- `{each.name}`: `{each.value}`{'' if each.chosen else ' (not set)'}"
            for each in await self.settings()
        ]
        until = [
            f"- `{LIMIT}{provider}`: until {moment(at)}" for provider, at in (await self.limits()).items()
        ]
        return "\n".join(["**Settings**", *lines, *until, "", _HOW])

    async def _forget_limit(self, provider: str, value: str) -> Answer:
        at = (await self.limits()).get(provider)
        if at is None:
            raise Refusal(f"`{shown(provider)}` is at no usage limit that I know of.", "name")
        if value != FORGET:
            raise Refusal(
                f"`{LIMIT}{provider}` holds until {moment(at)}. All that can be done is to forget "
                f"it: `/job settings {LIMIT}{provider} {FORGET}`.",
                "value",
            )
        await self._preferences.change({f"{QUOTA_RESET_TIME}.{provider}": None})
        return Answer(ok=True, text=f"The limit of {provider} is forgotten: its jobs may start again.")

    def _checked(self, name: str, value: str, field: str = "value") -> str | None:
        """The value as it is kept; None to forget it. Raises Refusal, about `field`."""
        if value.lower() == FORGET:
            return None
        try:
            if name == "zone":
                return parse_zone(value).key
            if name == "provider":
                return self._catalog.provider(value)
            if name.startswith(MODEL_OF):
                return self._catalog.choose("", None, value).name
        except (TimeRefused, UnknownChoice) as error:
            raise Refusal(str(error), field) from error
        if value not in EFFORTS:
            raise Refusal(f"There is no effort `{shown(value)}`. There are: {_listed(EFFORTS)}.", field)
        return value

    def _of_type(self, job_type: str, known: Preferences) -> Setting:
        holds = preferred(job_type, self._catalog, known)
        return Setting(
            name=f"{MODEL_OF}{job_type}",
            value=holds.name,
            chosen=known.get(f"{MODEL_OF}{job_type}") == holds.name,
            summary=f"the model of {job_type} jobs",
            choices=self._catalog.model_names(),
        )

    def _known_zone(self, known: Preferences) -> ZoneInfo:
        try:
            return parse_zone(known[ZONE]) if ZONE in known else self._zone
        except TimeRefused:  # a zone that this machine has no more
            return self._zone

    def _way_to_set(self, setting: Setting) -> str:
        among = f" There are: {_listed(setting.choices)}." if setting.choices else ""
        return f"An admin sets it: `/job settings {setting.name} VALUE`.{among}"


_KEYS: Mapping[str, str] = {
    "provider": DEFAULT_PROVIDER,
    "effort": EFFORT,
    "zone": ZONE,
    **{f"{MODEL_OF}{job_type}": f"{MODEL_OF}{job_type}" for job_type in JOB_TYPES},
}
_HOW = (
    "A job that names none of these gets them; a type's model comes before the provider of all. "
    f"An admin sets one with `/job settings NAME VALUE`, and takes it back with `{FORGET}` as its value."
)


def _unknown(name: str) -> str:
    near = get_close_matches(name, SETTINGS, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    listed = f"There are: {_listed(SETTINGS)}."
    return f"There is no setting `{shown(name)}`.{hint} {listed}\n{usage_of(BY_VERB['settings'])}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
