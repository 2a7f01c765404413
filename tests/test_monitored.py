"""When a patient was really monitored: each clause of the rule."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.findings import Finding, finding_id
from tests.folding import in_two, in_two_parts, of_patient
from tests.timeline import (
    T0,
    Timeline,
    audio,
    back,
    ended,
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


def stay() -> Timeline:
    return Timeline().at("-1:00", unit("ICU", "B1"), placed("B1"), seen("S1")).at("0:00", session())


def bodies(line: Timeline) -> list[tuple[str | None, float | None, float]]:
    return [(f.patient, f.body["duration"], f.body["unobserved"]) for f in line.findings("monitored")]


def test_from_the_opening_to_the_close() -> None:
    found = stay().at("30:00", release()).finding("monitored")
    assert found.body == {"duration": 1800, "unobserved": 0}
    assert (found.start[11:19], found.end and found.end[11:19], found.status) == ("09:00:00", "09:30:00", "final")
    assert (found.patient, found.monitor, found.units, found.bed, found.quality) == ("P1", "M1", ["ICU"], "B1", [])
    assert [e.kind for e in found.evidence] == ["PatientSessionOpened", "PatientSessionClosed"]
    assert found.id == finding_id("monitored", "p1\nm1", T0)


def test_it_is_final_when_the_watermark_passes_the_close() -> None:
    line = stay().at("30:00", release())
    assert line.finding("monitored", until="30:00").status == "provisional"
    assert line.finding("monitored", until="30:00.001").status == "final"


def test_while_it_is_open_it_has_no_duration() -> None:
    found = stay().finding("monitored")
    assert (found.body, found.end, found.status) == ({"duration": None, "unobserved": 0}, None, "provisional")


@pytest.mark.parametrize("again", [session(), session(" p1 "), session(discovery=True)])
def test_a_session_told_again_is_the_same(again: Any) -> None:
    assert bodies(stay().at("10:00", again).at("60:00", release())) == [("P1", 3600, 0)]


def test_after_a_close_it_is_another() -> None:
    line = stay().at("10:00", release()).at("20:00", session()).at("21:00", release())
    assert bodies(line) == [("P1", 600, 0), ("P1", 60, 0)]


def test_another_patients_opening_ends_it() -> None:
    assert bodies(stay().at("10:00", session("P2")).at("11:00", release("P2"))) == [("P1", 600, 0), ("P2", 60, 0)]


def test_on_another_monitor_it_is_another() -> None:
    line = stay().at("1:00", session(monitor="M2")).at("2:00", release())
    assert {(f.monitor, f.body["duration"]) for f in line.findings("monitored")} == {("M1", 120), ("M2", None)}


def test_a_close_without_a_patient_closes_it_one_of_another_does_not() -> None:
    assert bodies(stay().at("10:00", release(None))) == [("P1", 600, 0)]
    found = stay().at("10:00", release("P2")).at("11:00", release()).finding("monitored")
    assert (found.body["duration"], found.quality) == (660, ["patient-conflict"])


def test_a_repeated_close_changes_nothing() -> None:
    assert bodies(stay().at("10:00", release()).at("11:00", release(), release(None))) == [("P1", 600, 0)]


# The time that nobody could see.


def test_the_time_without_the_monitor_is_taken_off() -> None:
    line = stay().at("10:00", lost()).at("12:00", back()).at("20:00", lost()).at("20:30", session()).at("30:00", release())
    assert bodies(line) == [("P1", 1650, 150)]


def test_a_loss_ends_nothing_however_long_it_is() -> None:
    assert bodies(stay().at("10:00", lost()).at("10:10:00", back())) == [("P1", None, 36000)]
    assert bodies(stay().at("10:00", lost())) == [("P1", None, 0)]


def test_a_loss_that_is_told_twice_counts_from_the_first() -> None:
    assert bodies(stay().at("10:00", lost()).at("10:10", lost()).at("11:00", back()).at("30:00", release())) == [
        ("P1", 1740, 60)
    ]  # fmt: skip


def test_a_told_loss_wins_over_a_silence_of_the_monitor() -> None:
    line = stay().at("10:00", lost("silent")).at("10:20", lost()).at("11:00", back()).at("30:00", release())
    assert bodies(line) == [("P1", 1760, 40)]
    line = stay().at("10:00", lost()).at("10:20", lost("silent")).at("11:00", back()).at("30:00", release())
    assert bodies(line) == [("P1", 1740, 60)]


@pytest.mark.parametrize("life", [
    seen(), audio("on"), removed(), rejected(), raised(monitor=None), raised("leads-off", kind="technical", patient=None),
])  # fmt: skip
def test_any_record_of_the_monitor_or_its_sensors_ends_a_loss(life: Any) -> None:
    assert bodies(stay().at("10:00", lost()).at("12:00", life).at("30:00", release())) == [("P1", 1680, 120)]


def test_backfilled_alarms_end_no_loss() -> None:
    line = stay().at("10:00", lost()).at("11:00", raised(quality=("backfilled",))).at("12:00", back()).at("30:00", release())
    assert bodies(line) == [("P1", 1680, 120)]


def test_closed_or_replaced_while_lost_the_time_until_then_was_not_seen() -> None:
    assert bodies(stay().at("10:00", lost()).at("12:00", release())) == [("P1", 600, 120)]
    assert bodies(stay().at("10:00", lost()).at("12:00", session("P2"))) == [("P1", 600, 120), ("P2", None, 0)]


def test_what_was_lost_before_the_session_is_no_part_of_it() -> None:
    line = Timeline().at("-5:00", seen()).at("-4:00", lost()).at("0:00", session()).at("10:00", release())
    assert bodies(line) == [("P1", 600, 0)]


# Sessions that were never seen to open.


def test_never_seen_open_and_not_closed_is_open_from_the_patients_first_alarm() -> None:
    line = Timeline().at("0:00", seen("S1")).at("1:00", raised(monitor=None)).at("2:00", ended(), raised("hr-high"))
    found = line.finding("monitored")
    assert (found.patient, found.start[11:19], found.body["duration"]) == ("P1", "09:01:00", None)
    assert [e.kind for e in found.evidence] == ["AlarmRaised"]
    assert bodies(line.at("3:00", session()).at("11:00", release())) == [("P1", 600, 0)]


def test_it_counts_from_when_that_alarm_was_sent() -> None:
    found = Timeline().at("0:00", raised(), told="0:20").finding("monitored")
    assert found.start[11:19] == "09:00:20"


@pytest.mark.parametrize("end", [release(), release(None), session("P2")])
def test_it_ends_as_any_other(end: Any) -> None:
    assert bodies(Timeline().at("1:00", raised()).at("11:00", end))[0] == ("P1", 600, 0)


def test_a_close_that_names_somebody_else_does_not_end_it_either() -> None:
    found = Timeline().at("1:00", raised()).at("2:00", release("P2")).finding("monitored")
    assert (found.body["duration"], found.quality) == (None, ["patient-conflict", "unplaced"])


def test_an_alarm_after_the_close_or_beside_another_patient_opens_nothing() -> None:
    assert bodies(stay().at("10:00", release()).at("11:00", raised())) == [("P1", 600, 0)]
    assert [p for p, *_ in bodies(stay().at("10:00", raised(patient="P2")))] == ["P1"]


def test_a_monitor_without_a_patient_monitors_nobody() -> None:
    line = Timeline().at("0:00", seen(), audio("on", discovery=True)).at("1:00", rejected())
    line.at("2:00", raised("battery-low", kind="technical", patient=None, device="M1")).at("3:00", release(), release(None))
    assert line.findings("monitored") == []


# The envelope.


def test_marks_of_its_records_are_its_own() -> None:
    line = Timeline().at("0:00", session(quality=("clock-ahead",))).at("1:00", release(quality=("late",)))
    assert line.finding("monitored").quality == ["clock-ahead", "late", "unplaced"]


def test_the_place_is_that_of_the_beginning_also_when_it_is_learnt_later() -> None:
    line = Timeline().at("0:00", session()).at("1:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1")).at("2:00", placed("B2"))
    assert (line.finding("monitored").units, line.finding("monitored").bed) == (["ICU"], "B1")


# Laws.


def act(draw: Random, number: int) -> Any:
    here, name = {"monitor": f"M{number}"}, f"P{number}"
    return draw.choice((
        lambda: session(name, **here),
        lambda: session(name, **here),
        lambda: release(draw.choice((None, name, "P9")), **here),
        lambda: lost(draw.choice(("disconnect", "silent")), **here),
        lambda: lost(**here),
        lambda: back(**here),
        lambda: seen(f"S{number}", **here),
        lambda: raised(patient=name, device=f"S{number}", monitor=draw.choice((None, f"M{number}"))),
        lambda: ended(patient=name, device=f"S{number}", **here),
    ))()  # fmt: skip


def story(seed: int, *numbers: int) -> Timeline:
    draw, line, second = Random(seed), Timeline(), 0.0
    for _ in range(30):
        second += draw.choice((0.0, 1.0, 40.0, 400.0))
        number = draw.choice((1, 2))
        fact = act(draw, number)
        if number in numbers:
            line.at(f"0:{second}", fact)
    return line


def without_evidence(findings: list[Finding]) -> list[Finding]:
    """Where records stand in their topics is another matter."""
    return [msgspec.structs.replace(finding, evidence=[]) for finding in findings]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30), st.integers(0, 40))
def test_state_that_was_written_and_read_goes_on_as_if_nothing_had_been(seed: int, cut: int) -> None:
    whole, parts = in_two(story(seed, 1, 2), "monitored", cut)
    assert parts == whole


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30))
def test_what_is_forgotten_was_final(seed: int) -> None:
    whole, parts = in_two_parts(story(seed, 1, 2), "monitored")
    assert parts == whole


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30))
def test_another_patient_on_another_monitor_changes_nothing(seed: int) -> None:
    both = of_patient(story(seed, 1, 2).findings("monitored"), "P1")
    assert without_evidence(both) == without_evidence(of_patient(story(seed, 1).findings("monitored"), "P1"))
