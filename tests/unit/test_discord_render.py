"""How announcements look on Discord: within every limit, and harmless whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest
from discord.utils import remove_markdown
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.base import Action, Announcement, Fact, Link, Progress, Reaction, Shape, Tone
from bot.platforms.discord.render import render
from bot.platforms.discord.text import fit_line, fit_markdown, fit_plain
from tests.simulators.discord.components import buttons, check_components, texts
from tests.simulators.discord.errors import Json

TEXTS = st.text(max_size=400) | st.text("`~*_|<@&#!>[](): \n\\1:/x-", max_size=400)
MOST = st.integers(min_value=30, max_value=300)


@given(text=TEXTS, most=MOST)
def test_a_line_is_never_empty_nor_too_long_nor_more_than_one(text: str, most: int) -> None:
    line = fit_line(text, most)
    assert 0 < len(line) <= most
    assert len(line.splitlines()) == 1
    assert 0 < len(fit_plain(text, most)) <= most


@given(text=TEXTS, most=MOST)
def test_markdown_keeps_to_its_room_and_mentions_nobody(text: str, most: int) -> None:
    shown = fit_markdown(text, most)
    assert len(shown) <= most
    assert "@everyone" not in shown
    assert "@here" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*_`~|", "\\*\\_\\`\\~\\|"),
        ("<#1> <t:1:R> </job:1>", "\\<#1> \\<t:1:R> \\</job:1>"),
        ("[good](https://evil.example)", "[good] (https://evil.example)"),
        ("a\nb\x00\u202ec", "a b⟦U+202E⟧c"),
        ("", "…"),
    ],
)
def test_a_line_shows_what_was_written(text: str, shown: str) -> None:
    assert fit_line(text, 100) == shown


def test_a_cut_closes_the_fence_that_it_leaves_open() -> None:
    shown = fit_markdown("Look:\n```python\n" + "x = 1\n" * 100, 200)
    assert shown.endswith("```\n…")
    assert shown.count("```") == 2
    assert len(shown) <= 200


def card(**changed: Any) -> Announcement:
    given: dict[str, Any] = {"shape": Shape.CARD, "tone": Tone.RUNNING, "title": "research 3fa9c1 · running"}
    return Announcement(**given | changed)


def components(announcement: Announcement, mark: int | None = None) -> list[Json]:
    view = render(announcement, mark).view
    assert view is not None
    made: list[Json] = view.to_components()  # type: ignore[no-untyped-call]
    return made


@given(title=TEXTS, body=st.text(max_size=8_000), label=TEXTS, job_id=TEXTS, url=TEXTS)
async def test_every_card_is_one_that_discord_takes(
    title: str, body: str, label: str, job_id: str, url: str
) -> None:
    made = card(
        title=title,
        quote=label + title,
        body=body,
        progress=Progress(done=len(title), total=len(body), note=body),
        facts=[Fact(label=label, value=body)] * 20,
        actions=[Action(verb=verb, label=label, job_id=job_id) for verb in ("cancel", "resume", label)] * 3,
        links=[Link(label=label, url=url), Link(label=label, url=f"https://bot.example/{url}")] * 4,
        mention=job_id,
    )
    (container,) = check_components(components(made, 7), v2=True)
    assert container["id"] == 7


@given(text=TEXTS, code=TEXTS | st.text("`\n\u202e", max_size=6_000), job_id=TEXTS)
async def test_every_question_is_one_that_discord_takes(text: str, code: str, job_id: str) -> None:
    known = [Reaction(job_id="3fa9c1", question=2, says=says, label=text) for says in ("approve", "why", "1")]
    other = Reaction(job_id=job_id, question=10**9, says=text, label=text)
    made = card(
        shape=Shape.QUESTION,
        title=text * 9,
        quote=text * 9,
        code=code,
        syntax="bash",
        body=text * 9,
        facts=[Fact(label=text, value=code)] * 3,
        reactions=[*known, other],
        mention=job_id,
    )
    (container,) = check_components(components(made), v2=True)
    ids = [button["custom_id"] for button in buttons([container])]
    assert ids[:3] == ["answer:approve:3fa9c1:2", "answer:why:3fa9c1:2", "answer:1:3fa9c1:2"]
    fences = [shown for shown in texts([container]) if shown.startswith("```bash")]
    assert all(shown.count("```") == 2 for shown in fences), "nothing ends it but its end"


async def test_what_makes_no_custom_id_of_ours_is_no_button() -> None:
    actions = [Action(verb="cancel", label="Cancel", job_id=job_id) for job_id in ("3fa9c1", "x:y", "a" * 99)]
    assert [button["custom_id"] for button in buttons(components(card(actions=actions)))] == [
        "job:cancel:3fa9c1",
        "job:reply:3fa9c1",
    ]


async def test_a_card_says_in_words_what_its_colour_says() -> None:
    seen = set()
    for tone in Tone:
        (container,) = components(card(tone=tone))
        seen.add(container["accent_color"])
        (head,) = texts([container])
        assert "research 3fa9c1 · running" in remove_markdown(head)
    assert len(seen) == len(Tone)


async def test_a_job_offers_a_reply_while_it_runs_and_once_it_has_ended() -> None:
    cancel = Action(verb="cancel", label="Cancel", job_id="3fa9c1")
    running = card(actions=[cancel])
    assert [button["label"] for button in buttons(components(running))] == ["Cancel", "Reply"]
    limited = card(tone=Tone.WAITING, actions=[Action(verb="resume", label="Resume now", job_id="3fa9c1")])
    assert [button["label"] for button in buttons(components(limited))] == ["Resume now"]


async def test_progress_is_a_bar_and_what_the_agent_is_at() -> None:
    (container,) = components(card(progress=Progress(done=3, total=5, note="Writing *tests*")))
    assert texts([container])[1] == "▰▰▰▱▱ 3/5 · Writing \\*tests\\*"
    (container,) = components(card(progress=Progress(done=5, total=5)))
    assert texts([container])[1] == "▰▰▰▰▰ 5/5"
