"""The terms that a job may be asked for on."""

from __future__ import annotations

import pytest

from bot.desk.asks import Refusal
from bot.desk.terms import priority_of, timeout_of


@pytest.mark.parametrize(
    ("text", "payload"), [("", {}), ("20m", {"timeout_s": "1200"}), ("1d", {"timeout_s": "86400"})]
)
def test_a_timeout_is_kept_in_seconds(text: str, payload: dict[str, str]) -> None:
    assert timeout_of({"timeout": text}) == payload


@pytest.mark.parametrize("text", ["soon", "0s", "20", "2d", "-5m"])
def test_a_timeout_that_cannot_be_taken_is_named(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        timeout_of({"timeout": text})
    assert caught.value.field == "timeout"
    assert f"`{text}`" in caught.value.text


def test_a_priority_is_a_number_and_normal_where_none_is_given() -> None:
    assert [priority_of({"priority": name}) for name in ("low", "normal", "high", "")] == [0, 1, 2, 1]
    with pytest.raises(Refusal, match="There is no priority `urgent`"):
        priority_of({"priority": "urgent"})
