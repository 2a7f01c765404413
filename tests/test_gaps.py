"""What the hub could not see, from when to when."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.findings import Finding
from hubapp.rules.gaps import Gaps
from hubapp.rules.house import House
from hubapp.rules.scene import Scene
from tests.folding import events_of, hear, in_two, in_two_parts
from tests.timeline import (
    Timeline,
    audio,
    back,
    command,
    gap,
    instant,
    iso,
    log_in,
    lost,
    raised,
    release,
    removed,
)


def found(line: Timeline, until: str | None = None) -> list[tuple[Any, ...]]:
    return [(one.body["why"], clock(one.start), clock(one.end), one.status) for one in line.findings("gaps", until)]


def clock(text: str | None) -> str | None:
    return None if text is None else text[14:23]


# Records that are gone.


def test_records_that_are_gone_are_missing_from_the_last_that_was_read_to_the_next() -> None:
    found = Timeline().at("1:00", gap(missing=40, partition=3), told="3:00").finding("gaps")
    assert found.body == {"source": "alerts", "why": "retention", "missing": 40, "share": None}
    assert (found.start, found.end, found.status) == (iso(instant("1:00")), iso(instant("3:00")), "final")
    assert (found.quality, found.units, found.monitor, found.patient) == ([], [], None, None)
    [told] = found.evidence
    assert (told.kind, told.used["missing"], told.topic, told.partition) == ("SourceGap", 40, "alerts", 3)


def test_it_is_found_when_what_follows_was_sent() -> None:
    line = Timeline().at("1:00", gap(), told="3:00")
    assert found(line, "2:59.999") == []
    assert found(line, "3:00") == [("retention", "01:00.000", "03:00.000", "provisional")]
    assert found(line, "3:00.001") == [("retention", "01:00.000", "03:00.000", "final")]


def test_each_partition_and_each_topic_has_its_own() -> None:
    line = Timeline().at("1:00", gap(partition=0), gap(partition=1), gap("events-auth"), told="3:00")
    assert len({one.id for one in line.findings("gaps")}) == 3


def test_two_that_begin_at_the_same_instant_are_one_since_nothing_was_read_between() -> None:
    line = Timeline().at("1:00", gap(missing=2), told="3:00").at("1:00", gap(missing=5), told="4:00")
    one = line.finding("gaps")
    assert (one.body["missing"], clock(one.end), len(one.evidence)) == (7, "04:00.000", 2)


# A gateway that says nothing.


def reporting(*monitors: str) -> Timeline:
    return Timeline().at("0:00", *(back(monitor=monitor) for monitor in monitors or ("M1", "M2", "M3")))


def silent(line: Timeline, *, first: str = "1:00", last: str = "1:00") -> Timeline:
    line.at(first, lost("silent", monitor="M1"), lost("silent", monitor="M2"))
    return line.at(last, lost("silent", monitor="M3"))


def test_every_monitor_silent_at_once_is_a_silent_gateway() -> None:
    line = silent(reporting(), last="1:02").at("5:00", back(monitor="M2"))
    one = line.finding("gaps")
    assert one.body == {"source": "sdc-realtime-state", "why": "gateway-silent", "missing": None, "share": None}
    assert found(line) == [("gateway-silent", "01:02.000", "05:00.000", "final")]
    assert [told.kind for told in one.evidence] == ["MonitorLost", "MonitorBack"]
    assert (one.monitor, one.units) == (None, [])


def test_it_lasts_until_something_is_heard() -> None:
    line = silent(reporting())
    assert found(line, "2:00") == [("gateway-silent", "01:00.000", None, "provisional")]
    assert found(line, "10:00") == [("gateway-silent", "01:00.000", None, "provisional")]


@pytest.mark.parametrize(("now", "count"), [("1:29.999", 0), ("1:30", 0), ("1:30.001", 1)])
def test_it_is_told_when_nothing_came_for_half_a_minute(now: str, count: int) -> None:
    assert len(found(silent(reporting()), now)) == count


@pytest.mark.parametrize(("again", "count"), [("1:29.999", 0), ("1:30", 0), ("1:30.001", 1)])
def test_nothing_that_lasts_for_half_a_minute_is_a_silence(again: str, count: int) -> None:
    assert len(found(silent(reporting()).at(again, back(monitor="M1")))) == count


@pytest.mark.parametrize(
    "sign",
    [
        back(), lost(), lost("reported"), audio("on"), release(), removed(), raised(),
    ],
)  # fmt: skip
def test_any_record_of_the_gateway_ends_it(sign: Any) -> None:
    assert found(silent(reporting()).at("3:00", sign), "20:00") == [("gateway-silent", "01:00.000", "03:00.000", "final")]


@pytest.mark.parametrize("other", [log_in(), command(), gap("events-auth")])
def test_what_others_write_does_not(other: Any) -> None:
    told = [one for one in found(silent(reporting()).at("3:00", other), "20:00") if one[0] == "gateway-silent"]
    assert told == [("gateway-silent", "01:00.000", None, "provisional")]


def test_one_that_reports_on_is_enough_for_a_gateway() -> None:
    assert found(silent(reporting("M1", "M2", "M3", "M4"))) == []


def test_one_that_never_reported_is_not_waited_for() -> None:
    assert len(found(silent(reporting().at("0:30", audio("on", monitor="M9"))))) == 1


@pytest.mark.parametrize("cause", ["disconnect", "reported"])
def test_one_that_is_told_to_be_away_is_not_waited_for_and_not_counted(cause: str) -> None:
    assert len(found(silent(reporting("M1", "M2", "M3", "M4").at("0:40", lost(cause, monitor="M4"))))) == 1
    line = reporting("M1", "M2").at("0:40", lost(cause)).at("1:00", lost("silent", monitor="M2"))
    assert found(line) == []


def test_a_monitor_alone_cannot_be_told_from_its_gateway() -> None:
    assert found(reporting("M1").at("1:00", lost("silent"))) == []


@pytest.mark.parametrize(("first", "count"), [("0:29.999", 0), ("0:30", 1), ("0:30.001", 1)])
def test_at_once_is_within_half_a_minute(first: str, count: int) -> None:
    line = reporting("M1", "M2").at(first, lost("silent")).at("1:00", lost("silent", monitor="M2"))
    assert len(found(line)) == count


def test_those_that_fell_silent_long_before_are_neither_waited_for_nor_counted() -> None:
    line = reporting().at("0:10", lost("silent", monitor="M3"))
    assert len(found(line.at("1:00", lost("silent"), lost("silent", monitor="M2")))) == 1
    line = reporting("M1", "M2").at("0:10", lost("silent"))
    assert found(line.at("1:00", lost("silent", monitor="M2"))) == []


def test_a_second_silence_is_another_finding() -> None:
    line = silent(reporting()).at("3:00", *(back(monitor=monitor) for monitor in ("M1", "M2", "M3")))
    line = silent(line, first="5:00", last="5:00").at("7:00", back())
    assert [one[1:3] for one in found(line)] == [("01:00.000", "03:00.000"), ("05:00.000", "07:00.000")]


# Laws.


def forgotten(line: Timeline, horizon: str) -> list[str]:
    rule = Gaps()
    hear(rule, Scene(House(), "test", {}), events_of(line))
    return [key for key in rule.items if rule.over(key, instant(horizon))]


def test_what_is_over_is_forgotten_and_what_lasts_is_not() -> None:
    line = Timeline().at("1:00", gap(), told="3:00")
    assert (len(forgotten(line, "3:00")), len(forgotten(line, "3:00.001"))) == (0, 1)
    assert forgotten(silent(reporting()), "9:00:00") == []


def test_monitors_that_are_gone_are_not_remembered() -> None:
    line = reporting("M1", "M2").at("1:00", lost("silent")).at("2:00", lost(monitor="M2"))
    assert forgotten(line, "1:30") == []
    assert forgotten(line, "1:30.001") == ["gateway"]


GAPS = st.sampled_from([0.0, 0.5, 10.0, 29.999, 30.0, 31.0, 200.0])


def story(moments: list[tuple[float, int]]) -> Timeline:
    line, now = Timeline(), 0.0
    for wait, what in moments:
        now += wait
        monitor = f"M{what % 3}"
        makes = (
            lambda m: back(monitor=m), lambda m: lost("silent", monitor=m), lambda m: lost(monitor=m),
            lambda m: audio("on", monitor=m), lambda m: gap(), lambda m: raised(monitor=m),
        )  # fmt: skip
        line.at(str(now), makes[what // 3](monitor))
    return line


MOMENTS = st.lists(st.tuples(GAPS, st.integers(0, 17)), max_size=30)


def same(pair: tuple[list[Finding], list[Finding]]) -> bool:
    return pair[0] == pair[1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(MOMENTS, st.integers(0, 30))
def test_state_that_is_written_and_read_in_between_changes_nothing(moments: list[tuple[float, int]], cut: int) -> None:
    assert same(in_two(story(moments), "gaps", cut))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(MOMENTS)
def test_what_is_forgotten_is_not_missed(moments: list[tuple[float, int]]) -> None:
    assert same(in_two_parts(story(moments), "gaps"))


def test_the_stories_are_of_silent_gateways_too() -> None:
    draw = Random(1)
    steps = (0.0, 0.5, 10.0, 31.0, 200.0)
    told = [found(story([(draw.choice(steps), draw.randrange(18)) for _ in range(30)])) for _ in range(60)]
    assert sum(one[0] == "gateway-silent" for found in told for one in found) > 5
