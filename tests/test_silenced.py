"""Alarming is off where a patient is being monitored: each clause of the rule, and each boundary on both sides."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.facts import SECOND, Limit
from hubapp.findings import Finding, finding_id
from hubapp.thresholds import PresenceThresholds, SilencedThresholds, Thresholds
from tests.folding import folded, hear, in_two, in_two_parts, of_patient
from tests.timeline import (
    LONG,
    T0,
    Timeline,
    audio,
    back,
    ended,
    latched,
    limits,
    log_in,
    log_out,
    lost,
    placed,
    raised,
    rejected,
    release,
    removed,
    seen,
    session,
    unit,
)

OFF, ON = Limit("spo2-low", lower=85.0, enabled=False), Limit("spo2-low", lower=85.0)
MUST = Thresholds(silenced=SilencedThresholds(must_be_on=("SpO2-Low",)))


def ward() -> Timeline:
    """A patient in bed 1 of the ICU; the monitor's audio and limits are known, and on."""
    line = Timeline().at("-10:00", unit("ICU", "B1"), placed("B1"), seen("S1"), audio("on", discovery=True), session())
    return line.at("-9:00", limits(ON))


def quiet() -> Timeline:
    return ward().at("0:00", audio("off"))


def spans(line: Timeline, **more: Any) -> list[tuple[str, str | None, str | None]]:
    """(start, end, how it ended) of each finding, times as m:ss of the hour."""
    found = line.findings("silenced", **more)
    return [(f.start[14:19], f.end[14:19] if f.end else None, f.body["how_ended"]) for f in found]


# Audio off.


def test_audio_off_until_on_again() -> None:
    found = quiet().at("2:00", audio("on")).finding("silenced")
    assert found.body == {
        "what": "audio-off",
        "condition": None,
        "level": "notice",
        "critical_seconds": 0,
        "duration": 120,
        "how_ended": "on",
        "present": [],
    }
    assert (found.start[11:19], found.end and found.end[11:19], found.status) == ("09:00:00", "09:02:00", "final")
    assert (found.patient, found.monitor, found.units, found.bed, found.quality) == ("P1", "M1", ["ICU"], "B1", [])
    assert [e.kind for e in found.evidence] == ["PatientSessionOpened", "MonitorConfigured", "MonitorConfigured"]


def test_while_it_lasts_it_is_provisional_and_has_no_end() -> None:
    found = quiet().finding("silenced", until="1:00")
    assert (found.status, found.end, found.body["duration"], found.body["how_ended"]) == ("provisional", None, None, None)


def test_a_repeat_changes_nothing() -> None:
    line = quiet().at("1:00", audio("off")).at("1:10", seen(), audio("off", discovery=True), session())
    assert spans(line.at("2:00", audio("on")).at("2:01", audio("on"))) == [("00:00", "02:00", "on")]


def test_off_for_no_time_is_no_silence() -> None:
    assert spans(quiet().at("0:00", audio("on"))) == []


def test_audio_off_ends_where_it_becomes_a_pause() -> None:
    line = quiet().at("1:00", audio("paused")).at("3:01", audio("on"))
    assert spans(line) == [("00:00", "01:00", "on"), ("01:00", "03:01", "on")]


def test_the_first_word_of_a_monitor_counts_here() -> None:
    assert spans(Timeline().at("0:00", session()).at("1:00", audio("off")).at("2:00", audio("on"))) == [("01:00", "02:00", "on")]


def test_a_discovery_ends_what_began_by_hand() -> None:
    assert spans(quiet().at("0:03", seen(), audio("on", discovery=True))) == [("00:00", "00:03", "on")]


# Paused.


@pytest.mark.parametrize(("until", "count"), [("1:59.999", 0), ("2:00", 0), ("2:00.001", 1)])
def test_a_pause_of_exactly_two_minutes_is_none(until: str, count: int) -> None:
    assert len(ward().at("0:00", audio("paused")).at(until, audio("on")).findings("silenced")) == count
    assert len(ward().at("0:00", audio("paused")).findings("silenced", until=until)) == count


@pytest.mark.parametrize(("again", "expected"), [
    ("1:19.999", [("00:00", "02:30", "on")]), ("1:20", []), ("1:20.001", []),
])  # fmt: skip
def test_breaks_under_ten_seconds_join(again: str, expected: Any) -> None:
    line = ward().at("0:00", audio("paused")).at("1:10", audio("on")).at(again, audio("paused")).at("2:30", audio("on"))
    assert spans(line) == expected


def test_a_joined_pause_is_final_when_no_break_can_join_any_more() -> None:
    line = ward().at("0:00", audio("paused")).at("3:00", audio("on"))
    assert line.finding("silenced", until="3:10").status == "provisional"
    assert line.finding("silenced", until="3:10.001").status == "final"


def test_many_short_breaks_join() -> None:
    line = ward()
    for minute in range(4):
        line.at(f"{minute}:00", audio("paused")).at(f"{minute}:51", audio("on"))
    assert spans(line) == [("00:00", "03:51", "on")]


def test_paused_then_off_is_a_second_finding() -> None:
    line = ward().at("0:00", audio("paused")).at("3:00", audio("off")).at("4:00", audio("on"))
    assert [(f.body["what"], f.body["how_ended"]) for f in line.findings("silenced")] == [("paused", "on"), ("audio-off", "on")]
    assert spans(line) == [("00:00", "03:00", "on"), ("03:00", "04:00", "on")]


def test_a_short_pause_that_becomes_off_leaves_one_finding() -> None:
    assert spans(ward().at("0:00", audio("paused")).at("1:00", audio("off")).at("4:00", audio("on"))) == [
        ("01:00", "04:00", "on")
    ]


def test_a_pause_counts_from_its_own_start() -> None:
    line = ward().at("0:00", release()).at("0:10", audio("paused")).at("2:00", session()).at("2:11", audio("on"))
    assert spans(line) == [("02:00", "02:11", "on")]
    line = ward().at("0:00", release()).at("0:10", audio("paused")).at("2:00", session()).at("2:10", audio("on"))
    assert spans(line) == []


# A condition disabled.


def test_a_condition_disabled_within_the_session() -> None:
    found = ward().at("0:00", limits(OFF)).at("10:00", limits(ON)).finding("silenced")
    assert (found.body["what"], found.body["condition"], found.body["duration"]) == ("condition-disabled", "spo2-low", 600)
    assert found.evidence[1].used == {"monitor": "M1", "limits": [{"condition": "spo2-low", "upper": None, "lower": 85.0,
                                                                   "enabled": False}]}  # fmt: skip


def test_disabled_before_the_session_it_is_the_wards_habit() -> None:
    line = Timeline().at("-2:00", limits(ON)).at("-1:00", limits(OFF)).at("0:00", session())
    assert spans(line) == []
    assert spans(line, thresholds=MUST) == [("00:00", None, None)]


def test_a_condition_that_was_never_seen_on_was_not_disabled_within_the_session() -> None:
    line = Timeline().at("0:00", session()).at("1:00", limits(OFF)).at("2:00", limits(OFF))
    assert spans(line) == []
    assert spans(line, thresholds=MUST) == [("01:00", None, None)]


def test_disabled_in_an_earlier_session_it_ended_with_that() -> None:
    line = ward().at("0:00", limits(OFF)).at("5:00", release()).at("6:00", session())
    assert spans(line) == [("00:00", "05:00", "released")]
    assert spans(line, thresholds=MUST) == [("00:00", "05:00", "released"), ("06:00", None, None)]


def test_each_condition_is_a_finding_of_its_own() -> None:
    hr = Limit("hr-high", upper=120.0, enabled=False)
    line = ward().at("-5:00", limits(Limit("hr-high", upper=120.0))).at("0:00", limits(OFF, hr)).at("1:00", limits(ON))
    assert [(f.body["condition"], f.body["how_ended"]) for f in sorted(line.findings("silenced"), key=lambda f: str(f.end))] == [
        ("spo2-low", "on"), ("hr-high", None),
    ]  # fmt: skip


def test_what_a_discovery_tells_of_limits_is_state() -> None:
    assert spans(ward().at("0:00", limits(OFF, discovery=True)).at("1:00", limits(ON))) == [("00:00", "01:00", "on")]


# The patient.


def test_from_the_later_of_off_and_the_sessions_start() -> None:
    line = Timeline().at("-2:00", audio("off")).at("0:50", session()).at("3:20", release())
    assert spans(line) == [("00:50", "03:20", "released")]
    assert [e.kind for e in line.finding("silenced").evidence] == [
        "MonitorConfigured", "PatientSessionOpened", "PatientSessionClosed",
    ]  # fmt: skip


def test_while_no_session_is_open_nothing_is_silenced() -> None:
    assert spans(Timeline().at("0:00", seen(), audio("off", discovery=True)).at("9:00", audio("on"))) == []
    assert spans(ward().at("-1:00", release()).at("0:00", audio("off")).at("9:00", audio("on"))) == []


def test_a_session_that_was_never_seen_to_open_is_known_by_the_patients_first_alarm() -> None:
    line = Timeline().at("0:00", audio("off")).at("1:00", raised()).at("2:00", session()).at("3:00", release())
    assert spans(line) == [("01:00", "03:00", "released")]


def test_another_patients_opening_ends_it_and_begins_theirs() -> None:
    found = quiet().at("5:00", session("P2")).findings("silenced")
    assert [(f.patient, f.body["how_ended"]) for f in found] == [("P1", "released"), ("P2", None)]


@pytest.mark.parametrize("patient", ["P1", " p1 ", None])
def test_a_session_told_again_or_closed_in_other_words_is_the_same(patient: str | None) -> None:
    assert spans(quiet().at("1:00", session(" p1 ")).at("2:00", release(patient))) == [("00:00", "02:00", "released")]


def test_a_close_that_names_another_patient_closes_nothing() -> None:
    found = quiet().at("2:00", release("P2")).at("3:00", audio("on")).finding("silenced")
    assert (found.body["duration"], found.quality) == (180, ["patient-conflict"])


def test_a_rejected_admission_is_no_patient() -> None:
    assert spans(Timeline().at("0:00", audio("off")).at("1:00", rejected())) == []


# The monitor lost.


def test_it_ends_at_a_loss_and_a_new_one_begins_at_the_return() -> None:
    line = quiet().at("1:00", lost()).at("3:00", back()).at("4:00", audio("on"))
    assert spans(line) == [("00:00", "01:00", "lost"), ("03:00", "04:00", "on")]


@pytest.mark.parametrize("life", [seen("S1"), session(), raised("hr-high", monitor=None), removed(), audio("off")])
def test_any_record_of_the_monitor_or_its_sensors_is_the_return(life: Any) -> None:
    assert spans(quiet().at("1:00", lost()).at("3:00", life)) == [("00:00", "01:00", "lost"), ("03:00", None, None)]


def test_back_with_audio_on_there_is_no_second() -> None:
    line = quiet().at("1:00", lost()).at("3:00", seen(), audio("on", discovery=True))
    assert spans(line) == [("00:00", "01:00", "lost")]


@pytest.mark.parametrize(("told", "count"), [("3:04.999", 1), ("3:05", 1), ("3:05.001", 2)])
def test_a_discovery_within_five_seconds_says_how_the_monitor_was_when_it_was_back(told: str, count: int) -> None:
    line = quiet().at("1:00", lost()).at("3:00", back())
    assert len(line.at(told, audio("on", discovery=True)).findings("silenced")) == count


def test_turned_on_by_hand_right_after_the_return_it_was_off() -> None:
    line = quiet().at("1:00", lost()).at("3:00", back()).at("3:02", audio("on"))
    assert spans(line) == [("00:00", "01:00", "lost"), ("03:00", "03:02", "on")]


def test_turned_off_while_it_was_lost_it_is_off_from_the_return() -> None:
    line = ward().at("1:00", lost()).at("3:00", seen(), audio("off", discovery=True))
    assert spans(line) == [("03:00", None, None)]


@pytest.mark.parametrize(("on", "count"), [("2:00", 0), ("2:00.001", 1)])
def test_a_pause_over_a_loss_counts_from_its_own_start(on: str, count: int) -> None:
    line = ward().at("0:00", audio("paused")).at("1:00", lost()).at("1:30", back()).at(on, audio("on"))
    assert spans(line) == [("01:30", "02:00", "on")] * count


def test_a_condition_that_is_still_disabled_at_the_return_is_a_new_finding() -> None:
    line = ward().at("0:00", limits(OFF)).at("1:00", lost()).at("3:00", back()).at("9:00", limits(ON))
    assert spans(line) == [("00:00", "01:00", "lost"), ("03:00", "09:00", "on")]


def test_released_while_lost_it_ended_at_the_loss() -> None:
    assert spans(quiet().at("1:00", lost()).at("3:00", release())) == [("00:00", "01:00", "lost")]


def test_back_with_another_patient_it_is_theirs() -> None:
    found = quiet().at("1:00", lost()).at("3:00", session("P2")).findings("silenced")
    assert [(f.patient, f.start[14:19]) for f in found] == [("P1", "00:00"), ("P2", "03:00")]


@pytest.mark.parametrize("cause", ["disconnect", "reported", "silent"])
def test_every_loss_ends_it(cause: str) -> None:
    assert spans(quiet().at("1:00", lost(cause))) == [("00:00", "01:00", "lost")]


@pytest.mark.parametrize(("told", "end"), [("1:20", "01:20"), ("10:59.999", "10:59"), ("11:00", "01:00")])
def test_a_loss_that_is_told_counts_from_its_own_time_where_there_was_a_silence_before(told: str, end: str) -> None:
    found = quiet().at("0:50", raised()).at("1:00", lost("silent")).at(told, lost()).finding("silenced")
    assert found.end is not None and (found.end[14:19], found.body["how_ended"]) == (end, "lost")
    assert found.body["critical_seconds"] == pytest.approx(found.body["duration"] - 50)


def test_heard_of_after_a_silence_a_told_loss_is_another() -> None:
    line = quiet().at("1:00", lost("silent")).at("1:10", back()).at("1:20", lost())
    assert spans(line) == [("00:00", "01:00", "lost"), ("01:10", "01:20", "lost")]


def test_a_break_over_a_loss_joins_no_more() -> None:
    line = ward().at("0:00", audio("paused")).at("2:30", audio("on")).at("2:32", lost()).at("2:34", back())
    line.at("2:36", audio("paused")).at("3:00", audio("on"))
    assert spans(line) == [("00:00", "02:30", "on"), ("02:36", "03:00", "on")]


def test_an_alarms_own_time_is_not_when_the_monitor_was_back() -> None:
    line = quiet().at("1:00", lost()).at("2:00", raised("hr-high"), told="2:40")
    assert spans(line) == [("00:00", "01:00", "lost"), ("02:40", None, None)]


@pytest.mark.parametrize(("cause", "until", "status"), [
    ("disconnect", "1:00", "provisional"), ("disconnect", "1:00.001", "final"),
    ("silent", "11:00", "provisional"), ("silent", "11:00.001", "final"),
])  # fmt: skip
def test_it_is_final_when_no_loss_can_be_told_any_more(cause: str, until: str, status: str) -> None:
    assert quiet().at("1:00", lost(cause)).finding("silenced", until=until).status == status


# Level.


@pytest.mark.parametrize(("until", "level"), [
    ("4:59.999", "notice"), ("5:00", "notice"), ("5:00.001", "5-min"),
    ("29:59.999", "5-min"), ("30:00", "5-min"), ("30:00.001", "30-min"),
])  # fmt: skip
def test_exactly_five_or_thirty_minutes_is_the_lower_level(until: str, level: str) -> None:
    assert quiet().at(until, audio("on")).body("silenced")["level"] == level
    assert quiet().body("silenced", until=until)["level"] == level


def test_critical_is_the_highest() -> None:
    body = quiet().at("40:00", raised()).at("40:10", ended()).at("50:00", audio("on")).body("silenced")
    assert (body["level"], body["critical_seconds"]) == ("critical", 10)


@pytest.mark.parametrize(("priority", "level"), [("HI", "critical"), ("ME", "critical"), ("LO", "notice"), ("NONE", "notice")])
def test_an_active_condition_of_high_or_medium_priority_makes_it_critical(priority: str, level: str) -> None:
    line = quiet().at("0:10", raised(priority=priority)).at("0:30", ended(priority=priority)).at("1:00", audio("on"))
    body = line.body("silenced")
    assert (body["level"], body["critical_seconds"]) == (level, 20 if level == "critical" else 0)


def test_technical_conditions_count_too_also_those_of_the_monitor_alone() -> None:
    line = quiet().at("0:10", raised("battery-low", kind="technical", patient=None, device="M1", priority="ME"))
    assert line.body("silenced")["level"] == "critical"


def test_active_before_it_and_after_it_it_counts_for_what_it_lasts() -> None:
    line = ward().at("-1:00", raised()).at("0:00", audio("off")).at("1:00", audio("on")).at("2:00", ended())
    found = line.finding("silenced")
    assert found.body["critical_seconds"] == 60
    assert "AlarmRaised" in {e.kind for e in found.evidence}


@pytest.mark.parametrize(("begins", "ends"), [("-1:00", "0:00"), ("1:00", "2:00")])
def test_an_alarm_that_only_touches_it_is_not_meanwhile(begins: str, ends: str) -> None:
    line = ward().at(begins, raised())
    line = line.at("0:00", audio("off")).at("1:00", audio("on")).at(ends, ended())
    body = line.body("silenced")
    assert (body["level"], body["critical_seconds"]) == ("notice", 0)


def test_alarms_that_overlap_count_once() -> None:
    line = quiet().at("0:10", raised()).at("0:20", raised("hr-high", device="S2"))
    line.at("0:30", ended()).at("0:40", ended("hr-high", device="S2")).at("1:00", audio("on"))
    assert line.body("silenced")["critical_seconds"] == 30


def test_one_that_becomes_serious_counts_from_then_on() -> None:
    line = quiet().at("0:10", raised(priority="LO")).at("0:10", raised(priority="ME"), told="0:30")
    assert line.at("0:50", ended(priority="ME")).at("1:00", audio("on")).body("silenced")["critical_seconds"] == 20


def test_a_latched_signal_is_not_active() -> None:
    line = quiet().at("0:10", raised()).at("0:20", latched()).at("1:00", audio("on"))
    assert line.body("silenced")["critical_seconds"] == 10


def test_while_an_alarm_is_on_the_level_is_known_and_the_seconds_are_those_before() -> None:
    body = quiet().at("0:10", raised()).body("silenced", until="0:20")
    assert (body["level"], body["critical_seconds"]) == ("critical", 0)


def test_meanwhile_is_by_when_things_were_sent() -> None:
    line = quiet().at("0:10", raised(), told="0:20").at("0:30", ended(), told="0:50").at("1:00", audio("on"))
    assert line.body("silenced")["critical_seconds"] == 30


def test_another_patients_alarm_is_not_counted() -> None:
    line = quiet().at("0:10", raised(patient="P2", monitor="M2", device="S2")).at("1:00", audio("on"))
    assert line.body("silenced")["level"] == "notice"


def test_an_alarm_in_the_joined_break_and_before_the_two_minutes_counts() -> None:
    line = ward().at("0:00", audio("paused")).at("0:10", raised()).at("1:10", audio("on")).at("1:12", ended())
    assert line.at("1:15", audio("paused")).at("2:30", audio("on")).body("silenced")["critical_seconds"] == 62


def test_another_patients_alarm_on_this_monitor_is_not_counted() -> None:
    line = quiet().at("0:10", raised(patient="P2")).at("1:00", audio("on"))
    assert line.body("silenced")["level"] == "notice"


def test_the_first_alarm_is_its_evidence() -> None:
    line = quiet().at("0:10", raised()).at("0:20", ended()).at("0:30", raised("hr-high")).at("1:00", audio("on"))
    alarms = [e.used["condition"] for e in line.finding("silenced").evidence if e.kind == "AlarmRaised"]
    assert alarms == ["spo2-low"]


def test_an_alarm_that_a_list_takes_up_again_is_active_from_that_list_on() -> None:
    line = quiet().at("0:10", raised()).at("0:20", ended()).at("0:10", raised(listed=True), told="0:40")
    assert line.at("0:50", ended()).at("1:00", audio("on")).body("silenced")["critical_seconds"] == 20


# Who was authenticated.


def test_present_are_those_when_it_began() -> None:
    line = ward().at("-1:00", log_in("ann")).at("0:00", audio("off")).at("0:10", log_out("ann")).at("0:20", log_in("bob"))
    assert line.at("1:00", audio("on")).body("silenced")["present"] == [{"account": "ann", "id": None}]


def test_of_one_that_was_off_before_the_session_when_that_began() -> None:
    line = Timeline().at("-2:00", audio("off"), log_in("ann")).at("-1:00", log_out("ann"), log_in("bob")).at("0:00", session())
    assert [one["account"] for one in line.body("silenced")["present"]] == ["bob"]


def test_of_a_pause_when_it_was_paused() -> None:
    line = ward().at("-1:00", log_in("ann")).at("0:00", audio("paused")).at("1:00", log_out("ann")).at("3:00", audio("on"))
    assert [one["account"] for one in line.body("silenced")["present"]] == ["ann"]


def test_shared_accounts_are_marked_and_twenty_listed() -> None:
    shared = Thresholds(presence=PresenceThresholds(shared_accounts=("ward",)))
    line = ward().at("-1:00", log_in("ward"), *(log_in(f"u{n:02}") for n in range(25))).at("0:00", audio("off"))
    found = line.finding("silenced", thresholds=shared)
    assert found.quality == ["shared-account"]
    assert [one["account"] for one in found.body["present"]] == [f"u{n:02}" for n in range(20)]


def test_a_log_out_told_late_decides_who_was_there() -> None:
    day = Thresholds(presence=PresenceThresholds(session_days=1.0))
    line = ward().at("-24:01:00", log_in("ann")).at("0:00", audio("off")).at("1:00", audio("on")).at("2:00", log_out("ann"))
    assert [one["account"] for one in line.body("silenced", thresholds=day)["present"]] == ["ann"]


def test_until_a_log_out_can_say_no_more_who_was_there_it_is_provisional() -> None:
    day = Thresholds(presence=PresenceThresholds(session_days=1.0))
    line = ward().at("-24:01:00", log_in("ann")).at("0:00", audio("off")).at("1:00", audio("on"))
    assert line.finding("silenced", until="9:00", thresholds=day).status == "provisional"
    assert line.finding("silenced", until="9:00.001", thresholds=day).status == "final"
    assert line.body("silenced", thresholds=day)["present"] == []


# The envelope.


def test_marks_of_its_records_are_its_own() -> None:
    found = ward().at("0:00", audio("off", quality=("clock-ahead",))).at("1:00", audio("on", quality=("late",)))
    assert found.finding("silenced").quality == ["clock-ahead", "late"]


def test_a_monitor_without_a_place_is_unplaced() -> None:
    found = Timeline().at("0:00", session(), audio("off")).finding("silenced")
    assert (found.quality, found.units, found.bed) == (["unplaced"], [], None)


def test_the_place_may_be_learnt_later() -> None:
    line = Timeline().at("0:00", session(), audio("off")).at("1:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"))
    assert line.finding("silenced").units == ["ICU"]


def test_the_id_holds_patient_monitor_what_and_condition() -> None:
    assert quiet().finding("silenced").id == finding_id("silenced", "p1\nm1\naudio-off\n", T0)
    assert ward().at("0:00", limits(OFF)).finding("silenced").id == finding_id(
        "silenced", "p1\nm1\ncondition-disabled\nspo2-low", T0
    )


def test_the_thresholds_that_it_went_by_are_in_its_version() -> None:
    assert quiet().finding("silenced").rule_version != quiet().finding("silenced", thresholds=MUST).rule_version


def test_three_monitors_of_a_ward_as_a_hospital_sent_them() -> None:
    """Told by several sources, set before anybody was there, paused with a short break."""
    line = Timeline().at("-5:30", seen("S1"), audio("on", discovery=True)).at("-5:00", session())
    line.at("-1:40", log_in("u25")).at("-1:20", seen(monitor="M2"), audio("off", discovery=True, monitor="M2"))
    line.at("0:00", audio("off")).at("0:50", session("P2", monitor="M2")).at("2:00", seen("S1"), audio("off", discovery=True))
    line.at("2:00.300", session()).at("2:01", audio("off")).at("3:20", release("P2", monitor="M2"))
    line.at("6:40", audio("on")).at("6:41", audio("on"))
    one, two = line.findings("silenced")
    assert (one.patient, one.body["duration"], one.body["level"], one.body["how_ended"]) == ("P1", 400, "5-min", "on")
    assert (two.patient, two.body["duration"], two.body["level"], two.body["how_ended"]) == ("P2", 150, "notice", "released")
    assert one.body["present"] == [{"account": "u25", "id": None}]


# What is remembered.


def test_who_was_there_is_kept_when_it_is_known() -> None:
    rule, scene = folded(ward().at("-168:01:00", log_in("ann", service="older")).at("0:00", audio("off")), "silenced")
    assert len(rule.items["m1"].silences[0].present.doubts) == 1
    hear(rule, scene, Timeline().at("2:00", log_out("ann", service="older")).facts)
    assert [one.account for one in rule.items["m1"].silences[0].present.people] == ["ann"]


def test_of_an_alarm_only_the_newest_episode_is_remembered() -> None:
    line = ward()
    for minute in range(20):
        line.at(f"{minute}:00", raised()).at(f"{minute}:30", ended())
    assert len(folded(line, "silenced")[0].items["m1"].alarms) == 1


def test_where_nothing_is_on_nothing_is_remembered() -> None:
    line = quiet().at("0:10", raised()).at("0:20", ended()).at("1:00", audio("paused")).at("2:00", audio("on"))
    rule, _ = folded(line.at("3:00", release()), "silenced")
    assert not rule.over("m1", LONG)
    assert rule.over("m1", LONG + 31 * 86_400 * SECOND)


def test_a_pause_without_a_patient_is_remembered_while_it_may_be_joined() -> None:
    rule, _ = folded(Timeline().at("0:00", audio("paused")).at("1:00", audio("on")), "silenced")
    assert not rule.over("m1", T0 + 60 * SECOND)
    assert rule.over("m1", T0 + 2 * 86_400 * SECOND)


# Laws.


def act(draw: Random, number: int) -> Any:
    here = {"monitor": f"M{number}"}
    name = f"P{number}"
    return draw.choice((
        lambda: audio(draw.choice(("on", "paused", "paused", "off")), discovery=draw.random() < 0.3, **here),
        lambda: audio(draw.choice(("on", "paused", "off")), **here),
        lambda: limits(draw.choice((OFF, ON)), discovery=draw.random() < 0.2, **here),
        lambda: session(name, **here),
        lambda: release(draw.choice((None, name, "P9")), **here),
        lambda: lost(draw.choice(("disconnect", "silent")), **here),
        lambda: back(**here),
        lambda: raised(draw.choice(("spo2-low", "hr-high")), patient=name, device=f"S{number}", priority="ME", **here),
        lambda: ended(draw.choice(("spo2-low", "hr-high")), patient=name, device=f"S{number}", **here),
    ))()  # fmt: skip


def story(seed: int, *numbers: int, count: int = 40) -> Timeline:
    draw, line, second = Random(seed), Timeline(), 0.0
    for _ in range(count):
        second += draw.choice((0.0, 0.5, 4.0, 9.0, 10.0, 40.0, 130.0, 400.0))
        number = draw.choice((1, 2))
        fact = act(draw, number)
        if draw.random() < 0.1:
            line.at(f"0:{second}", draw.choice((log_in, log_out))(draw.choice(("ann", "bob"))))
        elif number in numbers:
            line.at(f"0:{second}", fact)
    return line


def without_place(findings: list[Finding]) -> list[Finding]:
    """Where records stand in their topics is another matter."""
    return [msgspec.structs.replace(f, evidence=[]) for f in findings]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30), st.integers(0, 40))
def test_state_that_was_written_and_read_goes_on_as_if_nothing_had_been(seed: int, cut: int) -> None:
    whole, parts = in_two(story(seed, 1, 2), "silenced", cut)
    assert parts == whole


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30))
def test_what_is_forgotten_was_final(seed: int) -> None:
    """Whatever is dropped at a horizon, all that is found behind it is the same."""
    whole, parts = in_two_parts(story(seed, 1, 2), "silenced")
    assert parts == whole


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30))
def test_another_patient_on_another_monitor_changes_nothing(seed: int) -> None:
    both = of_patient(story(seed, 1, 2).findings("silenced"), "P1")
    assert without_place(both) == without_place(of_patient(story(seed, 1).findings("silenced"), "P1"))
