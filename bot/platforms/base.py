"""What the news needs of a chat platform: say a thing, change it, find it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Tone(StrEnum):
    """How a thing stands, for colour and emoji; always said in words as well."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    GOOD = "good"
    BAD = "bad"
    STOPPED = "stopped"


class Shape(StrEnum):
    """What sort of message an announcement is."""

    CARD = "card"
    """The job at a glance: edited in place, carries the buttons."""
    PAGE = "page"
    """A stretch of live output in the card's thread: edited while it grows."""
    RESULT = "result"
    """The last word, in the thread: posted once and never edited, because edits notify nobody."""
    UPDATE = "update"
    """What the agent tells people before that, in the thread: posted once as well."""
    QUESTION = "question"
    """What the agent asks people, in the thread: it loses its buttons when that is decided."""

    @property
    def bare(self) -> bool:
        """Whether its text stands there by itself, without a head."""
        return self in (Shape.PAGE, Shape.UPDATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One small true thing: "cost: $0.42". Plain text."""

    label: str
    value: str
    at: datetime | None = None
    """The UTC time that `value` says, for platforms that can show it on the reader's own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button. A press becomes an Ask of `verb` on `job_id`; `confirm` is asked first where it is set."""

    verb: str
    label: str
    job_id: str
    danger: bool = False
    confirm: str = ""


APPROVE, ALWAYS, DENY = "approve", "always", "deny"
WHY, WORDS, CHOOSE = "why", "words", "choose"
FORMS = frozenset({WHY, WORDS, CHOOSE})
"""What is said by way of a form: no and why, an answer in words, some of the choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A button that answers question number `question` of a job.

    It `says` APPROVE, ALWAYS, DENY or the number of a choice, at once, or opens one of the FORMS.
    """

    job_id: str
    question: int
    says: str
    label: str
    choices: Sequence[str] = ()
    """Of CHOOSE: what there is to choose from, plain text."""
    several: bool = False
    """Whether more than one of them may be chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A button that opens an address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much of what the agent has set itself is done: 3 of 5. `note` is what it is at, plain text."""

    done: int
    total: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What to say, never how it looks. `title`, `quote`, `code` and facts are plain text, `body` is Markdown.

    All of them may hold anything a person or an agent wrote: each platform disarms it as it renders.
    """

    shape: Shape
    tone: Tone
    title: str
    quote: str = ""
    """What a person wrote, shown above the body and to the letter: no sign in it is markup."""
    code: str = ""
    """Plain text that is shown to the letter, line by line; `syntax` says what it is written in."""
    syntax: str = ""
    body: str = ""
    progress: Progress | None = None
    facts: Sequence[Fact] = ()
    reactions: Sequence[Reaction] = ()
    actions: Sequence[Action] = ()
    links: Sequence[Link] = ()
    mention: str = ""
    """The user id of the one person to notify."""
    since: datetime | None = None
    """UTC time since which it runs, for platforms that can let the elapsed time tick by themselves."""
    until: datetime | None = None
    """UTC time until which it waits, in the same way. The facts `elapsed` and `goes on` say it in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file for the thread. The name is ours, unique in its thread and found again by it."""

    name: str
    title: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to speak: a channel of a team, or a thread in it (the id of the thread's first message)."""

    team: str
    channel: str
    thread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What a platform lets us do, and how often: posts in each channel, all else in all of a team."""

    page_chars: int
    """Characters of Markdown that one page of output may hold."""
    edits_per_minute: float
    edit_burst: int
    posts_per_minute: float
    post_burst: int
    least_edit_gap_s: float
    """Seconds between two edits of one message that only show more text."""
    threads_apart: bool = False
    """Whether posts and edits are counted apart in each channel and in each thread."""
    calls_per_second: float | None = None
    """What the platform takes of the whole bot besides, wherever it is spoken to."""
    unfolds: bool = False
    """Whether readers can unfold what lies below a line of a list."""
    files_per_minute: float = 60
    file_bytes: int = 20_000_000
    """The largest file that it takes."""
    lookups_per_minute: float = 40


class ChatPlatform(Protocol):
    """A chat platform, as the announcer sees it. Every call may raise the three errors below."""

    @property
    def name(self) -> str:
        """As in Origin.actor.platform."""

    @property
    def caps(self) -> Caps: ...

    async def post(self, place: Place, announcement: Announcement, key: str) -> str:
        """Says it; returns the message's id. `key` marks the message, so that `find` knows it again."""

    async def edit(self, place: Place, message_id: str, announcement: Announcement) -> None:
        """Replaces what the message says."""

    async def attach(self, place: Place, attachment: Attachment) -> str:
        """Puts a file into the thread; returns an id of it."""

    async def find(self, place: Place, key: str) -> str | None:
        """The id of our message marked `key` (or of our file named so), after an answer was lost."""

    async def direct(self, team: str, user_id: str) -> Place:
        """Where this one person is spoken to alone; Refused where there is no such place."""


class Throttled(Exception):
    """The platform wants us to wait."""

    def __init__(self, method: str, retry_after_s: float) -> None:
        super().__init__(f"{method}: wait {retry_after_s} s")
        self.method = method
        self.retry_after_s = retry_after_s


class Unsure(Exception):
    """No answer, or a server's fault: it may have happened. Look with `find` before saying it again."""


class Refused(Exception):
    """The platform will not take this: channel gone, not a member. `code` is its own word for why.

    `advice` says in a sentence what stands against it and what a person can do; empty where nobody can.
    """

    def __init__(self, code: str, advice: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.advice = advice


class Gone(Refused):
    """The message that was to be edited is there no more: somebody has deleted it."""


class SetupFault(Exception):
    """The platform will not have us until somebody changes something, as `text` says; `code` is its word."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{text} ({code})")
        self.code = code
        self.text = text
