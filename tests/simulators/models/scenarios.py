"""What the simulated model does: one function per scenario, in words that every provider can render."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from zlib import crc32

from tests.simulators.models import texts
from tests.simulators.models.request import JsonObject, Request


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the answer, as the chunks they are streamed in."""

    chunks: tuple[str, ...]

    @property
    def whole(self) -> str:
        return "".join(self.chunks)


@dataclass(frozen=True, slots=True)
class Thought:
    """What the model says to itself before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A call of the client's tool that writes a file."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A call of the client's shell tool."""

    command: str


@dataclass(frozen=True, slots=True)
class ListFiles:
    """A call of the tool by which the client looks around, the shell where it has no other."""


@dataclass(frozen=True, slots=True)
class WriteTodos:
    """A call of the client's tool for its own list: what there is to do, and how much of that is done."""

    things: tuple[str, ...]
    done: int

    @property
    def states(self) -> list[tuple[str, str]]:
        """Each thing, and how far the agent is with it in the words that all three CLIs use."""
        states = ["completed"] * self.done + ["in_progress"] + ["pending"] * len(self.things)
        return list(zip(self.things, states, strict=False))


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A call of the tool that reads a file, images too."""

    path: str


@dataclass(frozen=True, slots=True)
class UseTool:
    """A call of a tool that a server of the client's offers, under the name that the client has for it."""

    name: str
    arguments: JsonObject


Call = UseTool | WriteFile | RunCommand | ListFiles | ReadFile | WriteTodos
Part = Text | Thought | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of the model: what it says, how it stops, and how long it takes (seconds)."""

    parts: tuple[Part, ...]
    stop: Literal["end", "tool", "max_tokens", "refusal"] = "end"
    ending: Literal["complete", "cut", "overloaded"] = "complete"
    first_byte_s: float = 0
    between_chunks_s: float = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An HTTP error in the provider's own shape."""

    status: int
    body: JsonObject
    headers: Mapping[str, str] = field(default_factory=dict)


Scene = Callable[[Request], Reply | Refusal]


def say(text: str) -> Reply:
    """An answer of nothing but `text`."""
    return Reply(parts=(Text(tuple(texts.pieces(text))),))


def answers(request: Request) -> Reply:
    """What the tools were answered since the prompt."""
    return say("\n\n".join(["Answers:", *request.tool_results]))


def _hello(_: Request) -> Reply:
    return say(texts.HELLO)


def _say(request: Request) -> Reply:
    return say(request.argument)


def _recall(request: Request) -> Reply:
    return say(f"I see {request.messages} messages; earlier markers: {list(request.markers)}")


def _call(request: Request, announcement: str, call: Call, closing: str = texts.CLOSING) -> Reply:
    """Call a tool once, then close; a request without tools is a side question and gets the closing."""
    if request.tool_results or not request.tools:
        return say(closing)
    return Reply(parts=(*say(announcement).parts, call), stop="tool")


def _tool(request: Request) -> Reply:
    return _call(request, "Writing the file.", WriteFile(request.argument or "out.txt", "hi there\n"))


def _bash(request: Request) -> Reply:
    return _call(request, "Running the command.", RunCommand(request.argument))


def _report(request: Request) -> Reply:
    return _call(request, "Looking at the files first.", ListFiles(), texts.report(request.argument))


def _results(request: Request) -> str:
    """Where the prompt says that files for people go."""
    told = re.search(r"go to (/\S+/results)", request.prompt)
    return told[1] if told else ""


def _attached(request: Request) -> Reply:
    """Reads the first file that came with the prompt, passes it on to people, and says what it read."""
    sent = re.search(r"^- (/\S+/received/\S+)", request.prompt, re.MULTILINE)
    results = _results(request)
    if sent is None or not results or not request.tools:
        return say("Nothing is attached.")
    match request.tool_results:
        case ():
            return Reply(parts=(*say("Reading it.").parts, ReadFile(sent[1])), stop="tool")
        case (_,):
            copy = RunCommand(f"cp {sent[1]} {results}/seen.png")
            return Reply(parts=(*say("Passing it on.").parts, copy), stop="tool")
    return say(f"It says: {request.tool_results[0][:200]}")


def _loop(request: Request) -> Reply:
    step = len(request.tool_results) + 1
    return Reply(parts=(*say(f"Step {step}.").parts, RunCommand(f"echo step {step}")), stop="tool")


def _todos(request: Request) -> Reply:
    """`todos=seconds,thing|thing|…`: does one after the other, and takes so long over each."""
    seconds, _, listed = request.argument.partition(",")
    things, done = tuple(listed.split("|")), len(request.tool_results)
    if done > len(things) or not request.tools:
        return say(texts.CLOSING)
    call = WriteTodos(things, done)
    return Reply(parts=(call,), stop="tool", first_byte_s=float(seconds) if done else 0)


def _use(request: Request) -> Reply:
    """`use:tool {…}|tool {…}`: calls one after the other, and says what each was answered.

    RESULTS stands for where it leaves files for people.
    """
    calls, done = request.argument.split("|"), len(request.tool_results)
    if done == len(calls) or not request.tools:
        return answers(request)
    name, _, arguments = calls[done].strip().partition(" ")
    offered = next((tool for tool in request.tools if tool.endswith(name)), "")
    if not offered:
        return say(f"There is no tool {name} among {', '.join(request.tools)}")
    given = arguments.replace("RESULTS", _results(request)) or "{}"
    return Reply(parts=(UseTool(offered, json.loads(given)),), stop="tool")


def _together(request: Request) -> Reply:
    """`together:command|command`: all of them at once; says what each was answered."""
    if request.tool_results or not request.tools:
        return answers(request)
    commands = request.argument.split("|")
    return Reply(parts=tuple(RunCommand(command) for command in commands), stop="tool")


_CUT_SHORT = ("[Tool call interrupted", "Tool permission request failed")
"""How claude tells of a tool that it was stopped in, and of one that it could ask nobody about any more."""


def _insist(request: Request) -> Reply:
    """`insist:command`: runs it, and again where it is not known what became of that."""
    known = [each for each in request.tool_results if not each.startswith(_CUT_SHORT)]
    return answers(request) if known else Reply(parts=(RunCommand(request.argument),), stop="tool")


def _think(_: Request) -> Reply:
    return Reply(parts=(Thought("The person says hello; a short answer will do."), *say(texts.HELLO).parts))


def _long(request: Request) -> Reply:
    characters, _, between_chunks_s = request.argument.partition(",")
    return replace(say(texts.long(int(characters))), between_chunks_s=float(between_chunks_s or 0))


def _slow(request: Request) -> Reply:
    words = tuple(f"chunk {n} {crc32(str(n).encode()):08x} " for n in range(60))
    return Reply(parts=(Text(words),), between_chunks_s=float(request.argument or 0.5))


def _hang(request: Request) -> Reply:
    return replace(say(texts.HELLO), first_byte_s=float(request.argument or 3600))


def _cut(_: Request) -> Reply:
    return replace(say(texts.report("A stream that breaks off")), ending="cut")


def _midover(_: Request) -> Reply:
    return replace(say(texts.report("A stream that fails")), ending="overloaded")


def _maxtok(_: Request) -> Reply:
    return replace(say("This answer stops in the middle of a"), stop="max_tokens")


def _refuse(_: Request) -> Reply:
    return Reply(parts=(), stop="refusal")


SCENES: Mapping[str, Scene] = {
    "hello": _hello,
    "say": _say,
    "recall": _recall,
    "tool": _tool,
    "bash": _bash,
    "report": _report,
    "attached": _attached,
    "loop": _loop,
    "todos": _todos,
    "use": _use,
    "together": _together,
    "insist": _insist,
    "think": _think,
    "long": _long,
    "slow": _slow,
    "hang": _hang,
    "cut": _cut,
    "midover": _midover,
    "maxtok": _maxtok,
    "refuse": _refuse,
}
