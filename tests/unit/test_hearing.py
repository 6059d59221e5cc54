"""Up to when people were heard: what is read back after an absence, and what is not done again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk.asks import Answer
from bot.desk.hearing import WINDOW, Hearing
from executor.lifecycle import Transition
from executor.model import Job
from executor.wakeups import Wakeups
from storage import Storage, open_storage
from tests.unit.test_storage import ManualClock, a_request

DONE = Answer(ok=True, text="queued")
