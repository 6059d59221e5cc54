"""The Markdown that the simulated model writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

HELLO = "Hello from the simulated model."
CLOSING = "Done with the tool."

_REPORT = """\
# {topic}

A short look at **{topic}**: what was read, what was found and what to do next.

## Summary

The workspace was listed first. Everything below rests on what stands there; nothing was changed.

## Findings

1. The entry points are few and easy to name.
2. The riskiest part is the one without tests:
   - its errors are swallowed,
   - its timeouts are unbounded.
3. The documentation is *older* than the code, see [the changelog](CHANGELOG.md).

## Comparison

| Option | Effort | Risk | Verdict |
| --- | ---: | :---: | --- |
| Leave as it is | 0 d | high | no |
| Bound every wait | 2 d | low | **recommended** |
| Rewrite | 15 d | medium | later |

## Example

```python
async def fetch(url: str, timeout_s: float = 10) -> bytes:
    async with asyncio.timeout(timeout_s):
        return await read(url)
```

> A wait without a bound is a hang that has not happened yet.

## Next steps

- [x] List the files
- [ ] Bound the waits
- [ ] Write the missing tests for `{topic}`
"""


def report(topic: str) -> str:
    """A report with headings, lists, a table, a quotation and fenced code."""
    return _REPORT.format(topic=topic or "The workspace")


def long(characters: int) -> str:
    """Markdown of at least `characters` characters, at most 300 more, with whole fenced code blocks in it."""
    blocks, length = [], 0
    for block in _blocks():
        if length >= characters:
            break
        blocks.append(block)
        length += len(block)
    return "".join(blocks)


def _blocks() -> Iterator[str]:
    # Every line carries its number: Gemini CLI stops with "Loop detected" when a model repeats itself.
    for n in count(1):
        yield f"## Part {n}\n\nParagraph {n} says what step {n} of the work is about. "
        yield f"It has **{n * 7}** lines, `file_{n}.py` among them, and {n * 13} words in all.\n\n"
        yield f"- point {n}.1 costs {n * 3} minutes\n- point {n}.2 costs {n * 5} minutes\n\n"
        yield f"```python\ndef step_{n}(value: int) -> int:\n    return value * {n} + {n * n}\n```\n\n"


def pieces(text: str, size: int = 16) -> list[str]:
    """`text` in at least two pieces (where it has two characters), each of about `size` characters."""
    return re.findall(rf"(?s).{{1,{max(1, min(size, (len(text) + 1) // 2))}}}", text)
