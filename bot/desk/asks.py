"""What a door hands to the desk, and what it gets back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.platforms.base import Attachment
from executor.model import Job, Origin
from executor.parcels import Fetch
from executor.questions import Question
from storage.drafts import KeptFile

REPLY = "reply"
"""The verb of what is said in a job's thread and is no command."""
ANSWER = "answer"
"""The verb of what people decide of a question; the three args below go with it."""
QUESTION, SAYS, CHOICES = "question", "says", "choices"
"""The question's number (none: the one that is open); what a button says; numbers of choices, with commas."""
ALTER = "alter"
"""The verb of a call that sets when a waiting job starts (`at`), or which task a job is done for (`task`)."""
CHOOSE = "choose"
"""The verb of a press that answers what was asked back: `target` is the draft's id, `choice` a number."""
ZoneOf = Callable[[], Awaitable[str]]
"""Says the person's own time zone (an IANA name), or nothing where that is not known soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A file that somebody attached. `fetch` brings it, or raises Unfetchable; it may be called again.

    `label` is what the person called it; `size` is its number of bytes, where the platform says that.
    """

    label: str
    fetch: Fetch = field(compare=False)
    size: int | None = None
    reference: str = ""
    """What its door finds it again by, a day later too."""


Again = Callable[[Sequence[KeptFile]], Sequence[Offer]]
"""Finds files again that a door has offered before."""


class Unfetchable(Exception):
    """A file that is attached cannot be had: `reason` ends the sentence "It cannot be taken: …"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command as it was typed: the words after `/job`, entities decoded, mentions spelled out."""

    text: str
    origin: Origin
    delivery: str
    """Names this delivery for good (`slack:command:<trigger id>`): the same one is never done twice."""
    zone: ZoneOf | None = field(default=None, compare=False)
    files: Sequence[Offer] = ()
    buttons: bool = False
    """Its door can show a choice to this person alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request of one person: of a command, a button, a form or a call.

    `verb` is one of the command table, ALTER, CHOOSE, or REPLY, which is about the job of the thread in
    `origin`, or where that is none about `target`; `target` is a job id or a unique prefix of one (of REPLY:
    an id; of CHOOSE: that of a draft); `args` are the verb's options by name, and `prompt`. For a new job
    they may hold `task`, which it is done for, and `session`, the conversation that it goes on with.
    """

    verb: str
    origin: Origin
    delivery: str
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    zone: ZoneOf | None = field(default=None, compare=False)
    overheard: bool = False
    """It was said in a thread without naming us: whom it is no business of ours to answer hears nothing."""
    files: Sequence[Offer] = ()
    """What is attached to it; only what goes to an agent may have any."""
    buttons: bool = False
    """Its door can show a choice to this person alone."""
    again: Again | None = field(default=None, compare=False)
    """Of a choice: how the files are found that came with what was asked first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is asked back: a button per name, a press of which is an Ask of CHOOSE with the name's number."""

    draft_id: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person who asked is told, and nobody else. Markdown; nothing is said where it is empty."""

    ok: bool
    text: str
    job: Job | None = None
    field: str = ""
    """The option that was wrong, where the answer can be put beside it."""
    link: str = ""
    """An address at which the platform shows what is told of `job`; the platform's door adds it."""
    unavailable: bool = False
    """Nothing was wrong with what was asked; it could not be taken in just now."""
    denied: bool = False
    """It is not for this person to ask."""
    form: Question | None = None
    """What a form is to be opened for, where one was asked for: nothing else is to be told then."""
    picture: Attachment | None = None
    """What goes with the text, for this person's eyes too."""
    file: Attachment | None = None
    """The same of what is no picture, and has a place of its own on the page."""
    says_more: bool = False
    """Whether it says what the job's card does not: then it is told also where the card shows the rest."""
    choice: Choice | None = None
    """What they have to choose from before anything is done."""

    @property
    def enclosed(self) -> Attachment | None:
        """What a platform sends along."""
        return self.picture or self.file


class Refusal(Exception):
    """The request cannot be done. `text` is a sentence for the person, `field` the option at fault.

    `denied` says that others might do it.
    """

    def __init__(self, text: str, field: str = "", *, denied: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.field = field
        self.denied = denied
