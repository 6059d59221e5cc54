"""Lines of JSON as no CLI should print them: the right keys and words, in any shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st


def odd_events(types: Sequence[str], keys: str, words: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of (mostly) one of `types`; `keys` and `words` are what occurs inside, set apart by spaces."""
    names = st.sampled_from(keys.split())
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.floats()
        | st.sampled_from(words.split())
        | st.text(max_size=8)
    )
    anything = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=30,
    )
    return st.builds(
        lambda kind, event: {"type": kind} | event,
        st.sampled_from(types) | anything,
        st.dictionaries(names, anything, max_size=8),
    )
