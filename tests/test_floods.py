"""Floods: more alarms in a unit than people can follow."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.chronicle import oracle
from hubapp.chronicle.chronicle import Chronicle, copied
from hubapp.chronicle.oracle import heard_by_the_house
from hubapp.facts import SECOND
from hubapp.findings import Finding
from hubapp.rules.floods import Floods, Unit
from hubapp.rules.house import House
from hubapp.rules.scene import Event, Rule, Scene, rank
from hubapp.rules.told import Judged
from hubapp.thresholds import FloodsThresholds, PresenceThresholds, Thresholds, UnitThresholds, digest, parse
from hubapp.ward.oracle import shorts
from tests.timeline import (
    LONG,
    Timeline,
    audio,
    back,
    command,
    ended,
    instant,
    iso,
    log_in,
    log_out,
    lost,
    placed,
    raised,
    unit,
)


def threshold(number: int, **fields: Any) -> Thresholds:
    return Thresholds(units={"ICU": UnitThresholds(flood_threshold=number)}, **fields)


THREE = threshold(3)


def ward() -> Timeline:
    return Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), placed("B2", serial="M2"))


def alarms(*seconds: float, line: Timeline | None = None, first: int = 1, **fields: Any) -> Timeline:
    """Another alarm at each of *seconds*, on for two minutes."""
    line = line or ward()
    for number, second in enumerate(seconds, first):
        line.at(f"{second:.3f}", raised(f"c{number}", **fields))
        line.at(f"{second + 120:.3f}", ended(f"c{number}", **fields))
    return line


def floods(line: Timeline, thresholds: Thresholds = THREE, **how: Any) -> list[Finding]:
    return line.findings("floods", thresholds=thresholds, **how)


def flood(line: Timeline, thresholds: Thresholds = THREE, **how: Any) -> Finding:
    [one] = floods(line, thresholds, **how)
    return one


# When it is one, from when, until when.


def test_more_than_the_threshold_is_a_flood_as_many_is_none() -> None:
    assert floods(alarms(0, 10, 20)) == []
    assert flood(alarms(0, 10, 20, 30)).body["peak"] == 4


@pytest.mark.parametrize(("fourth", "count"), [(599.999, 1), (600.0, 0), (600.001, 0)])
def test_a_window_is_less_than_ten_minutes(fourth: float, count: int) -> None:
    assert len(floods(alarms(0, 10, 20, fourth))) == count


def test_one_alarm_that_comes_again_is_one() -> None:
    line = ward()
    for minute in range(5):
        line.at(f"{minute}:00", raised()).at(f"{minute}:10", ended())
    assert floods(line) == []
    found = flood(alarms(250, 260, 270, line=line))
    assert (found.body["peak"], found.body["onsets"]) == (4, 8)


def test_one_condition_of_two_devices_is_two() -> None:
    line = alarms(0, 10, device="S1", line=alarms(0, 10, device="S2"))
    assert flood(line).body["peak"] == 4


def test_it_begins_with_the_first_onset_of_the_window_that_crossed() -> None:
    found = flood(alarms(0, 550, 560, 570, 605))
    assert (found.start, found.body["onsets"]) == (iso(instant("0:00")), 5)
    found = flood(alarms(0, 1, 605, 606, 607, 608))
    assert (found.start, found.body["onsets"]) == (iso(instant("10:05")), 4)


def test_it_ends_when_less_than_half_of_the_threshold_are_left() -> None:
    """Three: two are more than half, one is less. The last but one leaves ten minutes after it came."""
    assert flood(alarms(0, 10, 20, 30)).end == iso(instant("10:20"))


@pytest.mark.parametrize(("number", "end"), [(1, "11:00"), (2, "11:00"), (3, "10:50"), (4, "10:50"), (5, "10:40"), (6, "10:40")])
def test_exactly_half_goes_on(number: int, end: str) -> None:
    line = alarms(0, 10, 20, 30, 40, 50, 60)
    assert flood(line, threshold(number)).end == iso(instant(end))


@pytest.mark.parametrize(("at", "expected"), [(619.999, [5]), (620.0, [5]), (620.001, [4])])
def test_an_onset_until_its_end_goes_on_with_it(at: float, expected: list[int]) -> None:
    assert [found.body["onsets"] for found in floods(alarms(0, 10, 20, 30, at))] == expected


def test_between_half_and_the_threshold_it_goes_on() -> None:
    found = flood(alarms(0, 10, 20, 30, 500, 610, 1050))
    assert (found.end, found.body["onsets"], found.body["peak"]) == (iso(instant("20:10")), 7, 5)


def test_after_its_end_another_needs_more_than_the_threshold_again() -> None:
    line = alarms(0, 10, 20, 30, 1300, 1310, 1320)
    assert len(floods(line)) == 1
    first, second = floods(alarms(1330, line=line, first=8))
    assert (first.body["onsets"], second.body["onsets"], second.start) == (4, 4, iso(instant("21:40")))
    assert first.id != second.id


def test_when_they_were_sent_counts() -> None:
    line = ward()
    for number, told in enumerate(("0:00", "0:01", "9:59.999", "9:59.999")):
        line.at("-0:20" if number < 2 else "9:50", raised(f"c{number}"), told=told)
    assert flood(line).start == iso(instant("-0:20"))
    late = ward().at("9:50", raised("c9"), told="10:00")
    assert floods(alarms(0, 1, 2, line=late)) == []


def test_open_until_the_watermark_has_passed_its_end() -> None:
    line = alarms(0, 10, 20, 30)
    assert [flood(line, until=until).end for until in ("10:20", "10:20.001")] == [None, iso(instant("10:20"))]
    assert [flood(line, until=until).status for until in ("11:30", "11:30.001")] == ["provisional", "final"]


# Of which unit.


def test_without_a_threshold_there_are_no_floods() -> None:
    line = alarms(*range(100))
    assert floods(line, Thresholds()) == []
    assert floods(line, Thresholds(units={"ICU": UnitThresholds(staffed=True)})) == []
    assert floods(line, Thresholds(units={"ER": UnitThresholds(flood_threshold=3)})) == []


def test_each_unit_has_its_own() -> None:
    line = alarms(0, 10, 20, 30, line=alarms(0, 10, 20, monitor="M2", device="S2", patient="P2"))
    both = Thresholds(units={"ICU": UnitThresholds(flood_threshold=3), "ER": UnitThresholds(flood_threshold=2)})
    assert [(found.units, found.body["threshold"]) for found in floods(line, both)] in (
        [(["ICU"], 3), (["ER"], 2)],
        [(["ER"], 2), (["ICU"], 3)],
    )
    assert len({found.id for found in floods(line, both)}) == 2


def test_an_alarm_may_lie_in_two_units() -> None:
    line = Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B1", "B2"), placed("B1"))
    both = Thresholds(units={"ICU": UnitThresholds(flood_threshold=3), "ER": UnitThresholds(flood_threshold=3)})
    assert sorted(found.units for found in floods(alarms(0, 10, 20, 30, line=line), both)) == [["ER"], ["ICU"]]


def test_in_a_hub_of_one_unit_every_monitor_is_in_it() -> None:
    line = Timeline().at("-9:00", unit("ICU", "B9"))
    assert flood(alarms(0, 10, 20, 30, line=line)).units == ["ICU"]


def test_the_name_of_a_unit_is_compared_without_regard_to_case() -> None:
    found = flood(alarms(0, 10, 20, 30), Thresholds(units={" icu": UnitThresholds(flood_threshold=3)}))
    assert found.units == ["ICU"]


def unplaced() -> Timeline:
    return Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2"))


@pytest.mark.parametrize(("learnt", "count"), [("5:00", 1), ("10:59.999", 1), ("11:00", 0)])
def test_where_an_alarm_was_may_be_learnt_within_the_lateness(learnt: str, count: int) -> None:
    """Ten minutes, from the end of the minute of its onset."""
    line = alarms(0, 10, 20, 30, line=unplaced())
    assert floods(line) == []
    assert len(floods(line.at(learnt, placed()))) == count


def test_a_unit_may_be_told_of_after_the_alarm() -> None:
    line = Timeline().at("-9:00", unit("ER", "B2"), unit("Ward", "B8"), placed("B1"))
    assert flood(alarms(0, 10, 20, 30, line=line).at("5:00", unit("ICU", "B1"))).body["onsets"] == 4


def test_an_alarm_of_an_unsure_place_marks_it() -> None:
    line = ward().at("-1:00", placed(None, "unsure"))
    assert flood(alarms(0, 10, 20, 30, line=line)).quality == ["place-unsure"]


# What counts.


@pytest.mark.parametrize("fields", [{"kind": "technical"}, {"priority": "LO"}, {"priority": "NONE"}])
def test_all_kinds_and_priorities_count(fields: dict[str, Any]) -> None:
    assert flood(alarms(0, 10, 20, 30, **fields)).body["no_evidence"] == 0


def test_two_signals_are_one_onset() -> None:
    found = flood(alarms(0, 10, 20, 30, line=alarms(0, 10, 20, 30, signal="audible")))
    assert found.body["onsets"] == 4


def test_what_was_told_late_or_backfilled_or_not_seen_to_begin_does_not_count() -> None:
    assert floods(alarms(10, 20, 30, line=ward().at("0:00", raised("c9", listed=True), told="1:01"))) == []
    assert floods(alarms(10, 20, 30, line=ward().at("0:00", raised("c9", quality=("backfilled",))))) == []
    assert floods(alarms(10, 20, 30, line=ward().at("-0:10", lost()))) == []
    assert len(floods(alarms(10, 20, 30, line=ward().at("-0:10", lost()).at("-0:05", back()).at("0:00", raised("c9"))))) == 1


def test_an_onset_behind_an_unseen_end_counts() -> None:
    line = ward().at("0:00", raised("c9")).at("11:00", raised("c9"))
    assert flood(alarms(661, 662, 663, line=line)).body["onsets"] == 4


def test_a_change_of_priority_is_no_onset() -> None:
    line = alarms(0, 10, 20).at("0:30", raised("c1", priority="ME"))
    assert floods(line) == []


def test_a_repeat_changes_nothing() -> None:
    line = alarms(0, 10, 20, 30).at("0:05", log_in())
    events = [*line.facts, *(word for one in shorts(line.facts, LONG, THREE) for word in one.words())]
    once, twice = (oracle.conclude(events * times, [Floods()], LONG, "test", THREE) for times in (1, 2))
    assert once == twice != []


def test_those_that_sounded_most_stand_first() -> None:
    line = alarms(0, 10, 20, 30).at("3:00", raised("c3")).at("3:10", ended("c3"))
    assert flood(line).body["contributors"] == [
        {"condition": "c3", "device": "S1", "onsets": 2},
        {"condition": "c1", "device": "S1", "onsets": 1},
        {"condition": "c2", "device": "S1", "onsets": 1},
        {"condition": "c4", "device": "S1", "onsets": 1},
    ]


def test_the_first_twenty_are_listed_and_all_are_counted() -> None:
    found = flood(alarms(*range(30)))
    assert (len(found.body["contributors"]), found.body["onsets"], len(found.evidence)) == (20, 30, 4)


def test_the_window_is_a_setting() -> None:
    wide = threshold(3, floods=FloodsThresholds(window=60.0))
    assert floods(alarms(0, 10, 20, 60), wide) == []
    found = flood(alarms(0, 10, 20, 59.999), wide)
    assert found.rule_version != flood(alarms(0, 10, 20, 30)).rule_version


# For each session.


def per_session(line: Timeline, thresholds: Thresholds = THREE) -> Any:
    return flood(line, thresholds).body["per_session"]


def test_without_a_session_there_is_no_figure_for_each() -> None:
    assert per_session(alarms(0, 10, 20, 30)) is None


def test_each_account_counts_that_was_there_at_any_time() -> None:
    line = alarms(0, 10, 20, 30).at("-5:00", log_in("ann")).at("0:05", log_out("ann")).at("8:00", log_in("bob"))
    assert per_session(line) == 2.0


def test_whoever_left_before_or_came_after_does_not_count() -> None:
    line = alarms(0, 10, 20, 30).at("-5:00", log_in("ann")).at("-0:00.001", log_out("ann")).at("10:20.001", log_in("bob"))
    assert per_session(line) is None
    line = alarms(0, 10, 20, 30).at("-5:00", log_in("ann")).at("0:00", log_out("ann")).at("10:20", log_in("bob"))
    assert per_session(line.at("-5:00", command())) == 2.0


def test_several_sessions_of_one_account_are_one() -> None:
    line = alarms(0, 10, 20, 30).at("1:00", log_in("ann", client="A")).at("2:00", log_in("Ann ", client="B"))
    assert per_session(line) == 4.0


def test_an_id_and_a_name_are_one_account_once_a_record_says_so() -> None:
    line = alarms(0, 10, 20, 30).at("1:00", log_in(None, account_id="7")).at("2:00", log_in("bob"))
    assert per_session(line) == 2.0
    assert per_session(line.at("20:00", log_out("bob", account_id="7"))) == 4.0


@pytest.mark.parametrize(
    ("place", "figure"), [("ICU", 4.0), (" icu", 4.0), ("B1", 4.0), (None, 4.0), ("nowhere", 4.0), ("ER", None)]
)
def test_a_unit_sees_its_own_sessions_and_those_of_unknown_place(place: str | None, figure: float | None) -> None:
    assert per_session(alarms(0, 10, 20, 30).at("1:00", log_in(place=place))) == figure


def test_who_logs_in_at_another_place_too_is_seen_in_both() -> None:
    assert per_session(alarms(0, 10, 20, 30).at("1:00", log_in(place="ER")).at("2:00", log_in(place="ICU"))) == 4.0


def test_a_session_that_is_taken_as_ended_is_none() -> None:
    days = threshold(3, presence=PresenceThresholds(session_days=0.01))  # 864 s
    assert per_session(alarms(0, 10, 20, 30).at("-14:24", log_in()), days) == 4.0
    assert per_session(alarms(0, 10, 20, 30).at("-14:24.001", log_in()), days) is None


def test_a_shared_account_marks_it() -> None:
    shared = threshold(3, presence=PresenceThresholds(shared_accounts=("nurse",)))
    found = flood(alarms(0, 10, 20, 30).at("1:00", log_in("Nurse")), shared)
    assert (found.body["per_session"], found.quality) == (4.0, ["shared-account"])


# Nobody came.


def test_alarms_to_which_nobody_came_by_their_deadline_are_counted() -> None:
    found = flood(alarms(0, 10, 20, 30))
    assert found.body["no_evidence"] == 4
    line = alarms(0, 10, line=ward().at("-1:00", audio("on")).at("1:05", audio("paused")), first=1)
    assert flood(alarms(20, 30, line=line, first=3)).body["no_evidence"] == 1


def test_whoever_comes_later_does_not_undo_it() -> None:
    line = alarms(0, 10, 20, 30, line=ward().at("-1:00", audio("on"))).at("1:50", audio("paused"))
    assert flood(line).body["no_evidence"] == 4


def test_alarms_before_it_are_no_part_of_it() -> None:
    assert flood(alarms(-700, 0, 10, 20, 30)).body["no_evidence"] == 4


def test_what_is_said_after_it_was_counted_counts() -> None:
    line, late = alarms(0, 10, 20, 30), threshold(3)
    words = [word for one in shorts(line.facts, LONG, late) for word in one.words()]
    moved = [
        msgspec.structs.replace(w, order=(instant("10:59"), w.id, -1, -1, -1)) if isinstance(w, Judged) else w for w in words
    ]
    [found] = oracle.conclude([*line.facts, *moved], [Floods()], LONG, "test", late)
    assert found.body["no_evidence"] == 4


# The envelope.


def test_it_is_of_a_unit_and_carries_the_onsets_that_made_it() -> None:
    found = flood(alarms(0, 10, 20, 30, 40))
    assert (found.units, found.patient, found.monitor, found.device, found.account) == (["ICU"], None, None, None, None)
    assert [copy.at for copy in found.evidence] == [iso(instant(at)) for at in ("0:00", "0:10", "0:20", "0:30")]
    assert found.body == {
        "peak": 5, "onsets": 5, "threshold": 3, "per_session": None, "no_evidence": 5,
        "contributors": [{"condition": f"c{number}", "device": "S1", "onsets": 1} for number in range(1, 6)],
    }  # fmt: skip


def test_marks_of_its_onsets_are_its_own() -> None:
    assert flood(alarms(0, 10, 20, 30, quality=("clock-absent",))).quality == ["clock-absent"]


def test_an_episode_keeps_the_threshold_in_force_at_its_onset() -> None:
    line = alarms(0, 10, 20, 30)
    words = [word for one in shorts(line.facts, LONG, THREE) for word in one.words()]
    [onset] = {word.thresholds for word in words if hasattr(word, "thresholds")}
    events = [*filter(heard_by_the_house, line.facts), *words]
    assert len(oracle.conclude(events, [Floods()], LONG, "test", Thresholds(), {onset: parse(THREE.text())})) == 1


# Laws.

GAPS = st.sampled_from([0.0, 0.5, 10.0, 59.0, 61.0, 200.0, 599.999, 600.0, 700.0])
MOMENTS = st.lists(st.tuples(GAPS, st.integers(0, 11)), max_size=30)
TWO = Thresholds(units={"ICU": UnitThresholds(flood_threshold=2), "ER": UnitThresholds(flood_threshold=1)})


def story(moments: list[tuple[float, int]]) -> Timeline:
    line, now = Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2")), 0.0
    for gap, what in moments:
        now += gap
        choice = (
            raised("c1"), raised("c2"), raised("c3"), raised("c4"), ended("c1"), ended("c2"), ended("c3"), ended("c4"),
            placed("B1"), placed("B2"), log_in("ann", place="ICU"), log_out("ann"),
        )[what]  # fmt: skip
        line.at(f"{now:.3f}", choice)
    return line


def events_of(line: Timeline, thresholds: Thresholds) -> list[Event]:
    words = [word for one in shorts(line.facts, LONG, thresholds) for word in one.words()]
    return sorted([*filter(heard_by_the_house, line.facts), *words], key=rank)


def told(rule: Rule, scene: Scene) -> list[Finding]:
    return sorted(
        (one.finding for key in rule.items for one in rule.found(key, scene, LONG)), key=lambda one: (one.start, one.id)
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(MOMENTS, st.integers(0, 80))
def test_what_is_remembered_is_all_that_counts(moments: list[tuple[float, int]], cut: int) -> None:
    line, scene = story(moments), Scene(House(), "test", {})
    rule: Rule = Floods()
    for index, event in enumerate(events_of(line, TWO)):
        if index == cut:
            told(rule, scene)  # What is shown meanwhile changes nothing.
            rule = copied(rule)
        scene.look_at(event, TWO)
        list(rule.hear(event, scene))
        scene.pass_by(event)
    expected = sorted(floods(line, TWO), key=lambda one: (one.start, one.id))
    assert [(one.id, one.body, one.quality) for one in told(rule, scene)] == [(x.id, x.body, x.quality) for x in expected]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(MOMENTS)
def test_what_is_over_changes_no_more(moments: list[tuple[float, int]]) -> None:
    line, scene, closed = story(moments), Scene(House(), "test", {}), dict[str, Finding]()
    rule = Floods()
    for event in events_of(line, TWO):
        now = event.order[0]
        for key in list(rule.items):
            closed |= {one.finding.id: one.finding for one in rule.found(key, scene, now) if one.closes < now}
        for key in [key for key in rule.items if rule.over(key, now)]:
            del rule.items[key]
        scene.prune(now)
        scene.look_at(event, TWO)
        list(rule.hear(event, scene))
        scene.pass_by(event)
    closed |= {one.id: one for one in told(rule, scene)}
    assert {one.id: one.body for one in closed.values()} == {one.id: one.body for one in floods(line, TWO)}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(MOMENTS)
def test_what_happens_in_another_unit_changes_nothing(moments: list[tuple[float, int]]) -> None:
    def icu(line: Timeline) -> list[tuple[str, Any]]:
        return [(one.id, one.body) for one in floods(line, TWO, units=["ICU"])]

    other = story(moments).at("-1:00", placed("B2", serial="M2"), log_in("cy", place="ER"))
    assert icu(alarms(0, 10, 20, monitor="M2", device="S2", patient="P2", line=other)) == icu(story(moments))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("lag", [600, 1260])
def test_however_it_is_cut_and_settled_the_end_is_the_same(seed: int, lag: int) -> None:
    """Also after quiet times, in which nothing is heard and much is forgotten.

    But for `no_evidence`: an end that turns out to be missed takes back what attendance said, however late.
    """
    draw, known = Random(seed), digest(TWO)
    gaps = (0.0, 0.5, 10.0, 59.0, 61.0, 200.0, 599.999, 700.0)
    line = story([(draw.choice(gaps), draw.randrange(6)) for _ in range(60)])
    chronicle, said = Chronicle([Floods], "test", {known: TWO}, lambda subject: True), dict[str, Finding]()
    for fact in line.facts:
        if heard_by_the_house(fact):
            chronicle.hold(fact, known)
        for one in shorts([other for other in line.facts if other.sent <= fact.sent], fact.sent, TWO):
            chronicle.tell(one, known)
        said |= {one.id: one for one in chronicle.conclude(fact.sent)}
        chronicle.settle(fact.sent - lag * SECOND)
    for one in shorts(line.facts, LONG, TWO):
        chronicle.tell(one, known)
    said |= {one.id: one for one in chronicle.conclude(LONG)}
    standing = {name: one.body for name, one in said.items() if one.status != "retracted"}
    assert standing == {one.id: one.body for one in floods(line, TWO)}


def test_a_flood_of_a_day_is_remembered_in_a_few_words() -> None:
    line, scene, rule = ward(), Scene(House(), "test", {}), Floods()
    for number in range(0, 1200, 2):
        line.at(f"{number}:00", raised(f"c{number % 16}")).at(f"{number + 1}:00", ended(f"c{number % 16}"))
    for event in events_of(line, THREE):
        scene.look_at(event, THREE)
        list(rule.hear(event, scene))
        scene.pass_by(event)
        for key in [key for key in rule.items if rule.over(key, event.order[0] - 600 * SECOND)]:
            del rule.items[key]
    [found] = told(rule, scene)
    assert found.body["onsets"] == 600
    assert len(msgspec.json.encode(rule.items)) < 40_000
    assert [len(item.floods) for item in rule.items.values() if isinstance(item, Unit)] == [1]
