"""Files that people attach on Discord: fetched from its own hosts, and kept in mind while a form is open."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from urllib.parse import urlsplit

import discord

from bot.desk.asks import Offer, Unfetchable
from bot.platforms.downloads import Downloads, origin_of
from executor.parcels import Take
from storage.drafts import KeptFile

FILES = "files"
"""What the files of a form are kept under, among what travels with the form."""
_HOSTS = ("https://cdn.discordapp.com", "https://media.discordapp.net")
_MOST_HELD = 200
_FORGOTTEN = "I was started anew since the form was opened, and know it no more. Attach it again."


class Files:
    """Offers what was attached. A form has no room for addresses: it holds a key to what `hold` was given."""

    def __init__(self, api_url: str) -> None:
        # A simulator serves files and API from one host.
        ours = urlsplit(api_url).netloc == "discord.com"
        self._downloads = Downloads(_HOSTS if ours else [origin_of(api_url)])
        self._held: OrderedDict[str, Sequence[Offer]] = OrderedDict()

    def offered(self, attachments: Sequence[discord.Attachment]) -> Sequence[Offer]:
        return tuple(map(self._offer, attachments))

    def hold(self, key: str, offers: Sequence[Offer]) -> dict[str, str]:
        """What shall travel with the form, for `held`."""
        if not offers:
            return {}
        self._held[key] = offers
        if len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)
        return {FILES: key}

    def held(self, key: str) -> Sequence[Offer]:
        """The files of a form; one that says so, where they are forgotten."""
        if not key:
            return ()
        return self._held.get(key) or (Offer(label="What was attached", fetch=_forgotten),)

    def _offer(self, attachment: discord.Attachment) -> Offer:
        page = (attachment.content_type or "").startswith("text/html")

        async def fetch(take: Take) -> None:
            await self._downloads.fetch(attachment.url, take, page=page)

        reference = f"{'page' if page else 'file'} {attachment.url}"
        return Offer(label=attachment.filename, fetch=fetch, size=attachment.size, reference=reference)

    def again(self, files: Sequence[KeptFile]) -> Sequence[Offer]:
        """Files that were offered before. Discord's addresses hold for a day, as drafts do."""
        return tuple(map(self._known, files))

    def _known(self, file: KeptFile) -> Offer:
        kind, _, url = file.reference.partition(" ")
        if not url:
            return Offer(label=file.label, fetch=_forgotten)

        async def fetch(take: Take) -> None:
            await self._downloads.fetch(url, take, page=kind == "page")

        return Offer(label=file.label, fetch=fetch, size=file.size, reference=file.reference)


async def _forgotten(_: Take) -> None:
    raise Unfetchable(_FORGOTTEN)
