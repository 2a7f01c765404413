"""The mark `gap`: a finding's window meets what was not seen of a source that its rule reads."""

from __future__ import annotations

import pytest
from msgspec import structs

from hubapp.chronicle.rules import CHRONICLE
from hubapp.facts import iso
from hubapp.rules.unseen import KEPT, READS, Unseen, learn, marks, prune
from hubapp.topics import READ, RULES
from tests.timeline import Timeline, back, ended, gap, log_in, log_out, lost, raised, release, session


def marked(line: Timeline, rule: str, until: str | None = None) -> list[bool]:
    return ["gap" in one.quality for one in line.findings(rule, until)]


def alarm() -> Timeline:
    return Timeline().at("10:00", raised()).at("12:00", ended())


RULES_OF_AN_ALARM = ["episodes", "attendance"]


@pytest.mark.parametrize("rule", RULES_OF_AN_ALARM)
def test_an_alarm_in_the_time_of_a_gap_is_marked(rule: str) -> None:
    assert marked(alarm().at("11:00", gap(), told="11:30"), rule) == [True]
    assert marked(alarm().at("5:00", gap(), told="30:00"), rule) == [True]


@pytest.mark.parametrize("rule", RULES_OF_AN_ALARM)
@pytest.mark.parametrize(("until", "met"), [("9:59.999", False), ("10:00", False), ("10:00.001", True)])
def test_a_gap_that_is_over_at_the_onset_is_not_met(rule: str, until: str, met: bool) -> None:
    assert marked(alarm().at("9:00", gap(), told=until), rule) == [met]


@pytest.mark.parametrize(
    ("rule", "begin", "met"),
    [
        ("episodes", "12:59.999", True), ("episodes", "13:00", False),  # The end of the signal and a minute.
        ("attendance", "11:59.999", True), ("attendance", "12:00", False),
    ],
)  # fmt: skip
def test_a_gap_that_begins_when_the_window_closes_is_not_met(rule: str, begin: str, met: bool) -> None:
    assert marked(alarm().at(begin, gap(), told="20:00"), rule) == [met]


def test_what_a_rule_does_not_read_is_no_gap_of_it() -> None:
    line = alarm().at("11:00", gap("events-auth"), told="11:30")
    assert (marked(line, "episodes"), marked(line, "attendance")) == ([False], [True])


def test_a_session_that_is_open_in_the_gap_is_marked_and_one_before_it_is_not() -> None:
    line = Timeline().at("0:00", log_in("ann"), log_in("bob")).at("1:00", log_out("ann"))
    line.at("30:00", gap("events-auth"), told="31:00").at("40:00", log_out("bob"))
    assert {one.account: "gap" in one.quality for one in line.findings("presence")} == {"ann": False, "bob": True}


@pytest.mark.parametrize(("source", "met"), [("events-sdc", True), ("sdc-realtime-state", True), ("alerts", False)])
def test_a_patient_session_is_marked_by_what_its_monitor_tells(source: str, met: bool) -> None:
    line = Timeline().at("0:00", session()).at("5:00", gap(source), told="6:00").at("10:00", lost()).at("11:00", back())
    assert marked(line.at("20:00", release()), "monitored") == [met]


def test_the_finding_about_a_gap_is_not_marked_by_it() -> None:
    line = Timeline().at("5:00", gap(), told="6:00").at("5:30", gap("events-auth"), told="5:40")
    assert marked(line, "gaps") == [False, False]


def test_it_is_known_what_each_rule_reads() -> None:
    assert {*READS} == {*RULES} >= {*CHRONICLE}
    roles = {topic.role for topic in READ}
    assert frozenset().union(*READS.values()) == roles


def unseen(*gaps: tuple[str, int, int]) -> list[Unseen]:
    return [Unseen(*one) for one in gaps]


def told(*gaps: tuple[str, int, int]) -> list[Unseen]:
    known: list[Unseen] = []
    for source, begin, until in gaps:
        _, make = gap(source)
        learn(known, structs.replace(make(at=0, sent=until, offset=0, timestamp=0, topic=source), at=begin))
    return known


def test_those_of_one_source_that_overlap_are_one() -> None:
    gaps = [("alerts", 10, 20), ("alerts", 30, 40), ("events-sdc", 15, 35), ("alerts", 40, 50), ("alerts", 15, 31)]
    assert told(*gaps) == told(*reversed(gaps)) == unseen(("alerts", 10, 40), ("alerts", 40, 50), ("events-sdc", 15, 35))


def test_of_the_long_past_one_for_each_source_is_enough() -> None:
    """Whatever is open still began before the newest of them ended, or met none."""
    old = unseen(("alerts", 10, 20), ("alerts", 50, 60), ("alerts", 90, 120), ("events-sdc", 5, 55))
    kept = list(old)
    prune(kept, KEPT + 100)
    assert kept == unseen(("alerts", 10, 60), ("alerts", 90, 120), ("events-sdc", 5, 55))
    for start in range(0, 130, 5):
        assert [*marks(kept, "episodes", iso(start), 150)] == [*marks(old, "episodes", iso(start), 150)]


def test_what_is_not_long_over_is_kept_as_it_is() -> None:
    known = unseen(("alerts", 10, 20), ("alerts", 50, 60))
    prune(known, KEPT + 20)
    assert known == unseen(("alerts", 10, 20), ("alerts", 50, 60))
