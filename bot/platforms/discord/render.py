"""How an announcement looks on Discord: a card of components, or plain text for live output."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import discord
from discord.ui import ActionRow, Button, Container, Item, LayoutView, Separator, TextDisplay

from bot.desk.asks import REPLY
from bot.platforms.base import Action, Announcement, Fact, Link, Progress, Shape, Tone
from bot.platforms.discord.buttons import answer_button, job_button
from bot.platforms.discord.text import fit_code, fit_line, fit_markdown, fit_plain
from bot.platforms.text import bar

PAGE_CHARS = 1_900
"""Of the 2,000 that a message may have."""
_CONTENT = 2_000
# Discord shows 4,000 characters of a card in all; these sum up to less.
_TITLE = 300
_QUOTE = 500
_ASKED = 800
_BODY = 2_100
_CODE = 1_750
_BELOW_CODE = 300
"""What the body has at least, where there is code too."""
_FACTS = 600
_LINKS = 150
_FACT = 150
_URL = 512
_LABEL = 80
_IN_A_ROW = 5
_ROWS = 2

_COLOURS = {
    Tone.WAITING: 0x95A5A6,
    Tone.SCHEDULED: 0x1ABC9C,
    Tone.RUNNING: 0x5865F2,
    Tone.GOOD: 0x57F287,
    Tone.BAD: 0xED4245,
    Tone.STOPPED: 0x4F545C,
}
_EMOJI = {
    Tone.WAITING: "⏳",
    Tone.SCHEDULED: "⏰",
    Tone.RUNNING: "🔵",
    Tone.GOOD: "✅",
    Tone.BAD: "❌",
    Tone.STOPPED: "⏹️",
}
_ENDED = frozenset({Tone.GOOD, Tone.BAD, Tone.STOPPED})
_USER_ID = re.compile(r"\d{5,20}")
_HTTP = re.compile(r"https?://[!#-;=?-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a message shows: `content` alone, or a `view` alone. It notifies whom `mentions` names."""

    content: str | None = None
    view: LayoutView | None = None
    mentions: discord.AllowedMentions


def render(announcement: Announcement, mark: int | None = None) -> Message:
    """Within every limit of Discord's. `mark` becomes the id of the card's container, to find it again."""
    if announcement.shape.bare:
        text = announcement.body if announcement.body.strip() else announcement.title
        shown = fit_markdown(text, _CONTENT)
        return Message(content=shown, mentions=discord.AllowedMentions.none())
    view = LayoutView(timeout=None)
    container: Container[LayoutView] = Container(accent_colour=_COLOURS[announcement.tone], id=mark)
    for item in _items(announcement):
        container.add_item(item)
    view.add_item(container)
    return Message(view=view, mentions=_mentions(announcement))


def _mentions(announcement: Announcement) -> discord.AllowedMentions:
    if not _USER_ID.fullmatch(announcement.mention):
        return discord.AllowedMentions.none()
    one = [discord.Object(int(announcement.mention))]
    return discord.AllowedMentions(everyone=False, roles=False, replied_user=False, users=one)


def _items(announcement: Announcement) -> Iterator[Item[Any]]:
    yield TextDisplay(_head(announcement))
    if announcement.quote.strip():
        most = _ASKED if announcement.shape is Shape.QUESTION else _QUOTE
        yield TextDisplay(f"> {fit_line(announcement.quote, most)}")
    code = fit_code(announcement.code, announcement.syntax, _CODE)
    if code:
        yield TextDisplay(code)
    if announcement.body.strip():
        yield TextDisplay(fit_markdown(announcement.body, max(_BELOW_CODE, _BODY - len(code))))
    if announcement.progress is not None:
        yield TextDisplay(_progress(announcement.progress))
    facts = _facts(announcement)
    if facts:
        yield TextDisplay(f"-# {facts}")
    answers = (answer_button(each) for each in announcement.reactions)
    buttons = [*filter(None, answers), *_job_buttons(announcement), *_link_buttons(announcement.links)]
    hidden = " · ".join(_spelled(link) for link in announcement.links if not _opens_a_button(link.url))
    if hidden:
        yield TextDisplay(hidden[:_LINKS])
    if buttons:
        yield Separator()
    for start in range(0, min(len(buttons), _IN_A_ROW * _ROWS), _IN_A_ROW):
        yield ActionRow(*buttons[start : start + _IN_A_ROW])


def _head(announcement: Announcement) -> str:
    mentioned = _USER_ID.fullmatch(announcement.mention)
    mention = f"<@{announcement.mention}>\n" if mentioned else ""
    return f"{mention}### {_EMOJI[announcement.tone]} {fit_line(announcement.title, _TITLE)}"


def _progress(progress: Progress) -> str:
    return f"{bar(progress)} · {fit_line(progress.note, _FACT)}" if progress.note else bar(progress)


def _facts(announcement: Announcement) -> str:
    """Times tick by themselves on Discord, so they take the place of the words that say them."""
    times: dict[str, datetime | None] = {"elapsed": announcement.since, "goes on": announcement.until}
    ticking = {fact.label for fact in announcement.facts} & times.keys()
    said, room = [], _FACTS
    for fact in announcement.facts:
        text = _fact(fact, times.get(fact.label), near=fact.at not in [times[label] for label in ticking])
        room -= len(text) + 3
        if room < 0:
            break
        said.append(text)
    return " · ".join(said)


def _fact(fact: Fact, ticks: datetime | None, *, near: bool) -> str:
    """`near`: a time also says how far away it is."""
    label = f"{fit_line(fact.label, _FACT)}: " if fact.label else ""
    if ticks is not None:
        return f"{label}<t:{int(ticks.timestamp())}:R>"
    if fact.at is not None:
        at = int(fact.at.timestamp())
        return f"{label}<t:{at}:f> (<t:{at}:R>)" if near else f"{label}<t:{at}:f>"
    return label + fit_line(fact.value, _FACT)


def _job_buttons(announcement: Announcement) -> Iterator[Item[Any]]:
    seen = set()
    for action in _with_reply(announcement):
        button = job_button(action)
        if button is not None and button.custom_id not in seen:
            seen.add(button.custom_id)
            yield button


def _with_reply(announcement: Announcement) -> Sequence[Action]:
    """Unless it is so set, what is written in a thread is not read: a form takes words for the job."""
    actions: list[Action] = []
    for action in announcement.actions:
        actions.append(action)
        ended = action.verb == "resume" and announcement.tone in _ENDED
        if ended or (action.verb == "cancel" and announcement.tone is Tone.RUNNING):
            actions.append(Action(verb=REPLY, label="Reply", job_id=action.job_id))
    return actions


def _link_buttons(links: Iterable[Link]) -> Iterator[Item[Any]]:
    for link in links:
        if _opens_a_button(link.url):
            yield Button(label=fit_plain(link.label, _LABEL), url=link.url)


def _opens_a_button(url: str) -> bool:
    """Discord refuses a whole message for a button to an address that only our own machine knows."""
    host = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return len(url) <= _URL and bool(_HTTP.fullmatch(url)) and "." in host
    return False


def _spelled(link: Link) -> str:
    return f"{fit_line(link.label, _LABEL)}: {link.url}" if _HTTP.fullmatch(link.url) else ""
