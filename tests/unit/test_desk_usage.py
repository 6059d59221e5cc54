"""What people are told of what their jobs have used, and whose usage is whose business."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from bot.desk.chart import LAYERS, MEASURES, chart_of
from bot.desk.spending import spending_of
from executor.model import Usage
from storage.api import UsedOn
from tests.unit.office import ADMIN, ANN, BOB, ELSEWHERE, EVE, OWNER, Office, an_office

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 10)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


def used(day: int, key: str = "", cost_usd: float | None = 1.0, **more: object) -> UsedOn:
    fields: dict[str, object] = {"jobs": 1, "attempts": 2, "name": ""} | more
    usage = Usage(cost_usd=cost_usd, turns=3)
    return UsedOn(day=f"2026-11-{day:02}", key=key, usage=usage, **fields)  # type: ignore[arg-type]


async def test_people_are_told_of_their_own_usage_and_admins_of_everybodys(office: Office) -> None:
    for who in (ANN, ANN, BOB):
        await office.ended(by=who)
    own = (await office.type("usage", ANN)).text
    assert "**Your usage in the last 30 days, by day**" in own
    assert "total      " in own and " 2  $0.84      6  1m 24s" in own
    assert "https://bot.example/usage?by=day&days=30" in own
    theirs = (await office.type("usage --by person --days 7", ADMIN)).text
    assert theirs.index("Ann  ") < theirs.index("Bob  "), "whoever has used most comes first"
    assert " 3  $1.26      9  2m 06s" in theirs
    assert "Bob" in (await office.type("usage --by person", OWNER)).text
    assert "nothing yet" in (await office.type("usage", ELSEWHERE)).text
    assert "on the list of people" in (await office.type("usage", EVE)).text


async def test_nobody_sees_what_is_used_by_one_whose_id_begins_alike(office: Office) -> None:
    await office.ended(by=BOB)
    records, today = office.storage.api, office.clock.now().date()
    assert await records.usage(today, today, "day", "slack:T1:bob:")
    for other in ("slack:T1:bo:", "slack:T1:bobby:", "slack:T:", "discord:"):
        assert not await records.usage(today, today, "day", other)


async def test_the_answer_brings_a_picture_that_has_a_name_and_a_size(office: Office) -> None:
    await office.ended()
    picture = (await office.type("usage --by model")).picture
    assert picture is not None and picture.name.startswith("usage-model-")
    assert picture.title == "Cost · Your usage in the last 30 days, by model"
    assert picture.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture.content[16:24]) == (1200, 560)
    assert len(picture.content) < 100_000


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("usage --by colour", "by", "There are: `day`, `type`, `person`, `model`, `provider`"),
        ("usage --days 0", "days", "`--days` takes 1 to 366"),
        ("usage --days 367", "days", "`--days` takes 1 to 366"),
        ("usage --days ٣", "days", "`--days` takes 1 to 366"),
        ("usage --days 9999999999", "days", "`--days` takes 1 to 366"),
    ],
)
async def test_what_cannot_be_summed_is_refused_by_the_option(
    office: Office, text: str, field: str, says: str
) -> None:
    before = office.rows()
    answer = await office.type(text)
    assert says in await office.refused(answer, before)
    assert answer.field == field


def test_what_nobody_told_is_not_part_of_a_sum() -> None:
    spending = spending_of([used(2, "a", None), used(3, "a"), used(3, "b", None)], "type", FIRST, LAST)
    assert [(each.key, each.usage.cost_usd, each.jobs) for each in spending.sums] == [
        ("a", 1.0, 2),
        ("b", None, 1),
    ]
    assert spending.sums[1].figures == ("1", "unknown", "3", "unknown")
    assert spending.total.usage.turns == 9


def test_a_chart_has_a_bar_for_every_day_and_one_layer_for_all_that_are_small() -> None:
    rows = [used(day, f"m{n}", cost_usd=10.0 - n) for day in (2, 10) for n in range(LAYERS + 2)]
    chart = chart_of(spending_of(rows, "model", FIRST, LAST), MEASURES["cost"])
    assert [layer.label for layer in chart.layers] == ["m0", "m1", "m2", "m3", "m4", "others"]
    assert len(chart.days) == 10
    assert [len(chart.bar(day)) for day in range(10)] == [0, 6, 0, 0, 0, 0, 0, 0, 0, 6]
    assert chart.amount(1) == 49.0 and chart.top == 50.0
    last = chart.bar(1)[-1]
    assert last.bottom + last.height == pytest.approx(0.98)
    assert chart.said(1).startswith("2026-11-02: $49.00 (m0 $10.00, m1 $9.00")
    assert chart.said(0) == "2026-11-01: $0.00"


@pytest.mark.parametrize(
    ("measure", "usage", "top"),
    [
        ("cost", Usage(cost_usd=0.0), 1.0),
        ("cost", Usage(cost_usd=0.0034), 0.005),
        ("cost", Usage(cost_usd=1.0), 1.0),
        ("turns", Usage(turns=0), 1.0),
        ("turns", Usage(turns=1_001), 2_000.0),
        ("time", Usage(duration_ms=61_000), 120_000.0),
        ("time", Usage(duration_ms=10**9), 10**9),
    ],
)
def test_the_scale_ends_at_a_round_amount(measure: str, usage: Usage, top: float) -> None:
    row = UsedOn(day="2026-11-02", key="", name="", jobs=1, attempts=1, usage=usage)
    chart = chart_of(spending_of([row], "day", FIRST, LAST), MEASURES[measure])
    assert chart.top == pytest.approx(top)


def test_nothing_at_all_makes_a_chart_too() -> None:
    for by in ("day", "type"):
        chart = chart_of(spending_of([], by, FIRST, LAST), MEASURES["cost"])
        assert [chart.bar(day) for day in range(10)] == [[]] * 10
