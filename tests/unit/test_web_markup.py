"""Markdown of strangers can be read and does nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.markup import to_html


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "![x](https://evil.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "<a href='javascript:alert(1)'>x</a>",
        "<style>*{display:none}</style>",
        "`<b onclick=x>`",
        "<iframe src=//evil.example></iframe>",
        '[x](https://a.example "onmouseover=alert(1)")',
        '```"><script>alert(1)</script>\nx\n```',
    ],
)
def test_nothing_in_it_runs_or_loads(markdown: str) -> None:
    html = to_html(markdown)
    assert not re.search(r"<(script|img|svg|style|iframe|b)\b", html)
    assert not re.search(r"""<[^>]*href=["']?(javascript|data|vbscript)""", html)
    assert not re.search(r"<[^>]*\son\w+=", html)


@given(st.text())
def test_any_text_becomes_html_of_the_allowed_tags(text: str) -> None:
    allowed = "p|br|hr|h3|blockquote|pre|ul|ol|li|table|thead|tbody|tr|th|td|strong|em|s|code|a"
    assert all(re.fullmatch(allowed, tag) for tag in re.findall(r"</?([a-zA-Z0-9]+)", to_html(text)))


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[our bank](https://evil.example/x)", "our bank</a> (evil.example)"),
        ("[https://good.example](https://evil.example)", "https://good.example</a> (evil.example)"),
        ("[**bold**](https://a.example)", "</strong></a> (a.example)"),
        ("<https://a.example/b>", "https://a.example/b</a></p>"),
        ("[x](http://[)", "x"),
    ],
)
def test_a_link_says_where_it_leads(markdown: str, shown: str) -> None:
    """B26: its text may claim to lead elsewhere."""
    assert shown in to_html(markdown)


def test_a_link_opens_outside_and_tells_nobody() -> None:
    html = to_html("[x](https://a.example)")
    assert 'target="_blank"' in html
    assert "noopener" in html


def test_a_link_into_this_site_is_text() -> None:
    assert "href" not in to_html("[log me out](/login/x) [y](src/main.py)")


def test_an_image_is_a_link() -> None:
    html = to_html("![a chart](https://a.example/c.png)")
    assert "a chart</a> (a.example)" in html


def test_a_heading_is_below_the_one_of_its_message() -> None:
    assert to_html("# One\n\n##### Five") == "<h3>One</h3>\n<h3>Five</h3>\n"


def test_code_stands_as_it_was_written() -> None:
    html = to_html("```py\nif a < b:\n    print('&')\n```")
    assert "if a &lt; b:\n    print('&amp;')" in html
    assert 'tabindex="0"' in html


def test_lines_stay_lines() -> None:
    assert "<br>" in to_html("one\ntwo")


def test_a_turned_reading_direction_is_seen() -> None:
    """B20, F25: the control is shown, not obeyed."""
    assert to_html("evil\u202etxt.exe") == "<p>evil⟨U+202E⟩txt.exe</p>\n"


def test_a_run_of_tool_calls_waits_to_be_unfolded() -> None:
    html = to_html("- ▸ 3 tool calls: `a` ×3\n  - 🔧 `a`\n  - 🔧 `b`\n- ⏳ Wait.\n")
    assert "<details><summary>▸ 3 tool calls: <code>a</code> ×3</summary>" in html.replace("\n", "")
    assert html.count("<details>") == html.count("</details>") == 1
    assert html.index("</details>") < html.index("⏳")
    assert "<details>" not in to_html("- ▸ an agent's own words\n- 🔧 `a`")
    assert "<details>" not in to_html("<details><summary>x</summary></details>")
