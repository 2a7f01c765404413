"""Troubles that users of stream processors and alarm tools have published, from the record on the wire to the finding: alarms."""

from __future__ import annotations

import pytest

from hubapp.facts import SECOND, iso
from tests.timeline import instant
from tests.written import Found, Story, account, story


def at(text: str) -> str:
    return iso(instant(text))


# A key that was closed and comes back


@story
def a_patient_who_comes_back() -> Story:
    told = Story()
    told.monitor("M", "P")
    told.alarm("P", "0:10", "0:35")
    told.gateway.session_closed(instant("1:05"), "M", "P")
    told.gateway.session_started(instant("1:40"), "M", "P", [])
    told.alarm("P", "2:20")
    return told


@story
def a_patient_who_comes_back_until_the_end() -> Story:
    told = a_patient_who_comes_back()
    for audible in (False, True):
        told.told("P", "3:50", "ended", audible=audible)
    return told


def test_an_alarm_after_the_patient_came_back_is_open_beside_the_one_that_is_over() -> None:
    found = a_patient_who_comes_back().concluded()
    over, still = found.of("episodes")
    assert (over.start, over.end, over.body["ended_by"], over.status) == (at("0:10"), at("0:35"), "cleared", "final")
    assert (still.start, still.end, still.status) == (at("2:20"), None, "provisional")


def test_its_end_closes_that_one_and_makes_no_third() -> None:
    before, after = a_patient_who_comes_back().concluded(), a_patient_who_comes_back_until_the_end().concluded()
    _, ended = after.of("episodes")
    assert (ended.id, ended.body["duration"], ended.body["ended_by"]) == (before.of("episodes")[1].id, 90, "cleared")


# Many patients


@story
def a_full_house() -> Story:
    told = Story()
    for number in range(24):
        told.alarm(f"guest {number}", f"0:{number}.2", f"1:{number}.2", monitor=f"M{number}")
    return told


def test_every_patient_has_its_own_alarm() -> None:
    found = a_full_house().concluded().of("episodes", ended_by="cleared", duration=60)
    assert {one.patient for one in found} == {f"guest {number}" for number in range(24)}
    assert len(found) == 24


# One alarm, and silence


@story
def one_alarm_on_a_silent_night() -> Story:
    told = Story()
    told.alarm("P", "0:05", priority="HI")
    return told


@pytest.mark.parametrize(("until", "result"), [("0:06", "open"), ("1:05.119", "open"), ("1:05.121", "no-evidence")])
def test_a_deadline_passes_by_the_watermark_alone_and_not_a_moment_earlier(until: str, result: str) -> None:
    found = one_alarm_on_a_silent_night().concluded(until).one("attendance")
    assert (found.body["result"], found.status, found.start) == (result, "provisional", at("0:05"))
    assert (found.body["deadline"], found.body["seconds"]) == (at("1:05.120"), None)


def test_a_monitor_that_never_reported_is_not_lost() -> None:
    assert one_alarm_on_a_silent_night().concluded().of("episodes", ended_by="lost") == []


# What a gateway delivers afterwards


@story
def alarms_of_ten_days_ago() -> Story:
    told = Story()
    for number in range(12):
        for signal in (False, True):
            true = instant(f"{number}:00") - 10 * 86_400 * SECOND
            told.told(f"old {number}", f"0:{number}", audible=signal, since=true, is_backfill=True)
            told.told(f"old {number}", f"0:{number + 12}", "ended", audible=signal, since=true + 45 * SECOND, is_backfill=True)
    return told


def test_backfilled_alarms_are_facts_and_no_findings() -> None:
    found = alarms_of_ten_days_ago().concluded()
    assert (len(found.facts), {fact.quality for fact in found.facts}) == (48, {("backfilled",)})
    assert found.findings == []
    assert alarms_of_ten_days_ago().piecemeal().late == []


def told_again_after_a_gap(history: bool) -> Story:
    """Lost between 0:30 and 5:00; then one alarm is over, and another has been on for minutes."""
    told = Story()
    told.monitor("M", "P", "spo2-low", "skin-temp-high", "rr-low")
    for second in (*range(-100, 30, 2), *range(300, 370, 2)):
        told.gateway.report(instant("0:00") + second * SECOND, "M")
    told.alarm("P", "0:04")
    alerts = [
        told.gateway.alert("P", "M-Nonin", "Nonin 3150", "spo2-low", audible, instant("1:04"), "ended", "ME", None)
        for audible in (False, True)
    ] + [
        told.gateway.alert("P", "M-ANNE C", "ANNE Chest", "skin-temp-high", audible, instant("1:55"), "active", "ME", None)
        for audible in (False, True)
    ]  # fmt: skip
    told.discovered("M", instant("5:01.500"), "spo2-low", "skin-temp-high")
    told.gateway.session_started(instant("5:01.700"), "M", "P", alerts)
    if history:
        told.told("P", "1:04", "ended", sent="5:10", is_backfill=True)
        for sent, true, state in (("5:11", "1:12", "active"), ("5:12", "1:40", "ended")):
            told.told("P", true, state, condition="rr-low", priority="HI", sent=sent, is_backfill=True)
        told.told("P", "1:55", condition="skin-temp-high", sent="5:13", is_backfill=True)
    for audible in (False, True):
        told.told("P", "5:40", "ended", condition="skin-temp-high", audible=audible)
    return told


@story
def a_gap_with_its_history() -> Story:
    return told_again_after_a_gap(history=True)


def test_the_present_comes_from_the_list_and_the_history_raises_nothing() -> None:
    found = a_gap_with_its_history().concluded()
    first, second = found.of("episodes")
    assert (first.body["condition"], first.start, first.end, first.body["ended_by"]) == (
        "spo2-low",
        at("0:04"),
        at("1:04"),
        "cleared",
    )
    assert (second.body["condition"], second.start, second.end) == ("skin-temp-high", at("1:55"), at("5:40"))
    assert "told-late" in second.quality
    assert found.one("attendance", start=at("1:55")).body["result"] == "not-judged"
    assert "rr-low" not in {one.body.get("condition") for one in found.findings}


def test_the_history_changes_no_finding() -> None:
    def contents(found: Found) -> list[tuple[str, str, str | None]]:
        return sorted((one.rule, one.start, one.end) for one in found.findings)

    assert contents(a_gap_with_its_history().concluded()) == contents(told_again_after_a_gap(history=False).concluded())


# A priority that goes up and down


@story
def priorities_that_change() -> Story:
    told = Story()
    told.newer.log_in(instant("-9:00"), account("ann"), None)
    for serial in "ABC":
        told.monitor(serial, f"P{serial}", "spo2-low", "hr-high")
    for number in range(7):
        for audible in (False, True):
            told.told("PA", f"0:{number * 9:02}", audible=audible, monitor="A", priority=("ME", "HI")[number % 2])
    told.command("ann", "3:10", "A")
    told.told("PA", "4:05", "ended", monitor="A")
    told.told("PB", "0:02", monitor="B", priority="LO")
    told.told("PB", "1:30", monitor="B", priority="ME")
    told.told("PB", "2:20", "ended", monitor="B", priority="ME")
    told.told("PC", "10:00", monitor="C", condition="hr-high", priority="LO")
    told.told("PC", "10:00", monitor="C", condition="hr-high", priority="ME", sent="10:30")
    told.told("PC", "10:00", monitor="C", condition="hr-high", priority="HI", sent="11:00")
    told.command("ann", "12:25", "C")
    told.told("PC", "13:15", "ended", monitor="C", condition="hr-high", priority="HI")
    return told


def test_a_priority_that_goes_up_and_down_is_one_alarm_at_its_highest() -> None:
    found = priorities_that_change().concluded()
    episode, attended = found.one("episodes", patient="PA"), found.one("attendance", patient="PA")
    assert (episode.start, episode.end, episode.body["priority"]) == (at("0:00"), at("4:05"), "HI")
    assert (attended.body["result"], attended.body["evidence_class"]) == ("attended-late", "command")
    assert (attended.body["account"], attended.body["seconds"]) == ("ann", 189.88)
    assert found.of("nuisance") == []


def test_a_deadline_begins_when_its_priority_is_told() -> None:
    found = priorities_that_change().concluded()
    soon = found.one("attendance", patient="PB").body
    assert (soon["deadline"], soon["result"]) == (at("4:30.120"), "self-resolved")
    late = found.one("attendance", patient="PC").body
    assert (late["deadline"], late["result"], late["seconds"]) == (at("12:00"), "attended-late", 144.88)


# What is the same record


@story
def the_same_and_not_the_same() -> Story:
    told = Story()
    told.monitor("M", "P", "hr-high")
    told.monitor("N", "Q")
    for number in range(30):
        told.told(
            "P",
            "0:03",
            condition="hr-high",
            limits=(None, 120 + number),
            sent=f"0:{3 + number:02}.3",
            device_word=f"no. {number}",
        )
    told.told("P", "0:58", "ended", condition="hr-high")
    told.alarm("Q", "0:06", "0:46", monitor="N")
    return told


def under_one_number(told: Story) -> Story:
    """Every alert of Q's carries the same message_id."""
    known = b""
    for place, (due, wire) in enumerate(told.wires):
        if wire.topic == "alerts" and wire.key == "Q":
            one = wire.value[: wire.value.index(b",")]
            known = known or one
            told.wires[place] = due, wire._replace(value=wire.value.replace(one, known))
    return told


def test_an_alarm_told_thirty_times_with_other_limits_is_one_with_those_of_its_onset() -> None:
    found = the_same_and_not_the_same().concluded()
    episode = found.one("episodes", patient="P")
    assert (episode.body["limits"], episode.body["duration"], episode.body["reports"]) == ({"lower": None, "upper": 120}, 55, 31)
    assert len(episode.evidence) <= 20
    assert found.one("attendance", patient="P").body["result"] == "self-resolved"


def test_what_shares_only_the_number_of_a_message_is_a_record_of_its_own() -> None:
    found = under_one_number(the_same_and_not_the_same()).concluded()
    assert found.one("episodes", patient="Q").body["duration"] == 40
    assert len([fact for fact in found.facts if getattr(fact, "patient", None) == "Q"]) == 5
