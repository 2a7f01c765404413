"""Nobody was authenticated in a unit while it alarmed."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.chronicle.chronicle import Chronicle
from hubapp.chronicle.oracle import fold, heard_by_the_house
from hubapp.facts import SECOND
from hubapp.findings import Finding
from hubapp.rules.coverage import Coverage
from hubapp.thresholds import PresenceThresholds, SessionDays, Thresholds, UnitThresholds, digest
from hubapp.ward.oracle import events, shorts
from tests.timeline import (
    LONG,
    Timeline,
    back,
    bed,
    ended,
    instant,
    iso,
    locked,
    log_in,
    log_out,
    lost,
    placed,
    raised,
    release,
    rules,
    session,
    unit,
)

HOURS = 3_600 * SECOND
STAFFED = {"ICU": UnitThresholds(staffed=True)}
SET = Thresholds(units=STAFFED, presence=PresenceThresholds(session_days=1.0))
SHARED = Thresholds(units=STAFFED, presence=PresenceThresholds(session_days=1.0, shared_accounts=("station",)))
LONG_BEFORE = "-25:00:00"


def ward() -> Timeline:
    """Two units, of which one is staffed; enough was read of the past; everybody has gone."""
    line = Timeline().at(LONG_BEFORE, log_in(place="ICU")).at("-20:00:00", log_out())
    return line.at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), placed("B2", serial="M2"))


def alarmed(until: str | None = "2:00") -> Timeline:
    line = ward().at("0:00", raised())
    return line.at(until, ended()) if until else line


def episodes(line: Timeline, until: str | None = None, thresholds: Thresholds = SET) -> list[Finding]:
    return [one for one in line.findings("coverage", until, thresholds) if one.body["episode"] is not None]


def hours(line: Timeline, until: str | None = None, thresholds: Thresholds = SET) -> list[tuple[str, Any, Any]]:
    found = [one for one in line.findings("coverage", until, thresholds) if one.body["episode"] is None]
    return [(one.start[11:16], one.body["uncovered_minutes"], one.body["alarm_minutes"]) for one in found]


def uncovered(line: Timeline, until: str | None = None, thresholds: Thresholds = SET) -> list[Any]:
    return [one.body["uncovered"] for one in episodes(line, until, thresholds)]


# Of an episode.


def test_nobody_authenticated_while_it_alarms() -> None:
    [found] = episodes(alarmed())
    assert found.body == {
        "episode": alarmed().finding("episodes").id, "uncovered": 120.0, "uncovered_minutes": None, "alarm_minutes": None,
    }  # fmt: skip
    assert (found.units, found.bed, found.monitor, found.device, found.patient) == (["ICU"], "B1", "M1", "S1", "P1")
    assert (found.start, found.end, found.status) == (iso(instant("0:00")), iso(instant("2:00")), "final")
    assert [one.kind for one in found.evidence] == ["AlarmRaised", "AlarmEnded"]


def test_it_is_told_when_the_grace_has_passed_and_open_until_somebody_comes_or_it_ends() -> None:
    line = alarmed(None)
    assert episodes(line, "0:30") == []
    [found] = episodes(line, "0:30.001")
    assert (found.body["uncovered"], found.end, found.status) == (None, None, "provisional")
    line.at("5:00", log_in())
    [found] = episodes(line, "9:00")
    assert (found.body["uncovered"], found.end, found.status) == (300.0, iso(instant("5:00")), "final")
    assert found.evidence[-1].kind == "SessionOpened"


@pytest.mark.parametrize(("at", "found"), [("0:29.999", []), ("0:30", []), ("0:30.001", [30.001])])
def test_a_session_exactly_at_the_end_of_the_grace_covers(at: str, found: list[float]) -> None:
    assert uncovered(alarmed().at(at, log_in())) == found


@pytest.mark.parametrize(("until", "found"), [("0:29.999", []), ("0:30", []), ("0:30.001", [30.001])])
def test_the_alarm_must_last_for_longer_than_the_grace(until: str, found: list[float]) -> None:
    assert uncovered(alarmed(until)) == found


@pytest.mark.parametrize(("out", "found"), [("-0:00.001", [120.0]), ("0:00", []), ("0:00.001", [])])
def test_a_session_that_ends_exactly_at_the_onset_covers(out: str, found: list[float]) -> None:
    assert uncovered(alarmed().at("-1:00", log_in(place="ICU")).at(out, log_out())) == found


@pytest.mark.parametrize(
    ("at", "found"),
    [("-24:00:00.001", [120.0]), ("-24:00:00", []), ("-23:59:59.999", [])],
)
def test_a_session_is_assumed_to_end(at: str, found: list[float]) -> None:
    assert uncovered(alarmed().at(at, log_in("ann"))) == found


def test_a_log_out_after_the_assumed_end_tells_that_somebody_was_there() -> None:
    line = alarmed().at("-24:05:00", log_in("ann"))
    assert uncovered(line) == [120.0]
    assert uncovered(line.at("1:00", log_out("ann"))) == []


@pytest.mark.parametrize(
    ("place", "covers"),
    [("ICU", True), ("icu ", True), ("B1", True), ("ER", False), ("B2", False), (None, True), ("a door", True)],
)
def test_a_session_of_unknown_place_covers_every_unit_and_one_elsewhere_none(place: str | None, covers: bool) -> None:
    assert (uncovered(alarmed().at("-1:00", log_in(place=place))) == []) == covers


def test_a_place_that_is_learnt_later_is_known_then() -> None:
    line = alarmed().at("-1:00", log_in(place="Room 7"))
    assert uncovered(line) == []
    assert uncovered(line.at("1:00", unit("OR", "B7"), bed("B7", "Room 7"))) == [120.0]


def test_a_log_in_again_covers_that_place_too() -> None:
    line = alarmed().at("-1:00", log_in(place="ER"))
    assert uncovered(line.at("0:50", log_in(place="ICU"))) == [50.0]


def test_a_lock_or_a_log_out_brings_nobody() -> None:
    assert uncovered(alarmed().at("0:10", locked(), log_out())) == [120.0]


@pytest.mark.parametrize("priority", ["HI", "ME"])
def test_alarms_of_high_and_medium_priority_count(priority: str) -> None:
    assert uncovered(ward().at("0:00", raised(priority=priority)).at("2:00", ended())) == [120.0]


@pytest.mark.parametrize(
    "alarm", [raised(priority="LO"), raised("lead-off", kind="technical", signal="only"), raised(monitor="M2", device="S2")]
)
def test_others_and_those_of_units_that_are_not_staffed_do_not(alarm: Any) -> None:
    line = ward().at("0:00", alarm)
    assert line.findings("coverage", thresholds=SET) == []


def test_a_priority_that_rises_counts_from_then() -> None:
    line = ward().at("0:00", raised(priority="LO")).at("1:00", raised(priority="ME")).at("3:00", ended())
    assert uncovered(line) == [120.0]
    assert uncovered(line.at("1:30", log_in())) == []


def test_nothing_is_concluded_from_an_alarm_that_was_told_late() -> None:
    late = ward().at("0:00", raised(listed=True), told="1:00.001").at("5:00", ended())
    in_time = ward().at("0:00", raised(listed=True), told="1:00").at("5:00", ended())
    assert late.findings("coverage", thresholds=SET) == []
    assert uncovered(in_time) == [240.0]


def test_a_bed_in_two_staffed_units_has_a_finding_for_each() -> None:
    both = msgspec.structs.replace(SET, units={**STAFFED, "ER": UnitThresholds(staffed=True)})
    line = ward().at("-8:00", unit("ER", "B1", "B2")).at("0:00", raised()).at("2:00", ended())
    line.at("1:00", log_in(place="ER"))
    assert [(one.units, one.body["uncovered"]) for one in sorted(episodes(line, None, both), key=lambda one: one.units)] == [
        (["ER"], 60.0),
        (["ICU"], 120.0),
    ]


def test_what_stands_in_no_unit_has_none_until_it_is_told() -> None:
    line = Timeline().at(LONG_BEFORE, log_in()).at("-20:00:00", log_out()).at("0:00", raised()).at("2:00", ended())
    line.at("-9:00", unit("ER", "B2"), unit("OR", "B3"))
    assert line.findings("coverage", thresholds=SET) == []
    assert uncovered(line.at("3:00", unit("ICU", "B1"), placed("B1"))) == [120.0]


def test_what_a_lost_monitor_ended_was_over_when_it_was_lost() -> None:
    assert uncovered(alarmed(None).at("1:00", lost())) == [60.0]
    assert uncovered(alarmed(None).at("0:20", lost())) == []
    assert uncovered(alarmed(None).at("0:20", lost()).at("0:40", back()).at("2:00", ended())) == [120.0]


def test_an_alarm_that_is_taken_up_again_was_on_but_in_hours_that_were_told_for_good() -> None:
    line = alarmed(None).at("0:30:00", lost()).at("0:45:00", back()).at("0:50:00", ended())
    assert (uncovered(line), hours(line)) == ([3_000.0], [("09:00", 50.0, 50.0)])
    line = alarmed(None).at("0:30:00", lost()).at("1:10:00", back()).at("1:20:00", ended())
    assert hours(line) == [("09:00", 60.0, 60.0), ("10:00", 20.0, 20.0)]
    line = alarmed(None).at("0:30:00", lost()).at("1:10:00.001", back()).at("1:20:00", ended())
    assert hours(line) == [("09:00", 30.0, 30.0), ("10:00", 20.0, 20.0)]
    assert hours(alarmed(None).at("0:30:00", lost()).at("3:30:00", back()).at("3:40:00", ended())) == [
        ("09:00", 30.0, 30.0),
        ("12:00", 40.0, 40.0),
    ]


# Before enough was read.


@pytest.mark.parametrize(("began", "found"), [("-23:59:59", []), ("-24:00:00", []), ("-24:00:01", [120.0])])
def test_before_session_days_of_history_nothing_is_found(began: str, found: list[float]) -> None:
    line = Timeline().at(began, log_out()).at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"))
    line.at("0:00", raised()).at("2:00", ended())
    assert uncovered(line) == found
    assert (hours(line) == []) == (found == [])


def test_each_service_that_was_seen_needs_its_own_history() -> None:
    line = alarmed().at("-12:00:00", log_out(service="older"))
    assert line.findings("coverage", thresholds=SET) == []
    shorter = PresenceThresholds(session_days=SessionDays(older=0.4, newer=1.0))
    assert uncovered(line, None, Thresholds(units=STAFFED, presence=shorter)) == [120.0]


def test_where_no_record_of_authentication_was_ever_read_nothing_is_found() -> None:
    line = Timeline().at("-9:00", unit("ICU", "B1"), placed("B1")).at("0:00", raised()).at("2:00", ended())
    assert line.findings("coverage", thresholds=SET) == []


# Shared accounts.


def only_shared() -> Timeline:
    """The one log-in of the last day is the station's, and it is over."""
    line = Timeline().at("-48:00:00", log_in("ann")).at("-47:00:00", log_out("ann")).at("-24:30:00", log_in("station"))
    line.at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"))
    return line.at("0:00", raised()).at("2:00", ended())


def test_a_unit_whose_only_account_is_shared_is_not_judged() -> None:
    line = only_shared()
    assert episodes(line, None, SHARED) == []
    assert hours(line, None, SHARED) == [("09:00", None, 2.0)]
    assert line.finding("coverage", None, SHARED).quality == ["shared-account"]


def test_one_person_s_session_there_or_anywhere_unknown_makes_it_judged() -> None:
    assert uncovered(only_shared().at("-5:00:00", log_in("ann")).at("-4:00:00", log_out("ann")), None, SHARED) == [120.0]
    elsewhere = only_shared().at("-5:00:00", log_in("ann", place="ER")).at("-4:00:00", log_out("ann"))
    assert uncovered(elsewhere, None, SHARED) == []


def test_without_any_session_it_is_judged() -> None:
    line = Timeline().at("-72:00:00", log_in("station")).at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"))
    assert uncovered(line.at("0:00", raised()).at("2:00", ended()), None, SHARED) == [120.0]


def test_a_shared_session_that_is_open_covers() -> None:
    assert uncovered(alarmed().at("-1:00", log_in("station")).at("-0:30", log_out("station")), None, SHARED) == []


# Of a unit and an hour.


def test_minutes_are_those_of_a_unit_and_an_hour() -> None:
    found = [one for one in alarmed().findings("coverage", thresholds=SET) if one.body["episode"] is None]
    [one] = found
    assert one.body == {"episode": None, "uncovered": None, "uncovered_minutes": 2.0, "alarm_minutes": 2.0}
    assert (one.patient, one.monitor, one.device, one.bed, one.account, one.units) == (None, None, None, None, None, ["ICU"])
    assert (one.start, one.end) == (iso(instant("0:00")), iso(instant("1:00:00")))
    assert [copy.kind for copy in one.evidence] == ["AlarmRaised"]


def test_alarms_at_the_same_time_are_counted_once() -> None:
    line = alarmed().at("1:00", raised("hr-high")).at("4:00", ended("hr-high"))
    assert hours(line) == [("09:00", 4.0, 4.0)]


def test_every_second_without_a_session_counts_from_the_first() -> None:
    line = alarmed("10:00").at("0:20", log_in(place="ICU")).at("1:00", log_out()).at("1:30", log_in(place="ER"))
    line.at("9:00", log_in("ann"))
    assert hours(line) == [("09:00", (20 + 8 * 60) / 60, 10.0)]


def test_an_alarm_over_several_hours_is_in_each_and_an_hour_without_one_has_no_row() -> None:
    line = alarmed("2:15:00").at("4:00:00", raised()).at("4:01:00", ended())
    assert hours(line) == [("09:00", 60.0, 60.0), ("10:00", 60.0, 60.0), ("11:00", 15.0, 15.0), ("13:00", 1.0, 1.0)]


def test_one_that_ends_exactly_with_the_hour_is_not_in_the_next() -> None:
    assert [start for start, *_ in hours(alarmed("1:00:00"))] == ["09:00"]
    assert [start for start, *_ in hours(alarmed("1:00:00.001"))] == ["09:00", "10:00"]


def test_a_row_is_told_when_the_hour_has_passed_and_final_at_the_hour_and_the_lateness() -> None:
    line = alarmed(None)
    assert hours(line, "1:00:00") == []
    assert hours(line, "1:00:00.001") == [("09:00", 60.0, 60.0)]

    def status(until: str) -> list[str]:
        return [one.status for one in line.findings("coverage", until, SET) if one.body["episode"] is None]

    assert (status("1:10:00"), status("1:10:00.001")) == (["provisional"], ["final"])


def test_an_alarm_that_lasts_has_a_row_for_each_hour_though_nothing_is_heard() -> None:
    assert len(hours(alarmed(None), "23:00:00.001")) == 23


def conclude(line: Timeline, *watermarks: str) -> list[Finding]:
    """What a worker says, at each of the *watermarks*, when it has let go of what is long past."""
    chronicle = Chronicle([Coverage], "test", {digest(SET): SET}, lambda subject: True)
    for fact in filter(heard_by_the_house, line.facts):
        chronicle.hold(fact, digest(SET))
    said: list[Finding] = []
    for one in shorts(line.facts, instant(watermarks[-1]), SET):
        chronicle.tell(one, digest(SET))
    for watermark in map(instant, watermarks):
        said += map(msgspec.structs.replace, chronicle.conclude(watermark))
        chronicle.settle(watermark - 1_260 * SECOND)
    return said


def test_each_row_is_told_once_and_made_final_once_however_long_it_alarms() -> None:
    quarters = [f"{number // 4}:{number % 4 * 15:02d}:01" for number in range(1, 60)]
    rows = [one for one in conclude(alarmed("12:00:00"), *quarters) if one.body["episode"] is None]
    assert [(one.start[11:13], one.status, one.revision) for one in rows] == [
        told for hour in range(9, 21) for told in ((f"{hour:02d}", "provisional", 1), (f"{hour:02d}", "final", 2))
    ]


def test_what_is_remembered_does_not_grow_with_time() -> None:
    line = ward()
    for number in range(300):
        at = 60 * 15 * number
        line.at(str(at), log_in("ann", place="ICU"), raised()).at(str(at + 60), log_out("ann"), ended())
    chronicle = Chronicle([Coverage], "test", {digest(SET): SET}, lambda subject: True)
    for fact in filter(heard_by_the_house, line.facts):
        chronicle.hold(fact, digest(SET))
    for told in shorts(line.facts, instant("80:00:00"), SET):
        chronicle.tell(told, digest(SET))
    sizes = []
    for hour in range(1, 70):
        list(chronicle.conclude(instant(f"{hour}:00:00")))
        chronicle.settle(instant(f"{hour}:00:00") - 1_260 * SECOND)
        sizes.append(len(msgspec.json.encode(chronicle.settled.rules[0].items)))
    assert max(sizes[40:]) <= max(sizes[:40]) * 1.02


# Thresholds, repeats, laws.


def test_an_episode_keeps_the_thresholds_at_its_onset() -> None:
    line = ward().at("-5:00", rules(SET)).at("0:00", raised()).at("0:10", rules(Thresholds())).at("2:00", ended())
    line.at("5:00", raised()).at("7:00", ended())
    known = {digest(one): one for one in (SET, Thresholds())}
    found = fold(events(line.facts, LONG, Thresholds()), [Coverage()], LONG, "test", known)
    assert [one.body["uncovered"] for one in found if one.body["episode"]] == [120.0]


def test_what_is_told_twice_changes_nothing() -> None:
    line, again = alarmed().at("0:40", log_in()), Timeline()
    again.facts = [*line.facts, *(msgspec.structs.replace(fact, index=1) for fact in line.facts)]

    def bodies(of: Timeline) -> list[Any]:
        return [one.body for one in of.findings("coverage", thresholds=SET)]

    assert bodies(again) == bodies(line)


def story(seed: int) -> Timeline:
    draw, line, now = Random(seed), ward(), 0.0
    for _ in range(30):
        now += draw.choice((0.0, 1.0, 20.0, 30.0, 300.0, 1_800.0, 4_000.0))
        name, place, number = draw.choice(("ann", "bob", "station")), draw.choice((None, "ICU", "ER", "B9")), draw.choice("12")
        there = {"monitor": f"M{number}", "device": f"S{number}", "patient": f"P{number}"}
        make: Any = draw.choice((
            lambda n=name, p=place: log_in(n, place=p), lambda n=name: log_out(n), lambda n=name: log_out(n),
            lambda t=there: raised(**t), lambda t=there: ended(**t), lambda t=there: raised("hr-high", priority="ME", **t),
            lambda t=there: ended("hr-high", **t), lambda t=there: raised("hr-high", priority="LO", **t),
            lambda: placed(draw.choice(("B1", "B2"))), lambda: unit("ER", draw.choice(("B1", "B9"))),
            lost, back, release, session,
        ))  # fmt: skip
        line.at(f"{now:.3f}", make())
    return line


def contents(found: list[Finding]) -> dict[str, bytes]:
    return {one.id: msgspec.json.encode(msgspec.structs.replace(one, revision=0, status="final")) for one in found}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 32), st.integers(0, 30))
def test_state_that_is_put_away_and_taken_up_gives_the_same(seed: int, at: int) -> None:
    line = story(seed)
    sent = sorted({fact.sent for fact in line.facts if fact.sent >= instant("0:00")})
    end, cut = sent[-1] + 86_400 * SECOND, sent[min(at, len(sent) - 1)]
    chronicle = Chronicle([Coverage], "test", {digest(SHARED): SHARED}, lambda subject: True)
    for fact in filter(heard_by_the_house, line.facts):
        chronicle.hold(fact, digest(SHARED))
    for one in shorts(line.facts, end, SHARED):
        chronicle.tell(one, digest(SHARED))
    said = list(chronicle.conclude(cut))
    chronicle.settle(cut - 660 * SECOND)
    said += chronicle.conclude(end)
    last = {one.id: one for one in said}
    found = contents([one for one in last.values() if one.status != "retracted"])
    assert found == contents(line.findings("coverage", seconds_of(end), SHARED))


def seconds_of(end: int) -> str:
    return f"{(end - instant('0:00')) / SECOND:.3f}"


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 32))
def test_what_alarms_in_another_unit_changes_nothing(seed: int) -> None:
    line, both = story(seed), story(seed)
    both.at("-9:00", placed("B5", serial="M5"), unit("OR", "B5"))
    line.at("-9:00", placed("B5", serial="M5"), unit("OR", "B5"))
    both.at("0:01", raised(monitor="M5", device="S5", patient="P5")).at("2:00:00", ended(monitor="M5", device="S5", patient="P5"))
    both.at("1:01", log_in("eve", place="OR")).at("2:01:00", log_out("eve"))
    assert contents(both.findings("coverage", thresholds=SET)) == contents(line.findings("coverage", thresholds=SET))
