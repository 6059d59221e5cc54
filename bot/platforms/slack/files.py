"""Files that people attach on Slack: where they lie, and how to get them with our token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from bot.desk.asks import Offer, Unfetchable
from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.downloads import Downloads, origin_of
from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.origins import Json
from executor.parcels import Take
from storage.drafts import KeptFile

_NO_SCOPE = (
    "Slack shows me its login page instead: my token lacks the scope `files:read`. Whoever runs me "
    "reinstalls the app from manifest.yml."
)
_EXTERNAL = "it lies with another service, and Slack has only a link to it."
_HIDDEN = "Slack does not show it any more (it was deleted, or is older than this workspace's plan keeps)."
_UNKNOWN = "Slack does not say where it lies ({})."
_BUSY = "Slack does not answer just now; send it again."
_KEPT = 40
"""Characters of a name that are kept, the last ones: they say what sort of file it is."""
_NOT_THERE = frozenset({"tombstone", "hidden_by_limit"})
_SPARSE = frozenset({"check_file_info"})
"""Access to files of other workspaces: all that is known of them has to be asked for."""


class Files:
    """Offers what Slack says was attached."""

    def __init__(self, api: SlackApi, base_url: str) -> None:
        self._api = api
        token = api.client.token or ""
        home = urlsplit(base_url)
        # Slack serves files from a host below its own; a simulator serves all from one.
        origins = {origin_of(base_url), f"{home.scheme}://files.{home.netloc}".lower()}
        self._downloads = Downloads(origins, {"Authorization": f"Bearer {token}"}, _NO_SCOPE)

    def offered(self, files: Iterable[Json] | None) -> Sequence[Offer]:
        """The files of a message, or what `kept` left of them."""
        return tuple(map(self._offer, files or ()))

    def _offer(self, file: Json) -> Offer:
        async def fetch(take: Take) -> None:
            await self._fetch(file, take)

        label = str(file.get("name") or file.get("title") or "file")
        size = file.get("size")
        return Offer(
            label=label,
            fetch=fetch,
            size=size if isinstance(size, int) else None,
            reference=str(file.get("id") or ""),
        )

    async def _fetch(self, file: Json, take: Take) -> None:
        known = file if _is_whole(file) else await self._asked(str(file.get("id") or ""))
        fault = _fault(known)
        if fault:
            raise Unfetchable(fault)
        url = str(known.get("url_private_download") or known["url_private"])
        await self._downloads.fetch(url, take, page=known.get("mimetype") == "text/html")

    async def _asked(self, file_id: str) -> Json:
        try:
            answer = await self._api.send("files.info", self._api.client.files_info(file=file_id))
        except (Throttled, Unsure) as error:
            raise Unfetchable(_BUSY) from error
        except Refused as error:
            raise Unfetchable(_NO_SCOPE if error.code == "missing_scope" else _HIDDEN) from error
        file: Json = answer["file"]
        return file


def kept(files: Iterable[Json] | None, most: int) -> list[list[str]]:
    """As little as finds the files of a message again: ids and names, of at most `most`."""
    return [[str(file.get("id")), str(file.get("name") or "file")[-_KEPT:]] for file in files or ()][:most]


def again(known: Iterable[Sequence[str]]) -> list[Json]:
    """Files as `kept` left them; where they lie is asked for."""
    return [{"id": file_id, "name": name} for file_id, name in known]


def found(file: KeptFile) -> Json:
    """A file that was offered before; where it lies is asked for."""
    return {"id": file.reference, "name": file.label, "size": file.size}


def _is_whole(file: Json) -> bool:
    if file.get("mode") in _NOT_THERE:
        return True
    return bool(file.get("url_private_download") or file.get("url_private")) and (
        file.get("file_access") not in _SPARSE
    )


def _fault(file: Json) -> str:
    """Why it cannot be had, as the end of a sentence."""
    if file.get("mode") in _NOT_THERE or file.get("file_access") == "file_not_found":
        return _HIDDEN
    if file.get("is_external") or file.get("mode") == "external":
        return _EXTERNAL
    if not (file.get("url_private_download") or file.get("url_private")):
        return _UNKNOWN.format(file.get("file_access") or "no address")
    return ""
