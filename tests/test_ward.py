"""The ward: what is told when, what is late, what stands in its tables."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hubapp.chronicle.rows import UnknownVersion
from hubapp.facts import SECOND, AnyFact
from hubapp.thresholds import AttendanceThresholds, EpisodesThresholds, Thresholds
from tests.timeline import T0, Timeline, back, command, ended, instant, iso, log_in, lost, raised, release, rules, session
from tests.wardlog import Log, progress


def facts(*moments: tuple[str, Any]) -> list[AnyFact]:
    line = Timeline()
    for when, fact in moments:
        line.at(when, fact)
    return line.facts


def claim(when: str) -> Any:
    return progress(instant(when))


def told(log: Log, rule: str) -> list[tuple[str, Any]]:
    word = {"episodes": "ended_by", "attendance": "result"}[rule]
    return [(finding.status, finding.body[word]) for finding in log.told if finding.rule == rule]


ALARM = [("-1:00", session()), ("0:00", raised())]


# When something is told.


def test_an_alarm_is_provisional_at_once_and_final_when_its_window_has_passed() -> None:
    log = Log()
    log.batch([*facts(*ALARM), claim("-0:05")])
    log.batch([*facts(("0:30", ended())), claim("0:31")])
    log.batch([claim("1:30")])
    assert told(log, "episodes") == [("provisional", None), ("provisional", "cleared")]
    log.batch([claim("1:30.001")])
    assert told(log, "episodes")[-1] == ("final", "cleared")
    assert [finding.revision for finding in log.told if finding.rule == "episodes"] == [1, 2, 3]


def test_a_deadline_passes_on_a_quiet_ward() -> None:
    log = Log()
    log.batch([*facts(*ALARM), claim("0:00")])
    log.batch([claim("1:00")])
    assert told(log, "attendance") == [("provisional", "open")]
    log.batch([claim("1:00.001")])
    assert told(log, "attendance")[-1] == ("provisional", "no-evidence")


def test_nothing_is_told_again_that_has_not_changed() -> None:
    log = Log()
    log.batch([*facts(*ALARM), claim("0:00")])
    before = len(log.told)
    log.batch([*facts(("0:10", session())), claim("0:10"), claim("0:20")])
    assert len(log.told) == before


def test_findings_are_told_at_progress_and_nowhere_else() -> None:
    log = Log()
    log.batch(facts(*ALARM))
    assert log.told == []
    log.batch([claim("0:00")])
    assert [finding.rule for finding in log.told] == ["episodes", "attendance", "monitored"]


def test_what_stands_in_the_log_behind_the_progress_that_closed_its_window_amends() -> None:
    log = Log()
    log.batch([*facts(*ALARM, ("2:00", ended())), claim("3:00.001")])
    assert told(log, "attendance") == [("final", "no-evidence")]
    log.batch([*facts(("0:30", command())), claim("3:01")])
    assert told(log, "attendance")[-1] == ("amended", "attended")


def test_an_end_that_is_told_behind_its_own_window_amends_too() -> None:
    log = Log()
    log.batch([*facts(*ALARM), claim("5:00")])
    log.batch([*facts(("0:30", ended())), claim("5:01")])
    assert told(log, "episodes")[-1] == ("amended", "cleared")


def test_an_alarm_that_is_taken_up_again_is_provisional_again() -> None:
    log = Log()
    log.batch([*facts(*ALARM, ("1:00", lost())), claim("11:00.001")])
    assert told(log, "episodes") == [("final", "lost")]
    log.batch([*facts(("20:00", back())), claim("20:01")])
    log.batch([*facts(("30:00", ended())), claim("40:00")])
    assert told(log, "episodes")[1:] == [("provisional", None), ("final", "cleared")]


def test_an_anchor_that_moves_retracts_the_old_id_for_the_new() -> None:
    log = Log()
    first, older = facts(("-1:00", session()), ("0:10", raised()), ("0:05", raised()))[1:]
    log.batch([first, claim("0:00")])
    log.batch([older, claim("0:10")])
    old, new = (finding for finding in log.last().values() if finding.rule == "episodes")
    assert (old.status, old.replaced_by, old.revision) == ("retracted", new.id, 2)
    assert (new.status, new.start) == ("provisional", iso(instant("0:05")))


# What comes late.


@pytest.mark.parametrize(("sent", "late"), [("0:00", False), ("-0:00.001", True)])
def test_more_than_ten_minutes_behind_the_watermark_is_late(sent: str, late: bool) -> None:
    log = Log()
    log.batch([claim("10:00")])
    log.batch(facts((sent, raised())))
    assert bool(log.late) is late


@pytest.mark.parametrize("closer", [ended(), release()], ids=["end", "release"])
def test_what_closes_something_is_applied_however_late_and_says_so(closer: Any) -> None:
    log = Log()
    log.batch([*facts(*ALARM), claim("60:00")])
    log.batch([*facts(("0:30", closer)), claim("60:01")])
    assert log.late == []
    episode = next(finding for finding in reversed(log.told) if finding.rule == "episodes")
    assert (episode.status, episode.end, "late" in episode.quality) == ("amended", iso(instant("0:30")), True)


def test_so_is_a_monitor_that_is_back() -> None:
    log = Log()
    log.batch([*facts(*ALARM, ("1:00", lost())), claim("60:00")])
    log.batch([*facts(("2:00", back())), claim("60:01")])
    episode = next(finding for finding in reversed(log.told) if finding.rule == "episodes")
    assert (episode.body["ended_by"], episode.body["unobserved"], "late" in episode.quality) == (None, 60, True)


def test_backfilled_alerts_give_no_live_finding() -> None:
    log = Log()
    log.batch([*facts(("0:00", raised(quality=("backfilled",)))), claim("1:00")])
    assert log.told == []


def test_alarms_of_other_partitions_are_not_written_about() -> None:
    log = Log()
    log.ward.mine = lambda subject: subject == "p1"
    log.batch([*facts(("0:00", raised(patient="P2"))), claim("1:00")])
    assert log.told == []


# Input of the past.


def test_an_input_that_ends_closes_its_windows_and_the_next_is_in_time() -> None:
    log = Log()
    log.batch([*facts(("90:00:00", raised()), ("90:00:30", ended())), progress(ended=instant("90:00:30"))])
    log.batch([*facts(*ALARM, ("0:30", ended())), progress(instant("0:25"))])
    log.batch([progress(ended=instant("90:00:30"))])
    assert log.late == []
    assert [one.status for one in log.standing().values() if one.rule in ("episodes", "attendance")] == ["final"] * 4


def test_nothing_that_is_open_ends_by_the_end_of_input() -> None:
    log = Log()
    log.batch([*facts(*ALARM, ("1:00", lost())), progress(ended=instant("1:00"))])
    assert told(log, "episodes") == [("provisional", None)]


# Thresholds.


def test_thresholds_are_in_force_by_their_place_in_the_log() -> None:
    longer = Thresholds(attendance=AttendanceThresholds(deadline_hi=90), episodes=EpisodesThresholds(fleeting=60))
    log = Log()
    before, applied, after = facts(("0:00", raised()), ("9:00", rules(longer)), ("0:00", raised("hr-high")))
    log.batch([before, applied, after, claim("0:10")])
    deadlines = {f.body["condition"]: f.body["deadline"] for f in log.told if f.rule == "attendance"}
    assert deadlines == {"spo2-low": iso(instant("1:00")), "hr-high": iso(instant("1:30"))}
    log.take_over()
    log.batch([*facts(("0:30", ended()), ("0:30", ended("hr-high"))), claim("5:00")])
    fleeting = {f.body["condition"]: f.body["fleeting"] for f in log.standing().values() if f.rule == "episodes"}
    assert fleeting == {"spo2-low": False, "hr-high": True}


# State.


def test_a_restored_ward_goes_on_like_one_that_never_stopped() -> None:
    one, other = Log(), Log()
    story = [
        [*facts(*ALARM, ("-2:00", log_in("ann"))), claim("0:00")], facts(("0:20", command())),
        [claim("0:30"), *facts(("0:40", ended()))], [claim("30:00")], [*facts(("31:00", raised())), claim("31:00")],
    ]  # fmt: skip
    for batch in story:
        one.batch(batch)
        other.batch(batch)
        other.take_over()
    assert one.told == other.told
    assert one.tables == other.tables


def test_facts_that_have_passed_are_held_no_more() -> None:
    log = Log()
    log.batch([*facts(*ALARM, ("0:30", ended())), claim("1:00")])
    assert len(log.tables["held"]) == 3
    log.batch([claim("20:00")])
    assert log.tables["held"] == {}


def test_an_alarm_is_forgotten_a_day_after_its_end_and_a_month_after_while_its_patient_is_there() -> None:
    for closing, hours in (([("1:00", release())], 26), ([], 26 * 30)):
        log = Log()
        log.batch([*facts(*ALARM, ("0:30", ended()), *closing), claim("20:00")])
        assert len(log.tables["episodes"]) == 1
        log.batch([claim(f"{hours}:00:00")])
        assert log.tables["episodes"] == log.tables["attendance"] == {}


@pytest.mark.parametrize("table", ["episodes", "attendance", "progress"])
def test_state_of_a_newer_hub_stops_the_worker_with_a_clear_word(table: str) -> None:
    log = Log()
    log.batch([*facts(*ALARM), claim("0:00")])
    [key] = log.tables[table]
    row = msgspec.json.decode(log.tables[table][key])
    log.tables[table][key] = msgspec.json.encode({**row, "version": 99})
    with pytest.raises(UnknownVersion, match="version 99"):
        log.take_over()


def test_the_clock_of_a_progress_record_caps_what_it_claims() -> None:
    log = Log()
    log.ward.bounds = {"alerts": 5 * SECOND}
    log.ward.take(msgspec.json.encode(progress(T0 + 3600 * SECOND)), T0)
    assert log.ward.watermark.at == T0 - 5 * SECOND
