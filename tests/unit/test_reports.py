"""Reports: any Markdown becomes a whole page that does no harm, published whole or not at all."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor import reports
from executor.model import Report

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,5}-[0-9a-f]{32}")
FACTS = [("Asked by", "Ada"), ("Cost", "$0.42")]
SCHEMES = ("http:", "https:", "mailto:", "#")
TAGS = (
    "html head meta title style body div header h1 h2 h3 h4 h5 h6 dl dt dd nav ol ul li main article footer "
    "p br hr blockquote pre code em strong s a table thead tbody tr th td"
)


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str]:
        return [
            attributes["href"] for tag, attributes in self.elements if tag == "a" and "href" in attributes
        ]


def render(markdown: str, title: str = "Title") -> Page:
    return Page(reports.render(markdown, title=title, facts=FACTS))


def assert_harmless(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag in TAGS.split()
        for name, value in attributes.items():
            assert name not in ("src", "srcset", "action", "formaction", "srcdoc", "background")
            assert not name.startswith("on")
            assert name != "style" or re.fullmatch(r"text-align:(left|right|center);?", value)
            assert name != "href" or value.startswith(SCHEMES)


ATTACKS = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=/api/jobs><button formaction=javascript:alert(1)>x</button></form>",
    "<style>@import 'https://evil.example/x.css'; body{background:url(https://evil.example)}</style>",
    "<p style='background:url(https://evil.example)'>x</p>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<!--><script>alert(1)</script>-->",
    "</article></main></div><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](file:///etc/passwd)",
    "[x](/api/jobs)",
    "[x](//evil.example)",
    "[x](../../other)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://a.example "t\\" onclick=\\"alert(1)")',
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/png;base64,AAAA)",
    "![x](javascript:alert(1))",
    '![" onerror="alert(1)](x)',
    "[![x](https://evil.example/pixel.png)](javascript:alert(1))",
    '```" onclick=alert(1) x="\n</code></pre><script>alert(1)</script>\n```',
    "| a |\n| :-: |\n| <script>alert(1)</script> |",
    "## <script>alert(1)</script>\n\n## b\n\n## c",
    '## " onclick="alert(1)\n\n## b\n\n## c',
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_stays_text(attack: str) -> None:
    assert_harmless(render(attack))
    assert_harmless(render("text", title=attack))
    assert_harmless(Page(reports.render("text", title="t", facts=[(attack, attack)])))


@settings(max_examples=200)
@given(
    st.text(st.characters(exclude_categories=()), max_size=400)
    | st.lists(st.sampled_from(ATTACKS)).map("\n".join)
)
def test_any_text_becomes_a_harmless_page(markdown: str) -> None:
    page = reports.render(markdown, title=markdown, facts=[(markdown, markdown)])
    page.encode()
    assert_harmless(Page(page))


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = reports.render("![x](https://evil.example/a.png)", title="t", facts=[])
    assert "url(" not in page and "@import" not in page and "<script" not in page and "<link" not in page
    assert "default-src 'none'" in page


def test_a_link_gives_nothing_away() -> None:
    page = render("[x](https://example.org/a?b=c&d=e) and <https://example.org>")
    assert page.links() == ["https://example.org/a?b=c&d=e", "https://example.org"]
    rels = [attributes["rel"] for tag, attributes in page.elements if tag == "a"]
    assert rels == ["noopener noreferrer nofollow"] * 2


def test_a_picture_becomes_a_link_with_its_words() -> None:
    page = render("![A chart](https://example.org/a.png)")
    assert "Picture: A chart" in page.text
    assert page.links() == ["https://example.org/a.png"]


def test_html_is_shown_as_the_text_it_is() -> None:
    assert "<b>bold</b> & <i>" in render("<b>bold</b> & <i>").text


def test_the_title_stands_once_and_the_facts_below_it() -> None:
    page = render("# The `cache`\n\nText.", title="The cache")
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert "Ada" in page.text and "$0.42" in page.text
    assert [tag for tag, _ in render("# Other\n\nText.", title="The cache").elements].count("h1") == 2


def test_three_sections_get_a_table_of_contents() -> None:
    page = render("## One\n\n## Two `x`\n\n### Deeper\n\n## Three")
    assert page.links() == ["#section-1", "#section-2", "#section-3"]
    ids = [attributes["id"] for tag, attributes in page.elements if tag == "h2" and "id" in attributes]
    assert ids == ["contents", "section-1", "section-2", "section-3"]
    assert render("## One\n\n## Two").links() == []


def test_tables_keep_their_alignment_and_scroll_by_themselves() -> None:
    page = render("| a | b |\n| --- | --: |\n| 1 | 2 |")
    cells = [attributes.get("style") for tag, attributes in page.elements if tag in ("th", "td")]
    assert cells == [None, "text-align:right", None, "text-align:right"]
    assert ("div", {"class": "wide", "tabindex": "0"}) in page.elements


def test_f25_what_deceives_the_eye_is_shown_or_dropped() -> None:
    page = render("a\u202eb \x1b[31mred\x1b[0m c\x00d\x9be \ud800")
    assert "a[U+202E]b red c" in page.text
    assert not re.search("[\x00\x1b\x9b]", page.text)


def test_deep_nesting_and_many_brackets_do_no_harm() -> None:
    for markdown in ("> " * 5000, "- " * 5000, "[" * 20_000, "*" * 20_000, "|a" * 1000 + "\n" + "|-" * 1000):
        assert_harmless(render(markdown))


def publish(directory: Path, markdown: str, question: str = "How does it work?") -> Report:
    return reports.publish(directory, question=question, markdown=markdown, facts=FACTS)


def test_a_report_is_published_with_its_source(tmp_path: Path) -> None:
    report = publish(tmp_path / "reports", "# The Cache\n\nIt *evicts*.\n")
    folder = tmp_path / "reports" / report.slug
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "report.md"]
    assert (folder / "report.md").read_text() == "# The Cache\n\nIt *evicts*.\n"
    page = Page((folder / "index.html").read_text())
    assert "How does it work?" in page.text and "Ada" in page.text
    assert (report.title, report.description) == ("The Cache", "It evicts.")


@pytest.mark.parametrize(
    ("markdown", "title"),
    [
        ("Text\n\n## The `second` *level*\n", "The second level"),
        ("No heading at all.", "How does it work?"),
        ("```\n# not a heading\n```\n", "How does it work?"),
        ("# \n\n# Real", "Real"),
        ("", "How does it work?"),
    ],
)
def test_the_title_is_the_first_heading_or_the_question(tmp_path: Path, markdown: str, title: str) -> None:
    assert publish(tmp_path, markdown).title == title


def test_the_description_is_the_first_paragraph_cut_to_200_characters(tmp_path: Path) -> None:
    report = publish(tmp_path, "# T\n\n> a note\n\n" + "word " * 100 + "\n\nsecond")
    assert len(report.description) <= 200
    assert report.description.startswith("word word") and report.description.endswith("word…")
    assert publish(tmp_path, "# T\n").description == ""


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How does the LRU cache evict its entries?", "how-does-the-lru-cache-evict-"),
        ("Über die Brücke: ../../etc/passwd", "uber-die-brucke-etc-passwd-"),
        ("什么是缓存？🚀", "report-"),
        ("", "report-"),
        ("x" * 500, "x" * 20 + "-"),
    ],
)
def test_a_slug_is_readable_and_cannot_be_guessed(tmp_path: Path, question: str, words: str) -> None:
    slugs = {publish(tmp_path, "text", question).slug for _ in range(3)}
    assert len(slugs) == 3
    for slug in slugs:
        assert SLUG.fullmatch(slug)
        assert slug.startswith(words) and len(slug) == len(words) + 32


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_any_question_gives_a_well_formed_slug(question: str) -> None:
    assert SLUG.fullmatch(reports._slug(question))


def test_nobody_ever_sees_half_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    fsync = os.fsync

    def look_and_sync(descriptor: int) -> None:
        seen.append(" ".join(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look_and_sync)
    report = publish(tmp_path, "# T\n")
    # Both files and their directory are on disk before the name appears; the name is, before we return.
    assert seen == ["", "", "", report.slug]


def test_a_disk_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        publish(tmp_path, "# T\n")
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_of_a_publish_is_removed_and_no_report_is(tmp_path: Path) -> None:
    report = publish(tmp_path, "# Kept")
    (tmp_path / ".partial-1" / "deeper").mkdir(parents=True)
    reports.remove_partial(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [report.slug]


def test_the_report_in_the_results_goes_before_the_answer(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_bytes(b"# Caf\xe9\n")
    assert reports.find_markdown(tmp_path, "answer") == "# Caf\ufffd\n"


def test_what_is_no_report_is_passed_over_for_the_answer(tmp_path: Path) -> None:
    """B96: so is one that is too large."""
    report, secret = tmp_path / "report.md", tmp_path / "secret"
    secret.write_text("secret")
    assert reports.find_markdown(tmp_path / "missing", "answer") == "answer"
    assert reports.find_markdown(tmp_path, "answer") == "answer"
    for make in (
        lambda: report.symlink_to(secret),
        lambda: os.mkfifo(report),
        lambda: report.write_bytes(b"x" * (reports.MAX_BYTES + 1)),
        lambda: report.write_text(" \n"),
    ):
        make()
        assert reports.find_markdown(tmp_path, "answer") == "answer"
        report.unlink()
    report.mkdir()
    assert reports.find_markdown(tmp_path, "answer") == "answer"


def test_a_page_of_the_agents_own_lies_beside_ours(tmp_path: Path) -> None:
    html = "<h1>Mine</h1><script>draw()</script>"
    report = reports.publish(tmp_path, question="Q?", markdown="# Ours", facts=FACTS, html=html)
    folder = tmp_path / report.slug
    assert (folder / "page.html").read_text() == html
    assert "Mine" not in (folder / "index.html").read_text()


@pytest.mark.parametrize("name", ["report.html", "index.html"])
def test_the_agents_own_page_is_found_in_the_results_and_no_link_is(tmp_path: Path, name: str) -> None:
    assert reports.find_html(tmp_path) == ""
    (tmp_path / name).write_text("<p>Mine")
    assert reports.find_html(tmp_path) == "<p>Mine"
    (tmp_path / name).rename(tmp_path / "other")
    (tmp_path / name).symlink_to(tmp_path / "other")
    assert reports.find_html(tmp_path) == ""
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(b"x" * (reports.MAX_BYTES + 1))
    assert reports.find_html(tmp_path) == ""


def test_the_links_of_a_report_are_told_once_with_their_words() -> None:
    markdown = (
        "See [the `store`](https://a.example/x) and <https://b.example>.\n\n"
        "- [again](https://a.example/x)\n- [no](javascript:alert(1))\n- [no](/jobs)\n- [no](#section-1)\n"
    )
    assert reports.links(markdown) == [
        ("the store", "https://a.example/x"),
        ("https://b.example", "https://b.example"),
    ]
