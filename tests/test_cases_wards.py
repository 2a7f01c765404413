"""Troubles that users of alarm tools have published, from the record to the finding: silences, places and figures."""

from __future__ import annotations

from hubapp.facts import iso
from tests.timeline import instant
from tests.written import Story, number, story


def at(text: str) -> str:
    return iso(instant(text))


# A silence told by several sources


@story
def silences_told_by_everybody() -> Story:
    told = Story()
    told.monitor("M", "P")
    told.monitor("O", "R")
    told.log_in("ida", "-2:00")
    told.platform.device(instant("-1:50"), "DEVICE_CREATED_EVENT", "system", {"id": number("N"), "primary_identifier": "N"})
    told.discovered("N", instant("-1:30"), audio="off")
    for when, serial, state in (
        ("0:00", "M", "off"), ("0:00.050", "O", "paused"), ("1:12", "O", "on"), ("1:18", "O", "paused"), ("2:02", "M", "off"),
        ("2:31", "O", "on"), ("5:00", "O", "paused"), ("6:52", "O", "on"), ("6:30", "M", "on"), ("6:31", "M", "on"),
    ):  # fmt: skip
        told.gateway.configured(instant(when), serial, state)
    said = told.devices["M"] | {"audio_enabled": False}
    told.platform.device(instant("0:00.4"), "DEVICE_CONFIG_UPDATED_EVENT", "system", said, told.devices["M"])
    told.discovered("M", instant("2:00"), audio="off")
    told.gateway.session_started(instant("2:00.300"), "M", "P", [])
    told.gateway.session_started(instant("0:45"), "N", "Q", [])
    told.gateway.session_closed(instant("3:25"), "N", "Q")
    told.log_out("ida", "12:00")
    return told


def test_one_silence_is_one_finding_however_often_it_is_told() -> None:
    found = silences_told_by_everybody().concluded().one("silenced", monitor="M")
    assert (found.start, found.end, found.body["what"], found.body["how_ended"]) == (at("0:00"), at("6:30"), "audio-off", "on")
    assert (found.body["level"], [one["account"] for one in found.body["present"]]) == ("5-min", ["ida"])


def test_a_silence_before_the_patient_came_begins_with_the_patient() -> None:
    found = silences_told_by_everybody().concluded().one("silenced", monitor="N")
    assert (found.start, found.end, found.body["how_ended"]) == (at("0:45"), at("3:25"), "released")
    assert found.body["level"] == "notice"


def test_a_short_break_joins_two_pauses_and_a_short_pause_is_none() -> None:
    found = silences_told_by_everybody().concluded().one("silenced", monitor="O")
    assert (found.start, found.end, found.body["what"]) == (at("0:00.050"), at("2:31"), "paused")


def test_each_silence_is_one_use_of_a_control_and_names_nobody() -> None:
    found = silences_told_by_everybody().concluded()
    [off] = found.of("control", monitor="M")
    assert (off.body["change"], off.body["why"], off.account) == ("audio-off", "accounted", None)
    assert [one.body["change"] for one in found.of("control", monitor="O")] == ["paused"] * 3
    assert found.of("control", monitor="N") == []


# Whose alarm, which bed


@story
def a_bed_that_changes_hands() -> Story:
    told = Story()
    told.unit("East", "E1")
    told.unit("West", "W1", since="-9:50")
    told.monitor("M", "A", "spo2-low", "skin-temp-high", "rr-high", bed="E1")
    told.alarm("A", "0:05", "0:50")
    told.gateway.session_closed(instant("1:40"), "M", None)
    with told.arriving("2:05"):
        told.alarm("A", "0:47", "1:25", condition="skin-temp-high")
    told.gateway.session_started(instant("3:15"), "M", "B", [])
    told.platform.moved(instant("4:00"), "ida", told.devices["M"])
    told.alarm("B", "4:05", "4:08")
    moved = told.devices["M"] | {"location_id": number("W1")}
    told.platform.device(instant("4:10"), "DEVICE_UPDATED_EVENT", "ida", moved, told.devices["M"])
    told.alarm("B", "5:00", "6:00")
    told.alarm("A", "5:12", "5:43", condition="rr-high")
    return told


def test_each_patient_keeps_its_alarms_and_each_alarm_its_place() -> None:
    found = a_bed_that_changes_hands().concluded()
    first, late, stray = found.of("episodes", patient="A")
    assert [(one.units, one.quality) for one in (first, late)] == [(["East"], [])] * 2
    assert (late.start, late.end) == (at("0:47"), at("1:25"))
    between, settled = found.of("episodes", patient="B")
    assert (between.bed, "place-unsure" in between.quality) == ("E1", True)
    assert (settled.bed, settled.units, settled.quality) == ("W1", ["West"], [])
    assert (stray.body["condition"], "patient-conflict" in stray.quality) == ("rr-high", True)


def test_an_alarm_of_another_patient_is_no_evidence_and_hides_nothing() -> None:
    found = a_bed_that_changes_hands().concluded()
    assert [one.body["result"] for one in found.of("attendance", patient="B")] == ["self-resolved"] * 2
    assert found.of("masking") == []


def test_what_the_last_patient_left_open_ends_with_the_release() -> None:
    told = a_bed_that_changes_hands()
    told.alarm("A", "1:10", condition="rr-high")
    assert told.concluded().one("episodes", patient="A", start=at("1:10")).end == at("1:40")


# What figures are counted of


@story
def a_monitored_hour() -> Story:
    told = Story()
    told.unit("Count", "C1", "C2", "C3")
    for serial, bed in (("A", "C1"), ("B", "C2"), ("C", "C3")):
        told.monitor(serial, None, "hr-high", bed=bed)
    for again in ("0:00", "20:00"):
        told.gateway.session_started(instant(again), "A", "PA", [])
    told.gateway.session_started(instant("0:00"), "B", "PB", [])
    for minute in range(0, 50, 10):
        told.alarm("PA", f"{minute + 1}:00", f"{minute + 1}:25", condition="hr-high", monitor="A")
    for minute in (3, 13):
        told.alarm("PB", f"{minute}:00", f"{minute}:12", condition="lead-off", monitor="B", priority="LO")
    told.alarm("Unknown", "5:00", "6:00", condition="lead-off", monitor="C", priority="LO")
    told.gateway.session_closed(instant("24:00"), "B", "PB")
    told.gateway.session_closed(instant("1:00:00"), "A", "PA")
    return told


def test_an_hour_is_counted_once_and_two_signals_are_one_alarm() -> None:
    found = a_monitored_hour().concluded()
    assert [(one.patient, one.body["duration"]) for one in found.of("monitored")] == [("PA", 3_600), ("PB", 1_440)]
    assert len(found.of("episodes", patient="PA", kind="physiological", duration=25)) == 5
    assert len(found.of("episodes", patient="PB", kind="technical", duration=12)) == 2
    assert found.of("attendance", patient="PB") == []
    [empty] = found.of("episodes", monitor="C")
    assert (empty.patient, empty.body["duration"], found.of("monitored", monitor="C")) == (None, 60, [])


# Alarms that nobody answered


@story
def answered_or_not() -> Story:
    told = Story()
    told.log_in("ida", "-9:00")
    for place, (answer, end) in enumerate(((25, 110), (None, 35), (41, 95), (58, 100), (None, 500))):
        start, serial = place * 1200, f"M{place}"
        told.monitor(serial, f"P{place}")
        told.alarm(f"P{place}", f"0:{start}", f"0:{start + end}", monitor=serial, priority="HI")
        if answer is not None:
            told.command("ida", f"0:{start + answer}.120", serial)
    return told


def test_an_alarm_without_an_answer_is_told_beside_those_with_one() -> None:
    found = {one.patient: one for one in answered_or_not().concluded().of("attendance")}
    assert [(found[f"P{n}"].body["result"], found[f"P{n}"].body["seconds"]) for n in range(5)] == [
        ("attended", 25), ("self-resolved", None), ("attended", 41), ("attended", 58), ("no-evidence", None),
    ]  # fmt: skip
    assert {one.status for one in found.values()} == {"final"}
