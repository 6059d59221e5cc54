"""The records that people and agents share, and the rules that hold of them."""

from __future__ import annotations

from storage.hub.messages import Message, NewMessage
from storage.hub.reports import ReportRow

__all__ = ["Message", "NewMessage", "ReportRow"]
