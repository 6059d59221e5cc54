"""One loopback server that is the Anthropic, Gemini and OpenAI model APIs for the real agent CLIs.

A prompt chooses what the model does by a marker `[[name:argument]]` anywhere in it. The newest one counts,
without one the model says hello, an unknown name is refused with 400.

    hello, say:TEXT, recall, think           an answer; recall tells how much of the session it sees
    tool:PATH, bash:CMD, report:TOPIC, loop  a tool call first; loop calls for ever
    long:N,DELAY                             N characters of Markdown, DELAY seconds between chunks
    slow:DELAY, hang:S                       60 words, DELAY seconds apart; S seconds of silence, then hello
    cut, midover, maxtok, refuse             a stream that breaks, fails, runs out, is withheld
    rl429:S, e401, e403, e404, e500          every provider's refusals; S seconds of retry-after
    rluni:S,WINDOW, rlok, rlwarn             Anthropic's limit headers; WINDOW is five_hour or seven_day
    credit, toolong, e529                    Anthropic's further refusals
    rpm:S, rpd:TEXT, qx:S, plain429, e400, e503   Gemini's
    usage:S, e503                            OpenAI's

`NAME_once` does as NAME when this very marker is first seen, and says hello ever after. A model whose name
starts with "nonexist" does not exist. A request without a key gets e401.
"""

from __future__ import annotations

from tests.simulators.models.request import Request
from tests.simulators.models.server import Latency, ModelSimulator

__all__ = ["Latency", "ModelSimulator", "Request"]
