"""A small agent that needs no account: it looks up the words of a topic in a workspace and calls no model.

Started as a program of its own (`python -I`), so it and its parts import nothing but the standard library.
The prompt comes on standard input; the topic is what follows `Topic:` or `Asked for:` at the start of a line,
up to an empty line or the next such label, or else all of it. `ask me: Which colour? Red, Blue` in it asks
people. What happens goes to standard output as lines of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # `-I` keeps the workspace out, and our own parts as well

from executor.backends.rehearsal_search import (
    Corpus,
    Found,
    Place,
    Word,
    best_places,
    place,
    read_workspace,
    search,
    telling_words,
    topic_of,
    words_of,
)
from executor.backends.rehearsal_text import code, count, cut, escape, longest_ticks, visible

TABLE_ROWS = 10
THINGS = ("Read the files", "Look for the words", "Write the report")

ASK = re.compile(r"(?i)\bask me:? ([^?]+\?)([^?.]*)")
SESSION_ID = re.compile(r"[A-Za-z0-9][\w-]{0,99}", re.ASCII)


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
    for each in places:
        fence = "`" * max(3, 1 + longest_ticks(each.excerpt))
        parts += [f"### {code(each.path)}, line {each.line}", f"{fence}text\n{each.excerpt}\n{fence}"]
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
    lines = [f"- {code(f'{each.path}:{each.line}')} {code(cut(each.head, 80))}" for each in places]
    note = "**This was a rehearsal: no model was called**, words were matched."
    return "\n\n".join([note, told, "\n".join(lines)]).rstrip()


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


def ask(stage: Stage, question: str, choices: str) -> None:
    """Asks people, and waits for them."""
    words = ["env", "bifrost", "ask", question, *filter(None, map(str.strip, choices.split(",")))]
    with stage.step("Ask", question):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    stage.say(f"{escape(question)} {escape(done.stdout.strip() or done.stderr.strip())}")


def perform(stage: Stage, workspace: Path, topics: Sequence[str]) -> str:
    """Looks, tells, writes the report; returns the last word."""
    for question, choices in ASK.findall(topics[0]):
        ask(stage, question, choices)
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
