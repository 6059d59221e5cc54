"""What the rehearsal agent does instead of thinking: it finds where a topic's words stand."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from executor.backends.rehearsal_text import count, cut, visible

MAX_FILES, MAX_BYTES, MAX_FILE_BYTES = 5_000, 32_000_000, 1_000_000
MAX_LINES_PER_FILE = 500  # per word, so that a generated file does not outweigh all others
MAX_WORDS, PLACES, PLACES_PER_FILE, LINE_WIDTH = 8, 6, 2, 160
LINES_BEFORE, LINES_AFTER = 2, 6

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})
# Excerpts must not carry keys into a report: dot files go for that reason too. Locks and bundles are noise.
SKIPPED_NAMES = re.compile(r"^\.|\.(pem|key|p12|lock|map|svg)$|\.min\.|^package-lock\.json$")
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
