"""Reports for people: a job's Markdown becomes a page of its own that can do no harm."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import unicodedata
from collections.abc import MutableMapping, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import nh3
from jinja2 import Environment
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from executor.model import Report
from executor.steps import reach
from executor.untrusted import read_under

MAX_BYTES = 5_000_000
"""The largest file of a job's that is taken for a report."""
PAGE, OWN_PAGE, SOURCE = "index.html", "page.html", "report.md"
"""The files of a report: the page that is made here, the agent's own one, if any, and the Markdown."""
_MARKDOWN_NAMES, _HTML_NAMES = ("report.md",), ("report.html", "index.html")
"""What an agent leaves as its report."""
_TITLE, _DESCRIPTION, _QUESTION = 160, 200, 300
"""Characters of each that are shown."""
_SLUG_WORDS = 6
_PARTIAL = ".partial-"
_SECTIONS_WITH_CONTENTS = 3
_WEB = ("https://", "http://")

_TAGS = "h1 h2 h3 h4 h5 h6 p br hr ul ol li blockquote pre code em strong s a div table thead tbody tr th td"
# Pictures are not among them: fetching one tells its server that, and where, the report is read.
_CLEANER = nh3.Cleaner(
    tags=set(_TAGS.split()),
    attributes={"a": {"href", "title"}, "h2": {"id"}, "ol": {"start"}, "th": {"style"}, "td": {"style"}},
    filter_style_properties={"text-align"},
    allowed_classes={"div": {"wide"}},
    # What scrolls sideways must be within reach of the keyboard.
    set_tag_attribute_values={"pre": {"tabindex": "0"}, "div": {"tabindex": "0"}},
    url_schemes={"http", "https", "mailto"},
    # A report is read away from its workspace: a relative link could only lead into our own pages.
    url_relative=lambda url: url if url.startswith("#") else None,
    link_rel="noopener noreferrer nofollow",
)
_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    files("executor").joinpath("report_template.html").read_text(encoding="utf-8")
)
_COLOURS = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
# Control characters go. Direction overrides, which make a text read as what it is not, are shown instead.
_VISIBLE: dict[int, str | None] = {
    **{code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"},
    **{code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}


def render(markdown: str, *, title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A whole HTML page: no script, no picture, nothing from elsewhere. Never raises.

    `markdown` may come from anybody; `facts` (name, value) stand below the title. Large reports take seconds:
    call it in a thread.
    """
    return _page(_parse(markdown), title, facts)


def publish(
    directory: Path, *, question: str, markdown: str, facts: Sequence[tuple[str, str]], html: str = ""
) -> Report:
    """Makes `directory`/slug/ with PAGE, SOURCE and, where the agent wrote some `html`, OWN_PAGE.

    It is made whole, or not at all. The slug ends in 128 random bits: who has the link may read the report.
    Raises OSError.
    """
    tokens = _parse(markdown)
    asked = _cut(_line(question), _QUESTION)
    title = _cut(_first(tokens, "heading_open") or asked or "Report", _TITLE)
    report = Report(
        slug=_slug(title), title=title, description=_cut(_first(tokens, "paragraph_open"), _DESCRIPTION)
    )
    page = _page(tokens, title, [("Question", asked), *facts])
    directory.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=directory))
    try:
        _write(partial / PAGE, page)
        reach("report half written")
        _write(partial / SOURCE, markdown)
        if html:
            _write(partial / OWN_PAGE, html)
        _sync(partial)
        partial.rename(directory / report.slug)
        reach("report renamed")
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _sync(directory)
    reach("report published")
    return report


def remove_partial(directory: Path) -> None:
    """Removes what is left of reports whose publishing was cut short; nobody may be publishing."""
    for partial in directory.glob(f"{_PARTIAL}*"):
        shutil.rmtree(partial, ignore_errors=True)


def find_markdown(results: Path, answer: str) -> str:
    """The report that a job left in `results`, or else its `answer`.

    A link, a special file, one that is too large or empty is no report.
    """
    return _left(results, _MARKDOWN_NAMES) or answer


def find_html(results: Path) -> str:
    """The page that a job wrote itself and left in `results`, by the same rules; empty where it did not."""
    return _left(results, _HTML_NAMES)


def links(markdown: str) -> Sequence[tuple[str, str]]:
    """The addresses on the web that a report leads to, each once with its words, in their order."""
    found: dict[str, str] = {}
    for block in _parse(markdown):
        href = ""
        for token in block.children or ():
            if token.type == "link_open":
                address = str(token.attrGet("href"))
                href = address if address.startswith(_WEB) and address not in found else ""
            elif token.type == "link_close":
                href = ""
            elif href:
                found[href] = found.get(href, "") + token.content
    return [(words, href) for href, words in found.items()]


def _left(results: Path, names: Sequence[str]) -> str:
    """The first of these files that is fit to be read; empty where none is."""
    for name in names:
        # The directory was in the job's hands: no link may lead to what the job itself could not read.
        data = read_under(results, name, most=MAX_BYTES + 1) or b""
        if data.strip() and len(data) <= MAX_BYTES:
            return data.decode(errors="replace")
    return ""


def _page(tokens: list[Token], title: str, facts: Sequence[tuple[str, str]]) -> str:
    if _is_title(tokens[:3], title):
        tokens = tokens[3:]
    sections = _number_sections(tokens)
    body = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return _PAGE.render(
        title=_line(title),
        facts=[(_line(name), _line(value)) for name, value in facts if value.strip()],
        sections=sections if len(sections) >= _SECTIONS_WITH_CONTENTS else [],
        body=Markup(_CLEANER.clean(body)),  # noqa: S704 (cleaned right here)
    )


def _is_title(tokens: Sequence[Token], title: str) -> bool:
    return bool(tokens) and tokens[0].type == "heading_open" and _plain(tokens[1]) == _line(title)


def _number_sections(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Gives each section an id; the ids and the headings."""
    sections: list[tuple[str, str]] = []
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2" and opening.level == 0:
            opening.attrSet("id", f"section-{len(sections) + 1}")
            sections.append((f"section-{len(sections) + 1}", _plain(text)))
    return sections


def _first(tokens: Sequence[Token], kind: str) -> str:
    """The words of the first heading or paragraph that has any."""
    texts = (
        _plain(text) for opening, text in pairwise(tokens) if opening.type == kind and opening.level == 0
    )
    return next(filter(None, texts), "")


def _plain(inline: Token) -> str:
    """The words of a heading or paragraph, without their markup."""
    return _line("".join(" " if child.tag == "br" else child.content for child in inline.children or ()))


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = [word[:20] for word in re.findall(r"[a-z0-9]+", plain)][:_SLUG_WORDS]
    return "-".join([*(words or ["report"]), secrets.token_hex(16)])


def _parse(markdown: str) -> list[Token]:
    return _MARKDOWN.parse(_clean(markdown))


def _line(text: str) -> str:
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    """`text` as valid Unicode without what a page cannot, or should not, show."""
    return _COLOURS.sub("", text).encode(errors="replace").decode().translate(_VISIBLE)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _write(path: Path, text: str) -> None:
    with path.open("xb") as file:
        file.write(text.encode(errors="replace"))
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _image(
    _: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    source, words = str(tokens[index].attrs["src"]), tokens[index].content
    return f'<a href="{escapeHtml(source)}">Picture: {escapeHtml(words or source)}</a>'


def _markdown() -> MarkdownIt:
    # Open brackets cost their depth each: at the preset's 100, a megabyte of them takes half a minute.
    markdown = MarkdownIt("js-default", {"html": False, "maxNesting": 20})
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("table_open", lambda *_: '<div class="wide"><table>\n')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return markdown


_MARKDOWN = _markdown()
