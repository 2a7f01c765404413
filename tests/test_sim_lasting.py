"""The ground truth of what lasts at a bed, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.alarms import Alarm, Loss
from hubapp.sim.diary import Diary, Stay
from hubapp.sim.lasting import House, monitored, silenced
from hubapp.sim.presence import Presence

T0 = 1_791_795_600 * SECOND
HOUSE = House(Presence(), counted=False, last=T0 + 10_000 * SECOND)


def s(seconds: float) -> Micros:
    return T0 + round(seconds * SECOND)


def diary(**kept: Any) -> Diary:
    """P from 100 s to 1000 s."""
    return Diary("M", "U", **{"stays": [Stay("P", s(100), s(1000))], **kept})


def alarm(priority: str, told: float, ended: float) -> Alarm:
    return Alarm(
        "P", "M", "U", "D", "Nonin 3150", "spo2-low", "physiological", s(told), priority, None,
        priorities=[(s(told), priority)], end_sent=s(ended),
    )  # fmt: skip


def off(kept: Diary) -> list[tuple[Any, ...]]:
    """(what, start, end, how it ended, level), in seconds."""
    return [
        (one["body"]["what"], one["start"], one["end"], one["body"]["how_ended"], one["body"]["level"])
        for one in silenced(kept, HOUSE)
    ]


def test_a_stay_without_the_time_that_the_monitor_was_lost_is_the_time_monitored() -> None:
    (told,) = monitored(diary(losses=[Loss(s(50), s(90)), Loss(s(200), s(260)), Loss(s(1100), s(1200))]))
    assert told["body"] == {"duration": 840.0, "unobserved": 60.0}
    assert (told["start"], told["end"], told["status_expected"]) == (iso(s(100)), iso(s(1000)), "final")


def test_a_patient_who_is_still_there_has_no_duration_yet() -> None:
    (told,) = monitored(diary(stays=[Stay("P", s(100))], losses=[Loss(s(200), s(210))]))
    assert (told["end"], told["status_expected"], told["body"]) == (None, "provisional", {"duration": None, "unobserved": 10.0})


@pytest.mark.parametrize(
    ("audio", "span"),
    [
        ([(0, "off"), (500, "on")], ("audio-off", 100, 500, "on", "5-min")),
        ([(200, "off"), (500, "paused"), (510, "on")], ("audio-off", 200, 500, "on", "notice")),
        ([(900, "off"), (1100, "on")], ("audio-off", 900, 1000, "released", "notice")),
        ([(200, "paused"), (320.001, "on")], ("paused", 200, 320.001, "on", "notice")),
        ([(200, "paused"), (300, "on"), (309, "paused"), (330, "on")], ("paused", 200, 330, "on", "notice")),
        ([(50, "paused"), (171, "on")], ("paused", 100, 171, "on", "notice")),
    ],
)
def test_audio_that_is_off_while_a_patient_is_there_is_found(audio: list[Any], span: tuple[Any, ...]) -> None:
    what, start, end, how, level = span
    assert off(diary(audio=[(s(at), state) for at, state in audio])) == [(what, iso(s(start)), iso(s(end)), how, level)]


@pytest.mark.parametrize(
    "audio",
    [
        [(200, "paused"), (320, "on")],
        [(200, "paused"), (300, "on"), (310, "paused"), (330, "on")],
        [(0, "off"), (100, "on")],
        [(1000, "off")],
    ],
)
def test_a_pause_of_two_minutes_and_what_nobody_was_there_for_is_not(audio: list[Any]) -> None:
    assert off(diary(audio=[(s(at), state) for at, state in audio])) == []


def test_a_lost_monitor_ends_it_and_its_return_begins_another() -> None:
    kept = diary(audio=[(s(200), "off"), (s(400), "off"), (s(450), "on")], losses=[Loss(s(300), s(400))])
    assert [one[1:4] for one in off(kept)] == [(iso(s(200)), iso(s(300)), "lost"), (iso(s(400)), iso(s(450)), "on")]


def test_a_condition_counts_where_it_was_disabled_for_this_patient() -> None:
    assert off(diary(enabled={"spo2-low": [(s(0), True), (s(50), False)]})) == []
    (found,) = off(diary(enabled={"spo2-low": [(s(0), True), (s(150), False), (s(160), True)]}))
    assert found == ("condition-disabled", iso(s(150)), iso(s(160)), "on", "notice")


def test_it_is_critical_while_an_urgent_alarm_goes_on() -> None:
    audio = [(s(200), "off"), (s(400), "on")]
    (told,) = silenced(diary(audio=audio, alarms=[alarm("HI", 150, 210), alarm("ME", 205, 220), alarm("LO", 300, 310)]), HOUSE)
    assert (told["body"]["level"], told["body"]["critical_seconds"]) == ("critical", 20.0)
    (told,) = silenced(diary(audio=audio, alarms=[alarm("HI", 100, 200), alarm("LO", 205, 220)]), HOUSE)
    assert (told["body"]["level"], told["body"]["critical_seconds"]) == ("notice", 0.0)
