"""What we send to Discord, before a second judge that knows nothing of our simulator: simcord."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import discord
import pytest
import simcord
from simcord import ChannelHandle, Env, GuildHandle, MemberActor

from bot.desk.asks import Answer
from bot.news.questions import question
from bot.platforms.base import Action, Announcement, Attachment, Fact, Link, Place, Shape, Tone
from bot.platforms.discord.adapter import API_URL
from bot.platforms.discord.answers import Answers
from bot.platforms.discord.api import DiscordApi
from bot.platforms.discord.client import Client
from bot.platforms.discord.doors import Doors
from bot.platforms.discord.files import Files
from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.errands import Errands
from executor.questions import Question, QuestionState
from tests.contracts import slack_world
from tests.contracts.discord_world import PAGE, Desk, card
from tests.contracts.goldens import GOLDEN, QUESTIONS, SCENES

ENDED = card(
    tone=Tone.GOOD,
    actions=[Action(verb=verb, label=verb.capitalize(), job_id="3fa9c1") for verb in ("resume", "retry")],
)


FILLED: dict[str, dict[str, Any]] = {
    "command": {"prompt": "fix it"},
    "menu": {"prompt": "fix it", "verb": ["research"]},
    "reply": {"prompt": "fix it"},
}


@dataclass
class Court:
    """A guild of simcord's, with our own client in it."""

    env: Env
    guild: GuildHandle
    dev: ChannelHandle
    ada: MemberActor
    desk: Desk
    platform: DiscordPlatform
    client: Client

    async def take(self, message: dict[str, Any]) -> None:
        """Posts it as it stands."""
        body = {name: message[name] for name in ("flags", "content", "components") if message.get(name)}
        route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=self.dev.id)
        await self.client.http.request(route, json=body)

    @property
    def place(self) -> Place:
        return Place(team=str(self.guild.id), channel=str(self.dev.id))

    @property
    def card(self) -> discord.Message:
        """The first thing that was said in #dev."""
        return self.dev.history()[0]

    def thread(self, message_id: str) -> Place:
        return Place(team=str(self.guild.id), channel=str(self.dev.id), thread=message_id)


@asynccontextmanager
async def in_session() -> AsyncIterator[Court]:
    desk, api, errands = Desk(), DiscordApi(), Errands()
    doors = Doors(door=desk, errands=errands, guilds=frozenset(), files=Files(API_URL))
    client = Client(
        doors, Answers(doors, errands), lambda client, listens, _: api.use(client) if listens else None
    )
    async with simcord.run(client) as env:
        guild = env.create_guild()
        ada = guild.add_member(env.create_user("Ada"))
        await client.tree.make_known([])
        api.use(client)
        yield Court(env, guild, guild.create_text_channel("dev"), ada, desk, DiscordPlatform(api), client)


async def test_the_commands_are_taken_and_told_apart() -> None:
    async with in_session() as court:
        names = court.ada.available_commands(court.dev)
        assert {"job research", "job session", "job cancel", "job schedule"} <= set(names)
        result = await court.ada.slash(court.dev, "job research", prompt="how?", model="opus")
        assert result.ephemeral
        assert result.response is not None
        assert result.response.content == "queued as `#3fa9c1`"
        (ask,) = court.desk.asks
        assert (ask.verb, ask.args) == ("research", {"prompt": "how?", "model": "opus"})
        choices = await court.ada.autocomplete(court.dev, "job cancel", "id", "3f")
        assert [choice["value"] for choice in choices] == ["3fa9c1-full"]


async def test_a_whole_story_is_taken() -> None:
    async with in_session() as court:
        head = await court.platform.post(court.place, card(body="how do we cache?"), "job-1:card")
        page = await court.platform.post(court.thread(head), PAGE, "job-1:page:0")
        await court.platform.edit(court.thread(head), page, PAGE)
        await court.platform.edit(court.place, head, ENDED)
        result = Announcement(
            shape=Shape.RESULT,
            tone=Tone.GOOD,
            title="done",
            body="It is cached.",
            facts=[Fact(label="cost", value="$0.42")],
            links=[Link(label="Report", url="https://bot.example/reports/x/")],
            mention=str(court.ada.id),
        )
        await court.platform.post(court.thread(head), result, "job-1:result")
        log = Attachment(name="output.md", title="The whole output", content=b"log")
        file_id = await court.platform.attach(court.thread(head), log)
        assert await court.platform.find(court.thread(head), "output.md") == file_id
        assert await court.platform.find(court.thread(head), "job-1:result") is not None
        message = court.card
        assert message.flags.components_v2


async def test_every_limit_holds_whatever_a_card_says() -> None:
    async with in_session() as court:
        much = "*_`<@1>@everyone |~" * 2_000
        links = [Link(label=much, url=f"https://bot.example/{number}") for number in range(30)]
        facts = [Fact(label=much, value=much) for _ in range(30)]
        await court.platform.post(
            court.place, card(title=much, body=much, facts=facts, links=links), "job-1:card"
        )
        page = Announcement(shape=Shape.PAGE, tone=Tone.RUNNING, title="x", body=much)
        await court.platform.post(court.place, page, "job-1:page:0")
        assert [bool(said.components) for said in court.dev.history() if not said.is_system()] == [
            True,
            False,
        ]


@pytest.mark.parametrize("scene", SCENES)
async def test_all_that_was_judged_by_eye_is_taken(scene: str) -> None:
    """The payloads that the golden files hold, as our own simulator took them."""
    golden = json.loads((GOLDEN / "discord" / f"{scene}.json").read_text())
    async with in_session() as court:
        for head in golden["channel"]:
            await court.take(head)
            for message in head["thread"]["messages"]:
                await court.take(message)


async def test_a_press_is_confirmed_and_done() -> None:
    async with in_session() as court:
        await court.platform.post(court.place, card(), "job-1:card")
        message = court.card
        asked = await court.ada.click(message, label="Cancel")
        assert asked.ephemeral
        assert asked.response is not None
        await court.ada.click(asked.response, label="Yes, cancel")
        assert [(ask.verb, ask.target) for ask in court.desk.asks] == [("cancel", "3fa9c1")]


async def test_a_refused_press_is_told_privately() -> None:
    async with in_session() as court:
        await court.platform.post(court.place, ENDED, "job-1:card")
        court.desk.answer = Answer(ok=False, text="It goes on already.")
        message = court.card
        result = await court.ada.click(message, label="Retry")
        assert result.ephemeral
        assert result.response is not None
        assert result.response.content == "It goes on already."


@pytest.mark.parametrize("way", ["command", "menu", "reply"])
async def test_every_form_is_taken_and_comes_back(way: str) -> None:
    async with in_session() as court:
        shown: Any
        if way == "command":
            shown = await court.ada.slash(court.dev, "job research", model="opus", at="18:00")
        elif way == "menu":
            message = await court.ada.send(court.dev, "The build is red.")
            shown = await court.ada.context_menu(court.dev, "Run a job on this", message)
        else:
            await court.platform.post(court.place, ENDED, "job-1:card")
            shown = await court.ada.click(court.card, label="Reply")
        assert shown.modal is not None
        await court.ada.submit_modal(shown, FILLED[way])
        (ask,) = court.desk.asks
        assert ask.args["prompt"] == "fix it"
        assert ask.verb == ("reply" if way == "reply" else "research")


async def test_the_form_of_a_question_is_taken_and_comes_back() -> None:
    async with in_session() as court:
        job = slack_world.a_job("3fa9c1d2-0000-4000-8000-000000000000")
        asked = Question(
            id="q-1",
            job_id=job.id,
            number=2,
            asked=QUESTIONS[3],
            state=QuestionState.OPEN,
            asked_at=job.created_at,
            expires_at=None,
            attempt=None,
            request="",
        )
        await court.platform.post(court.place, question(asked, job, most=1_700), f"{job.id}:question:2")
        court.desk.answer = Answer(ok=True, text="", form=asked)
        shown: Any = await court.ada.click(court.card, label="Answer…")
        assert shown.modal is not None
        court.desk.answer = Answer(ok=True, text="Answered.")
        await court.ada.submit_modal(shown, {"choices": ["2", "5"], "prompt": "and more"})
        pressed, sent = court.desk.asks
        assert (pressed.target, pressed.args) == (job.id, {"question": "2", "says": "choose"})
        filled = {"question": "2", "says": "answer", "choices": "2,5", "prompt": "and more"}
        assert (sent.verb, sent.target, sent.args) == ("answer", job.id, filled)
