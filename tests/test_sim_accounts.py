"""The ground truth of sessions and of barriers, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.accounts import barriers, presence
from hubapp.sim.alarms import Alarm
from hubapp.sim.compare import compare
from hubapp.sim.diary import Diary, Said, Saying
from hubapp.sim.presence import Presence
from hubapp.sim.truth import Scene, truths

T0 = 1_791_795_600 * SECOND


def s(seconds: float) -> Micros:
    return T0 + round(seconds * SECOND)


def said(*told: tuple[float, Said], client: str | None = None, place: str | None = None) -> list[Saying]:
    return [Saying(s(at), what, "id", "u", client, place) for at, what in told]


def sessions(sayings: list[Saying], listed: bool = False) -> list[tuple[Any, ...]]:
    return [
        (one["start"], one["end"], one["body"]["log_ins"], one["body"]["log_outs"], one["body"]["duration"])
        for one in presence(sayings, listed)
    ]


def test_a_log_in_while_logged_in_belongs_to_the_session_and_a_log_out_ends_it() -> None:
    sayings = said((0, "log-in"), (10, "failed"), (20, "log-in"), (60, "log-out"), (70, "log-out"), (80, "log-in"))
    assert sessions(sayings) == [(iso(s(0)), iso(s(60)), 2, 1, 60.0), (iso(s(80)), None, 1, 0, None)]


def test_an_account_that_is_listed_as_shared_is_closed_by_nobody() -> None:
    assert sessions(said((0, "log-in"), (60, "log-out"), (80, "log-in")), listed=True) == [(iso(s(0)), None, 2, 1, None)]


def test_each_client_is_a_session_by_itself() -> None:
    sayings = said((0, "log-in"), client="A") + said((10, "log-in"), (60, "log-out"), client="B")
    assert sessions(sayings) == [(iso(s(0)), None, 1, 0, None), (iso(s(10)), iso(s(60)), 1, 1, 50.0)]


def alarm(**changed: Any) -> Alarm:
    """HI, from 0 s to 300 s."""
    told: dict[str, Any] = {
        "patient": "P", "monitor": "M", "unit": "U", "device": "D", "device_code": "Nonin 3150", "condition": "spo2-low",
        "kind": "physiological", "start": s(0), "priority": "HI", "limits": None, "told": s(0), "priorities": [(s(0), "HI")],
        "end": s(300), "end_sent": s(300), "ended_by": "cleared", "signal_end": s(300), "reports": 2, "told_last": s(300),
    }  # fmt: skip
    return Alarm(**{**told, **changed})


def met(sayings: list[Saying], unit: str = "U", **changed: Any) -> list[tuple[Any, ...]]:
    found = barriers(sayings, [Diary("M", unit, alarms=[alarm(**changed)])])
    return [(one["start"], one["end"], one["body"]["why"], one["body"]["attempts"]) for one in found]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([(10, "failed"), (70, "failed")], (10, 70, "failed-log-ins", 2)),
        ([(10, "failed"), (20, "failed"), (80.001, "log-in")], (10, 20, "failed-log-ins", 2)),
        ([(10, "failed"), (20, "failed"), (30, "locked")], (10, 30, "locked", 2)),
        ([(30, "locked")], (30, 30, "locked", 0)),
        ([(-40, "failed"), (0, "failed")], (-40, 0, "failed-log-ins", 2)),
    ],
)
def test_failures_without_success_and_locks_are_barriers(told: list[Any], found: tuple[Any, ...]) -> None:
    first, last, why, attempts = found
    assert met(said(*told)) == [(iso(s(first)), iso(s(last)), why, attempts)]


@pytest.mark.parametrize(
    "told",
    [
        [(10, "failed")],
        [(10, "failed"), (70.001, "failed")],
        [(10, "failed"), (20, "failed"), (80, "log-in")],
        [(10, "failed"), (20, "failed-log-out")],
        [(290, "failed"), (300, "failed")],
        [(400, "locked")],
    ],
)
def test_one_failure_or_a_success_soon_after_or_no_alarm_is_none(told: list[Any]) -> None:
    assert met(said(*told)) == []


def test_an_alarm_of_another_unit_or_of_low_priority_is_none() -> None:
    sayings = said((10, "failed"), (20, "failed"), client="WS", place="U")
    assert met(sayings) != []
    assert met(sayings, unit="V") == []
    assert met(sayings, priorities=[(s(0), "LO")]) == []


def test_a_barrier_is_right_only_with_the_episodes_that_were_matched() -> None:
    known = Diary("M", "U", alarms=[alarm()])
    episode, _ = truths(alarm(), Scene([], Presence(), 2, False, s(900)))
    (barrier,) = barriers(said((10, "failed"), (20, "failed")), [known])
    shared = {"revision": 1, "status": "final"}
    found = [
        {**episode, **shared, "id": "e"},
        {**barrier, **shared, "id": "b", "body": {**barrier["body"], "episodes": ["e"]}},
    ]
    assert compare([episode, barrier], found).exact
    found[1] = {**found[1], "body": {**found[1]["body"], "episodes": ["e", "f"]}}
    assert compare([episode, barrier], found).differences == [f"barriers u {iso(s(10))}: episodes ['e', 'f'], expected ['e']"]


def test_a_finding_of_a_rule_of_which_nothing_was_expected_costs_its_precision() -> None:
    (barrier,) = barriers(said((10, "locked")), [Diary("M", "U", alarms=[alarm()])])
    score = compare([], [{**barrier, "revision": 1, "status": "final", "id": "b"}])
    assert score.rules["barriers"].precision == 0.0
