"""Nuisance: what comes and goes, and what stays on for long."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.chronicle import oracle
from hubapp.chronicle.chronicle import copied
from hubapp.facts import SECOND, AlarmFact
from hubapp.findings import Finding
from hubapp.rules.house import House
from hubapp.rules.nuisance import Nuisance
from hubapp.rules.scene import Rule, Scene, rank
from hubapp.thresholds import NuisanceThresholds, Thresholds
from hubapp.ward.oracle import shorts
from tests.timeline import (
    LONG,
    Timeline,
    audio,
    back,
    ended,
    instant,
    iso,
    latched,
    log_in,
    lost,
    placed,
    raised,
    release,
    removed,
    session,
    unit,
)


def ward() -> Timeline:
    return Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), session())


def onsets(*seconds: float, line: Timeline | None = None, lasting: float = 5.0, **fields: Any) -> Timeline:
    """An alarm that comes at each of *seconds* and is gone soon after."""
    line = line or ward()
    for second in seconds:
        line.at(f"{second:.3f}", raised(**fields), told=f"{second + 0.12:.3f}")
        line.at(f"{second + lasting:.3f}", ended(**fields), told=f"{second + lasting + 0.12:.3f}")
    return line


def of(kind: str, line: Timeline, **how: Any) -> list[Finding]:
    return [finding for finding in line.findings("nuisance", **how) if finding.body["kind"] == kind]


def chattering(line: Timeline, **how: Any) -> list[Finding]:
    return of("chattering", line, **how)


def stale(line: Timeline, **how: Any) -> list[Finding]:
    return of("stale", line, **how)


# When it chatters, from when, until when.


@pytest.mark.parametrize(("third", "count"), [(59.999, 1), (60.0, 0), (60.001, 0)])
def test_three_onsets_in_less_than_a_minute_chatter(third: float, count: int) -> None:
    assert len(chattering(onsets(0, 30, third))) == count


def test_two_onsets_do_not_chatter() -> None:
    assert chattering(onsets(0, 10)) == []


@pytest.mark.parametrize(("fourth", "count"), [(99.999, 4), (100.0, 3), (100.001, 3)])
def test_a_minute_without_an_onset_ends_it(fourth: float, count: int) -> None:
    [found] = chattering(onsets(0, 20, 40, fourth))
    assert found.body["onsets"] == count


def test_it_goes_on_as_long_as_less_than_a_minute_is_between_two_onsets() -> None:
    [found] = chattering(onsets(0, 20, 40, 90, 140, 190))
    assert found.body == {"kind": "chattering", "condition": "spo2-low", "onsets": 6, "duration": 190.0}


def test_it_lasts_from_the_first_of_the_three_to_the_last_onset() -> None:
    [found] = chattering(onsets(0, 50, 70, 90, 120))
    assert (found.start, found.end) == (iso(instant("0:50")), iso(instant("2:00")))
    assert (found.body["onsets"], found.body["duration"]) == (4, 70.0)


def test_after_a_quiet_time_three_more_are_a_stretch_of_their_own() -> None:
    found = chattering(onsets(0, 10, 20, 80, 90, 100))
    assert [(one.start, one.body["onsets"]) for one in found] == [(iso(instant("0:00")), 3), (iso(instant("1:20")), 3)]
    assert found[0].id != found[1].id


def test_onsets_of_an_ended_stretch_are_no_part_of_the_next() -> None:
    assert len(chattering(onsets(0, 10, 20, 80, 90))) == 1


@pytest.mark.parametrize(("until", "expected"), [("2:40", (None, "provisional")), ("2:40.001", (iso(instant("0:40")), "final"))])
def test_its_end_is_known_when_no_onset_can_go_on_with_it(until: str, expected: tuple[str | None, str]) -> None:
    """An onset is told at most a minute after it: later its clock is not believed."""
    [found] = chattering(onsets(0, 20, 40), until=until)
    assert (found.end, found.status) == expected
    assert found.body["duration"] == (40.0 if found.end else None)


def test_an_onset_told_a_minute_late_goes_on_with_it() -> None:
    line = onsets(0, 20, 40).at("1:39.999", raised(), told="2:39.999")
    [found] = chattering(line)
    assert found.body["onsets"] == 4


def test_the_clock_of_the_monitor_counts_not_when_it_was_told() -> None:
    line = ward()
    for at, end in (("0:00", "0:10"), ("0:30", "0:40"), ("1:00", "1:01")):
        line.at(at, raised(), told="1:00").at(end, ended(), told="1:01" if at == "1:00" else "1:00")
    assert chattering(line) == []


def test_where_the_clock_is_not_believed_the_time_of_telling_counts() -> None:
    line = ward()
    for told in ("2:00", "2:20", "2:40"):
        line.at("0:00", raised(), told=told).at("0:00", ended(), told=told)
    [found] = chattering(line)
    assert (found.start, found.quality) == (iso(instant("2:00")), ["clock-behind"])


# What counts.


def test_two_signals_are_one_onset() -> None:
    line = onsets(0, 30, line=onsets(0, 30, signal="audible"))
    assert chattering(line) == []


def test_onsets_of_a_lost_monitor_do_not_count() -> None:
    assert chattering(onsets(0, 20, 30, line=ward().at("0:27", lost()))) == []
    assert len(chattering(onsets(0, 20, 30, line=ward().at("0:27", lost()).at("0:28", back())))) == 1


def test_an_onset_told_late_does_not_count() -> None:
    def late(*seconds: float) -> Timeline:
        line = ward().at("0:10", raised(listed=True), told="1:11").at("1:12", ended())
        return onsets(*seconds, line=line, lasting=2)

    assert chattering(late(75, 80)) == []
    assert len(chattering(late(75, 80, 85))) == 1


def test_an_onset_behind_an_unseen_end_does_not_count() -> None:
    def missed(*seconds: float) -> Timeline:
        return onsets(*seconds, line=ward().at("0:00", raised()).at("1:10", raised()).at("1:15", ended()))

    assert chattering(missed(80, 90)) == []
    assert len(chattering(missed(80, 90, 100))) == 1


def test_backfilled_alarms_do_not_count() -> None:
    assert chattering(onsets(0, 10, 20, quality=("backfilled",))) == []


@pytest.mark.parametrize("other", [{"condition": "hr-high"}, {"device": "S2"}, {"patient": "P2"}])
def test_each_alarm_is_counted_by_itself(other: dict[str, Any]) -> None:
    line = onsets(0, 30, line=onsets(15, **other))
    assert chattering(line) == []


@pytest.mark.parametrize("fields", [{"kind": "technical"}, {"priority": "LO"}, {"priority": "NONE"}])
def test_all_kinds_and_priorities_chatter(fields: dict[str, Any]) -> None:
    assert len(chattering(onsets(0, 10, 20, **fields))) == 1


def test_letters_case_and_blanks_do_not_tell_devices_apart() -> None:
    line = onsets(0, device="s1", line=onsets(10, 20, device=" S1 "))
    assert len(chattering(line)) == 1


def test_a_change_of_priority_is_no_onset() -> None:
    line = ward()
    for at, priority in (("0:00", "ME"), ("0:10", "HI"), ("0:20", "ME"), ("0:30", "HI")):
        line.at(at, raised(priority=priority))
    assert chattering(line) == []


def test_a_repeat_changes_nothing() -> None:
    line = onsets(0, 20, 40)
    words = [word for one in shorts(line.facts, LONG) for word in one.words()]
    once, twice = (oracle.conclude([*words] * times, [Nuisance()], LONG, "test") for times in (1, 2))
    assert once == twice


def test_numbers_and_times_are_settings() -> None:
    thresholds = Thresholds(nuisance=NuisanceThresholds(onsets=2, within=10.0))
    assert chattering(onsets(0, 10), thresholds=thresholds) == []
    [found] = chattering(onsets(0, 9.999), thresholds=thresholds)
    assert found.rule_version != chattering(onsets(0, 10, 20))[0].rule_version


# What is stale.


@pytest.mark.parametrize(("priority", "passes"), [("HI", 600), ("ME", 3_600), ("LO", 86_400)])
def test_each_priority_has_a_time_behind_which_it_is_stale(priority: str, passes: int) -> None:
    for after, count in ((-0.001, 0), (0.0, 0), (0.001, 1)):
        gone = onsets(0, lasting=passes + after, priority=priority)
        assert len(stale(gone, until=f"{passes + 300}")) == count, after
        on = ward().at("0:00", raised(priority=priority))
        assert len(stale(on, until=f"{passes + after:.3f}")) == count, after


def test_what_has_no_priority_is_never_stale() -> None:
    assert stale(ward().at("0:00", raised(priority="NONE"))) == []


def test_it_counts_from_when_the_priority_was_first_sent() -> None:
    line = ward().at("0:00", raised(priority="LO")).at("5:00", raised(priority="HI"), told="5:01")
    assert stale(line, until="15:01") == []
    assert len(stale(line, until="15:01.001")) == 1


def test_a_priority_that_falls_takes_nothing_back() -> None:
    line = ward().at("0:00", raised(priority="HI")).at("1:00", raised(priority="LO"))
    assert len(stale(line, until="10:00.001")) == 1


def test_the_time_of_a_higher_priority_does_not_replace_that_of_a_lower() -> None:
    line = ward().at("0:00", raised(priority="ME")).at("55:00", raised(priority="HI"))
    assert len(stale(line, until="1:00:00.001")) == 1


def test_it_ends_with_the_episode() -> None:
    [found] = stale(onsets(0, lasting=700))
    assert (found.start, found.end, found.status) == (iso(instant("0:00")), iso(instant("11:40")), "final")
    assert found.body == {"kind": "stale", "condition": "spo2-low", "onsets": 1, "duration": 700.0}


def test_while_it_is_on_nobody_knows_how_long_it_lasts() -> None:
    [found] = stale(ward().at("0:00", raised()))
    assert (found.end, found.body["duration"], found.status) == (None, None, "provisional")


def test_a_latched_signal_is_not_active() -> None:
    assert stale(ward().at("0:00", raised()).at("5:00", latched())) == []


@pytest.mark.parametrize("end", [release(), removed(), session("P2")])
def test_whatever_ends_the_episode_ends_it(end: Any) -> None:
    assert stale(ward().at("0:00", raised()).at("10:00", end)) == []
    [found] = stale(ward().at("0:00", raised()).at("11:00", end))
    assert found.end == iso(instant("11:00"))


def test_a_lost_monitor_that_stays_away_ends_it_at_the_loss() -> None:
    assert stale(ward().at("0:00", raised()).at("9:00", lost())) == []
    [found] = stale(ward().at("0:00", raised()).at("11:00", lost()))
    assert found.end == iso(instant("11:00"))


def test_a_lost_monitor_that_comes_back_had_it_on_all_the_time() -> None:
    [found] = stale(ward().at("0:00", raised()).at("9:00", lost()).at("11:00", back()).at("12:00", ended()))
    assert found.end == iso(instant("12:00"))


def test_one_that_a_loss_had_ended_goes_on_when_the_monitor_is_heard_of_again() -> None:
    line = ward().at("0:00", raised()).at("5:00", lost()).at("1:00:00", back()).at("1:10:00", ended())
    assert stale(line, until="20:00") == []
    [found] = stale(line)
    assert (found.end, found.body["duration"]) == (iso(instant("1:10:00")), 4_200.0)


def test_one_that_ended_unseen_was_on_until_the_new_one_was_told() -> None:
    [found] = stale(ward().at("0:00", raised()).at("11:00", raised()).at("11:01", ended()))
    assert (found.end, found.body["duration"], found.quality) == (None, None, ["end-missed"])


def test_what_was_told_late_is_never_stale() -> None:
    assert stale(ward().at("0:00", raised(listed=True), told="1:01")) == []
    assert len(stale(ward().at("0:00", raised(listed=True), told="1:00"))) == 1


def test_technical_alarms_go_stale_too() -> None:
    assert len(stale(ward().at("0:00", raised(kind="technical")))) == 1


# The envelope.


def test_it_says_where_and_of_whom_and_carries_its_onsets() -> None:
    [found] = chattering(onsets(0, 10, 20, 30, 40))
    assert (found.patient, found.monitor, found.device, found.bed, found.units) == ("P1", "M1", "S1", "B1", ["ICU"])
    assert [copy.at for copy in found.evidence] == [iso(instant(at)) for at in ("0:00", "0:10", "0:20", "0:40")]
    assert {copy.kind for copy in found.evidence} == {"AlarmRaised"}


def test_without_a_place_it_is_unplaced_until_one_is_known() -> None:
    [found] = chattering(onsets(0, 10, 20, line=Timeline().at("-1:00", unit("ICU", "B1"), unit("ER", "B2"))))
    assert found.quality == ["unplaced"]
    [found] = chattering(onsets(0, 10, 20, line=Timeline().at("-1:00", unit("ICU", "B1"), unit("ER")).at("5:00", placed())))
    assert (found.units, found.quality) == (["ICU"], [])


def test_an_alarm_without_a_patient_is_its_monitor_s() -> None:
    [found] = chattering(onsets(0, 10, 20, patient=None))
    assert (found.patient, found.monitor) == (None, "M1")


def test_only_the_partition_of_the_subject_writes_about_it() -> None:
    words = [word for one in shorts(onsets(0, 10, 20, lasting=700).facts, LONG) for word in one.words()]
    assert oracle.conclude(words, [Nuisance()], LONG, "test", mine=lambda subject: subject == "p1")
    assert oracle.conclude(words, [Nuisance()], LONG, "test", mine=lambda subject: subject != "p1") == []


# Laws.

MOMENTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 10.0, 19.999, 20.0, 59.999, 60.0, 61.0, 400.0]), st.integers(0, 5)), max_size=25
)


def story(moments: list[tuple[float, int]]) -> Timeline:
    line, now = ward(), 0.0
    for gap, what in moments:
        now += gap
        told = now + (0.0, 0.12, 45.0)[what % 3]
        line.at(f"{now:.3f}", (raised, ended, raised, ended, lambda: lost(), lambda: back())[what](), told=f"{told:.3f}")
    return line


@settings(max_examples=150, deadline=None, derandomize=True)
@given(MOMENTS, st.integers(0, 60))
def test_what_is_remembered_is_all_that_counts(moments: list[tuple[float, int]], cut: int) -> None:
    line = story(moments)
    words = [word for one in shorts(line.facts, LONG) for word in one.words()]
    scene = Scene(House(), "test", {})
    rule: Rule = Nuisance()
    for index, event in enumerate(sorted([*line.facts, *words], key=rank)):
        if index == cut:
            for key in rule.items:  # What is shown meanwhile changes nothing.
                list(rule.found(key, scene, LONG))
            rule = copied(rule)
        scene.look_at(event, Thresholds())
        list(rule.hear(event, scene))
        scene.pass_by(event)
    found = [one.finding for key in rule.items for one in rule.found(key, scene, LONG)]
    expected = line.findings("nuisance")
    assert sorted(one.id for one in found) == sorted(one.id for one in expected)
    assert {one.id: one.body for one in found} == {one.id: one.body for one in expected}


@settings(max_examples=80, deadline=None, derandomize=True)
@given(MOMENTS)
def test_what_is_over_changes_no_more(moments: list[tuple[float, int]]) -> None:
    line = story(moments)
    words = [word for one in shorts(line.facts, LONG) for word in one.words()]
    scene, rule, closed = Scene(House(), "test", {}), Nuisance(), dict[str, Finding]()
    for event in sorted([*line.facts, *words], key=rank):
        for key in list(rule.items):
            found = list(rule.found(key, scene, event.order[0]))
            closed |= {one.finding.id: one.finding for one in found if one.closes < event.order[0]}
            if rule.over(key, event.order[0]):
                del rule.items[key]
        scene.look_at(event, Thresholds())
        list(rule.hear(event, scene))
        scene.pass_by(event)
    for key in rule.items:
        closed |= {one.finding.id: one.finding for one in rule.found(key, scene, LONG)}
    assert {one.id: one.body for one in closed.values()} == {one.id: one.body for one in line.findings("nuisance")}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(MOMENTS)
def test_another_patient_and_anybody_s_log_in_change_nothing(moments: list[tuple[float, int]]) -> None:
    line, other = story(moments), story(moments)
    onsets(0, 10, 20, line=other, patient="P2", monitor="M2", device="S9")
    other.at("0:07", log_in(), audio("off", monitor="M2"))
    mine = [one for one in other.findings("nuisance") if one.patient == "P1"]
    assert [(one.id, one.body) for one in mine] == [(one.id, one.body) for one in line.findings("nuisance")]


def test_nothing_is_remembered_of_what_is_long_over() -> None:
    line, rule, scene = onsets(*range(0, 600, 15)), Nuisance(), Scene(House(), "test", {})
    words = [word for one in shorts(line.facts, LONG) for word in one.words()]
    for word in sorted(words, key=rank):
        scene.look_at(word, Thresholds())
        list(rule.hear(word, scene))
    assert len(msgspec.json.encode(rule.items["p1\ns1\nspo2-low"])) < 8_000
    assert not [fact for fact in line.facts if isinstance(fact, AlarmFact) and fact.sent > LONG]
    assert all(rule.over(key, instant("10:00") + 121 * SECOND) for key in rule.items)
