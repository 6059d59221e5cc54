from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.slack.text import (
    ELLIPSIS,
    decode,
    fit,
    fit_line,
    fit_markdown,
    mrkdwn,
    without_mention,
)

ANY = st.text(max_size=400) | st.lists(
    st.sampled_from(
        [
            "<!channel>",
            "<@U1>",
            "&amp;",
            "&",
            "<",
            ">",
            "```",
            "\n",
            "~~~",
            "👩‍👩‍👧",
            "🇩🇪",
            "e\u0301",
            "\u202e",
            "\ud83d",
            "a ",
        ]
    ),
    max_size=120,
).map("".join)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("research a &lt;b&gt; &amp; c", "research a <b> & c"),
        ("&amp;lt;", "&lt;"),
        ("&lt;!channel&gt;", "<!channel>"),
        ("&amp;amp;lt;", "&amp;lt;"),
        ("ask <@U123|ada.lovelace>", "ask @ada.lovelace"),
        ("ask <@U123>", "ask @U123"),
        ("see <#C123|dev>", "see #dev"),
        ("see <#C123|>", "see #C123"),
        ("read <https://x.org/a?b=1&amp;c=2|here>", "read https://x.org/a?b=1&c=2"),
        ("read <https://x.org>", "read https://x.org"),
        ("fix <http://README.md|README.md>", "fix README.md"),
        ("mail <mailto:a@b.org|a@b.org>", "mail a@b.org"),
        ("<!here> look", "@here look"),
        ("<!subteam^S1|@ops> look", "@ops look"),
        ("on <!date^1392734382^{date}|18 Feb>", "on 18 Feb"),
        ("a < b > c", "a < b > c"),
        ("<>", "<>"),
        ("--model opus", "--model opus"),
        ("", ""),
    ],
)
def test_typed_words_are_decoded_exactly_once(raw: str, typed: str) -> None:
    assert decode(raw) == typed


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_slack_escapes_comes_back_as_it_was_typed(typed: str) -> None:
    escaped = typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert decode(escaped) == typed


@pytest.mark.parametrize(
    ("raw", "rest"),
    [
        ("<@U0B> research x", "research x"),
        ("  <@U0B|bifrost>   research <@U2>", "research <@U2>"),
        ("<@U0C> research x", "<@U0C> research x"),
        ("<@U0B>", ""),
    ],
)
def test_only_the_mention_of_ourselves_is_taken_off_the_front(raw: str, rest: str) -> None:
    assert without_mention(raw, "U0B") == rest


@given(ANY, st.integers(2, 200))
def test_any_text_fits_and_pings_nobody(text: str, most: int) -> None:
    for shown in (fit(text, most), fit_line(text, most), mrkdwn(text, most)):
        assert units(shown) <= most
        assert "<" not in shown
        assert ">" not in shown
        assert not re.search(r"&(?!(?:amp|lt|gt);)", shown)
        assert not re.search(r"[\ud800-\udfff\u202a-\u202e\x00-\x08\x7f]", shown)


@given(ANY)
def test_a_text_that_fits_is_shown_whole(text: str) -> None:
    shown = fit(text, 100_000)
    assert not shown.endswith(ELLIPSIS) or text.endswith(ELLIPSIS)
    plain = text.replace("\r\n", "\n")
    if plain.isprintable():
        assert unescaped(shown) == plain


@given(ANY, st.integers(2, 200))
def test_a_cut_text_is_a_beginning_of_the_whole(text: str, most: int) -> None:
    whole, cut = unescaped(fit(text, 100_000)), unescaped(fit(text, most))
    assert cut == whole or whole.startswith(cut.removesuffix(ELLIPSIS))


@given(ANY, st.integers(60, 300))
def test_markdown_fits_pings_nobody_and_leaves_no_fence_open_at_a_cut(text: str, most: int) -> None:
    """B28."""
    shown = fit_markdown(text, most)
    assert units(shown) <= most
    assert "<" not in shown
    assert ">" not in shown
    assert not re.search(r"&(?!(?:amp|lt|gt);)", shown)


def test_a_cut_closes_the_open_fence() -> None:
    shown = fit_markdown("before\n````python\n" + "x = 1\n" * 100, 200)
    assert shown.endswith(f"\n````\n{ELLIPSIS}")


def test_a_closed_fence_is_left_alone_at_a_cut() -> None:
    shown = fit_markdown("```\ncode\n```\n" + "words " * 100, 200)
    assert shown.count("```") == 2


@pytest.mark.parametrize("sign", ["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301\u0323", "❤️"])
def test_no_sign_is_cut_in_two(sign: str) -> None:
    for most in range(2, 40):
        shown = fit("ab" + sign * 20, most).removesuffix(ELLIPSIS)
        assert shown == "ab"[: len(shown)] + sign * ((len(shown) - 2) // len(sign))


def test_right_to_left_overrides_are_made_visible() -> None:
    assert fit("abc\u202etxt.exe", 100) == "abc⟦U+202E⟧txt.exe"


def test_control_characters_are_removed_and_half_pairs_replaced() -> None:
    assert fit("a\x00b\x1b[31mc\ud800", 100) == "ab[31mc\ufffd"


def test_line_ends_are_all_the_same() -> None:
    assert fit("a\r\nb\rc", 100) == "a\nb\nc"


def test_stacked_marks_are_clamped() -> None:
    assert fit("z" + "\u0301" * 500, 2_000) == "z" + "\u0301" * 8


def test_a_line_is_one_line_and_never_empty() -> None:
    assert fit_line("a\n\n b\tc", 100) == "a b c"
    assert fit_line(" \n", 100) == ELLIPSIS
    assert fit_line("\x00", 100) == ELLIPSIS


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[good.org](https://evil.example)", "[good.org] (https://evil.example)"),
        ("![x](https://evil.example/?c=1)", "![x] (https://evil.example/?c=1)"),
        ("[a](<https://evil.example>)", "[a] (&lt;https://evil.example&gt;)"),
        ("[a](//evil.example)", "[a] (//evil.example)"),
        ("[a]\n[a]: https://evil.example", "[a]\n[a] : https://evil.example"),
        ("call handlers[0](event)", "call handlers[0](event)"),
    ],
)
def test_no_label_hides_where_a_link_goes(markdown: str, shown: str) -> None:
    assert fit_markdown(markdown, 1_000) == shown


def test_bold_is_said_in_slacks_own_dialect() -> None:
    assert mrkdwn("**Commands**\n- `a <b>`: **x** y", 100) == "*Commands*\n- `a &lt;b&gt;`: *x* y"
