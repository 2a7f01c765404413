"""A writer whose times are another zone's is named once a hundred of its records were read, and not corrected."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hubapp import duty as duties
from hubapp.chaos.load import Source
from hubapp.duty import Duty
from hubapp.facts import SECOND
from hubapp.intake import intake as intakes
from hubapp.intake.clocks import Clocks
from hubapp.intake.intake import Intake
from hubapp.settings import Settings
from hubapp.wire import Zones
from tests.timeline import instant
from tests.written import Story, account, placed

MINUTE = 60 * SECOND
UTC, BERLIN = Zones(), Zones(authentication=ZoneInfo("Europe/Berlin"))


def log_ins(count: int, ahead: int, spread: int = 0) -> list[Source]:
    """Of *count* people, told with times that are so much ahead of the moment when they arrive."""
    told = Story()
    for number in range(count):
        told.newer.log_in(instant(f"{number}:00") + ahead + number * spread, account(f"n{number}"), None)
    told.wires = [(instant(f"{number}:00") + 20_000, wire) for number, (_, wire) in enumerate(told.wires)]
    return placed(told.wires)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    mine = Clocks()
    monkeypatch.setattr(intakes, "CLOCKS", mine)
    monkeypatch.setattr(duties, "CLOCKS", mine)
    return mine


def read(records: list[Source], zones: Zones = UTC, past: bool = False) -> Intake:
    intake = Intake("events-auth", zones, past)
    intake.read(records)
    return intake


@pytest.mark.parametrize("minutes", [120, 60, 345, -300, 840])
def test_most_of_a_hundred_that_are_off_by_the_same_quarters_are_of_another_zone(clocks: Clocks, minutes: int) -> None:
    read(log_ins(100, minutes * MINUTE))
    assert list(clocks.zones()) == [("events-auth", minutes)]


@pytest.mark.parametrize(
    ("count", "ahead", "spread"),
    [
        (99, 120 * MINUTE, 0),
        (100, 0, 0),
        (100, -3 * SECOND, 0),
        (100, 7 * MINUTE, 0),
        (100, 120 * MINUTE, MINUTE),
        (100, 900 * MINUTE, 0),
    ],
)
def test_fewer_or_not_by_whole_quarters_or_by_different_ones_are_none(
    clocks: Clocks, count: int, ahead: int, spread: int
) -> None:
    read(log_ins(count, ahead, spread))
    assert list(clocks.zones()) == []


def test_half_of_them_are_not_most(clocks: Clocks) -> None:
    read([*log_ins(50, 120 * MINUTE), *log_ins(50, 0)])
    assert list(clocks.zones()) == []
    read(log_ins(1, 120 * MINUTE))
    assert list(clocks.zones()) == []


def test_with_the_zone_set_all_is_well(clocks: Clocks) -> None:
    """Berlin is two hours ahead of UTC in October."""
    read(log_ins(100, 120 * MINUTE), BERLIN)
    assert list(clocks.zones()) == []


def test_an_input_of_the_past_says_nothing_of_zones(clocks: Clocks) -> None:
    read(log_ins(100, -120 * MINUTE), past=True)
    assert list(clocks.zones()) == []


def test_nothing_is_corrected(clocks: Clocks) -> None:
    said = Intake("events-auth", Zones(), False).read(log_ins(100, -120 * MINUTE))
    assert [fact.sent for fact in said.facts] == [instant(f"{number}:00") - 120 * MINUTE for number in range(100)]


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (60, "zone of events-auth: its times are 60 min ahead of Kafka's"),
        (-60, "zone of events-auth: its times are 60 min behind Kafka's"),
    ],
)
async def test_readiness_names_the_writer_where_it_is_read(clocks: Clocks, minutes: int, told: str) -> None:
    read(log_ins(100, minutes * MINUTE))
    duty = Duty(Settings(), "w", "http://127.0.0.1:1", rules=True, archive=False)
    assert (await duty.health()).told == []
    app: Any = SimpleNamespace(owned=lambda: [SimpleNamespace(topic="events-auth", partition=0, open=True)])
    duty.app = app
    assert list(duty._told_of_zones()) == [told]
