"""Small stories of what order, take-overs or forgetting once changed: the log must say what all facts at once say."""

from __future__ import annotations

from random import Random

import pytest

from hubapp.facts import SECOND
from hubapp.ward import parking
from hubapp.ward.oracle import conclude
from tests.test_laws import arrival, cut, newest, story, with_progress
from tests.timeline import Timeline, audio, back, change, log_in, lost, placed, raised, removed, seen, session, unit
from tests.wardlog import Log, contents, progress, steps


def two_units() -> Timeline:
    return Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), placed("B2", serial="M2"))


def agrees(line: Timeline, *, taken_over: bool = False) -> Log:
    """What a log tells of *line*, step by step, is what all at once gives."""
    log, end = Log(), max(fact.sent for fact in line.facts) + 400 * SECOND
    for record in [*steps(line.facts), progress(end)]:
        log.batch([record])
        if taken_over:
            log.take_over()
    assert contents(log.standing().values()) == contents(conclude(line.facts, end, "test"))
    return log


def test_where_a_log_in_was_stays_so_when_a_group_is_told_other_beds_later() -> None:
    """The alarm stays on; the group's beds of then are forgotten while it does."""
    line = two_units().at("0:00", raised(patient="P2", device="S2", monitor="M2")).at("1:00", log_in("ann", place="B1"))
    line.at("8:00", unit("ER", "B1")).at("10:00", session()).at("20:00", audio("on")).at("21:00", unit("ER", "B1"))
    agrees(line)


def test_of_two_alarms_in_a_silence_the_first_is_named_also_after_a_take_over() -> None:
    for conditions in (("spo2-low", "hr-high"), ("hr-high", "spo2-low")):
        line = two_units().at("0:00", session(), *(raised(condition) for condition in conditions))
        line.at("20:00", audio("off")).at("40:00", audio("off")).at("41:00", audio("on"))
        agrees(line, taken_over=True)


def test_revisions_grow_when_something_before_it_makes_a_finding_the_second_one() -> None:
    """A loss that is told late hid the alarm first; the removal is told of as before, and never told twice as the first time."""
    line = Timeline().at("0:00", raised()).at("2:00", removed()).at("2:10", audio("on"))
    line.at("0:05", lost("silent")).at("0:30", back()).at("2:20", audio("on"))
    log = Log()
    for part in (line.facts[:3], line.facts[3:]):
        log.batch([*part, progress(part[-1].sent)])
    told = [(one.id, one.revision) for one in log.told if one.rule == "masking"]
    assert len({name for name, _ in told}) == 2
    assert len(told) == len({*told})


def test_an_alarm_that_a_loss_ended_is_taken_up_again_for_every_rule_long_after() -> None:
    """All that was told of it lies behind the horizon by then."""
    line = two_units().at("0:00", raised(), lost("silent")).at("30:00", audio("on")).at("37:00", raised(priority="LO"))
    agrees(line)


def test_hands_on_an_alarm_while_its_monitor_was_lost_count_when_it_is_taken_up_long_after() -> None:
    line = two_units().at("-8:00", seen("S1")).at("0:00", raised()).at("0:20", lost("silent"))
    line.at("1:20", change("ASSIGN_DEVICE_LOCATION_EVENT")).at("27:00", back()).at("27:10", removed())
    for taken_over in (False, True):
        agrees(line, taken_over=taken_over)


@pytest.mark.parametrize("seed", range(2))
def test_what_waits_far_ahead_in_a_backlog_waits_after_a_take_over_too(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "FEW", 3)
    draw, facts, one, other = Random(seed), story(seed), Log(), Log()
    claimed = with_progress(arrival(facts, draw, 700 * SECOND), 5 * SECOND, newest(facts) + 400 * SECOND, draw)
    for batch in cut(claimed, draw):
        one.batch(batch)
        other.batch(batch)
        if draw.random() < 0.3:
            other.take_over()
    assert one.told == other.told
    assert one.tables == other.tables
