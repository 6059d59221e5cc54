"""What a job gets where nobody says: the preferences, as people see and change them, and how they act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from bot.desk.asks import Answer, Ask, Refusal
from bot.desk.commands import ALL_OVER, BY_VERB, HERE, SETTINGS, shown, usage_of
from bot.desk.places import Places, Setting
from bot.desk.presets import PLACE, channel_key
from bot.desk.terms import model_of
from bot.news.words import moment
from executor.catalog import DEFAULT_EFFORT, EFFORTS, Catalog, Model, UnknownChoice
from executor.job_types import JOB_TYPES
from executor.model import Origin
from executor.moments import TimeRefused, parse_zone
from executor.workspaces import UnknownWorkspace, Workspace
from storage.hub.preferences import (
    DEFAULT_PROVIDER,
    DEFAULT_WORKSPACE,
    EFFORT,
    MODEL_OF,
    QUOTA_RESET_TIME,
    WORKSPACE_OF,
    ZONE,
    Preferences,
)
from storage.sqlite.preferences import PreferenceTable

FORGET = "default"
"""The value that takes a setting back."""
LIMIT = "limit."
"""Before a provider's name: the setting that is its usage limit, which can be forgotten and no more."""


def preferred(
    job_type: str,
    catalog: Catalog,
    preferences: Preferences,
    provider: str = "",
    workspace: Workspace | None = None,
) -> Model:
    """The model of a job that names none, and `provider` or nobody.

    Its workspace's provider counts most, then the provider of the model that its workspace or its type has,
    then that of all. Of a provider's models, the workspace's counts more than the type's, and that more than
    what is built in. What is said of a provider that is switched off here is not said.
    """
    switched_on = catalog.providers
    if not provider and workspace and workspace.provider in switched_on:
        provider = workspace.provider or ""
    for name in (workspace.model if workspace else None, preferences.get(f"{MODEL_OF}{job_type}")):
        model = catalog.find(name or "")
        if model is not None and model.provider in switched_on and provider in ("", model.provider):
            return model
    usual = preferences.get(DEFAULT_PROVIDER, "")
    return catalog.choose(job_type, provider or (usual if usual in switched_on else None), None)


class Defaults:
    """The part of the desk that deals in settings. Who changes one has been let in before."""

    def __init__(
        self,
        preferences: PreferenceTable,
        catalog: Catalog,
        zone: ZoneInfo,
        places: Places,
    ) -> None:
        self._preferences = preferences
        self._catalog = catalog
        self._zone = zone
        self.places = places

    async def terms(self, args: Mapping[str, str], job_type: str, workspace: str) -> tuple[Model, str]:
        """The model of a new job, and how hard it thinks where nobody says. Raises Refusal."""
        known = await self._preferences.all()
        effort = known.get(EFFORT, DEFAULT_EFFORT)
        provider = args.get("provider", "")
        if args.get("model") or (provider and provider not in self._catalog.providers):
            return model_of(args, job_type, self._catalog), effort
        place = self.places.workspaces.named.get(workspace)
        return preferred(job_type, self._catalog, known, provider, place), effort

    async def zone(self) -> ZoneInfo:
        """Whose clocks are meant where nobody says."""
        return self._known_zone(await self._preferences.all())

    async def settings(self, here: Origin | None = None) -> Sequence[Setting]:
        """All that can be set, as it holds now; of channels, that of `here` alone."""
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
            *([self.places.here(here, known)] if here else []),
            self.places.default(known),
            *(self._of_type(job_type, known) for job_type in JOB_TYPES),
        ]

    async def known(self) -> Preferences:
        """All that is set at run time, by key."""
        return await self._preferences.all()

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
            text = "" if several else await self._listing(ask.origin)
            return await self._set(several, ask.origin) if several else Answer(ok=True, text=text)
        if name.startswith(LIMIT):
            return await self._forget_limit(name.removeprefix(LIMIT), value)
        if name.startswith(WORKSPACE_OF):
            return await self._of_channel(ask.target, value)
        if name not in SETTINGS:
            raise Refusal(_unknown(name), "name")
        if value:
            await self._preferences.change({_key(name, ask.origin): self._checked(name, value)})
        (now,) = [each for each in await self.settings(ask.origin) if each.name == name]
        said = f"`{name}` is {_shown(now)}{'' if now.chosen else ', as nobody has set it'}."
        return Answer(ok=True, text=said if value else f"{said} {self._way_to_set(now)}")

    async def _set(self, several: Mapping[str, str], here: Origin) -> Answer:
        """All of them, or none."""
        changes = {_key(name, here): self._checked(name, value, name) for name, value in several.items()}
        await self._preferences.change(changes)
        return Answer(
            ok=True, text="The settings are kept. They hold for every job that is asked for from now on."
        )

    async def _of_channel(self, target: str, value: str) -> Answer:
        """Sets the workspace of a channel that is named, or shows it."""
        place = PLACE.fullmatch(target[len(WORKSPACE_OF) :])
        if place is None:
            raise Refusal(f"Name it like `{WORKSPACE_OF}slack.C0123456789`: platform and channel id.", "name")
        key = f"{WORKSPACE_OF}{place[0]}"
        if value:
            await self._preferences.change({key: self._checked(HERE, value)})
        now = {each.name: each for each in self.places.channels(await self.known())}.get(place[0])
        said = f"is {_shown(now)}" if now else "is not set: the default of all holds there"
        return Answer(ok=True, text=f"`{key}` {said}.")

    async def _listing(self, here: Origin) -> str:
        lines = [
            f"- `{each.name}`: {_shown(each)}{'' if each.chosen else ' (not set)'}"
            for each in await self.settings(here)
        ]
        until = [
            f"- `{LIMIT}{provider}`: until {moment(at)}" for provider, at in (await self.limits()).items()
        ]
        places = [
            f"- `{each.name}`: {each.value}{', the default' if each.chosen else ''}"
            for each in self.places.overview(here.actor, await self.known())
        ]
        return "\n".join(["**Settings**", *lines, *until, "", "**Workspaces**", *places, "", _HOW])

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
            if name in (HERE, ALL_OVER):
                self.places.workspaces.of(value)
                return value
        except (TimeRefused, UnknownChoice, UnknownWorkspace) as error:
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
    ALL_OVER: DEFAULT_WORKSPACE,
    **{f"{MODEL_OF}{job_type}": f"{MODEL_OF}{job_type}" for job_type in JOB_TYPES},
}
_ASKED = "no workspace: whoever names none is asked"
_HOW = (
    "A job that names none of these gets them. What its workspace says comes before its type's model, and "
    "that before the provider of all. "
    f"An admin sets one with `/job settings NAME VALUE`, and takes it back with `{FORGET}` as its value."
)


def _key(name: str, here: Origin) -> str:
    return channel_key(here.actor.platform, here.channel) if name == HERE else _KEYS[name]


def _shown(setting: Setting) -> str:
    return f"`{setting.value}`" if setting.value else _ASKED


def _unknown(name: str) -> str:
    near = get_close_matches(name, SETTINGS, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    listed = f"There are: {_listed(SETTINGS)}."
    return f"There is no setting `{shown(name)}`.{hint} {listed}\n{usage_of(BY_VERB['settings'])}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
