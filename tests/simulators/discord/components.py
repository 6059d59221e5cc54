"""Discord's rules for components, of messages and of forms, and what a reader sees of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulators.discord.errors import Json, bad_form, check_length

ROW, BUTTON, SELECT, INPUT, SECTION, TEXT = 1, 2, 3, 4, 9, 10
THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 11, 12, 13, 14, 17, 18
SELECTS = (3, 5, 6, 7, 8)
V2_FLAG = 1 << 15

_TOP = {ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER}
_IN_CONTAINER = _TOP - {CONTAINER}
_LINK = 5
MOST_COMPONENTS = 40
MOST_TEXT = 4_000


@dataclass(slots=True)
class _Tally:
    """What is counted over a whole message."""

    components: int = 0
    text: int = 0
    custom_ids: set[str] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)


def check_components(components: list[Json], *, v2: bool) -> list[Json]:
    """The components with every `id` filled in; raises where Discord would refuse them."""
    tally = _Tally()
    if not v2 and len(components) > 5:
        raise bad_form("components", "Must be 5 or fewer in length.")
    for number, component in enumerate(components):
        _check(component, f"components.{number}", _TOP if v2 else {ROW}, tally)
    if tally.components > MOST_COMPONENTS:
        raise bad_form("components", f"The total number of components is {tally.components}.")
    if tally.text > MOST_TEXT:
        raise bad_form(
            "components", f"The text has {tally.text} characters; at most {MOST_TEXT} can be shown."
        )
    _fill_ids(components, tally.ids)
    return components


def _check(component: Json, path: str, allowed: set[int], tally: _Tally) -> None:
    kind = component.get("type")
    if kind not in allowed:
        raise bad_form(f"{path}.type", f"Value must be one of {sorted(allowed)}.", "BASE_TYPE_CHOICES")
    tally.components += 1
    if component.get("id"):
        if component["id"] in tally.ids:
            raise bad_form(f"{path}.id", "Component id cannot be duplicated.", "COMPONENT_ID_DUPLICATED")
        tally.ids.add(component["id"])
    match kind:
        case 1:
            _check_row(component, path, tally)
        case 2:
            _check_button(component, path, tally)
        case 10:
            check_length(f"{path}.content", component.get("content"), 1, MOST_TEXT)
            tally.text += len(component["content"])
        case 9:
            _check_many(component.get("components"), f"{path}.components", {TEXT}, tally, most=3)
            _check(component.get("accessory") or {}, f"{path}.accessory", {BUTTON, THUMBNAIL}, tally)
        case 17:
            _check_many(component.get("components"), f"{path}.components", _IN_CONTAINER, tally, most=40)
        case _ if kind in SELECTS:
            _check_custom_id(component, path, tally)
            _check_options(component, path)


def _check_many(components: object, path: str, allowed: set[int], tally: _Tally, *, most: int) -> None:
    if not isinstance(components, list) or not 1 <= len(components) <= most:
        raise bad_form(path, f"Must be between 1 and {most} in length.")
    for number, component in enumerate(components):
        _check(component, f"{path}.{number}", allowed, tally)


def _check_row(row: Json, path: str, tally: _Tally) -> None:
    inside = row.get("components") or []
    kinds = {component.get("type") for component in inside}
    most = 1 if kinds & set(SELECTS) else 5
    _check_many(inside, f"{path}.components", {BUTTON, *SELECTS}, tally, most=most)


def _check_button(button: Json, path: str, tally: _Tally) -> None:
    if not button.get("label") and not button.get("emoji"):
        raise bad_form(path, "A button must have a label or an emoji.", "BUTTON_COMPONENT_INVALID_EMOJI")
    if button.get("label"):
        check_length(f"{path}.label", button["label"], 1, 80)
    if button.get("style") == _LINK:
        check_length(f"{path}.url", button.get("url"), 1, 512)
        if not button["url"].startswith(("http://", "https://", "discord://")):
            raise bad_form(f"{path}.url", "Scheme must be http, https or discord.", "URL_TYPE_INVALID_SCHEME")
        if "custom_id" in button:
            raise bad_form(f"{path}.custom_id", "A custom id and url cannot both be specified")
        return
    if button.get("style") not in (1, 2, 3, 4):
        raise bad_form(f"{path}.style", "Value must be one of 1 to 6.", "BASE_TYPE_CHOICES")
    _check_custom_id(button, path, tally)


def _check_custom_id(component: Json, path: str, tally: _Tally) -> None:
    check_length(f"{path}.custom_id", component.get("custom_id"), 1, 100)
    if component["custom_id"] in tally.custom_ids:
        why = "Component custom id cannot be duplicated"
        raise bad_form(f"{path}.custom_id", why, "COMPONENT_CUSTOM_ID_DUPLICATED")
    tally.custom_ids.add(component["custom_id"])


def _check_options(select: Json, path: str) -> None:
    if select["type"] != SELECT:
        return
    options = select.get("options") or []
    if not 1 <= len(options) <= 25:
        raise bad_form(f"{path}.options", "Must be between 1 and 25 in length.")
    for number, option in enumerate(options):
        check_length(f"{path}.options.{number}.label", option.get("label"), 1, 100)
        check_length(f"{path}.options.{number}.value", option.get("value"), 1, 100)
        if option.get("description"):
            check_length(f"{path}.options.{number}.description", option["description"], 1, 100)
    if len({option["value"] for option in options}) < len(options):
        raise bad_form(f"{path}.options", "The specified option value is already used")
    if select.get("placeholder"):
        check_length(f"{path}.placeholder", select["placeholder"], 1, 150)


def _fill_ids(components: list[Json], taken: set[int]) -> None:
    numbers = (number for number in range(1, 10_000) if number not in taken)
    for component in walk(components):
        if not component.get("id"):
            component["id"] = next(numbers)


def check_form(form: Json) -> None:
    """A modal: title, custom_id and one to five fields."""
    check_length("data.title", form.get("title"), 1, 45)
    check_length("data.custom_id", form.get("custom_id"), 1, 100)
    fields = form.get("components") or []
    if not 1 <= len(fields) <= 5:
        raise bad_form("data.components", "Must be between 1 and 5 in length.")
    tally = _Tally()
    for number, each in enumerate(fields):
        path = f"data.components.{number}"
        if each.get("type") not in (ROW, TEXT, LABEL):
            raise bad_form(f"{path}.type", "Value must be one of 1, 10, 18.", "BASE_TYPE_CHOICES")
        if each["type"] == LABEL:
            check_length(f"{path}.label", each.get("label"), 1, 45)
            if each.get("description"):
                check_length(f"{path}.description", each["description"], 1, 100)
        for component in form_fields([each]):
            _check_field(component, path, tally)


def _check_field(component: Json, path: str, tally: _Tally) -> None:
    _check_custom_id(component, path, tally)
    if component["type"] == SELECT:
        _check_options(component, path)
        return
    if component["type"] != INPUT or component.get("style") not in (1, 2):
        raise bad_form(f"{path}.style", "Value must be one of 1, 2.", "BASE_TYPE_CHOICES")
    for name, most in (("value", 4_000), ("placeholder", 100)):
        if component.get(name):
            check_length(f"{path}.{name}", component[name], 0, most)
    if not 1 <= component.get("max_length", 4_000) <= 4_000:
        raise bad_form(f"{path}.max_length", "int value should be between 1 and 4000.")


def form_fields(components: list[Json]) -> Iterator[Json]:
    """What can be filled in."""
    for component in components:
        inside = [component["component"]] if component["type"] == LABEL else component.get("components", [])
        yield from inside


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component, outer before inner."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        yield from walk([component["accessory"]] if component.get("accessory") else [])


def buttons(components: list[Json]) -> list[Json]:
    """The buttons, in the order in which they stand."""
    return [component for component in walk(components) if component["type"] == BUTTON]


def texts(components: list[Json]) -> list[str]:
    """The texts, in the order in which they stand."""
    return [component["content"] for component in walk(components) if component["type"] == TEXT]
