"""A small agent that needs no account: it looks up the words of a topic in a workspace and calls no model.

Started as a program of its own (`python -I`), so it imports nothing but the standard library. The prompt
comes on standard input; the topic is what follows `Topic:` or `Asked for:` at the start of a line, up to an
empty line or the next such label, or else all of it. What happens goes to standard output as lines of JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MAX_FILES, MAX_BYTES, MAX_FILE_BYTES = 5_000, 32_000_000, 1_000_000
MAX_LINES_PER_FILE = 500  # per word, so that a generated file does not outweigh all others
MAX_WORDS, TABLE_ROWS, PLACES, PLACES_PER_FILE, LINE_WIDTH = 8, 10, 6, 2, 160
LINES_BEFORE, LINES_AFTER = 2, 6
THINGS = ("Read the files", "Look for the words", "Write the report")

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})
# Excerpts must not carry keys into a report: dot files go for that reason too. Locks and bundles are noise.
SKIPPED_NAMES = re.compile(r"^\.|\.(pem|key|p12|lock|map|svg)$|\.min\.|^package-lock\.json$")
SESSION_ID = re.compile(r"[A-Za-z0-9][\w-]{0,99}", re.ASCII)
TOPIC = re.compile(r"(?ms)^(?:Topic|Asked for):[ \t]*(.*?)(?=\n\s*\n|\n[A-Z][a-z]+:|\Z)")
# What the job types' prompts tell an agent beside the person's own words.
ORDERS = re.compile(
    r"(?ms)^(Files that came|Your work was interrupted|Do not ask for confirmation|Commands of Bifrost).*"
)
TOKEN = re.compile(r"\w+(?:[./:]+\w+)*")
IDENTIFIER = re.compile(r"[_./:\d]|[a-z][A-Z]")
DEFINITION = re.compile(r"\s*(async def|def|class|function|func|fn|struct|interface|type|export|#+)\s")
ENDING = re.compile(r"^(\w{4,}?)(?:ies|ing|es|ed|s|e|y)$")
STOP_WORDS = frozenset(
    """
    about after again all also and any are because been before being between both but can code continue
    could describe did does doing done down each explain few find for from further get give going had has
    have having happen happens her here his how into its just let like list look make many may might more
    most much must need nor not now off once one only other our out over own please project question report
    repo repository research same see shall she should show some such summarize tell than that the their
    them then there these they this those through too topic under until very want was way were what when
    where which while who whom why will with work works would write yes you your
    """.split()  # noqa: SIM905 - a list would take a page
)


@dataclass(frozen=True, slots=True)
class Word:
    """A telling word of the topic: as it was written, what a text must contain, what finds it in a line."""

    written: str
    needle: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The workspace's texts by path, their size in bytes, and whether all of them fitted."""

    texts: dict[str, str]
    size: int
    complete: bool

    def __str__(self) -> str:
        bound = "" if self.complete else ", as much as a rehearsal reads of a workspace this large"
        return f"{count(len(self.texts), 'file')} ({self.size / 1000:,.1f} kB{bound})"


@dataclass(frozen=True, slots=True)
class Place:
    """A line worth reading, and the lines around it with their numbers."""

    path: str
    line: int
    head: str
    excerpt: str


Found = dict[str, dict[int, set[str]]]  # path → line number → the words in that line


@dataclass(slots=True)
class Stage:
    """Tells what happens, and paces it so that people can watch."""

    step_seconds: float
    turns: int = 0

    def tell(self, event: str, **fields: object) -> None:
        sys.stdout.write(json.dumps({"type": event} | fields) + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        self.tell("text", text=text + "\n\n")

    def plan(self, done: int) -> None:
        self.tell("todos", items=[{"text": text, "completed": n < done} for n, text in enumerate(THINGS)])

    @contextmanager
    def step(self, name: str, detail: str) -> Iterator[None]:
        self.turns += 1
        tool_id = f"step-{self.turns}"
        self.tell("tool_started", id=tool_id, name=name, detail=visible(detail))
        time.sleep(self.step_seconds)
        yield
        self.tell("tool_ended", id=tool_id, ok=True)


def topic_of(prompt: str) -> str:
    """What the prompt is about, on one line."""
    marked = TOPIC.search(prompt)
    return " ".join((marked[1] if marked else ORDERS.sub("", prompt)).split())


def telling_words(topics: Sequence[str]) -> list[Word]:
    """The words to look for: of each topic the identifiers first, then the others as they come."""
    words: dict[str, Word] = {}
    for topic in topics:
        tokens = sorted(filter(_tells, TOKEN.findall(topic)), key=lambda token: not IDENTIFIER.search(token))
        own = {word.needle: word for word in map(_word, reversed(tokens))}
        words |= dict(islice(reversed(own.items()), MAX_WORDS))
    return list(words.values())


def _tells(token: str) -> bool:
    long_enough = len(token) > 2 or token.isupper() or not token.isascii()
    return long_enough and not token.isdigit() and token.lower() not in STOP_WORDS


def _word(token: str) -> Word:
    needle = token.lower() if IDENTIFIER.search(token) else ENDING.sub(r"\1", token.lower())
    # A word starts after no letter, or at a hump: `cache` is in lruCache, `test` is not in latest.
    start = r"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z]))" if needle.isascii() else ""
    end = r"(?![a-z])" if len(needle) <= 3 else ""
    return Word(token, needle, re.compile(f"{start}(?i:{re.escape(needle)}){end}"))


def read_workspace(root: Path) -> Corpus:
    """All texts below `root` that fit: no links, no secrets by name, nothing binary, nothing huge."""
    texts: dict[str, str] = {}
    size = 0
    paths = walk(root)
    for path in islice(paths, MAX_FILES):
        if (data := read(root / path)) is None:
            continue
        if size + len(data) > MAX_BYTES:
            return Corpus(texts, size, complete=False)
        texts[path] = data.decode(errors="replace")
        size += len(data)
    return Corpus(texts, size, complete=next(paths, None) is None)


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
    """What the file holds, or None where it is no regular, readable, small text file of this workspace."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return None if b"\0" in data else data


def search(word: Word, corpus: Corpus, found: Found) -> int:
    """Notes in `found` the lines that hold `word`, a file's first for its name; says how many there are."""
    total = 0
    for path, text in corpus.texts.items():
        numbers = {1} if word.pattern.search(path) else set()
        if word.needle in text.lower():
            hits = (n for n, line in enumerate(text.split("\n"), 1) if word.pattern.search(line))
            numbers.update(islice(hits, MAX_LINES_PER_FILE))
        for number in numbers:
            found.setdefault(path, {}).setdefault(number, set()).add(word.written)
        total += len(numbers)
    return total


def words_of(lines: dict[int, set[str]]) -> set[str]:
    """All words that were found in a file."""
    return set().union(*lines.values())


def best_places(words: Sequence[Word], corpus: Corpus, found: Found) -> list[tuple[str, int]]:
    """The paths and lines where the most, and the rarest, words stand close together; best first."""
    files = [words_of(lines) for lines in found.values()]
    rarity = {w.written: math.log(1 + len(files) / (1 + sum(w.written in f for f in files))) for w in words}
    scored: list[tuple[float, str, int]] = []
    for path, lines in found.items():
        in_path = sum(rarity[word.written] for word in words if word.pattern.search(path))
        texts = corpus.texts[path].split("\n")
        for number, here in lines.items():
            near = set().union(*(lines.get(n, ()) for n in range(number, number + LINES_AFTER)))
            score = sum(rarity[word] for word in near) + (sum(rarity[word] for word in here) + in_path) / 2
            scored.append((-score * (1.25 if DEFINITION.match(texts[number - 1]) else 1), path, number))
    chosen: list[tuple[str, int]] = []
    for _, path, number in sorted(scored):
        same_file = [n for p, n in chosen if p == path]
        clear = all(abs(number - n) > LINES_BEFORE + LINES_AFTER for n in same_file)
        if clear and len(same_file) < PLACES_PER_FILE and len(chosen) < PLACES:
            chosen.append((path, number))
    return chosen


def place(path: str, number: int, text: str) -> Place:
    """The line `number` and its surroundings."""
    lines = [cut(visible(line), LINE_WIDTH) for line in text.removesuffix("\n").split("\n")]
    first, last = max(1, number - LINES_BEFORE), min(len(lines), number + LINES_AFTER)
    width = len(str(last))
    numbered = "\n".join(f"{n:>{width}}  {lines[n - 1]}".rstrip() for n in range(first, last + 1))
    return Place(path, number, lines[number - 1].strip() or "(an empty line)", numbered)


def report(topics: Sequence[str], told: str, found: Found, places: Sequence[Place]) -> str:
    """The report, as Markdown."""
    asked, *earlier = (escape(cut(topic, 1000)) for topic in topics)
    parts = [
        f"# Rehearsal: {escape(cut(topics[0], 80))}",
        "> **No model was called.** This is a rehearsal: the words of the topic were looked up in the files "
        "of the workspace, and nothing was understood. Cost: $0.",
        "## What was asked",
        f"> {asked}",
        *(f"> Going on from: {topic}" for topic in earlier),
        "## What was found",
        told,
        *table(found),
    ]
    parts += ["## Best places"] if places else []
    for place in places:
        fence = "`" * max(3, 1 + _longest_ticks(place.excerpt))
        parts += [f"### {code(place.path)}, line {place.line}", f"{fence}text\n{place.excerpt}\n{fence}"]
    return "\n\n".join(parts) + "\n"


def summary(words: Sequence[Word], corpus: Corpus, found: Found) -> str:
    """What was found, in one paragraph."""
    if not corpus.texts:
        return "The workspace holds no files that can be read, so there was nothing to look through."
    if not words:
        return f"The topic holds no telling word, so nothing was looked for in {corpus}."
    listed = ", ".join(code(word.written) for word in words)
    if not found:
        return f"Nothing was found: there is none of {listed} in {corpus}."
    hits = count(sum(map(len, found.values())), "place")
    missing = {word.written for word in words}.difference(*map(words_of, found.values()))
    tail = f" Not found at all: {', '.join(map(code, sorted(missing)))}." if missing else ""
    return f"Looked for {listed} in {corpus}: {hits} in {count(len(found), 'file')}.{tail}"


def table(found: Found) -> list[str]:
    """The files with the most hits."""
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = ["| File | Places | Words |", "| :-- | --: | :-- |"]
    for path, lines in ranked[:TABLE_ROWS]:
        words = ", ".join(map(code, sorted(words_of(lines))))
        name = code(path).replace("|", "\\|")  # a bar ends a cell even inside code
        rows.append(f"| {name} | {len(lines)} | {words} |")
    return ["## Files with the most hits", "\n".join(rows)] if found else []


def result(told: str, places: Sequence[Place]) -> str:
    """The last word: the same, short enough for a chat."""
    lines = [f"- {code(f'{place.path}:{place.line}')} {code(cut(place.head, 80))}" for place in places]
    note = "**This was a rehearsal: no model was called**, words were matched."
    return "\n\n".join([note, told, "\n".join(lines)]).rstrip()


def code(text: str) -> str:
    """`text` as Markdown code that nothing in it can end."""
    text = visible(text)
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


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def earlier_topics(sessions: Path, session_id: str) -> list[str] | None:
    """What the session was about so far, latest first; None where there is no such session."""
    if not SESSION_ID.fullmatch(session_id):
        return None
    try:
        return [str(topic) for topic in json.loads((sessions / f"{session_id}.json").read_bytes())["topics"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def perform(stage: Stage, workspace: Path, topics: Sequence[str]) -> str:
    """Looks, tells, writes the report; returns the last word."""
    with stage.step("List", workspace.name):
        corpus = read_workspace(workspace)
    stage.say(f"There is text in {corpus}.")
    stage.plan(1)
    words, found = telling_words(topics), Found()
    for word in words if corpus.texts else ():
        with stage.step("Search", f'"{word.written}"'):
            hits = search(word, corpus, found)
        stage.say(f"{code(word.written)}: {count(hits, 'place')}.")
    places = []
    for path, number in best_places(words, corpus, found):
        with stage.step("Read", f"{path}:{number}"):
            places.append(place(path, number, corpus.texts[path]))
        stage.say(code(places[-1].head))
    stage.plan(2)
    told = summary(words, corpus, found)
    with stage.step("Write", "report.md"):
        replace(Path(os.environ["BIFROST_RESULTS"], "report.md"), report(topics, told, found, places))
    stage.plan(3)
    return result(told, places)


def main() -> int:
    """Does one attempt; the exit code is 0 where it went well."""
    options = _options()
    stage = Stage(options.step_seconds)
    started = time.monotonic()
    topic = topic_of(sys.stdin.buffer.read().decode(errors="replace"))
    session_id = options.session or options.resume
    earlier = [] if options.session else earlier_topics(options.sessions, session_id)
    if earlier is None:
        stage.tell("result", ok=False, reason="session_not_found", text="")
        return 1
    # An attempt that goes on after an interruption has no new topic, or is asked the same again.
    topics = list(dict.fromkeys(filter(None, [topic, *earlier])))[:20] or [""]
    # Written before the work, so that an interrupted session can be gone on with.
    replace(options.sessions / f"{session_id}.json", json.dumps({"topics": topics}))
    stage.tell("session", session_id=session_id)
    stage.tell("notice", text="This is a rehearsal: words are looked up, no model is called.")
    if earlier:
        stage.say(f"Going on from: {escape(cut(earlier[0], 200))}")
    text = perform(stage, options.workspace, topics)
    duration_ms = round(1000 * (time.monotonic() - started))
    stage.tell("result", ok=True, text=text, cost_usd=0.0, turns=stage.turns, duration_ms=duration_ms)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Looks up the words of a topic in a workspace.")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--sessions", type=Path, required=True)
    session = parser.add_mutually_exclusive_group(required=True)
    session.add_argument("--session", help="the id of a new session")
    session.add_argument("--resume", help="the id of the session to go on with")
    parser.add_argument("--step-seconds", type=float, default=0.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
