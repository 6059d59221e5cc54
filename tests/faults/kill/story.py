"""What people do with the bot, scene by scene: together the scenes reach every step on the way."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

import aiohttp

from bot.client import Client, ServerGone, connect
from executor.ports import SystemClock
from storage.sqlite.rows import to_text
from tests.faults.kill.theatre import LATER_S, Theatre

Scene = Callable[[Theatre], Awaitable[object]]


async def play(theatre: Theatre, scene: Scene) -> None:
    """Plays `scene` until all of it is settled, or until the bot is dead."""
    await scene(theatre)
    if not theatre.lives.ended.is_set():
        await theatre.or_end(theatre.settled())


async def ask(theatre: Theatre, words: str) -> None:
    """Ann types it after `/job`. Bounded by the simulator's patience, or by the bot's death."""
    await theatre.or_end(theatre.ann.command("/job", words, channel=theatre.dev))


async def press(theatre: Theatre, label: str, shows: str = "") -> None:
    """Ann presses the button on the newest card that has it, as soon as there is one that says `shows`."""

    async def do() -> None:
        card = await theatre.card(lambda card: label in card.buttons and shows in card.plain)
        await theatre.ann.click(card, label)

    await theatre.or_end(do())


async def _research(theatre: Theatre) -> None:
    await ask(theatre, f"research what is {theatre.word()}?")


async def _long(theatre: Theatre) -> None:
    await ask(theatre, f"session a long answer to {theatre.word()}")


async def _mention(theatre: Theatre) -> None:
    await theatre.ann.mention(theatre.dev, f"session tidy {theatre.word()}")
    await theatre.or_end(
        theatre.slack.until(lambda: theatre.slack.deliveries[-1].settled, what="the mention to arrive")
    )


async def _files(theatre: Theatre) -> None:
    """What is attached goes to the agent, and comes back from it."""
    word = theatre.word()
    note = theatre.slack.file("note.txt", word.encode())
    await theatre.ann.mention(theatre.dev, f"session leave {word}", files=[note])
    await theatre.or_end(
        theatre.slack.until(lambda: theatre.slack.deliveries[-1].settled, what="the mention to arrive")
    )


async def _form(theatre: Theatre) -> None:
    async def fill_in() -> None:
        await theatre.ann.command("/job", channel=theatre.dev)
        view = await theatre.ann.wait_view()
        await theatre.ann.submit(view, {"prompt": f"what is {theatre.word()}?"})

    theatre.ann.views.clear()
    await theatre.or_end(fill_in())


async def _choice(theatre: Theatre) -> None:
    """Nobody says in which workspace a job shall run: Ann does, when she is asked."""
    word = theatre.word()

    async def choose() -> None:
        await theatre.ann.command("/job", f"research what is {word}?", channel=theatre.den)
        asked = await theatre.slack.until(
            lambda: [each for each in theatre.ann.ephemerals if word in each.plain],
            timeout=LATER_S,
            what="a question",
        )
        await theatre.ann.click(asked[-1], "main")

    await theatre.or_end(choose())


async def _failure_and_retry(theatre: Theatre) -> None:
    word = theatre.word()
    await ask(theatre, f"session fail {word}")
    await press(theatre, "Retry", word)
    await theatre.or_end(theatre.settled())
    await press(theatre, "Resume", word)


async def _cancel(theatre: Theatre) -> None:
    word = theatre.word()
    theatre.hold()
    await ask(theatre, f"session stay {word}")
    await press(theatre, "Cancel", "running")


async def _reply(theatre: Theatre) -> None:
    """Somebody says what to do instead to a job that takes nothing in while it works."""
    await _stay(theatre, "deaf")
    if theatre.lives.ended.is_set():
        return
    card = await theatre.card(lambda card: "Cancel" in card.buttons and "running" in card.plain)
    await theatre.ann.mention(theatre.dev, f"and now {theatre.word()}", thread=card)
    await press(theatre, "Take the reply now")


async def _live(theatre: Theatre) -> None:
    """Somebody says what to do instead while a job runs, and does not want to wait."""
    await _stay(theatre)
    if theatre.lives.ended.is_set():
        return
    card = await theatre.card(lambda card: "Cancel" in card.buttons and "running" in card.plain)
    await theatre.ann.mention(theatre.dev, f"and now {theatre.word()}", thread=card)
    await press(theatre, "Interrupt")


async def _later(theatre: Theatre) -> None:
    for label in ("Run now", "Cancel"):
        word = theatre.word()
        await ask(theatre, f"session {word} --in 5h")
        await press(theatre, label, word)


async def _autopilot(theatre: Theatre) -> None:
    """Three steps, each of them an attempt."""
    word = theatre.word()
    await ask(theatre, f"autopilot\n- One: begin with {word}\n- Two: go on with {word}\n- Three: end {word}")


async def _deleted(theatre: Theatre) -> None:
    """Somebody deletes a card; what is new is said in another one."""
    word = theatre.word()
    await ask(theatre, f"session {word} --in 5h")
    if await theatre.or_end(theatre.card(lambda card: word in card.plain)):
        card = await theatre.card(lambda card: word in card.plain)
        await theatre.or_end(theatre.settled())
        theatre.slack.workspace.delete(card)
        await ask(theatre, f"cancel {card.plain.partition('session ')[2][:6]}")


async def _limit(theatre: Theatre) -> None:
    await ask(theatre, f"session limit {theatre.word()}")


async def _page(theatre: Theatre) -> None:
    async def visit() -> None:
        token = (theatre.data / "api-token").read_text()
        async with connect(await theatre.address(), token) as client:
            await _log_in(client)
            told = await client.command(f"research what is {theatre.word()}? --workspace main")
            assert told.ok, told.text

    with suppress(ServerGone, aiohttp.ClientError):
        await theatre.or_end(visit())


async def _log_in(client: Client) -> None:
    link = await client.login_link()
    async with aiohttp.ClientSession() as session, session.get(link) as answer:
        assert answer.status == 200


async def _program(theatre: Theatre) -> None:
    """A program asks for a job, puts it off and calls it off, with a token of its own."""

    async def call() -> None:
        headers = {"Authorization": f"Bearer {(theatre.data / 'api-token').read_text()}"}
        async with aiohttp.ClientSession(await theatre.address(), headers=headers) as session:
            made = await _called(session, "POST", "/api/tokens", {"name": "ci", "scope": "run"})
            later = {"type": "session", "prompt": theatre.word(), "scheduled_at": _in_hours(5)}
            later["workspace"] = "main"
            own = {"Authorization": f"Bearer {made['token']}", "Idempotency-Key": theatre.word()}
            job = await _called(session, "POST", "/jobs", later, own)
            change = {"scheduled_at": _in_hours(6)}
            await _called(session, "PATCH", f"/api/remote-jobs?id={job['id']}", change)
            await _called(session, "DELETE", f"/jobs/{job['id']}", None)
            await _called(session, "DELETE", f"/api/tokens?id={made['id']}", None)

    with suppress(aiohttp.ClientError):
        await theatre.or_end(call())


async def _records(theatre: Theatre) -> None:
    """A program writes down a task, moves it on, has read a channel and sets a preference."""

    async def write() -> None:
        word, headers = (
            theatre.word(),
            {"Authorization": f"Bearer {(theatre.data / 'api-token').read_text()}"},
        )
        async with aiohttp.ClientSession(await theatre.address(), headers=headers) as session:
            await _called(session, "POST", "/api/tasks", {"id": word, "name": word, "workspace": "dev"})
            theatre.tasks[word] = "draft"
            await _called(session, "PATCH", f"/api/tasks?id={word}", {"status": "ready"})
            theatre.tasks[word] = "ready"
            said = await _called(session, "POST", "/api/messages", {"channel": "general", "content": word})
            await _called(session, "PATCH", "/api/channels?channel=general", {"read": said["id"]})
            await _called(session, "PATCH", "/api/preferences", {"effort": "high"})

    with suppress(aiohttp.ClientError):
        await theatre.or_end(write())


async def _called(
    session: aiohttp.ClientSession,
    method: str,
    path: str,
    body: object,
    headers: Mapping[str, str] | None = None,
) -> Any:
    async with session.request(method, path, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json() if answer.content_type == "application/json" else None


def _in_hours(hours: int) -> str:
    return (SystemClock().now() + timedelta(hours=hours)).isoformat(timespec="seconds")


async def _schedule(theatre: Theatre) -> None:
    """Its time comes while the bot is down, and so does a clock that was set back."""
    await ask(theatre, f"session often {theatre.word()} --cron @hourly")
    if theatre.lives.ended.is_set():
        return
    for column, ahead in (("next_run", timedelta()), ("counted_at", timedelta(hours=1))):
        await theatre.lives.end(signal.SIGTERM)
        if theatre.lives.status != 0:
            return
        with closing(sqlite3.connect(theatre.database)) as connection, connection:
            at = to_text(SystemClock().now() + ahead)
            connection.execute(f"UPDATE schedules SET {column} = ? WHERE deleted_at IS NULL", (at,))  # noqa: S608
        await theatre.begin()
        await theatre.or_end(theatre.settled())
    with closing(sqlite3.connect(theatre.database)) as connection:
        ids = connection.execute("SELECT id FROM schedules WHERE deleted_at IS NULL").fetchall()
    for (schedule_id,) in ids:
        await ask(theatre, f"schedule delete {schedule_id}")


async def _tell(theatre: Theatre) -> None:
    """An agent tells how far it is, posts an update and publishes a report."""
    await ask(theatre, f"session tell {theatre.word()}")


async def _question(theatre: Theatre) -> None:
    """An agent asks, and waits; what people say to that is in `Theatre.settled`."""
    await ask(theatre, f"session enquire {theatre.word()}")


async def _wonder(theatre: Theatre) -> None:
    """An agent asks people, and goes on when somebody has answered."""
    await ask(theatre, f"session wonder {theatre.word()}")


async def _work(theatre: Theatre) -> None:
    """Jobs change files in worktrees of their own, and somebody decides what becomes of that."""
    for labels in (("Open pull request", "Merge"), ("Keep",), ("Discard",)):
        word = theatre.word()
        await ask(theatre, f"session alter {word} --workspace tree")
        for label in labels:
            await press(theatre, label, word)
            if theatre.lives.ended.is_set():
                return
            await theatre.or_end(theatre.settled())


async def _stop(theatre: Theatre) -> None:
    """A signal comes while a job runs, which goes on after the next start."""
    await _stay(theatre)
    await theatre.lives.end(signal.SIGTERM)
    if theatre.lives.status == 0:
        await theatre.begin()


async def _crash(theatre: Theatre) -> None:
    """The same, by force."""
    await _stay(theatre)
    if not theatre.lives.ended.is_set():
        await theatre.lives.end()
        await theatre.begin()


async def _stay(theatre: Theatre, how: str = "") -> None:
    word = theatre.word()
    theatre.hold()
    await ask(theatre, f"session stay {how} {word}")
    begun = theatre.slack.until(
        lambda: any(f"Begun with {word}" in each.plain for each in theatre.dev.all_messages.values()),
        timeout=LATER_S,
        what="output",
    )
    await theatre.or_end(begun)


async def _unanswered(theatre: Theatre) -> None:
    """The bot dies once it has said a thing, before it has taken note of that."""
    armed = theatre.lives.armed
    theatre.lives.arm("message posted")
    await ask(theatre, f"session {theatre.word()}")
    await theatre.lives.dead()
    theatre.lives.arm(armed)
    await theatre.begin()


SCENES: Mapping[str, Scene] = {
    "research": _research,
    "mention": _mention,
    "files": _files,
    "form": _form,
    "choice": _choice,
    "failure": _failure_and_retry,
    "cancel": _cancel,
    "reply": _reply,
    "live": _live,
    "later": _later,
    "page": _page,
    "program": _program,
    "records": _records,
    "tell": _tell,
    "question": _question,
    "wonder": _wonder,
    "work": _work,
    "deleted": _deleted,
    "crash": _crash,
    "stop": _stop,
    "unanswered": _unanswered,
    "schedule": _schedule,
    "autopilot": _autopilot,
    "long": _long,
    "limit": _limit,
}
"""The cheap ones first: a step is struck in the first scene that comes to it."""
