"""Markdown that people and agents wrote, as HTML that can do nothing but be read."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from bot.news.tool_runs import RUN

_TAGS = {
    *("p", "br", "hr", "h3", "blockquote", "pre", "ul", "ol", "li"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("strong", "em", "s", "code", "a"),
    *("details", "summary"),
}
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """`text` with the controls that turn the reading direction around made visible."""
    return _BIDI.sub(lambda control: f"⟨U+{ord(control[0]):04X}⟩", text)


@lru_cache(maxsize=256)  # a page of output costs 20 ms; all readers of a channel share it
def to_html(markdown: str) -> Markup:
    """The HTML of `markdown`: no raw HTML, no images, no links within this site."""
    html = nh3.clean(
        _MARKDOWN.render(visible(markdown)),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        # A wide code block scrolls by itself, so the keyboard must reach it.
        set_tag_attribute_values={"a": {"target": "_blank"}, "pre": {"tabindex": "0"}},
    )
    return Markup(html)  # noqa: S704 - nh3 has just cleaned it


def data_url(png: bytes) -> str:
    """An address that is the picture itself: it is shown once, and kept nowhere."""
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _flatten_headings(state: StateCore) -> None:
    """A message has its own heading; what it says is below that, whatever level it claims."""
    for token in state.tokens:
        if token.type.startswith("heading_"):
            token.tag = "h3"


def _fold_runs(state: StateCore) -> None:
    """Tool calls that lie below a line of their own, as the transcript writes them, wait to be unfolded."""
    folded: list[Token] = []
    levels: list[int] = []
    for place, token in enumerate(state.tokens):
        if levels and token.type == "list_item_close" and token.level == levels[-1]:
            levels.pop()
            folded.append(Token("details_close", "details", -1, block=True))
        folded.append(token)
        if token.type == "list_item_open" and _is_run(state.tokens[place + 1 : place + 5]):
            levels.append(token.level)
            folded.append(Token("details_open", "details", 1, block=True))
            for edge in (state.tokens[place + 1], state.tokens[place + 3]):
                edge.tag, edge.hidden = "summary", False
    state.tokens = folded


def _is_run(tokens: list[Token]) -> bool:
    """Whether an item that goes on with these is a run's line with its calls below."""
    kinds = [token.type for token in tokens]
    below = kinds == ["paragraph_open", "inline", "paragraph_close", "bullet_list_open"]
    return below and tokens[1].content.startswith(RUN)


def _show_domains(state: StateCore) -> None:
    """Every link says where it leads: its text may claim to lead elsewhere."""
    for token in state.tokens:
        if token.children:
            token.children = _with_domains(token.children)


def _with_domains(tokens: list[Token]) -> list[Token]:
    shown: list[Token] = []
    href = text = ""
    for token in tokens:
        shown.append(token)
        if token.type == "link_open":
            href, text = str(token.attrGet("href")), ""
        elif token.type == "link_close" and text != href and (domain := _domain(href)):
            shown.append(Token("text", "", 0, content=f" ({domain})"))
        text += token.content
    return shown


def _domain(href: str) -> str:
    try:
        return urlsplit(href).hostname or ""
    except ValueError:  # such as "http://[": no browser opens it either
        return ""


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.core.ruler.push("flatten_headings", _flatten_headings)
    parser.core.ruler.push("fold_runs", _fold_runs)
    parser.core.ruler.push("show_domains", _show_domains)
    return parser


_MARKDOWN = _parser()
