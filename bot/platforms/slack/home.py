"""The Home tab: a person's own jobs with their buttons, published when it is opened and when they change."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

from bot.desk.board import Board, Glance, Overview
from bot.platforms.base import Link, Refused, Throttled, Unsure
from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.links import permalink
from bot.platforms.slack.render import named, parts
from bot.platforms.slack.text import mrkdwn
from executor.model import Origin

Json = dict[str, Any]

NEW_JOB = "home:new_job"
"""The action_id of the button that opens the form."""
GAP_S = 1.0
"""Seconds between two publications: Slack takes a hundred a minute for the whole team."""
_LOOK_S = 30.0
"""Seconds after which a change is found although its wake-up got lost."""
_MOST_WATCHED = 50
"""So many people's tabs are kept up to date; the others' are when they open them."""
_TEXT = 2_900
_EMPTY = "You have no jobs yet. Start one here, or in a channel with `/job research …`."
_HINT = "A job that is started here is told of in our direct messages. `/job list --by me` shows older ones."

_log = logging.getLogger(__name__)


class Home:
    """Keeps the Home tabs of those who have opened theirs up to date, one publication at a time."""

    def __init__(self, api: SlackApi, board: Board) -> None:
        self._api = api
        self._board = board
        self._watched: dict[str, Origin] = {}
        """By user id, whoever has opened it last first."""
        self._shown: dict[str, Json] = {}
        self._due: list[str] = []
        self._wake = asyncio.Event()

    def open(self, origin: Origin) -> None:
        """Somebody looks at their tab. `origin` is their direct messages with us."""
        user_id = origin.actor.user_id
        others = {each: at for each, at in self._watched.items() if each != user_id}
        self._watched = dict([(user_id, origin), *others.items()][:_MOST_WATCHED])
        self._shown = {each: self._shown[each] for each in others if each in self._shown}
        self._due = [user_id, *(each for each in self._due if each != user_id)]
        self._wake.set()

    async def run(self) -> None:
        """Publishes until cancelled."""
        looking = asyncio.create_task(self._look())
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._due:
                    await self._refresh(self._due.pop(0))
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> None:
        """Everybody's jobs may have changed."""
        with self._board.changes() as bell:
            while True:
                await bell.wait(_LOOK_S)
                self._due = list(dict.fromkeys([*self._due, *self._watched]))
                self._wake.set()

    async def _refresh(self, user_id: str) -> None:
        origin = self._watched.get(user_id)
        if origin is None:
            return
        try:
            team_url = (await self._api.identity()).url
            view = view_of(await self._board.overview(origin), origin, team_url)
            if view == self._shown.get(user_id):
                return
            call = self._api.client.views_publish(user_id=user_id, view=view)
            await self._api.send("views.publish", call)
            self._shown[user_id] = view
            await asyncio.sleep(GAP_S)
        except (Throttled, Unsure) as error:
            _log.warning("slack.home_late", extra={"fault": str(error)})
            await asyncio.sleep(error.retry_after_s if isinstance(error, Throttled) else GAP_S)
        except Refused as error:
            self._watched.pop(user_id, None)
            _log.warning("slack.home_refused", extra={"fault": str(error)})
        except Exception:  # noqa: BLE001  one person's tab must not end the others'; the next change tries it again
            _log.exception("slack.home_failed")


def view_of(overview: Overview, origin: Origin, team_url: str) -> Json:
    """The tab, within Slack's limit of a hundred blocks. It remembers the direct messages it belongs to."""
    blocks = [_text(overview.refusal)] if overview.refusal else [_new_job(), *_jobs(overview, team_url)]
    return {"type": "home", "private_metadata": origin.channel, "blocks": named(blocks)}


def _jobs(overview: Overview, team_url: str) -> list[Json]:
    if not overview.unfinished and not overview.ended:
        return [_text(_EMPTY)]
    blocks = []
    for title, glances in (("Now", overview.unfinished), ("Recently", overview.ended)):
        if glances:
            blocks += [{"type": "header", "text": {"type": "plain_text", "text": title}}]
            blocks += [block for glance in glances for block in _job(glance, team_url)]
    return [*blocks, _text(_HINT)]


def _job(glance: Glance, team_url: str) -> list[Json]:
    url = permalink(team_url, glance.job.origin, glance.card)
    thread = [Link(label="Thread", url=url)] if url else []
    return parts(replace(glance.shown, links=(*thread, *glance.shown.links)))


def _new_job() -> Json:
    label = {"type": "plain_text", "text": "New job"}
    button = {"type": "button", "action_id": NEW_JOB, "text": label, "style": "primary"}
    return {"type": "actions", "elements": [button]}


def _text(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn(text, _TEXT), "verbatim": True}}
