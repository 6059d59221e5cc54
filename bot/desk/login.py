"""The way to the page for admins: a link that logs its opener in, once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from bot.desk.asks import Answer, Ask, Refusal

_NOT_SERVED = "No page is open here. `bifrost serve` opens it; then ask again."
_HERE_ALONE = (
    " It works on the machine where the bot runs; `public_url` under `[web]` makes links for other machines."
)
_NEAR = ("127.0.0.1", "localhost", "::1")

log = logging.getLogger(__name__)


class PageLogin:
    """Hands out login links, as soon as a server is there that knows them."""

    def __init__(self) -> None:
        self._new_link: Callable[[], str] | None = None

    def serve(self, new_link: Callable[[], str]) -> None:
        """From now on `new_link` makes the links."""
        self._new_link = new_link

    async def answer(self, ask: Ask) -> Answer:
        """A link for whoever asks, who must be an admin. Raises Refusal where nothing is served."""
        if self._new_link is None:
            raise Refusal(_NOT_SERVED)
        link = self._new_link()
        log.info("login.link_given", extra={"to": ask.origin.actor.key, "delivery": ask.delivery})
        near = urlsplit(link).hostname in _NEAR
        return Answer(
            ok=True,
            text=(
                f"This opens the page, as its owner, once, within 15 minutes: <{link}>\n"
                f"Keep it to yourself.{_HERE_ALONE if near else ''}"
            ),
        )
