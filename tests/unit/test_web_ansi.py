"""Terminal colours become classes; nothing that a program prints becomes markup or steers anything."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.ansi import to_html, to_text


@pytest.mark.parametrize(
    ("printed", "html"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m on", '<span class="ink1">red</span> on'),
        ("\x1b[1;4;92mok", '<span class="bold under ink10">ok</span>'),
        ("\x1b[1mb\x1b[22mn", '<span class="bold">b</span>n'),
        ("\x1b[41mx\x1b[49my", '<span class="paper1">x</span>y'),
        ("\x1b[38;5;9mx", '<span class="ink9">x</span>'),
        ("\x1b[38;5;196mx", '<span class="ink1">x</span>'),
        ("\x1b[38;2;250;80;80mx", '<span class="ink9">x</span>'),
        ("\x1b[38:2:0:160:0mx", '<span class="ink2">x</span>'),
        ("\x1b[38;5mx", '<span class="ink0">x</span>'),
        ("\x1b[mx", "x"),
        ("\x1b[999999999999mx", "x"),
        ("10 %\r100 %\ndone", "100 %\ndone"),
        ("a\r\nb", "a\nb"),
        ("a\x1b[2K\x1b[1Gb\x07\x08", "ab"),
        ("\x1b]0;title\x07\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGk=\x07after", "after"),
        (
            "\x1b[31m<script>alert(1)</script>",
            '<span class="ink1">&lt;script&gt;alert(1)&lt;/script&gt;</span>',
        ),
        ("evil\u202etxt", "evil⟨U+202E⟩txt"),
        ("cut \x1b[3", "cut 3"),
        ("\x1b", ""),
    ],
)
def test_what_a_terminal_would_have_shown_is_shown(printed: str, html: str) -> None:
    assert str(to_html(printed)) == html


@given(st.text(alphabet=st.sampled_from("\x1b[];:m0134589\r\n\x07\\<>&\"'aé\u202e\x9b"), max_size=60))
def test_whatever_is_printed_only_spans_with_known_classes_come_of_it(printed: str) -> None:
    html = str(to_html(printed))
    rest = re.sub(
        r'<span class="(?:(?:bold|dim|italic|under|turned|struck|ink\d+|paper\d+) ?)+">|</span>', "", html
    )
    assert "<" not in rest and ">" not in rest
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", rest)
    assert "\x1b" not in to_text(printed)


def test_a_giant_line_is_read_in_its_time() -> None:
    printed = "\x1b[31mx\x1b[0m" * 100_000 + "\r" * 10_000 + "y" * 1_000_000
    assert to_text(printed).endswith("y")
    assert len(to_html(printed)) >= 1_000_000
