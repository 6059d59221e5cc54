"""What a terminal shows: the words as they are, in colour where it has some, and no noise."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot.platforms.base import Announcement, Fact, Link, Shape, Tone
from bot.platforms.web import to_dict, to_markdown
from bot.terminal import ChannelView, LiveView, open_console, say
from executor.events import (
    Body,
    CancelAsked,
    Moved,
    Noticed,
    ReportPublished,
    SessionOpened,
    TextWritten,
    ToolEnded,
    ToolStarted,
)
from executor.lifecycle import Transition
from executor.model import JobStatus
from storage.hub import Message
from tests.builders import START

CARD = Announcement(
    shape=Shape.CARD,
    tone=Tone.RUNNING,
    title="research 3fa9c1 · running",
    body="how?",
    facts=[Fact(label="by", value="Ann"), Fact(label="elapsed", value="1s")],
)
PAGE = Announcement(shape=Shape.PAGE, tone=Tone.RUNNING, title="Output of 3fa9c1", body="- 🔧 `Bash` `make`")


def console(*, width: int = 60, colour: bool = False) -> Console:
    made = open_console()
    made.file = io.StringIO()
    made.width = width
    made._force_terminal = colour
    made._color_system = made._detect_color_system() if colour else None
    return made


def printed(made: Console) -> str:
    assert isinstance(made.file, io.StringIO)
    return made.file.getvalue()


def live(*bodies: Body) -> str:
    made = console()
    view = LiveView(made)
    for body in bodies:
        view.show(body)
    return printed(made)


def test_what_is_looked_at_later_shows_when_it_was() -> None:
    made, began = console(), datetime(2026, 11, 21, 9, tzinfo=UTC)
    view = LiveView(made)
    view.show(Noticed(text="one"), began)
    view.show(Noticed(text="two"), began + timedelta(seconds=75))
    assert [line.split() for line in printed(made).splitlines()] == [
        ["0:00", "⏳", "one"],
        ["1:15", "⏳", "two"],
    ]


def moved(status: JobStatus, *, attempt: int = 1, reason: str = "", message: str = "") -> Moved:
    return Moved(transition=Transition.START, status=status, attempt=attempt, reason=reason, message=message)


def message(
    says: Announcement | None, *, id: str = "m1", thread: str | None = None, content: str = ""
) -> Message:
    return Message(
        id=id,
        channel="dev",
        thread=thread,
        sender="bifrost",
        type="text",
        content=to_markdown(says) if says else content,
        metadata={"announcement": to_dict(says)} if says else {},
        revision=1,
        created_at=START,
        updated_at=START,
    )


def channel(*messages: Message, width: int = 60, terminal: bool = False) -> list[str]:
    made = console(width=width)
    made._force_terminal = terminal
    view = ChannelView(made)
    for each in messages:
        view.show(each)
    return [re.sub(r"^\d\d:\d\d:\d\d", "hh:mm:ss", line) for line in printed(made).splitlines()]


def test_a_job_is_told_line_by_line() -> None:
    assert live(
        moved(JobStatus.PENDING, attempt=0),
        moved(JobStatus.RUNNING),
        SessionOpened(session_id="s"),
        Noticed(text="It is asked again."),
        TextWritten(text="First "),
        TextWritten(text="I look."),
        ToolStarted(tool_id="1", name="Bash", detail="make"),
        ToolEnded(tool_id="1", ok=True),
        ToolEnded(tool_id="2", ok=False, detail="exit 2"),
        TextWritten(text="Done.\n"),
        CancelAsked(by="Ann"),
        ReportPublished(slug="how", title="How it is"),
        moved(JobStatus.FAILED, attempt=2, reason="exit", message="It broke."),
    ) == (
        "  0:00  ▶ running\n"
        "  0:00  ⏳ It is asked again.\n"
        "First I look.\n"
        "  0:00  🔧 Bash make\n"
        "  0:00  ⚠️  failed exit 2\n"
        "Done.\n"
        "  0:00  ■ stopping, as Ann wishes\n"
        "  0:00  📄 How it is\n"
        "  0:00  ✘ failed, attempt 2 (exit): It broke.\n"
    )


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (JobStatus.PENDING, "… pending"),
        (JobStatus.RATE_LIMITED, "… rate limited: Until noon."),
        (JobStatus.DONE, "✔ done"),
        (JobStatus.CANCELLED, "■ cancelled"),
    ],
)
def test_every_turn_of_a_job_is_told_in_words(status: JobStatus, line: str) -> None:
    assert live(moved(status, message=line.partition(": ")[2])) == f"  0:00  {line}\n"


def test_long_lines_are_left_to_the_terminal() -> None:
    assert live(TextWritten(text="word " * 100)) == "word " * 100
    assert live(ToolStarted(tool_id="1", name="Bash", detail="x" * 500)).count("\n") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "[bold red]x[/] :smile: [link=http://evil]y[/link]",
            "[bold red]x[/] :smile: [link=http://evil]y[/link]",
        ),
        ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text\x1b]8;;http://evil\x1b\\link", "textlink"),
        ("10 %\r100 %\b\x9b31m", "10 %100 %31m"),
        ("safe\u202etxt.exe\u2066", "safetxt.exe"),
    ],
)
def test_what_a_job_writes_is_shown_as_words_and_does_nothing(text: str, shown: str) -> None:
    assert live(TextWritten(text=text)) == shown
    assert live(Noticed(text=text)) == f"  0:00  ⏳ {shown}\n"
    assert channel(message(None, content=text)) == [f"hh:mm:ss  {shown}"]


@given(st.text())
def test_nothing_that_a_job_writes_moves_the_cursor(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", live(TextWritten(text=text), Noticed(text=text)))


def test_an_answer_is_said_in_words_of_the_terminal() -> None:
    made = console()
    say(made, "**Commands**\n- `/job list`: see `3fa9c1` of /job")
    assert printed(made) == "Commands\n- bifrost job list: see 3fa9c1 of /job\n"


def test_a_card_is_shown_when_it_changes_and_not_when_its_clock_moves() -> None:
    ticked = replace(CARD, facts=[Fact(label="elapsed", value="2s")])
    done = replace(
        CARD, tone=Tone.GOOD, title="research 3fa9c1 · done", links=[Link(label="Report", url="http://x/")]
    )
    assert channel(message(CARD), message(ticked), message(done)) == [
        "hh:mm:ss  ▶ research 3fa9c1 · running",
        "          how?",
        "          by Ann · elapsed 1s",
        "hh:mm:ss  ✔ research 3fa9c1 · done",
        "          by Ann · elapsed 1s",
        "          Report: http://x/",
    ]


def test_of_a_page_only_what_is_new_is_shown_below_its_card() -> None:
    grown = replace(PAGE, body=f"{PAGE.body}\n\nIt builds.\n\n```\nok\n```")
    pages = (message(page, id="m2", thread="m1") for page in (PAGE, grown, grown))
    assert channel(*pages) == [
        "hh:mm:ss  │ - 🔧 Bash make",
        "hh:mm:ss  │ It builds.",
        "          │ ```",
        "          │ ok",
        "          │ ```",
    ]


def test_a_long_line_is_broken_for_the_eye_and_an_address_is_not() -> None:
    says = replace(PAGE, body="word " * 15 + "\nsee http://127.0.0.1/" + "x" * 60)
    assert channel(message(says, thread="m1"), width=50, terminal=True) == [
        "hh:mm:ss  │ word word word word word word word",
        "          │ word word word word word word word",
        "          │ word",
        "          │ see http://127.0.0.1/" + "x" * 60,
    ]
    assert len(channel(message(says, thread="m1"), width=50)) == 2


def test_colours_are_for_terminals() -> None:
    plain, coloured = console(), console(colour=True)
    for made in (plain, coloured):
        LiveView(made).show(moved(JobStatus.DONE))
        ChannelView(made).show(message(CARD))
        say(made, "`code` and **bold**")
    assert "\x1b[" not in printed(plain)
    assert "\x1b[1;32m" in printed(coloured)
