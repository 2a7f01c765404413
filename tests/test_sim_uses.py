"""The ground truth of alarm controls, case by case; and that every scene occurs in a ward."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from hubapp.facts import SECOND, Micros
from hubapp.sim.diary import Diary, Said, Saying, Use
from hubapp.sim.lasting import House
from hubapp.sim.presence import Presence
from hubapp.sim.uses import control
from hubapp.sim.ward import Plan, Ward

T0 = 1_791_795_600 * SECOND
HOUR = 3600
DAY = 24 * HOUR


def s(seconds: float) -> Micros:
    return T0 + round(seconds * SECOND)


def why(told: list[tuple[float, Said]], at: float, account: str | None, began: float = -DAY) -> str:
    sayings, presence = [Saying(s(sent), what, "id", "u") for sent, what in told], Presence()
    for sent, what in told:
        if what in ("log-in", "log-out"):
            presence.change(s(sent), [("id", "u")] if what == "log-in" else [])
    diary = Diary("M", "U", uses=[Use(s(at), "P", "command" if account else "paused", account=account)])
    house = House(presence, counted=True, last=s(90 * DAY), began=s(began), history=30 * DAY * SECOND)
    (found,) = control(diary, sayings, house)
    word: str = found["body"]["why"]
    return word


FAILED: list[tuple[float, Said]] = [
    (-660, "failed"),
    (-600, "failed"),
    (-550, "failed-log-out"),
    (-500, "failed"),
    (-60, "failed"),
]


@pytest.mark.parametrize(
    ("told", "at", "account", "word"),
    [
        ([(0, "log-in")], 10, None, "accounted"),
        ([(0, "log-in"), (5, "log-out")], 10, None, "history-short"),
        ([], 10, None, "history-short"),
        ([], 29 * DAY, None, "history-short"),
        ([], 29 * DAY + 0.001, None, "nobody"),
        ([(0, "log-in")], 10, "u", "accounted"),
        ([(0, "log-in")], 10, "id", "accounted"),
        ([(0, "log-in")], 10, "v", "history-short"),
        ([(0, "log-in")], 29 * DAY + 1, "v", "no-session"),
        ([(-10, "locked"), (0, "log-in")], 10, "u", "after-lock"),
        ([(-10, "locked"), (0, "log-in")], 10, None, "accounted"),
        ([(-8 * HOUR, "locked"), (0, "log-in")], 10, "u", "accounted"),
        ([(0, "log-in"), (5, "locked")], 10, "u", "accounted"),
        ([(0, "log-in"), (5, "locked"), (9, "log-in")], 10, "u", "after-lock"),
        ([(0, "log-in"), (5, "locked"), (11, "log-in")], 10, "u", "accounted"),
        ([*FAILED, (0, "log-in")], 10, "u", "after-failed-log-ins"),
        ([(-660.001, "failed"), *FAILED[1:], (0, "log-in")], 10, "u", "accounted"),
        ([*FAILED, (-50, "locked"), (0, "log-in")], 10, "u", "after-lock"),
    ],
)
def test_why_is_the_first_that_holds(told: list[tuple[float, Said]], at: float, account: str | None, word: str) -> None:
    assert why(told, at, account) == word


def test_every_scene_occurs_in_some_hours_of_a_ward() -> None:
    truth: list[dict[str, Any]] = []
    for seed, alarms in ((1, 40), (2, 40), (3, 40), (4, 40), (5, 400), (6, 400)):
        ward = Ward(Plan(seed=seed, beds=6, report_seconds=0, lasts=6 * HOUR * SECOND, alarms_per_bed_day=alarms))
        for _ in ward.records():
            pass
        truth += ward.truth() + ward.rest_of_truth()
    seen = Counter(
        (one["rule"], one["body"].get(name)) for one in truth for name in ("why", "change", "what", "how_ended", "level")
    )
    assert {word for rule, word in seen if rule == "control"} >= {
        "accounted", "history-short", "after-lock", "after-failed-log-ins",
        "audio-off", "paused", "limits-wider", "condition-disabled", "command",
    }  # fmt: skip
    assert {word for rule, word in seen if rule == "silenced"} >= {
        "audio-off", "paused", "condition-disabled", "on", "released", "lost", "notice", "5-min", "30-min", "critical",
    }  # fmt: skip
    assert {word for rule, word in seen if rule == "barriers"} >= {"failed-log-ins", "locked"}
    assert {word for rule, word in seen if rule == "presence"} >= {"log-out", None}
