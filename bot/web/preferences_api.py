"""The preferences over HTTP: what jobs get where nobody says, and when the limits of providers lift."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, RootModel, create_model

from bot.desk.commands import shown
from bot.desk.presets import PLACE
from bot.web.bodies import Fields, Text, no_such
from bot.web.endpoints import Call, Endpoint
from bot.web.problems import Problem
from executor.catalog import BUILT_IN, EFFORTS, Catalog
from executor.job_types import JOB_TYPES
from executor.moments import TimeRefused, parse_zone
from executor.workspaces import UnknownWorkspace, Workspaces
from storage.hub.preferences import (
    DEFAULT_PROVIDER,
    DEFAULT_WORKSPACE,
    EFFORT,
    MODEL_OF,
    QUOTA_RESET_TIME,
    WORKSPACE_OF,
    ZONE,
)
from storage.sqlite.preferences import PreferenceTable


def _one_of(*names: str) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"there are {', '.join(f'`{each}`' for each in names)}")
        return name

    return AfterValidator(check)


def _zone(name: str) -> str:
    try:
        return parse_zone(name).key
    except TimeRefused as error:
        raise ValueError(str(error).removesuffix(".")) from None


def _patch(catalog: Catalog, workspaces: Workspaces) -> type[Fields]:
    """The preferences that are to be other than they are; null forgets one."""
    # Of those that are switched off, too: they may be switched on again.
    providers = tuple(dict.fromkeys((*BUILT_IN, *catalog.providers)))
    model = Annotated[Text, _one_of(*(each.name for each in catalog.models))] | None
    shapes: dict[str, Any] = {
        QUOTA_RESET_TIME: AwareDatetime | None,
        **{f"{QUOTA_RESET_TIME}.{provider}": AwareDatetime | None for provider in providers},
        DEFAULT_WORKSPACE: Annotated[Text, _one_of(*workspaces.named)] | None,
        DEFAULT_PROVIDER: Annotated[Text, _one_of(*providers)] | None,
        **{f"{MODEL_OF}{each}": model for each in JOB_TYPES},
        EFFORT: Annotated[Text, _one_of(*EFFORTS)] | None,
        ZONE: Annotated[Text, AfterValidator(_zone)] | None,
    }
    fields: dict[str, Any] = {
        f"field_{number}": (shape, Field(default=None, alias=key))
        for number, (key, shape) in enumerate(shapes.items())
    }
    place = {"anyOf": [{"type": "string", "enum": [*workspaces.named]}, {"type": "null"}]}
    channels = {f"^{re.escape(WORKSPACE_OF)}{PLACE.pattern}$": place}
    described: Any = {"patternProperties": channels, "additionalProperties": False}

    class Open(Fields):
        model_config = ConfigDict(extra="allow", json_schema_extra=described)
        __pydantic_extra__: dict[str, Text | None] = Field(init=False)

    return create_model("PreferencesPatch", __base__=Open, __doc__=_patch.__doc__, **fields)


class PreferencesAnswer(RootModel[dict[str, str]]):
    """All preferences that are set, by key. Times are UTC."""


class PreferencesApi:
    """Tells and sets them."""

    def __init__(self, preferences: PreferenceTable, catalog: Catalog, workspaces: Workspaces) -> None:
        self._patch = _patch(catalog, workspaces)
        self._preferences = preferences
        self._workspaces = workspaces

    def endpoints(self) -> list[Endpoint]:
        preferences = partial(Endpoint, path="/api/preferences", answer=PreferencesAnswer)
        return [
            preferences(method="GET", handler=self._all, summary="All preferences that are set."),
            preferences(
                method="PATCH",
                handler=self._set,
                summary="Set preferences; null forgets one.",
                body=self._patch,
                problems=(422,),
                scope="admin",
            ),
        ]

    async def _all(self, call: Call[None, None]) -> PreferencesAnswer:
        return PreferencesAnswer(dict(await self._preferences.all()))

    async def _set(self, call: Call[None, BaseModel]) -> PreferencesAnswer:
        for key, value in (call.body.model_extra or {}).items():
            self._check_channel(key, value)
        changes: dict[str, str | datetime | None] = call.body.model_dump(by_alias=True, exclude_unset=True)
        return PreferencesAnswer(dict(await self._preferences.change(changes)))

    def _check_channel(self, key: str, value: str | None) -> None:
        """What no field stands for is the workspace of a channel, or nothing. Raises Problem 422."""
        name = shown(key)
        if not key.startswith(WORKSPACE_OF):
            known = [field.alias or "" for field in self._patch.model_fields.values()]
            raise Problem(422, no_such(name, known), field=name)
        if not PLACE.fullmatch(key.removeprefix(WORKSPACE_OF)):
            example = f"`{WORKSPACE_OF}slack.C0123456789`"
            raise Problem(
                422, f"`{name}` is no channel: name one like {example}, by platform and id.", field=name
            )
        try:
            if value is not None:
                self._workspaces.of(value)
        except UnknownWorkspace as error:
            raise Problem(422, str(error), field=name) from None
