"""What hides an alarm that nobody had come to, and how that goes out."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.chronicle.chronicle import Chronicle
from hubapp.facts import SECOND
from hubapp.findings import Finding
from hubapp.rules.masking import Maskings
from hubapp.thresholds import Thresholds, digest
from hubapp.ward.oracle import shorts
from tests.timeline import (
    Timeline,
    audio,
    back,
    change,
    command,
    encounter,
    ended,
    fault,
    instant,
    iso,
    latched,
    log_in,
    lost,
    mended,
    placed,
    raised,
    release,
    removed,
    seen,
    session,
    unit,
)

KNOWN = {digest(Thresholds()): Thresholds()}


def ward() -> Timeline:
    """A patient is monitored, and alarms."""
    return Timeline().at("-9:00", session(), seen("S1"), audio("on")).at("0:00", raised())


def hidden() -> Timeline:
    """The finger clip falls off, and so the alarm ends."""
    return ward().at("0:30", fault()).at("0:30.2", ended())


def outcome(line: Timeline, until: str | None = None) -> Any:
    return line.body("masking", until)["outcome"]


# What a cause is.


def test_a_technical_condition_hides_the_vital_sign_that_it_blanks() -> None:
    line = hidden().at("1:00", mended())
    found = line.finding("masking")
    assert found.body == {
        "episode": line.finding("episodes", device="S1", start=iso(instant("0:00"))).id,
        "outcome": "resolved",
        "cause": "finger-not-detected",
        "later_causes": [],
        "hidden": 30.0,
        "condition": "spo2-low",
        "priority": "HI",
    }
    assert (found.patient, found.monitor, found.device) == ("P1", "M1", "S1")
    assert (found.start, found.end) == (iso(instant("0:30")), iso(instant("1:00")))
    assert found.status == "final"
    assert [one.kind for one in found.evidence] == ["AlarmRaised", "AlarmRaised", "AlarmEnded", "AlarmEnded"]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("low-battery", "Nonin 3150"),
        ("finger-not-detected", "ADAM"),
        ("finger-not-detected", None),
        ("loose-sleeve", "Viatom BP monitor"),
    ],
)
def test_what_blanks_another_vital_sign_hides_nothing(condition: str, code: str | None) -> None:
    assert ward().at("0:30", fault(condition, device_code=code)).findings("masking") == []


@pytest.mark.parametrize("elsewhere", [{"device": "S2"}, {"patient": "P2"}])
def test_a_cause_on_another_device_or_of_another_patient_hides_nothing(elsewhere: dict[str, str]) -> None:
    assert ward().at("0:30", fault(**elsewhere)).findings("masking") == []


def test_a_cause_that_names_no_patient_is_of_whoever_has_the_device() -> None:
    assert outcome(ward().at("0:30", fault(patient=None)), "1:00") is None


def test_names_of_devices_and_patients_compare_without_regard_to_case() -> None:
    assert ward().at("0:30", fault(device=" s1", patient="p1 ", device_code="NONIN 3150")).finding("masking")


def test_a_removed_sensor_hides_until_a_discovery_lists_it() -> None:
    line = ward().at("0:30", removed())
    assert line.body("masking", "1:00")["cause"] == "sensor-removed"
    line.at("1:00", seen("S2")).at("2:00", seen("S1")).at("2:05", removed("S2"))
    assert (outcome(line), line.body("masking")["hidden"]) == ("resolved", 90.0)


def test_a_sensor_that_is_told_twice_to_be_removed_is_one_cause() -> None:
    line = ward().at("0:30", removed()).at("0:33", removed())
    assert line.body("masking")["later_causes"] == []


def test_another_removed_sensor_hides_nothing() -> None:
    assert ward().at("0:30", removed("S2")).findings("masking") == []


def test_a_lost_monitor_hides_all_its_alarms() -> None:
    line = ward().at("0:10", raised("hr-low", device="S2")).at("0:30", lost()).at("1:00", back())
    assert {one.body["condition"] for one in line.findings("masking")} == {"spo2-low", "hr-low"}
    assert {one.body["cause"] for one in line.findings("masking")} == {"monitor-lost"}
    assert ward().at("0:30", lost(monitor="M2")).findings("masking") == []


@pytest.mark.parametrize(("at", "count"), [("0:44.999", 0), ("0:45", 1), ("0:45.001", 1)])
def test_a_monitor_must_be_lost_for_fifteen_seconds(at: str, count: int) -> None:
    line = ward().at("0:30", lost()).at(at, back())
    assert len(line.findings("masking")) == count


def test_while_one_does_not_know_how_long_a_loss_lasts_nothing_is_found() -> None:
    line = ward().at("0:30", lost())
    assert line.findings("masking", "0:45") == []
    assert line.finding("masking", "0:45.001").start == iso(instant("0:30"))


def test_a_loss_that_is_told_takes_the_place_of_a_silence() -> None:
    line = ward().at("0:30", lost("silent")).at("1:10", lost()).at("1:40", back())
    assert (line.finding("masking").start, line.body("masking")["hidden"]) == (iso(instant("1:10")), 30.0)


def test_an_alarm_by_a_lost_monitor_shows_that_it_is_back() -> None:
    line = ward().at("0:30", lost()).at("1:00", raised("hr-low", device="S2"))
    assert line.body("masking")["hidden"] == 30.0


# Which alarms.


@pytest.mark.parametrize(("priority", "count"), [("HI", 1), ("ME", 1), ("LO", 0), ("NONE", 0)])
def test_only_alarms_of_high_or_medium_priority_are_hidden(priority: str, count: int) -> None:
    line = Timeline().at("0:00", raised(priority=priority)).at("0:30", fault())
    assert len(line.findings("masking")) == count


def test_the_priority_is_that_of_the_alarm_when_it_was_hidden() -> None:
    line = Timeline().at("0:00", raised(priority="LO")).at("0:20", raised(priority="ME")).at("0:30", fault())
    assert line.body("masking")["priority"] == "ME"
    assert Timeline().at("0:00", raised(priority="LO")).at("0:30", fault()).at("0:40", raised()).findings("masking") == []


def test_a_technical_alarm_is_not_hidden() -> None:
    line = Timeline().at("0:00", raised("lead-off", kind="technical", signal="only")).at("0:30", lost()).at("1:00", back())
    assert line.findings("masking") == []


def test_nothing_is_concluded_from_an_alarm_or_a_cause_that_was_told_late() -> None:
    late = Timeline().at("0:00", raised(listed=True), told="1:00.001").at("1:30", fault())
    in_time = Timeline().at("0:00", raised(listed=True), told="1:00").at("1:30", fault())
    assert (len(late.findings("masking")), len(in_time.findings("masking"))) == (0, 1)
    assert ward().at("0:30", fault(listed=True), told="1:30.001").findings("masking") == []


@pytest.mark.parametrize(("at", "count"), [("0:34.999", 1), ("0:35", 1), ("0:35.001", 0)])
def test_a_cause_within_five_seconds_of_the_end_is_what_ended_the_alarm(at: str, count: int) -> None:
    assert len(ward().at("0:30", ended()).at(at, fault()).findings("masking")) == count


def test_the_end_is_the_condition_s_also_where_its_signal_stays() -> None:
    assert ward().at("0:30", latched()).at("0:35.001", fault()).findings("masking") == []
    assert ward().at("0:30", latched()).at("0:35", fault()).finding("masking")


def test_a_cause_that_was_there_before_the_alarm_hides_nothing() -> None:
    assert Timeline().at("0:00", fault()).at("0:00.001", raised()).findings("masking") == []


def test_a_cause_exactly_at_the_onset_hides() -> None:
    assert Timeline().at("0:00", raised(), fault()).finding("masking")


def test_times_are_compared_by_when_they_were_sent() -> None:
    assert ward().at("0:30", ended(), told="0:40").at("0:20", fault(), told="0:45").finding("masking")
    assert ward().at("0:30", ended(), told="0:40").at("0:20", fault(), told="0:45.001").findings("masking") == []


def test_an_alarm_whose_end_was_missed_is_hidden_until_the_new_one_is_told() -> None:
    line = ward().at("2:00", fault()).at("2:10", mended()).at("5:00", raised())
    assert outcome(line) == "resolved"
    assert [one.body["ended_by"] for one in line.findings("episodes", start=iso(instant("0:00")))] == ["unseen"]


def test_an_alarm_whose_patient_has_gone_is_not_hidden() -> None:
    assert ward().at("0:28", release(None)).at("0:30", removed()).findings("masking") == []


# Nobody had come.


@pytest.mark.parametrize(
    "act", [audio("paused"), command(), change("ASSIGN_DEVICE_LOCATION_EVENT"), encounter("PATIENT_ADMISSION_DISMISSED")]
)
def test_after_somebody_acted_nothing_is_hidden(act: Any) -> None:
    assert ward().at("0:29.999", act).at("0:30", fault()).findings("masking") == []


def test_who_acts_with_the_cause_or_after_it_was_not_there_before() -> None:
    assert ward().at("0:30", audio("paused"), fault()).finding("masking")
    assert ward().at("0:30", audio("paused"), removed()).finding("masking")
    assert ward().at("0:30", fault()).at("0:30.001", audio("paused")).finding("masking")


def test_a_log_in_is_no_hand() -> None:
    assert ward().at("0:10", log_in()).at("0:30", fault()).finding("masking")


def test_a_hand_between_the_end_and_the_cause_is_none() -> None:
    assert ward().at("0:30", ended()).at("0:31", audio("paused")).at("0:33", fault()).finding("masking")


# How it goes out.


def test_it_is_told_at_once_and_open_until_one_knows() -> None:
    line = hidden()
    assert (outcome(line, "0:30.5"), line.finding("masking", "0:30.5").status) == (None, "provisional")
    line.at("1:00", mended())
    assert (outcome(line, "2:00"), line.finding("masking", "2:00").status) == (None, "provisional")
    assert (outcome(line, "2:00.001"), line.finding("masking", "2:00.001").status) == ("resolved", "final")


@pytest.mark.parametrize(("at", "said"), [("5:29.999", "resolved"), ("5:30", "resolved"), ("5:30.001", "unresolved")])
def test_a_cause_that_lasts_for_over_five_minutes_is_unresolved(at: str, said: str) -> None:
    line = hidden().at(at, mended())
    assert outcome(line) == said


def test_unresolved_is_final_and_counts_five_minutes() -> None:
    line = hidden()
    assert (outcome(line, "5:30"), line.body("masking", "5:30")["hidden"]) == (None, None)
    found = line.finding("masking", "5:30.001")
    assert (found.body["outcome"], found.status, found.body["hidden"], found.end) == ("unresolved", "final", 300.0, None)
    line.at("7:00", raised()).at("8:00", mended())
    assert line.finding("masking").body == found.body


@pytest.mark.parametrize(
    ("at", "said"), [("0:31", "resurfaced"), ("1:59.999", "resurfaced"), ("2:00", "resurfaced"), ("2:00.001", "resolved")]
)
def test_an_alarm_that_is_told_within_a_minute_of_the_end_has_resurfaced(at: str, said: str) -> None:
    line = hidden().at("1:00", mended()).at(at, raised())
    assert outcome(line) == said


def test_an_open_alarm_that_is_reported_again_has_resurfaced() -> None:
    line = ward().at("0:30", fault()).at("0:50", raised()).at("1:00", mended())
    assert (outcome(line), line.body("masking")["hidden"]) == ("resurfaced", 30.0)


def test_it_has_resurfaced_whether_or_not_the_cause_ever_ends() -> None:
    line = hidden().at("0:50", raised())
    assert (outcome(line, "1:00"), line.body("masking", "1:00")["hidden"]) == ("resurfaced", None)
    assert (outcome(line), line.body("masking")["hidden"]) == ("resurfaced", 300.0)


def test_the_second_signal_of_the_alarm_is_no_new_report() -> None:
    line = ward().at("0:00.050", fault()).at("0:00", raised(signal="audible"), told="0:00.100").at("0:20", mended())
    assert outcome(line) == "resolved"


def test_a_list_tells_that_it_is_on_and_a_latch_does_not() -> None:
    listed = hidden().at("0:40", raised(listed=True), told="0:50").at("1:00", mended())
    assert outcome(listed) == "resurfaced"
    assert outcome(ward().at("0:30", fault()).at("0:50", latched()).at("1:00", mended())) == "resolved"


def test_a_list_that_takes_the_ended_alarm_up_again_tells_that_it_is_on() -> None:
    line = hidden().at("0:00", raised(listed=True), told="0:50").at("1:00", mended())
    assert outcome(line) == "resurfaced"


def test_the_condition_on_another_device_of_the_patient_has_resurfaced() -> None:
    line = hidden().at("0:50", raised(device="S2")).at("1:00", mended())
    assert (outcome(line), line.finding("masking").device) == ("resurfaced", "S1")


@pytest.mark.parametrize("other", [raised("pr-low"), raised(patient="P2", device="S2")])
def test_another_condition_or_patient_has_not(other: Any) -> None:
    assert outcome(hidden().at("0:50", other).at("1:00", mended())) == "resolved"


def test_an_alarm_that_was_still_on_when_its_monitor_was_back_and_ended_then_has_resurfaced() -> None:
    def line(at: str) -> Timeline:
        return ward().at("0:30", lost()).at("1:00", back()).at(at, ended())

    assert outcome(line("1:00.001")) == outcome(line("2:00")) == "resurfaced"
    assert outcome(line("2:00.001")) == "resolved"
    ended_first = ward().at("0:30", lost()).at("1:00", ended())
    assert outcome(ended_first) == "resolved"


def test_an_alarm_that_was_on_when_a_technical_condition_was_over_has_not() -> None:
    assert outcome(ward().at("0:30", fault()).at("1:00", mended()).at("1:10", ended())) == "resolved"


def test_a_cause_that_its_lost_monitor_ended_is_not_over() -> None:
    line = hidden().at("0:40", lost())
    assert (outcome(line), line.body("masking")["hidden"]) == ("unresolved", 300.0)


# Planned.


@pytest.mark.parametrize(("at", "count"), [("0:30", 0), ("0:30.001", 0), ("1:29.999", 0), ("1:30", 0), ("1:30.001", 1)])
@pytest.mark.parametrize("gone", [release(), release(None), session("P2")])
def test_where_the_patient_leaves_within_a_minute_it_was_planned(at: str, count: int, gone: Any) -> None:
    assert len(ward().at("0:30", fault()).at(at, gone).findings("masking")) == count


def test_a_release_of_another_patient_or_monitor_says_nothing() -> None:
    assert ward().at("0:30", fault()).at("0:40", release("P2")).at("0:50", release(monitor="M2")).finding("masking")


def told(line: Timeline, *watermarks: str) -> list[Finding]:
    """What a worker says of maskings, at each of the *watermarks*."""
    chronicle = Chronicle([Maskings], "test", dict(KNOWN), lambda subject: True)
    said: list[Finding] = []
    for watermark in map(instant, watermarks):
        for fact in [fact for fact in line.facts if fact.sent <= watermark and fact not in [one.event for one in chronicle.held]]:
            chronicle.hold(fact, digest(Thresholds()))
        for one in shorts([fact for fact in line.facts if fact.sent <= watermark], watermark):
            chronicle.tell(one, digest(Thresholds()))
        said += map(msgspec.structs.replace, chronicle.conclude(watermark))
    return said


def test_what_was_planned_is_taken_back_and_says_so() -> None:
    line = hidden().at("1:00", release())
    first, second = told(line, "0:40", "1:10", "2:00", "9:00")
    assert (first.status, first.body["outcome"]) == ("provisional", None)
    assert (second.status, second.body["outcome"], second.id, second.revision) == ("retracted", "planned", first.id, 2)
    assert second.evidence[-1].kind == "PatientSessionClosed"


def test_what_was_planned_before_it_was_ever_told_is_not_told() -> None:
    assert told(hidden().at("1:00", release()), "1:10", "9:00") == []


# One open masking, and what comes later.


def test_causes_that_come_while_it_is_open_are_listed() -> None:
    line = ward().at("0:30", fault()).at("0:40", fault("sensor-error")).at("0:50", removed())
    found = line.finding("masking")
    assert (found.body["cause"], found.body["later_causes"]) == ("finger-not-detected", ["sensor-error", "sensor-removed"])


@pytest.mark.parametrize(("at", "count"), [("2:00", 1), ("2:00.001", 2)])
def test_a_cause_after_it_was_resolved_begins_another(at: str, count: int) -> None:
    line = ward().at("0:30", fault()).at("1:00", mended()).at(at, fault("sensor-error"))
    assert len(line.findings("masking")) == count


@pytest.mark.parametrize(("at", "count"), [("5:30", 1), ("5:30.001", 2)])
def test_a_cause_after_it_was_unresolved_begins_another(at: str, count: int) -> None:
    assert len(ward().at("0:30", fault()).at(at, fault("sensor-error")).findings("masking")) == count


def test_a_cause_after_it_resurfaced_begins_another() -> None:
    line = ward().at("0:30", fault()).at("0:40", raised()).at("0:50", fault("sensor-error"))
    assert [one.body["later_causes"] for one in line.findings("masking")] == [[], []]


def test_a_short_loss_is_not_listed_and_a_long_one_is() -> None:
    def line(at: str) -> Timeline:
        return ward().at("0:30", fault()).at("0:40", lost()).at(at, back())

    assert line("0:54.999").body("masking")["later_causes"] == []
    assert line("0:55").body("masking")["later_causes"] == ["monitor-lost"]


def test_a_cause_in_a_loss_that_was_short_is_the_first() -> None:
    line = ward().at("0:30", lost()).at("0:32", removed())
    assert line.body("masking")["cause"] == "sensor-removed"


def test_a_hand_before_a_later_cause_leaves_that_out() -> None:
    line = ward().at("0:30", fault()).at("0:35", audio("paused")).at("0:40", fault("sensor-error"))
    assert line.body("masking")["later_causes"] == []


# Where, marks, repeats.


def test_it_stands_where_the_monitor_stood_at_the_onset() -> None:
    line = hidden().at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1")).at("0:20", placed("B2"))
    assert (line.finding("masking").units, line.finding("masking").bed) == (["ICU"], "B1")
    assert "unplaced" in hidden().finding("masking").quality


def test_what_is_told_twice_changes_nothing() -> None:
    line = hidden().at("1:00", mended())
    again = Timeline()
    repeats = (msgspec.structs.replace(fact, index=fact.index + 1) for fact in line.facts if fact.at > instant("0:10"))
    again.facts = [*line.facts, *repeats]
    assert again.body("masking") == line.body("masking")


# Laws.

CONDITIONS = ("spo2-low", "pr-high")


def story(seed: int) -> Timeline:
    draw, line, now = Random(seed), Timeline().at("-9:00", session(), seen("S1")), 0.0
    for _ in range(30):
        now += draw.choice((0.0, 1.0, 3.0, 5.0, 14.0, 40.0, 61.0, 301.0))
        condition, priority = draw.choice(CONDITIONS), draw.choice(("HI", "ME", "LO"))
        make: Any = draw.choice((
            lambda c=condition, p=priority: raised(c, priority=p),
            lambda c=condition: ended(c),
            lambda c=condition: raised(c, device="S2"),
            fault, mended, lambda: fault("sensor-error"), lambda: mended("sensor-error"), removed, lambda: seen("S1"),
            lost, lambda: lost("silent"), back, release, session, lambda: audio(draw.choice(("on", "off"))), command,
        ))  # fmt: skip
        line.at(f"{now:.3f}", make())
    return line


def contents(found: list[Finding]) -> dict[str, bytes]:
    return {one.id: msgspec.json.encode(msgspec.structs.replace(one, revision=0, status="final")) for one in found}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 32), st.integers(0, 30))
def test_state_that_is_put_away_and_taken_up_gives_the_same(seed: int, at: int) -> None:
    line = story(seed)
    sent = sorted({fact.sent for fact in line.facts})
    chronicle = Chronicle([Maskings], "test", dict(KNOWN), lambda subject: True)
    for fact in line.facts:
        chronicle.hold(fact, digest(Thresholds()))
    end = sent[-1] + 86_400 * SECOND
    for one in shorts(line.facts, end):
        chronicle.tell(one, digest(Thresholds()))
    said = list(chronicle.conclude(sent[min(at, len(sent) - 1)]))
    chronicle.settle(sent[min(at, len(sent) - 1)])
    said += chronicle.conclude(end)
    last = {one.id: one for one in said}
    assert contents([one for one in last.values() if one.status != "retracted"]) == contents(line.findings("masking"))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 32))
def test_another_patient_s_facts_change_nothing(seed: int) -> None:
    line, both = story(seed), story(seed)
    theirs = {"patient": "P2", "monitor": "M2", "device": "S9", "sensor": "S9", "sensors": ("S9",)}
    for fact in story(seed + 1).facts:
        named = {name: value for name, value in theirs.items() if hasattr(fact, name)}
        both.facts.append(msgspec.structs.replace(fact, partition=1, **named))
    assert contents([one for one in both.findings("masking") if one.patient == "P1"]) == contents(line.findings("masking"))
