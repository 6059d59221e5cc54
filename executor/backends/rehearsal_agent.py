"""A small agent that needs no account: it looks up the words of a topic in a workspace and calls no model.

Started as a program of its own (`python -I`), so it imports nothing but the standard library. The prompt comes
on standard input; the topic is what follows `Topic:` at the start of a line, up to the next empty line, or else
the whole prompt. What happens goes to standard output, one JSON object a line.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MAX_PROMPT = 1_000_000
MAX_FILES = 5_000
MAX_BYTES = 32_000_000
MAX_FILE_BYTES = 1_000_000
MAX_LINES_PER_FILE = 500
"""Matching lines that count, per file and word: a generated file must not outweigh all others."""
MAX_WORDS = 8
MAX_TOPICS = 20
TABLE_ROWS = 10
PLACES = 6
PLACES_PER_FILE = 2
LINES_BEFORE, LINES_AFTER = 2, 6
LINE_WIDTH = 160

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})
# A dumb excerpt must never carry a key into a report (dot files go for the same reason); locks and bundles are noise.
SKIPPED_NAMES = re.compile(r"^\.|\.(pem|key|p12|lock|map|svg)$|\.min\.|^package-lock\.json$")
SESSION_ID = re.compile(r"[A-Za-z0-9][\w-]{0,99}", re.ASCII)
TOPIC = re.compile(r"^Topic:[ \t]*(.*?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
TOKEN = re.compile(r"\w+(?:[./:-]+\w+)*")
IDENTIFIER = re.compile(r"[_./:\d]|[a-z][A-Z]")
DEFINITION = re.compile(r"\s*(async def|def|class|function|func|fn|struct|interface|type|export|#+)\s")
SUFFIXES = ("ies", "ing", "ers", "es", "ed", "er", "s", "e", "y")
STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being between both but by can code
    continue could describe did do does doing done down each explain few find for from further get give go going had
    has have having here how i if in into is it its just let like list look make many may me might more most much must
    my need no nor not now of off on once one only or other our out over own please project question report repo
    repository research same see shall she he should show so some such summarize tell than that the their them then
    there these they this those through to too topic under until up us very want was way we were what when where which
    while who whom why will with work works would write yes you your
    """.split()
)


@dataclass(frozen=True, slots=True)
class Word:
    """A telling word of the topic: as it was written, what a text must contain, and what finds it in a line."""

    written: str
    needle: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The workspace's texts by path, their size in bytes, and whether all of them fitted."""

    texts: dict[str, str]
    size: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A line worth reading, with the lines around it."""

    path: str
    line: int
    excerpt: str
    head: str


Found = dict[str, dict[int, set[str]]]
"""Path → line number → the words in that line."""


class SessionNotFound(Exception):
    """There is no session of that id to go on with."""


class Stage:
    """Tells what happens, and paces it so that people can watch."""

    def __init__(self, step_seconds: float) -> None:
        self.step_seconds = step_seconds
        self.turns = 0

    def tell(self, event: str, **fields: object) -> None:
        sys.stdout.write(json.dumps({"type": event} | fields) + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        self.tell("text", text=text + "\n\n")

    @contextmanager
    def step(self, name: str, detail: str) -> Iterator[None]:
        self.turns += 1
        tool_id = f"step-{self.turns}"
        self.tell("tool_started", id=tool_id, name=name, detail=visible(detail))
        time.sleep(self.step_seconds)
        try:
            yield
        except OSError as error:
            self.tell("tool_ended", id=tool_id, ok=False, detail=str(error))
            raise
        self.tell("tool_ended", id=tool_id, ok=True)


# Words


def topic_of(prompt: str) -> str:
    """What the prompt is about."""
    marked = TOPIC.search(prompt)
    return " ".join((marked[1] if marked else prompt).split())


def telling_words(topics: Sequence[str]) -> list[Word]:
    """The words to look for: of each topic the identifiers first, then the others as they come."""
    words: dict[str, Word] = {}
    for topic in topics:
        tokens = [token for token in TOKEN.findall(topic) if _tells(token)]
        tokens.sort(key=lambda token: IDENTIFIER.search(token) is None)
        own = list({word.pattern.pattern: word for word in map(_word, tokens)}.items())
        words |= dict(own[:MAX_WORDS])
    return list(words.values())


def _tells(token: str) -> bool:
    if token.lower() in STOP_WORDS or token.isdigit():
        return False
    return len(token) > 2 or token.isupper() or not token.isascii()


def _word(token: str) -> Word:
    if IDENTIFIER.search(token):
        parts = [token.lower()]
    else:
        *firsts, last = token.lower().split("-")
        parts = [*firsts, stem(last)]
    body = "[-_ ]?".join(re.escape(part) for part in parts)
    # A word starts where no letter stands before it, or at a hump: `cache` is in lruCache, `test` is not in latest.
    start = r"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z]))" if body.isascii() else ""
    end = r"(?![a-z])" if len(parts[-1]) <= 3 else ""
    return Word(token, parts[0], re.compile(f"{start}(?i:{body}){end}"))


def stem(word: str) -> str:
    """The word without a common English ending, where enough of it stays."""
    for suffix in SUFFIXES:
        short = word.removesuffix(suffix)
        if short != word and len(short) >= 4:
            doubled = (
                suffix in ("ing", "ed", "er", "ers") and short[-1] == short[-2] and short[-1] not in "lsz"
            )
            return short[:-1] if doubled else short
    return word


# Files


def read_workspace(root: Path) -> Corpus:
    """All texts below `root` that fit: no links, no secrets by name, nothing binary, nothing huge."""
    texts: dict[str, str] = {}
    size = 0
    names = walk(root)
    for path in islice(names, MAX_FILES):
        data = read(root / path)
        if data is None:
            continue
        if size + len(data) > MAX_BYTES:
            return Corpus(texts, size, complete=False)
        texts[path] = data.decode(errors="replace")
        size += len(data)
    return Corpus(texts, size, complete=next(names, None) is None)


def walk(root: Path) -> Iterator[str]:
    """The paths of the files to look at, relative to `root`, in order. Links to folders are not followed."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if _wanted(Path(folder, name)))
        for name in sorted(names):
            if not SKIPPED_NAMES.search(name):
                yield str(Path(folder, name).relative_to(root))


def _wanted(folder: Path) -> bool:
    if folder.name in SKIPPED_FOLDERS or (folder.name.startswith(".") and folder.name != ".github"):
        return False
    return not (folder / "pyvenv.cfg").exists()


def read(path: Path) -> bytes | None:
    """What the file holds, or None where it is no regular, readable, small text file."""
    try:
        # Not following links keeps the reader inside the workspace; not blocking gets it past a named pipe.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None
    if len(data) > MAX_FILE_BYTES or b"\0" in data:
        return None
    return data


# Search


def search(word: Word, corpus: Corpus, found: Found) -> int:
    """Notes in `found` the lines that hold `word`; says how many there are."""
    total = 0
    for path, text in corpus.texts.items():
        if word.needle not in text.lower():
            continue
        hits = (n for n, line in enumerate(text.split("\n"), 1) if word.pattern.search(line))
        for number in islice(hits, MAX_LINES_PER_FILE):
            found.setdefault(path, {}).setdefault(number, set()).add(word.written)
            total += 1
    return total


def best_places(words: Sequence[Word], corpus: Corpus, found: Found) -> list[Place]:
    """Where the most, and the rarest, words stand close together; best first."""
    weights = {word.written: _weight(word, corpus, found) for word in words}
    scored: list[tuple[float, str, int]] = []
    for path, lines in found.items():
        named = sum(weights[word.written] for word in words if word.pattern.search(path)) / 2
        text = corpus.texts[path].split("\n")
        for number, here in lines.items():
            near = set().union(*(lines.get(n, set()) for n in range(number, number + LINES_AFTER)))
            score = sum(weights[w] for w in near) + sum(weights[w] for w in here) / 2 + named
            scored.append((-score * (1.25 if DEFINITION.match(text[number - 1]) else 1), path, number))
    return [_place(path, number, corpus) for path, number in _apart(sorted(scored))]


def _weight(word: Word, corpus: Corpus, found: Found) -> float:
    holding = sum(any(word.written in here for here in lines.values()) for lines in found.values())
    return math.log(1 + len(corpus.texts) / (1 + holding))


def _apart(scored: Sequence[tuple[float, str, int]]) -> list[tuple[str, int]]:
    chosen: list[tuple[str, int]] = []
    for _, path, number in scored:
        same_file = [n for p, n in chosen if p == path]
        clear = all(abs(number - n) > LINES_BEFORE + LINES_AFTER for n in same_file)
        if clear and len(same_file) < PLACES_PER_FILE:
            chosen.append((path, number))
        if len(chosen) == PLACES:
            break
    return chosen


def _place(path: str, number: int, corpus: Corpus) -> Place:
    lines = [_cut(visible(line), LINE_WIDTH) for line in corpus.texts[path].split("\n")]
    first, last = max(1, number - LINES_BEFORE), min(len(lines), number + LINES_AFTER)
    width = len(str(last))
    numbered = "\n".join(f"{n:>{width}}  {lines[n - 1]}".rstrip() for n in range(first, last + 1))
    return Place(path, number, numbered, lines[number - 1].strip())


# The report


def write_report(
    topics: Sequence[str], words: Sequence[Word], corpus: Corpus, found: Found, places: Sequence[Place]
) -> str:
    """The report, as Markdown."""
    asked, *earlier = topics
    parts = [
        f"# Rehearsal: {escape(_cut(asked, 80)) or 'nothing asked'}",
        "> **No model was called.** This is a rehearsal: the words of the topic were looked up in the files of the"
        " workspace, and nothing was understood. Cost: $0.",
        "## What was asked",
        f"> {escape(_cut(asked, 1000)) or '(nothing)'}",
        *(f"> Going on from: {escape(_cut(topic, 200))}" for topic in earlier),
        "## What was found",
        summary(words, corpus, found),
        *_table(found),
        *_excerpts(places),
    ]
    return "\n\n".join(parts) + "\n"


def summary(words: Sequence[Word], corpus: Corpus, found: Found) -> str:
    """What was found, in one paragraph."""
    if not corpus.texts:
        return "The workspace holds no files that could be read, so there was nothing to look through."
    looked = f"{_count(len(corpus.texts), 'file')} ({_size(corpus.size)})"
    if not words:
        return f"The topic holds no telling word, so nothing was looked for in the workspace's {looked}."
    listed = ", ".join(code(word.written) for word in words)
    looked += "" if corpus.complete else ", which is as much as a rehearsal reads of a workspace this large"
    if not found:
        return f"Nothing was found: none of the words {listed} stands in {looked}."
    lines = sum(map(len, found.values()))
    missing = [code(word.written) for word in words if not _holds(found, word)]
    return (
        f"Looked for {listed} in {looked}. {_count(lines, 'line')} in {_count(len(found), 'file')}"
        f" hold{'s' if lines == 1 else ''} at least one of the words."
        + (f" Not found at all: {', '.join(missing)}." if missing else "")
    )


def _holds(found: Found, word: Word) -> bool:
    return any(word.written in here for lines in found.values() for here in lines.values())


def _table(found: Found) -> list[str]:
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [
        f"| {code(path, cell=True)} | {len(lines)} | "
        f"{', '.join(code(word, cell=True) for word in sorted(set().union(*lines.values())))} |"
        for path, lines in ranked[:TABLE_ROWS]
    ]
    more = len(ranked) - len(rows)
    table = "\n".join(["| File | Lines | Words |", "| :-- | --: | :-- |", *rows])
    return (
        ["## Files with the most hits", table, *([f"And {_count(more, 'file')} more."] if more else [])]
        if rows
        else []
    )


def _excerpts(places: Sequence[Place]) -> list[str]:
    parts = ["## Best places"] if places else []
    for place in places:
        fence = "`" * max(3, 1 + _longest_ticks(place.excerpt))
        parts += [f"### {code(place.path)}, line {place.line}", f"{fence}text\n{place.excerpt}\n{fence}"]
    return parts


def result(words: Sequence[Word], corpus: Corpus, found: Found, places: Sequence[Place]) -> str:
    """The last word: the same, short enough for a chat."""
    best = [
        f"- {code(f'{place.path}:{place.line}')}  {code(_cut(place.head, 80))}"
        for place in places[:5]
        if place.head
    ]
    return "\n\n".join(
        [
            "**A rehearsal: no model was called**, words were matched and nothing was understood.",
            summary(words, corpus, found),
            *(["\n".join(best)] if best else []),
        ]
    )


def code(text: str, *, cell: bool = False) -> str:
    """`text` as Markdown code that nothing in it can end."""
    text = visible(text).replace("|", "\\|") if cell else visible(text)
    ticks = "`" * (1 + _longest_ticks(text))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def escape(text: str) -> str:
    """`text` as Markdown that means nothing but itself."""
    return re.sub(r"([\\`*_\[\]<>#|~&!])", r"\\\1", visible(text))


def visible(text: str) -> str:
    """`text` on one line, without control characters and without what is not valid Unicode."""
    text = text.replace("\t", "    ").encode(errors="replace").decode()
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "", text)


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(number: int) -> str:
    return (
        f"{number / 1e6:.1f} MB"
        if number >= 1e6
        else f"{number / 1e3:.1f} kB"
        if number >= 1e3
        else f"{number} bytes"
    )


# Sessions


def earlier_topics(sessions: Path, session_id: str) -> list[str]:
    """What the session was about so far, latest first. Raises SessionNotFound."""
    if not SESSION_ID.fullmatch(session_id):
        raise SessionNotFound
    try:
        topics = json.loads((sessions / f"{session_id}.json").read_text(encoding="utf-8"))["topics"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SessionNotFound from error
    return [str(topic) for topic in topics]


def remember(sessions: Path, session_id: str, topics: Sequence[str]) -> None:
    """Writes down what the session is about, before the work, so that an interrupted one can be gone on with."""
    sessions.mkdir(parents=True, exist_ok=True)
    replace(sessions / f"{session_id}.json", json.dumps({"topics": list(topics)[:MAX_TOPICS]}))


def replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


# The performance


def perform(stage: Stage, workspace: Path, topics: Sequence[str]) -> str:
    """Looks, tells, writes the report; returns the last word."""
    words = telling_words(topics)
    for topic in topics[1:2]:
        stage.say(f"Going on from: {escape(_cut(topic, 200))}")
    with stage.step("List", workspace.name):
        corpus = read_workspace(workspace)
    stage.say(f"There are {_count(len(corpus.texts), 'file')} to look through, {_size(corpus.size)} of text.")
    if not corpus.complete:
        stage.tell("notice", text="The workspace is large: the rehearsal looks through a part of it.")
    found: Found = {}
    for word in words if corpus.texts else ():
        with stage.step("Search", f'"{word.written}"'):
            lines = search(word, corpus, found)
        stage.say(f"{code(word.written)}: {_count(lines, 'line')}.")
    places = best_places(words, corpus, found)
    for place in places:
        with stage.step("Read", f"{place.path}:{place.line}"):
            stage.say(code(place.head))
    with stage.step("Write", "report.md"):
        results = Path(os.environ["BIFROST_RESULTS"])
        results.mkdir(parents=True, exist_ok=True)
        replace(results / "report.md", write_report(topics, words, corpus, found, places))
    return result(words, corpus, found, places)


def main() -> int:
    options = _options()
    stage = Stage(options.step_seconds)
    started = time.monotonic()
    topic = topic_of(sys.stdin.buffer.read(MAX_PROMPT).decode(errors="replace"))
    session_id = options.resume or options.session
    try:
        earlier = earlier_topics(options.sessions, session_id) if options.resume else []
    except SessionNotFound:
        advice = f"There is no rehearsal session {session_id[:80]!r} to go on with. Start the job afresh."
        stage.tell("result", ok=False, reason="session_not_found", text=advice)
        return 1
    # A resumed attempt is asked the same again; that is no new topic.
    topics = [topic, *(old for old in earlier if old != topic)]
    remember(options.sessions, session_id, topics)
    stage.tell("session", session_id=session_id)
    stage.tell("notice", text="This is a rehearsal: words are looked up, no model is called.")
    text = perform(stage, options.workspace, topics)
    duration_ms = round(1000 * (time.monotonic() - started))
    stage.tell("result", ok=True, text=text, cost_usd=0.0, turns=stage.turns, duration_ms=duration_ms)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Looks up the words of a topic in a workspace. No model is called."
    )
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--sessions", type=Path, required=True)
    session = parser.add_mutually_exclusive_group(required=True)
    session.add_argument("--session", metavar="ID", help="the id of a new session")
    session.add_argument("--resume", metavar="ID", help="the session to go on with")
    parser.add_argument("--step-seconds", type=float, default=0.0)
    return parser.parse_args()


if __name__ == "__main__":
    # Nobody reads any more: end at once rather than with a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
