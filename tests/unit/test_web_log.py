"""A log reads as blocks that are the same wherever one came in."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.web.pages.log import CHUNK, Block, blocks_of, chunk_before, sentence
from executor.events import (
    Body,
    CancelAsked,
    Event,
    Moved,
    Noticed,
    ReplyBegun,
    ReplyHanded,
    ReplyKept,
    TextWritten,
    ToolEnded,
    ToolStarted,
    TurnInterrupted,
)
from executor.lifecycle import Transition
from executor.model import JobStatus
from tests.builders import START

_BODIES = st.sampled_from(
    [
        TextWritten(text="some words "),
        TextWritten(text="x" * 3_000),
        ToolStarted(tool_id="1", name="Bash", detail="make"),
        ToolEnded(tool_id="1", ok=True),
        ToolEnded(tool_id="2", ok=False, detail="exit status 1"),
        Noticed(text="It tries again."),
        CancelAsked(by="ann"),
    ]
)


def log(*bodies: Body, first: int = 1) -> Sequence[Event]:
    return [
        Event(job_id="1", seq=number, at=START, body=body) for number, body in enumerate(bodies, start=first)
    ]


def seen(blocks: Sequence[Block]) -> list[tuple[int, str, str]]:
    return [(block.seq, block.sort, block.text) for block in blocks]


def test_text_in_pieces_is_one_text() -> None:
    one, two = blocks_of(log(TextWritten(text="Hel"), TextWritten(text="lo"), Noticed(text="!")))
    assert (one.seq, one.last, one.text) == (1, 2, "Hello")
    assert (two.seq, two.sort) == (3, "notice")


def test_a_call_says_how_it_ended_where_it_began() -> None:
    (call,) = blocks_of(
        log(
            ToolStarted(tool_id="1", name="Bash", detail="make"),
            ToolEnded(tool_id="1", ok=False, detail="no"),
        )
    )
    assert (call.name, call.text, call.ok, call.last) == ("Bash", "make\nno", False, 2)


def test_a_call_does_not_outlive_its_attempt() -> None:
    ended = Moved(transition=Transition.TIME_OUT, status=JobStatus.FAILED, attempt=1)
    call, _ = blocks_of(log(ToolStarted(tool_id="1", name="Bash"), ended))
    assert (call.ok, call.stopped, call.last) == (False, True, 2)


def test_a_call_that_an_interruption_cut_off_has_not_failed() -> None:
    cut = ToolEnded(tool_id="1", ok=False, stopped=True)
    (call,) = blocks_of(log(ToolStarted(tool_id="1", name="Bash"), cut))
    assert call.stopped


def test_the_way_of_a_reply_is_told() -> None:
    told = [
        *map(
            sentence, log(ReplyKept(by="ann"), ReplyHanded(by="ann"), ReplyBegun(reply=1), TurnInterrupted())
        )
    ]
    assert all(told) and told[0] == "ann replied"


def test_a_call_of_another_chunk_ends_by_itself() -> None:
    texts = [TextWritten(text="x")] * (CHUNK - 1)
    blocks = blocks_of(log(*texts, ToolStarted(tool_id="1", name="Bash"), ToolEnded(tool_id="1", ok=True)))
    assert [block.seq for block in blocks] == [1, CHUNK, CHUNK + 1]
    assert [block.ok for block in blocks] == [None, None, True]


def test_of_a_giant_text_the_beginning_is_shown_and_the_rest_counted() -> None:
    (block,) = blocks_of(log(TextWritten(text="x" * 1_000_000)))
    assert len(block.text) + block.missing == 1_000_000
    assert len(block.text) <= 50_000


@given(st.lists(_BODIES, min_size=1, max_size=60), st.integers(0, 3), st.integers(1, 60))
def test_whoever_comes_in_later_sees_the_same_blocks(bodies: list[Body], chunks: int, after: int) -> None:
    """What a live reader is sent past any event is, block by block, what the whole log has there."""
    first = chunks * CHUNK + CHUNK - 20
    events = log(*bodies, first=first)
    begin = chunk_before(first - 1 + after)
    whole = {block.seq: seen([block]) for block in blocks_of(events)}
    for block in blocks_of([event for event in events if event.seq > begin]):
        assert whole[block.seq] == seen([block])
    assert chunk_before(begin) == begin
