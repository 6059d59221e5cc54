from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.base import Action, Announcement, Fact, Link, Progress, Reaction, Shape, Tone
from bot.platforms.slack.render import Message, render
from tests.simulators.slack.blocks import markdown_length, problems
from tests.simulators.slack.reading import mentions

TEXT = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["", "<!channel> <@U0EVIL> &", "x" * 20_000, "😀" * 8_000, "<" * 9_000, "```\n" + "&" * 30_000]
    ),
)
ACTIONS = st.builds(Action, verb=TEXT, label=TEXT, job_id=TEXT, danger=st.booleans(), confirm=TEXT)
REACTIONS = st.builds(
    Reaction, job_id=TEXT, question=st.integers(1, 10**6), says=TEXT | st.just("approve"), label=TEXT
)
URLS = TEXT | st.sampled_from(["https://bot.example/jobs/1", "javascript:alert(1)", "https://" + "a" * 4_000])
TIMES = st.datetimes(min_value=datetime(2026, 1, 1), timezones=st.just(UTC))
ANNOUNCEMENTS = st.builds(
    Announcement,
    shape=st.sampled_from(Shape),
    tone=st.sampled_from(Tone),
    title=TEXT,
    quote=TEXT,
    code=TEXT | st.just("`" * 9_000),
    syntax=st.sampled_from(["", "bash"]),
    body=TEXT,
    reactions=st.lists(REACTIONS, max_size=8),
    progress=st.none() | st.builds(Progress, done=st.integers(0, 50), total=st.integers(0, 50), note=TEXT),
    facts=st.lists(st.builds(Fact, label=TEXT, value=TEXT, at=st.none() | TIMES), max_size=12),
    actions=st.lists(ACTIONS, max_size=30),
    links=st.lists(st.builds(Link, label=TEXT, url=URLS), max_size=5),
    mention=TEXT | st.just("U0ADA"),
)


def announcement(**changed: Any) -> Announcement:
    given: dict[str, Any] = {
        "shape": Shape.CARD,
        "tone": Tone.RUNNING,
        "title": "research #3fa9c1 is running",
    }
    return Announcement(**given | changed)


def block(message: Message, kind: str) -> dict[str, Any]:
    return next(block for block in message.blocks if block["type"] == kind)


@given(ANNOUNCEMENTS)
def test_slack_takes_every_announcement_whatever_is_in_it(given: Announcement) -> None:
    """B29: neither too many blocks nor too long ones."""
    message = render(given)
    assert problems(message.blocks) == []
    assert markdown_length(message.blocks) <= 11_000
    assert 0 < len(message.text.encode("utf-16-le")) // 2 <= 3_000
    assert message.blocks


@given(ANNOUNCEMENTS)
def test_nobody_is_notified_but_the_one_who_is_meant(given: Announcement) -> None:
    message = render(given)
    assert set(mentions(message.text, message.blocks, markdown=True)) <= {"U0ADA"} & {given.mention}
    said = json.dumps([message.text, message.blocks], ensure_ascii=True)
    if given.mention != "U0ADA":
        assert not re.search(r"<[@!#](?!date\^\d+\^)", said)


@given(ANNOUNCEMENTS)
def test_block_ids_follow_the_content(given: Announcement) -> None:
    ids = [block["block_id"] for block in render(given).blocks]
    assert ids == [block["block_id"] for block in render(given).blocks]
    assert len(set(ids)) == len(ids)


def test_a_time_is_shown_on_the_clock_of_whoever_reads_it() -> None:
    at = datetime(2026, 11, 21, 1, tzinfo=UTC)
    facts = [Fact(label="by", value="Ann"), Fact(label="starts", value="2026-11-21 01:00 UTC", at=at)]
    message = render(announcement(facts=facts))
    texts = [element["text"] for element in block(message, "context")["elements"]]
    token = "<!date^1795222800^{date_short_pretty} {time}|2026-11-21 01:00 UTC>"
    assert texts == ["by: Ann", f"starts: {token}"]
    assert "starts: 2026-11-21 01:00 UTC" in message.text


def test_a_card_shows_state_facts_and_buttons() -> None:
    message = render(
        announcement(
            facts=[Fact(label="model", value="sonnet"), Fact(label="cost", value="$0.42")],
            actions=[Action(verb="cancel", label="Cancel", job_id="3fa9c1", danger=True, confirm="Stop it?")],
            links=[Link(label="Log", url="https://bot.example/jobs/3fa9c1")],
        )
    )
    assert block(message, "section")["text"]["text"] == "🔵 *research #3fa9c1 is running*"
    assert block(message, "context")["elements"][0]["text"] == "model: sonnet · cost: $0.42"
    cancel, log = block(message, "actions")["elements"]
    assert (cancel["action_id"], cancel["value"], cancel["style"]) == ("job:cancel", "3fa9c1", "danger")
    assert cancel["confirm"]["text"]["text"] == "Stop it?"
    assert (log["action_id"], log["url"]) == ("link:0", "https://bot.example/jobs/3fa9c1")
    assert message.text == "🔵 *research #3fa9c1 is running*\nmodel: sonnet · cost: $0.42"


def test_a_changed_card_has_new_block_ids_where_it_changed() -> None:
    before = render(announcement(facts=[Fact(label="cost", value="$0.42")]))
    after = render(announcement(facts=[Fact(label="cost", value="$0.43")]))
    same = [a["block_id"] == b["block_id"] for a, b in zip(before.blocks, after.blocks, strict=True)]
    assert same == [True, False]


def test_a_page_is_one_markdown_block_and_no_more() -> None:
    message = render(announcement(shape=Shape.PAGE, title="page 1", body="```\n<b> & c\n```"))
    assert [block["type"] for block in message.blocks] == ["markdown"]
    assert block(message, "markdown")["text"] == "```\n&lt;b&gt; &amp; c\n```"
    assert message.text == "```\n&lt;b&gt; &amp; c\n```"


def test_a_result_mentions_the_one_who_asked() -> None:
    message = render(
        announcement(shape=Shape.RESULT, tone=Tone.GOOD, mention="U0ADA", body="**Done.** <@U0EVE>")
    )
    assert block(message, "section")["text"]["text"] == "<@U0ADA> ✅ *research #3fa9c1 is running*"
    assert block(message, "markdown")["text"] == "**Done.** &lt;@U0EVE&gt;"
    assert mentions(message.text, message.blocks, markdown=True) == ["U0ADA"]


@pytest.mark.parametrize("mention", ["!channel", "U0ADA> <!here", "channel", "u0ada", "", "S0GROUP"])
def test_only_a_user_id_is_ever_mentioned(mention: str) -> None:
    message = render(announcement(shape=Shape.RESULT, mention=mention))
    assert mentions(message.text, message.blocks, markdown=True) == []


def test_one_verb_has_one_button_the_first() -> None:
    actions = [Action(verb="retry", label=label, job_id="1") for label in ("Retry", "Again")]
    (button,) = block(render(announcement(actions=actions)), "actions")["elements"]
    assert button["text"]["text"] == "Retry"


def test_buttons_keep_their_order() -> None:
    actions = [Action(verb=verb, label=verb, job_id="1") for verb in ("resume", "retry", "cancel")]
    buttons = block(render(announcement(actions=actions)), "actions")["elements"]
    assert [button["value"] and button["text"]["text"] for button in buttons] == ["resume", "retry", "cancel"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://" + "a" * 4_000]
)
def test_an_address_slack_would_refuse_has_no_button(url: str) -> None:
    message = render(announcement(links=[Link(label="Log", url=url)]))
    assert [block["type"] for block in message.blocks] == ["section"]


def test_progress_is_a_bar_of_plain_text() -> None:
    message = render(
        announcement(quote="q", progress=Progress(done=3, total=5, note="Writing *tests* <!here>"))
    )
    shown = message.blocks[2]["text"]
    assert shown["type"] == "plain_text"
    assert shown["text"] == "▰▰▰▱▱ 3/5 · Writing *tests* &lt;!here&gt;"
    assert shown["text"] in message.text
    assert "▰" not in str(render(announcement()).blocks)
