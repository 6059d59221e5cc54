"""What people do on Discord, and what the desk and they themselves hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.desk.asks import Answer
from bot.desk.commands import COMMANDS
from bot.platforms.base import Action, Tone
from bot.platforms.discord import doors
from tests.contracts.discord_world import QUEUED, Desk, World, a_world, adapter_for, card, running
from tests.simulators.discord import DiscordSimulator


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


ENDED = card(
    tone=Tone.GOOD,
    actions=[Action(verb=verb, label=verb.capitalize(), job_id="3fa9c1") for verb in ("resume", "retry")],
)


# Commands


async def test_every_command_of_the_table_is_one_of_discords(world: World) -> None:
    (job, menu) = world.discord.guild.commands[""]
    assert [option["name"] for option in job["options"]] == [command.verb for command in COMMANDS]
    research = {option["name"]: option for option in job["options"][0]["options"]}
    assert set(research) == {"prompt", "file", *(option.name for option in COMMANDS[0].options)}
    assert research["model"]["autocomplete"]
    assert (menu["name"], menu["type"]) == ("Run a job on this", 3)
    assert (job["dm_permission"], menu["dm_permission"]) == (False, False)


async def test_a_command_is_committed_before_it_is_acknowledged_and_answered_privately(world: World) -> None:
    given = {"prompt": "how <b> & -- do we?", "model": "opus", "in": "2h"}
    done = await world.ada.runs("/job research", given, channel=world.dev)
    assert (done.text, done.is_private) == ("queued as `#3fa9c1`", True)
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args) == ("research", given)
    assert (ask.origin.channel, ask.origin.thread) == (world.dev.id, None)
    actor = ask.origin.actor
    assert (actor.platform, actor.team, actor.user_id) == ("discord", world.discord.guild.id, world.ada.id)
    assert ask.delivery == f"discord:interaction:{done.id}"
    assert world.dev.messages == []


async def test_a_command_that_needs_no_words_starts_without_a_form(world: World) -> None:
    await world.ada.runs("/job clara", {}, channel=world.dev)
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args) == ("clara", {})


async def test_prompts_that_can_be_listed_are_completed(world: World) -> None:
    (job, _) = world.discord.guild.commands[""]
    listed = {
        command["name"]: bool(option.get("autocomplete"))
        for command in job["options"]
        for option in command.get("options", ())
        if option["name"] == "prompt"
    }
    assert {verb for verb, is_listed in listed.items() if is_listed} == {"workflow", "clara"}
    assert await world.ada.types("/job clara", "prompt", "3f", channel=world.dev)


async def test_ids_and_words_go_where_the_desk_looks_for_them(world: World) -> None:
    await world.ada.runs("/job resume", {"id": "#3fa9c1", "text": "and the tests"}, channel=world.dev)
    await world.ada.runs("/job schedule", {"change": "pause", "id": "5c4ed0"}, channel=world.dev)
    await world.ada.runs("/job list", {"by": "me"}, channel=world.dev)
    await world.ada.runs("/job help", {"verb": "research"}, channel=world.dev)
    assert [(ask.verb, ask.target, dict(ask.args)) for ask in world.desk.asks] == [
        ("resume", "3fa9c1", {"prompt": "and the tests"}),
        ("schedule", "5c4ed0", {"change": "pause"}),
        ("list", "", {"by": "me"}),
        ("help", "research", {}),
    ]


async def test_a_refusal_is_for_the_person_alone_and_pings_nobody(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="**No** model `@everyone`.")
    done = await world.ada.runs("/job research", {"prompt": "x", "model": "nope"}, channel=world.dev)
    assert done.is_private
    assert done.text.startswith("**No** model")
    assert world.discord.pings == []


async def test_a_long_answer_comes_in_parts(world: World) -> None:
    world.desk.answer = Answer(ok=True, text="\n".join(f"- line {number}" * 5 for number in range(100)))
    done = await world.ada.runs("/job list", channel=world.dev)
    await world.discord.until(lambda: len(done.followups) >= 2)
    assert all(message.only_for == world.ada.id for message in done.followups)


async def test_a_command_in_a_thread_belongs_to_its_channel(world: World) -> None:
    head = world.discord.say(world.ada, world.dev, "how?")
    thread = world.discord.guild.start_thread(world.dev, head, "talk")
    await world.ada.runs("/job research", {"prompt": "x"}, channel=thread)
    (ask,) = world.desk.asks
    assert (ask.origin.channel, ask.origin.thread) == (world.dev.id, thread.id)


async def test_a_slow_desk_is_acknowledged_in_time_and_its_answer_follows(world: World) -> None:
    world.desk.open.clear()
    done = await world.ada.runs("/job research", {"prompt": "x"}, channel=world.dev)
    assert done.acked_at is not None
    assert 1.9 < done.acked_at - done.created_at < 2.9
    assert done.loading
    world.desk.open.set()
    assert await world.discord.until(lambda: done.text) == "queued as `#3fa9c1`"
    assert done.is_private


async def test_a_fault_of_the_desk_costs_an_apology_and_no_acknowledgement(world: World) -> None:
    world.desk.answer = RuntimeError("boom")
    done = await world.ada.runs("/job research", {"prompt": "x"}, channel=world.dev)
    assert done.text.startswith("Sorry, that went wrong on my side")
    assert "boom" not in done.text


async def test_twenty_commands_at_once_are_all_acknowledged(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        commands = [
            group.create_task(world.ada.runs("/job research", {"prompt": str(n)}, channel=world.dev))
            for n in range(20)
        ]
    assert {command.result().text for command in commands} == {"queued as `#3fa9c1`"}
    assert len({ask.delivery for ask in world.desk.asks}) == 20


async def test_the_same_interaction_twice_is_asked_twice_under_one_name_and_warned_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    done = await world.ada.runs("/job research", {"prompt": "x"}, channel=world.dev)
    world.discord.guild.publish("INTERACTION_CREATE", done.payload)
    await world.discord.until(lambda: [call for call in world.discord.calls if call.code == 40060])
    assert len({ask.delivery for ask in world.desk.asks}) == 1
    assert len(world.desk.asks) == 2
    await world.ada.runs("/job list", channel=world.dev)  # by then the answer to the second is in
    assert "discord.other_connection" in caplog.messages


async def test_f46_an_interaction_that_is_dead_already_costs_a_line_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    guild = world.discord.guild
    done = await world.ada.runs("/job list", channel=world.dev)
    old = guild.begin(2, world.ada, world.dev)
    old.created_at -= 60
    guild.publish("INTERACTION_CREATE", done.payload | {"id": old.id, "token": old.token})
    await world.discord.until(lambda: [call for call in world.discord.calls if call.code == 10062])
    assert (await world.ada.runs("/job list", channel=world.dev)).text
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "discord.reply_lost"
    ]


async def test_a_command_that_is_no_longer_ours_is_answered(world: World) -> None:
    done = await world.ada.runs("/job list", channel=world.dev)
    data = {"id": "1", "name": "oldjob", "type": 1}
    old = world.discord.guild.begin(2, world.ada, world.dev)
    body = done.payload | {"id": old.id, "token": old.token, "data": data}
    world.discord.guild.publish("INTERACTION_CREATE", body)
    await world.discord.until(lambda: old.text)
    assert "commands have changed" in old.text


# Where it may be used


async def test_a_guild_that_is_not_named_is_refused_with_a_sentence() -> None:
    async with DiscordSimulator() as discord:
        desk = Desk()
        adapter = adapter_for(discord, desk, frozenset({discord.guild.id}))
        discord.channel("dev")
        async with running(adapter):
            world = World(discord, desk, adapter)
            done = await world.ada.runs("/job list", channel=world.dev)
            other = discord.guild.begin(2, world.ada, world.dev)
            body = done.payload | {"id": other.id, "token": other.token, "guild_id": "123456789"}
            discord.guild.publish("INTERACTION_CREATE", body)
            await discord.until(lambda: other.text)
            assert "adds `123456789` to `guilds`" in other.text
            alone = discord.guild.begin(2, world.ada, world.dev)
            body = {key: value for key, value in body.items() if key not in ("guild_id", "guild", "member")}
            user = done.payload["member"]["user"]
            body |= {"id": alone.id, "token": alone.token, "user": user, "context": 1}
            discord.guild.publish("INTERACTION_CREATE", body)
            await discord.until(lambda: alone.text)
            assert "not in direct messages" in alone.text
    assert len(desk.asks) == 1


async def test_the_desk_learns_of_a_persons_roles(world: World) -> None:
    devs = world.discord.role("devs")
    bob = world.discord.person("Bob", roles=(devs,))
    await bob.runs("/job list", channel=world.dev)
    assert devs in world.desk.asks[0].origin.actor.roles


# Buttons


async def test_a_click_becomes_an_ask_once_it_is_confirmed(world: World) -> None:
    await world.platform.post(world.place, card(), "job-1:card")
    (message,) = world.dev.messages
    asked = await world.ada.clicks(message, "Cancel")
    assert asked.is_private
    assert "Stop this job?" in asked.text
    assert world.desk.asks == []
    assert asked.original is not None
    done = await world.ada.clicks(asked.original, "Yes, cancel")
    assert done.text == "queued as `#3fa9c1`"
    assert asked.original.buttons == []
    (ask,) = world.desk.asks
    assert (ask.verb, ask.target, ask.origin.channel) == ("cancel", "3fa9c1", world.dev.id)
    assert ask.delivery == f"discord:interaction:{done.id}"


async def test_a_click_that_needs_no_question_is_acknowledged_in_silence(world: World) -> None:
    head = await world.platform.post(world.place, ENDED, "job-1:card")
    done = await world.ada.clicks(world.dev.messages[0], "Retry")
    assert not done.failed
    assert world.ada.whispers == []
    (ask,) = world.desk.asks
    assert (ask.verb, ask.origin.thread) == ("retry", head), "the card's thread has the card's id"


async def test_a_button_that_is_not_ours_is_answered(world: World) -> None:
    button = {"type": 2, "style": 1, "label": "Old", "custom_id": "vote:1"}
    row = {"type": 1, "components": [button]}
    guild = world.discord.guild
    message = guild.post(world.dev, guild.bot_id, "x", components=[row])
    done = await world.ada.clicks(message, "Old")
    assert "do not know that button" in done.text


async def test_a_slow_answer_to_a_click_is_told_when_it_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "PATIENCE_S", 0)
    await world.platform.post(world.place, ENDED, "job-1:card")
    world.desk.answer = Answer(ok=False, text="`3fa9c1` goes on already.")
    world.desk.open.clear()
    done = await world.ada.clicks(world.dev.messages[0], "Retry")
    assert done.response_type == 6
    world.desk.open.set()
    await world.discord.until(lambda: done.followups)
    assert done.followups[0].only_for == world.ada.id


async def test_a_reply_goes_on_with_the_job_in_new_words(world: World) -> None:
    await world.platform.post(world.place, ENDED, "job-1:card")
    opened = await world.ada.clicks(world.dev.messages[0], "Reply")
    done = await world.ada.submits(opened, {"prompt": "and now the tests"})
    assert (done.text, done.is_private) == ("queued as `#3fa9c1`", True)
    (ask,) = world.desk.asks
    assert (ask.verb, ask.target, ask.args) == ("reply", "3fa9c1", {"prompt": "and now the tests"})
    assert ask.origin.thread == world.dev.messages[0].id


# Forms


async def test_a_command_without_a_prompt_opens_a_form_that_keeps_what_was_typed(world: World) -> None:
    given = {"model": "opus", "at": "18:00", "zone": "Europe/Paris"}
    opened = await world.ada.runs("/job research", given, channel=world.dev)
    assert [invocation.text for invocation in world.desk.invocations] == ["help"], "may they read the help?"
    done = await world.ada.submits(opened, {"prompt": "fix <it> & go" * 250, "effort": "high"})
    assert done.text == "queued as `#3fa9c1`"
    (ask,) = world.desk.asks
    assert ask.verb == "research"
    assert ask.args == given | {"prompt": "fix <it> & go" * 250, "effort": "high"}
    assert ask.delivery == f"discord:interaction:{done.id}"


async def test_a_form_can_be_sent_after_a_restart() -> None:
    async with DiscordSimulator() as discord:
        desk = Desk()
        adapter = adapter_for(discord, desk)
        async with running(adapter):
            world = World(discord, desk, adapter)
            opened = await world.ada.runs("/job session", channel=world.dev)
        async with running(adapter_for(discord, desk)):
            done = await world.ada.submits(opened, {"prompt": "x"})
    assert done.text == "queued as `#3fa9c1`"


async def test_who_may_not_read_the_help_does_not_see_the_form(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="You are not on the list.")
    done = await world.ada.runs("/job research", channel=world.dev)
    assert done.form is None
    assert done.text == "You are not on the list."
    assert await world.ada.types("/job research", "model", "", channel=world.dev) == []


async def test_what_was_typed_into_a_refused_form_is_given_back(world: World) -> None:
    opened = await world.ada.runs("/job research", channel=world.dev)
    world.desk.answer = Answer(ok=False, text="`opus` is not for you.")
    done = await world.ada.submits(opened, {"prompt": "a long ```story```"})
    assert done.is_private
    assert done.text.startswith("`opus` is not for you.\nYour words were:")
    assert "a long '''story'''" in done.text


async def test_too_many_options_for_a_form_are_refused_and_none_is_lost(world: World) -> None:
    given = {"cron": "0 2 * * mon-fri" * 5, "zone": "Europe/Paris", "timeout": "20m"}
    done = await world.ada.runs("/job research", given, channel=world.dev)
    assert done.form is None
    assert "`prompt`" in done.text


async def test_a_message_can_become_a_job_of_any_type(world: World) -> None:
    message = world.discord.say(world.ada, world.dev, "The build is red since noon.")
    opened = await world.ada.uses("Run a job on this", message)
    done = await world.ada.submits(opened, {"verb": "session"})
    assert done.text == QUEUED.text
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args) == ("session", {"prompt": "The build is red since noon."})


# Autocomplete


async def test_options_are_completed_from_what_there_is(world: World) -> None:
    names = [
        choice["value"] for choice in await world.ada.types("/job research", "model", "", channel=world.dev)
    ]
    assert names == ["sonnet", "opus"]
    (only,) = await world.ada.types("/job research", "workspace", "AP", channel=world.dev)
    assert only["value"] == "api"
    assert await world.ada.types("/job research", "timeout", "2", channel=world.dev) == []


async def test_ids_are_completed_from_jobs(world: World) -> None:
    for command, option in (("/job cancel", "id"), ("/job list", "before")):
        (choice,) = await world.ada.types(command, option, "3f", channel=world.dev)
        assert choice == {"name": "3fa9c1 running · research", "value": "3fa9c1-full"}


async def test_a_fault_while_completing_costs_suggestions_and_no_more(world: World) -> None:
    world.desk.answer = RuntimeError("boom")
    world.desk.suggest = None  # type: ignore[method-assign, assignment]
    assert await world.ada.types("/job cancel", "id", "3f", channel=world.dev) == []
