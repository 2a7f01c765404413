"""The ground truth of nuisance, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.alarms import Alarm, Loss
from hubapp.sim.diary import Diary
from hubapp.sim.storms import nuisance

T0 = 1_791_795_600 * SECOND


def s(seconds: float) -> Micros:
    return T0 + round(seconds * SECOND)


def alarm(start: float, lasts: float = 2.0, priority: str = "LO", **changed: Any) -> Alarm:
    told: dict[str, Any] = {
        "told": s(start), "priorities": [(s(start), priority)], "end": s(start + lasts), "end_sent": s(start + lasts),
        "ended_by": "cleared", "signal_end": s(start + lasts),
    }  # fmt: skip
    known = ("P", "M", "U", "D", "Nonin 3150", "finger-not-detected", "technical", s(start), priority, None)
    return Alarm(*known, **{**told, **changed})


def found(*alarms: Alarm, losses: tuple[Loss, ...] = (), last: float = 100_000) -> list[tuple[Any, ...]]:
    kept = Diary("M", "U", alarms=[*alarms], losses=[*losses])
    return [(one["body"]["kind"], one["start"], one["end"], one["body"]["onsets"]) for one in nuisance(kept, s(last))]


def test_three_onsets_within_a_minute_chatter_until_a_minute_without_one() -> None:
    assert found(*map(alarm, (0, 30, 59.999))) == [("chattering", iso(s(0)), iso(s(59.999)), 3)]
    assert found(*map(alarm, (0, 10, 20, 79.999))) == [("chattering", iso(s(0)), iso(s(79.999)), 4)]
    assert found(*map(alarm, (0, 10, 20, 80))) == [("chattering", iso(s(0)), iso(s(20)), 3)]
    assert found(*map(alarm, (0, 30, 60))) == []
    assert found(alarm(0), alarm(30)) == []


def test_what_was_not_seen_to_begin_does_not_chatter() -> None:
    assert found(alarm(0), alarm(10, told_late=True), alarm(20)) == []
    assert found(alarm(0, ended_by="unseen"), alarm(10), alarm(20)) == []
    assert found(alarm(0), alarm(10), alarm(20), losses=(Loss(s(15), s(20)),)) == []
    assert found(alarm(0), alarm(10), alarm(20), losses=(Loss(s(21), s(30)),)) != []


@pytest.mark.parametrize(("priority", "limit"), [("HI", 600), ("ME", 3600), ("LO", 86_400)])
def test_longer_than_its_priority_allows_is_stale(priority: str, limit: float) -> None:
    assert found(alarm(0, limit, priority)) == []
    assert found(alarm(0, limit + 0.001, priority)) == [("stale", iso(s(0)), iso(s(limit + 0.001)), 1)]
    assert found(alarm(0, limit + 1, priority, told_late=True)) == []
