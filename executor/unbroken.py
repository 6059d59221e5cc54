"""Work that a cancellation must not cut in two."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def unbroken(work: Coroutine[Any, Any, _T]) -> _T:
    """Does `work` to its end though the caller is cancelled meanwhile, and raises that cancellation after it.

    `asyncio.shield` alone lets go of the work, and what it needs may be closed under it. A second
    cancellation means it: that one reaches the work.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
