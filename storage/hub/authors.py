"""Who asks something of the shared records, and why it is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a author may do goes by this; who a author is, by the login or token, never by what is sent."""

    OWNER = "owner"
    CLARA = "clara"
    """A job that acts as the secretary."""
    AGENT = "agent"
    SYSTEM = "system"
    """The bot itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """`name` is written under what they write: the role's own, or an agent's name."""

    role: Role
    name: str


OWNER = Author(role=Role.OWNER, name="owner")
CLARA = Author(role=Role.CLARA, name="clara")
SYSTEM = Author(role=Role.SYSTEM, name="system")
_NAMED = {author.name: author for author in (OWNER, CLARA, SYSTEM)}
_BOT = "bifrost"
"""What the bot says in its channels, it says under this name: cards, output, files."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")


class Why(StrEnum):
    """Why a record is not kept, or not changed."""

    MISSING = "missing"
    """There is no such record."""
    TAKEN = "taken"
    """Its id or name is another one's."""
    WRONG = "wrong"
    """A field of it cannot be so, or points to what is not there."""
    FORBIDDEN = "forbidden"
    """It is not for this author to do."""
    ILLEGAL = "illegal"
    """As the record is now, it cannot be done."""


class RecordRefused(Exception):
    """Nothing was changed. `text` is a sentence for whoever asked, `field` the field at fault, if one is."""

    def __init__(self, why: Why, text: str, field: str = "") -> None:
        super().__init__(text)
        self.why = why
        self.text = text
        self.field = field


def missing(what: str, record_id: str) -> RecordRefused:
    return RecordRefused(Why.MISSING, f"There is no {what} `{record_id[:80]}`.")


def forbidden(text: str) -> RecordRefused:
    return RecordRefused(Why.FORBIDDEN, text)


def agent(name: str) -> Author:
    """An agent of that name. Raises RecordRefused for a name that is somebody else's, or none."""
    if not _NAME.fullmatch(name):
        raise RecordRefused(
            Why.WRONG,
            "A name has at most 40 letters, digits, spaces, dots, dashes or underscores, "
            "the first of them a letter or digit.",
        )
    if name.casefold() in {*_NAMED, _BOT}:
        raise forbidden(f"`{name}` is no name for an agent: it is taken by somebody else here.")
    return Author(role=Role.AGENT, name=name)


def speaking_as(author: Author, name: str | None) -> Author:
    """Whom the author speaks for who says to be `name`: the owner may let anybody have said it.

    Raises RecordRefused where that is more than the author may.
    """
    if name is None or name == author.name:
        return author
    if author.role is not Role.OWNER:
        raise forbidden(f"You are `{author.name}` here, and cannot speak for `{name[:80]}`.")
    return _NAMED.get(name) or agent(name)
