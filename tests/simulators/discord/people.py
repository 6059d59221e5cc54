"""A scripted person: runs commands, presses buttons, fills in forms, and reads what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tests.simulators.discord import interactions as kinds
from tests.simulators.discord import payloads
from tests.simulators.discord.components import BUTTON, INPUT, LABEL, SELECT, buttons, form_fields
from tests.simulators.discord.errors import Json
from tests.simulators.discord.model import Channel, File, Interaction, Message, User
from tests.simulators.discord.state import Guild

_CHAT, _MESSAGE = 1, 3
_LINK = 5


class Person(User):
    """A user who acts; what Discord would not offer is refused with AssertionError."""

    __slots__ = ("_guild",)

    def __init__(self, guild: Guild, *, id: str, name: str, roles: list[str]) -> None:
        super().__init__(id=id, name=name, roles=roles)
        self._guild = guild

    async def runs(
        self,
        command: str,
        options: Mapping[str, str] | None = None,
        *,
        channel: Channel,
        files: Mapping[str, File] | None = None,
    ) -> Interaction:
        """Runs a slash command, such as `/job research`, with options; returns once it is answered."""
        attached = {name: file.id for name, file in (files or {}).items()}
        data = self._command_data(command, {**(options or {}), **attached}, focused="")
        if files:
            shown = {file.id: payloads.attachment(self._guild, file) for file in files.values()}
            data["resolved"] = {"attachments": shown}
        return await self._act(kinds.COMMAND, channel, data)

    async def types(
        self, command: str, option: str, text: str, *, channel: Channel, **others: str
    ) -> list[Json]:
        """Types into an option; the choices that the bot then offers."""
        data = self._command_data(command, {**others, option: text}, focused=option)
        done = await self._act(kinds.AUTOCOMPLETE, channel, data)
        return done.choices or []

    async def clicks(self, message: Message, label: str, *, stale: bool = False) -> Interaction:
        """Presses a button by its label; with `stale`, one that only earlier versions had."""
        seen = message.only_for in ("", self.id) and not message.deleted
        assert seen, f"{self.name} does not see that message"
        versions = [message.components]
        if stale:
            versions = [version.components for version in reversed(message.history[:-1])]
        for version in versions:
            for button in buttons(version):
                if button.get("label") == label and not button.get("disabled"):
                    assert button["style"] != _LINK, f"{label!r} opens {button['url']}"
                    data = {"custom_id": button["custom_id"], "component_type": BUTTON}
                    return await self._act(kinds.COMPONENT, message.channel, data, message)
        raise AssertionError(f"{self.name} sees no button {label!r} but {message.buttons}:\n{message.plain}")

    async def uses(self, name: str, message: Message) -> Interaction:
        """Chooses an entry of the message's context menu."""
        command = next((each for each in self._commands(_MESSAGE) if each["name"] == name), None)
        assert command is not None, f"there is no {name!r} in the menu"
        shown = payloads.message(self._guild, message)
        data = {
            "id": command["id"],
            "name": name,
            "type": _MESSAGE,
            "target_id": message.id,
            "resolved": {"messages": {message.id: shown}},
        }
        return await self._act(kinds.COMMAND, message.channel, data)

    async def submits(self, opened: Interaction, values: Mapping[str, str]) -> Interaction:
        """Fills in fields of the form, by custom_id, and sends it; others keep what they held."""
        form = opened.form
        assert form is not None, f"no form was opened, but: {opened.text}"
        fields = {each["custom_id"]: each for each in form_fields(form["components"])}
        unknown = set(values) - set(fields)
        assert not unknown, f"no fields {sorted(unknown)}; there are {sorted(fields)}"
        for name, field in fields.items():
            _check_filled(field, values.get(name, _held(field)))
        components = [_filled(each, values) for each in form["components"]]
        data = {"custom_id": form["custom_id"], "components": components}
        return await self._act(kinds.FORM, opened.channel, data, opened.source)

    def _commands(self, kind: int) -> list[Json]:
        guild = self._guild
        declared = [*guild.commands.get("", []), *guild.commands.get(guild.id, [])]
        return [each for each in declared if each["type"] == kind]

    def _command_data(self, command: str, options: Mapping[str, str], *, focused: str) -> Json:
        name, *path = command.removeprefix("/").split()
        declared = next((each for each in self._commands(_CHAT) if each["name"] == name), None)
        assert declared is not None, f"there is no /{name}"
        data: Json = {"id": declared["id"], "name": name, "type": _CHAT}
        inner = data
        for step in path:
            declared = next((each for each in declared["options"] if each["name"] == step), None)
            assert declared is not None, f"there is no {command}"
            inner["options"] = [{"name": step, "type": declared["type"]}]
            inner = inner["options"][0]
        inner["options"] = _given(declared.get("options") or [], options, focused)
        return data

    async def _act(
        self, kind: int, channel: Channel, data: Json, source: Message | None = None
    ) -> Interaction:
        guild = self._guild
        done = guild.begin(kind, self, channel, source)
        done.payload = payloads.interaction(guild, done, data)
        guild.publish("INTERACTION_CREATE", done.payload)
        try:
            async with asyncio.timeout(guild.rules.ack_s + 0.5):
                await guild.changes.until(lambda: done.acked_at is not None or done.failed)
        except TimeoutError:
            done.failed = True
        return done


def _given(declared: list[Json], options: Mapping[str, str], focused: str) -> list[Json]:
    known = {option["name"]: option for option in declared}
    unknown = set(options) - set(known)
    assert not unknown, f"no options {sorted(unknown)}; there are {sorted(known)}"
    missing = [name for name, option in known.items() if option.get("required") and name not in options]
    assert focused or not missing, f"{missing} must be given"
    given = []
    for name, value in options.items():
        option = known[name]
        choices = [choice["value"] for choice in option.get("choices") or []]
        assert not choices or value in choices, f"{name} is one of {choices}"
        assert name != focused or option.get("autocomplete"), f"{name} has no autocomplete"
        assert len(value) <= (option.get("max_length") or 6_000), f"{name} is too long"
        given.append({"name": name, "type": option["type"], "value": value})
        if name == focused:
            given[-1]["focused"] = True
    return given


def _held(field: Json) -> str:
    if field["type"] == SELECT:
        return next((option["value"] for option in field["options"] if option.get("default")), "")
    return str(field.get("value") or "")


def _picked(field: Json, value: str) -> list[str]:
    """What is chosen in a select; several, with commas between, where it takes that."""
    several = field.get("max_values", 1) > 1
    return [each for each in (value.split(",") if several else [value]) if each]


def _check_filled(field: Json, value: str) -> None:
    name = field["custom_id"]
    assert value or not field.get("required", True), f"{name} must be filled in"
    if field["type"] == INPUT and value:
        assert field.get("min_length", 0) <= len(value) <= field.get("max_length", 4_000), f"{name}: length"
    if field["type"] == SELECT and value:
        choices, picked = [option["value"] for option in field["options"]], _picked(field, value)
        assert set(picked) <= {*choices}, f"{name} is one of {choices}"
        assert len(picked) <= field.get("max_values", 1), f"{name}: too many"


def _filled(component: Json, values: Mapping[str, str]) -> Json:
    """A field as the form sends it back."""
    if component["type"] == LABEL:
        return {"type": LABEL, "id": 1, "component": _value(component["component"], values)}
    inside = [_value(each, values) for each in component.get("components") or []]
    return {"type": component["type"], "id": 1, "components": inside}


def _value(field: Json, values: Mapping[str, str]) -> Json:
    value = values.get(field["custom_id"], _held(field))
    sent: Json = {"type": field["type"], "id": 2, "custom_id": field["custom_id"]}
    return sent | ({"values": _picked(field, value)} if field["type"] == SELECT else {"value": value})
