"""The Discord simulator keeps Discord's rules, and the real discord.py lives with it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket

from tests.simulators.discord import DiscordSimulator, Limit, Rules
from tests.simulators.discord.gateway import Gateway

SEND = "POST /channels/{channel}/messages"


@pytest.fixture(autouse=True)
def discord_py_as_it_was() -> Iterator[None]:
    before = discord.http.Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    discord.http.Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Bot(discord.Client):
    """A small bot of discord.py's, as anybody would write it."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(
            intents=intents or discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0,
        )
        self.tree = app_commands.CommandTree(self)
        self.held = asyncio.Event()
        self.held.set()

        @self.tree.command(name="ping", description="answers")
        async def ping(interaction: discord.Interaction[Bot], how: str = "say") -> None:
            await self.held.wait()
            if how == "say":
                await interaction.response.send_message("pong", ephemeral=True)
            elif how == "defer":
                await interaction.response.defer(ephemeral=True, thinking=True)
                await interaction.edit_original_response(content="pong at last")

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Does not pause for five seconds before it identifies again."""


def point(sim: DiscordSimulator) -> None:
    discord.http.Route.BASE = sim.api_url
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"{sim.guild.origin.replace('http', 'ws', 1)}/gateway")


@asynccontextmanager
async def connected(sim: DiscordSimulator, bot: Bot | None = None) -> AsyncIterator[Bot]:
    point(sim)
    bot = bot or Bot()
    running = asyncio.create_task(bot.start(sim.token))
    ready = asyncio.create_task(bot.wait_until_ready())
    try:
        async with asyncio.timeout(10):
            await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield bot
    finally:
        await bot.close()
        ready.cancel()
        await asyncio.wait({running, ready}, timeout=5)


@asynccontextmanager
async def calling(sim: DiscordSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {sim.token}", "User-Agent": "DiscordBot (test)"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


async def ask(
    session: aiohttp.ClientSession, sim: DiscordSimulator, method: str, path: str, body: Any = None
) -> tuple[int, Any, dict[str, str]]:
    async with session.request(method, f"{sim.api_url}{path}", json=body) as response:
        answer = await response.json() if response.status != 204 else None
        return response.status, answer, {key.lower(): value for key, value in response.headers.items()}


# The gateway


async def test_the_real_library_connects_and_knows_the_guild() -> None:
    async with DiscordSimulator() as sim:
        dev = sim.channel("dev")
        async with connected(sim) as bot:
            (guild,) = bot.guilds
            assert guild.name == "Workshop"
            assert [channel.id for channel in guild.text_channels] == [int(dev.id)]
            (asked,) = sim.gateway.identifies
            assert asked["intents"] == 1
        await sim.until(lambda: not sim.connected)


@pytest.mark.parametrize(
    "break_off",
    [Gateway.drop, Gateway.cut, Gateway.reconnect, partial(Gateway.invalidate, resumable=True)],
    ids=["closed", "cut", "op7", "op9"],
)
async def test_a_session_is_resumed_and_hears_what_it_missed(break_off: Callable[[Gateway], None]) -> None:
    async with DiscordSimulator() as sim:
        dev, ann = sim.channel("dev"), sim.person("Ann")
        async with connected(sim):
            sim.gateway.holds_back = True
            asked = asyncio.create_task(ann.runs("/ping", channel=dev))
            await asyncio.sleep(0)
            sim.gateway.holds_back = False
            break_off(sim.gateway)
            done = await asked
            assert (done.text, done.is_private) == ("pong", True)
            assert (len(sim.gateway.identifies), len(sim.gateway.resumes)) == (1, 1)


async def test_a_void_session_is_begun_anew() -> None:
    async with DiscordSimulator() as sim:
        dev, ann = sim.channel("dev"), sim.person("Ann")
        async with connected(sim):
            sim.gateway.invalidate(resumable=False)
            await sim.until(lambda: len(sim.gateway.identifies) == 2 and sim.connected)
            assert (await ann.runs("/ping", channel=dev)).text == "pong"


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
async def test_fatal_close_codes_end_the_library(code: int) -> None:
    async with DiscordSimulator() as sim:
        sim.gateway.refuse_with = code
        with pytest.raises((discord.ConnectionClosed, discord.PrivilegedIntentsRequired)):
            async with connected(sim):
                pass


async def test_a_privileged_intent_must_have_been_granted() -> None:
    async with DiscordSimulator() as sim:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with connected(sim, Bot(discord.Intents(guilds=True, message_content=True))):
                pass


async def test_a_wrong_token_is_refused_at_the_first_call() -> None:
    async with DiscordSimulator() as sim:
        sim.refuse_token()
        with pytest.raises(discord.LoginFailure):
            async with connected(sim):
                pass


# Messages


@pytest.fixture
async def sim() -> AsyncIterator[DiscordSimulator]:
    async with DiscordSimulator(rules=Rules(rate_limits=False)) as sim:
        yield sim


def path(sim: DiscordSimulator, message: str = "") -> str:
    return f"/channels/{sim.channel('dev').id}/messages{message}"


ROW = {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": "x"}]}
TEXT = {"type": 10, "content": "x"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": "x" * 2_001}, 50035),
        ({"content": " "}, 50006),
        ({"content": "x", "nonce": "n" * 26}, 50035),
        ({"content": "x", "components": [TEXT]}, 50035),
        ({"content": "x", "components": [ROW] * 6}, 50035),
        ({"components": [ROW, ROW]}, 50035),
        ({"flags": 32768, "content": "x", "components": [TEXT]}, 50035),
        ({"flags": 32768, "components": [TEXT] * 41}, 50035),
        ({"flags": 32768, "components": [TEXT | {"content": "x" * 2_001}] * 2}, 50035),
        ({"flags": 32768, "components": [{"type": 17, "components": []}]}, 50035),
        ({"flags": 32768, "components": [TEXT | {"content": ""}]}, 50035),
        ({"flags": 32768, "components": [TEXT | {"id": 3}, TEXT | {"id": 3}]}, 50035),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 50035),
        ({"content": "x", "message_reference": {"message_id": "1"}}, 10008),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_its_code(
    sim: DiscordSimulator, body: dict[str, Any], code: int
) -> None:
    async with calling(sim) as session:
        status, answer, _ = await ask(session, sim, "POST", path(sim), body)
    assert status >= 400
    assert answer["code"] == code
    assert sim.channel("dev").messages == []


async def test_a_message_is_sent_once_per_nonce_for_some_minutes(sim: DiscordSimulator) -> None:
    clock = Clock()
    sim.guild.clock = clock
    async with calling(sim) as session:
        body = {"content": "x", "nonce": "n", "enforce_nonce": True}
        first = (await ask(session, sim, "POST", path(sim), body))[1]["id"]
        assert (await ask(session, sim, "POST", path(sim), body))[1]["id"] == first
        clock.now += 301
        assert (await ask(session, sim, "POST", path(sim), body))[1]["id"] != first


async def test_the_v2_flag_stays_for_ever(sim: DiscordSimulator) -> None:
    async with calling(sim) as session:
        v2 = {"flags": 32768, "components": [TEXT]}
        sent = (await ask(session, sim, "POST", path(sim), v2))[1]
        assert sent["components"][0]["id"] == 1, "the server numbers components"
        body = {"content": "x"}
        status, answer, _ = await ask(session, sim, "PATCH", path(sim, f"/{sent['id']}"), body)
        assert (status, answer["code"]) == (400, 50035)


async def test_edits_have_rules_of_their_own(sim: DiscordSimulator) -> None:
    ann = sim.person("Ann")
    theirs = sim.say(ann, sim.channel("dev"), "mine")
    async with calling(sim) as session:
        refused = await ask(session, sim, "PATCH", path(sim, f"/{theirs.id}"), {"content": "x"})
        assert (refused[0], refused[1]["code"]) == (403, 50005)
        gone = await ask(session, sim, "PATCH", path(sim, "/12345"), {"content": "x"})
        assert (gone[0], gone[1]["code"]) == (404, 10008)


async def test_a_message_older_than_an_hour_takes_so_many_edits() -> None:
    clock = Clock()
    rules = Rules(rate_limits=False, old_edits=1)
    async with DiscordSimulator(rules=rules, clock=clock) as sim, calling(sim) as session:
        sent = (await ask(session, sim, "POST", path(sim), {"content": "x"}))[1]["id"]
        clock.now += 3_700
        codes = [
            (await ask(session, sim, "PATCH", path(sim, f"/{sent}"), {"content": "y"}))[0] for _ in range(2)
        ]
    assert codes == [200, 429]


async def test_a_thread_has_its_messages_id_and_can_be_archived(sim: DiscordSimulator) -> None:
    async with calling(sim) as session:
        head = (await ask(session, sim, "POST", path(sim), {"content": "head"}))[1]["id"]
        begin = path(sim, f"/{head}/threads")
        status, thread, _ = await ask(session, sim, "POST", begin, {"name": "job"})
        assert (status, thread["id"], thread["type"]) == (201, head, 11)
        assert (await ask(session, sim, "POST", begin, {"name": "job"}))[1]["code"] == 160004
        said = (await ask(session, sim, "POST", f"/channels/{head}/messages", {"content": "in it"}))[1]["id"]
        await ask(session, sim, "PATCH", f"/channels/{head}", {"archived": True})
        edit = f"/channels/{head}/messages/{said}"
        assert (await ask(session, sim, "PATCH", edit, {"content": "y"}))[1]["code"] == 50083
        await ask(session, sim, "POST", f"/channels/{head}/messages", {"content": "wakes it"})
        assert (await ask(session, sim, "PATCH", edit, {"content": "y"}))[0] == 200


async def test_only_so_many_threads_are_active() -> None:
    rules = Rules(rate_limits=False, active_threads=0)
    async with DiscordSimulator(rules=rules) as sim, calling(sim) as session:
        head = (await ask(session, sim, "POST", path(sim), {"content": "head"}))[1]["id"]
        answer = (await ask(session, sim, "POST", path(sim, f"/{head}/threads"), {"name": "job"}))[1]
    assert answer["code"] == 160006


async def test_files_come_with_the_real_library_and_mentions_ping_whom_they_may(
    sim: DiscordSimulator,
) -> None:
    ann, bob = sim.person("Ann"), sim.person("Bob")
    async with connected(sim) as bot:
        channel = bot.get_partial_messageable(int(sim.channel("dev").id))
        await channel.send(f"<@{ann.id}> <@{bob.id}> @everyone", file=discord.File(io.BytesIO(b"x"), "a.md"))
        only_bob = discord.AllowedMentions(users=[discord.Object(int(bob.id))])
        await channel.send(f"<@{ann.id}> <@{bob.id}> @everyone", allowed_mentions=only_bob)
        (first, _) = sim.channel("dev").messages
        assert [(file.name, file.content) for file in first.files] == [("a.md", b"x")]
        assert [ping.whom for ping in sim.pings] == ["Bob"]
        found = [
            message.attachments[0].filename async for message in channel.history() if message.attachments
        ]
        assert found == ["a.md"]


# Rates


async def test_a_bucket_says_how_it_stands_and_a_throttled_call_carries_via() -> None:
    clock = Clock()
    async with DiscordSimulator(clock=clock) as sim, calling(sim) as session:
        answers = [await ask(session, sim, "POST", path(sim), {"content": "x"}) for _ in range(6)]
        assert [answer[2]["x-ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
        status, body, headers = answers[-1]
        assert (status, body["retry_after"], body["global"]) == (429, 5.0, False)
        assert (headers["via"], headers["retry-after"]) == ("1.1 google", "5")
        clock.now += 5.1
        assert (await ask(session, sim, "POST", path(sim), {"content": "x"}))[0] == 200
    assert len(sim.throttled) == 1


async def test_the_whole_bot_has_a_limit_too() -> None:
    rules = Rules(everything=Limit(requests=1, window_s=5))
    async with DiscordSimulator(rules=rules, clock=Clock()) as sim, calling(sim) as session:
        await ask(session, sim, "GET", "/users/@me")
        status, body, headers = await ask(session, sim, "GET", "/gateway/bot")
    assert (status, body["global"], headers["x-ratelimit-global"]) == (429, True, "true")


async def test_the_real_library_waits_out_a_429_but_takes_one_without_via_for_a_ban(
    sim: DiscordSimulator,
) -> None:
    async with connected(sim) as bot:
        channel = bot.get_partial_messageable(int(sim.channel("dev").id))
        sim.fail_next(SEND, retry_after=0.05)
        await channel.send("x")
        assert [call.status for call in sim.calls if call.route == SEND] == [429, 200]
        sim.fail_next(SEND, retry_after=0.05, via=False)
        with pytest.raises(discord.HTTPException):
            await channel.send("y")


@pytest.mark.parametrize("stored", [True, False])
async def test_an_answer_can_be_lost_before_or_after_the_deed(sim: DiscordSimulator, stored: bool) -> None:
    async with connected(sim) as bot:
        channel = bot.get_partial_messageable(int(sim.channel("dev").id))
        sim.fail_next(SEND, drop=not stored, drop_after_store=stored)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await channel.send("x", nonce="n")
        assert len(sim.channel("dev").messages) == stored
        await channel.send("x", nonce="n")
        assert len(sim.channel("dev").messages) == 1


# Interactions


async def test_a_deferred_answer_takes_the_place_of_thinking(sim: DiscordSimulator) -> None:
    dev, ann = sim.channel("dev"), sim.person("Ann")
    async with connected(sim):
        done = await ann.runs("/ping", {"how": "defer"}, channel=dev)
        assert await sim.until(lambda: done.text) == "pong at last"
        assert done.is_private
        assert dev.messages == []


@pytest.mark.parametrize(("late_s", "code"), [(2.9, None), (3.1, 10062)])
async def test_the_first_answer_must_come_within_three_seconds(late_s: float, code: int | None) -> None:
    clock = Clock()
    async with DiscordSimulator(clock=clock) as sim:
        dev, ann = sim.channel("dev"), sim.person("Ann")
        async with connected(sim) as bot:
            bot.held.clear()
            asked = asyncio.create_task(ann.runs("/ping", channel=dev))
            await asyncio.sleep(0)
            clock.now += late_s
            bot.tree.on_error = quiet  # type: ignore[method-assign]
            bot.held.set()
            done = await asked
            assert done.failed == (code is not None)
            await sim.until(
                lambda: [call.code for call in sim.calls if call.route.endswith("callback")] == [code]
            )


async def quiet(*_: object) -> None:
    """Where an error is what the test wants."""


async def test_an_interaction_is_answered_once_and_its_token_dies(sim: DiscordSimulator) -> None:
    clock = Clock()
    sim.guild.clock = clock
    ann = sim.person("Ann")
    async with calling(sim) as session:
        begun = sim.guild.begin(2, ann, sim.channel("dev"))
        answer = f"/interactions/{begun.id}/{begun.token}/callback"
        say = {"type": 4, "data": {"content": "x", "flags": 64}}
        assert (await ask(session, sim, "POST", answer, say))[0] == 200
        assert (await ask(session, sim, "POST", answer, say))[1]["code"] == 40060
        hook = f"/webhooks/{sim.guild.app_id}/{begun.token}"
        assert (await ask(session, sim, "POST", hook, {"content": "more", "flags": 64}))[0] == 200
        clock.now += 901
        status, body, _ = await ask(session, sim, "POST", hook, {"content": "too late"})
        assert (status, body["code"]) == (401, 50027)
    assert [whisper.plain for whisper in ann.whispers] == ["x", "more"]


@pytest.mark.parametrize(
    "command",
    [
        {"name": "Job", "description": "x"},
        {"name": "job", "description": ""},
        {"name": "job", "description": "x" * 101},
        {"name": "job", "description": "x", "options": [{"name": "a", "type": 3, "description": "y"}] * 2},
        {
            "name": "job",
            "description": "x",
            "options": [
                {"name": "a", "type": 3, "description": "y"},
                {"name": "b", "type": 3, "description": "y", "required": True},
            ],
        },
    ],
)
async def test_a_command_that_breaks_the_rules_is_not_taken(
    sim: DiscordSimulator, command: dict[str, Any]
) -> None:
    async with calling(sim) as session:
        url = f"/applications/{sim.guild.app_id}/commands"
        status, body, _ = await ask(session, sim, "PUT", url, [command])
    assert (status, body["code"]) == (400, 50035)


async def test_people_are_offered_only_what_there_is(sim: DiscordSimulator) -> None:
    dev, ann = sim.channel("dev"), sim.person("Ann")
    async with connected(sim):
        with pytest.raises(AssertionError, match="no options"):
            await ann.runs("/ping", {"nonsense": "x"}, channel=dev)
        with pytest.raises(AssertionError, match="there is no /pong"):
            await ann.runs("/pong", channel=dev)
