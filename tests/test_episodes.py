"""Episodes: how one begins, what belongs to it, how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import Limits
from tests.timeline import Timeline, back, ended, instant, iso, latched, lost, raised, release, removed, seen, session

BOTH = ("visible", "audible")


def alarm() -> Timeline:
    return Timeline().at("-5:00", session())


def starts(line: Timeline, **where: Any) -> list[str]:
    return sorted(finding.start for finding in line.findings("episodes", **where))


def at(*times: str) -> list[str]:
    return [iso(instant(time)) for time in times]


# Onset and reports.


def test_the_two_signals_of_a_condition_are_one_episode() -> None:
    line = alarm().at("0:00", raised()).at("0:00.001", raised(signal="audible"))
    line.at("0:30", ended()).at("0:30.001", ended(signal="audible"))
    assert starts(line) == at("0:00")
    assert line.finding("episodes").end == iso(instant("0:30"))
    assert line.body("episodes")["duration"] == 30


def test_only_updates_of_the_visible_or_only_signal_are_counted_the_end_included() -> None:
    line = (
        alarm().at("0:00", raised(), raised(signal="audible")).at("0:10", raised()).at("0:30", ended(signal="audible"), ended())
    )
    assert line.body("episodes")["reports"] == 3


def test_conditions_devices_and_patients_have_episodes_of_their_own() -> None:
    line = alarm().at("0:00", raised("spo2-low"), raised("hr-high"), raised("spo2-low", device="S2"))
    assert len(line.findings("episodes")) == 3


def test_devices_and_patients_compare_without_case_and_are_shown_as_written() -> None:
    line = alarm().at("0:00", raised(patient=" p1", device="s1")).at("0:30", ended(patient="P1 ", device="S1"))
    found = line.finding("episodes")
    assert (found.patient, found.device, found.body["ended_by"]) == (" p1", "s1", "cleared")


def test_limits_are_those_at_onset_and_priority_is_the_peak() -> None:
    line = alarm().at("0:00", raised(priority="LO", limits=Limits(lower=85.0)))
    line.at("0:10", raised(priority="HI", limits=Limits(lower=80.0))).at("0:20", raised(priority="ME"))
    body = line.body("episodes")
    assert body["limits"] == {"lower": 85.0, "upper": None}
    assert body["priority"] == "HI"


def test_an_end_or_a_latch_without_an_alarm_is_no_episode() -> None:
    assert alarm().at("0:00", ended()).at("0:01", latched()).findings("episodes") == []


def test_an_episode_of_no_priority_has_no_attendance() -> None:
    line = alarm().at("0:00", raised(priority="NONE"))
    assert len(line.findings("episodes")) == 1
    assert line.findings("attendance") == []


def test_an_alarm_without_a_patient_is_its_monitors() -> None:
    found = Timeline().at("0:00", raised(patient=None, kind="technical")).finding("episodes")
    assert (found.patient, found.monitor) == (None, "M1")


# Ends.


@pytest.mark.parametrize("end", [ended, latched])
def test_the_condition_ends_when_it_is_told_ended_or_latched(end: Any) -> None:
    line = alarm().at("0:00", raised()).at("0:30", end(), told="0:31")
    assert (line.finding("episodes").end, line.body("episodes")["ended_by"]) == (iso(instant("0:30")), "cleared")


def test_a_latched_signal_is_acknowledged_when_its_end_is_sent() -> None:
    line = alarm().at("0:00", raised()).at("0:30", latched()).at("0:30", ended(), told="5:00")
    found = line.finding("episodes")
    assert found.end == iso(instant("0:30"))
    assert (found.body["latched"], found.body["acknowledged_at"]) == (True, iso(instant("5:00")))


def test_a_latch_of_the_end_that_the_other_signal_told_turns_the_signal_on_again() -> None:
    line = alarm().at("0:00", raised()).at("0:30", ended(signal="audible")).at("0:30", latched(), told="0:31")
    line.at("0:30", ended(), told="5:00")
    assert line.body("episodes")["acknowledged_at"] == iso(instant("5:00"))


def test_a_latch_of_another_instant_turns_nothing_on_again() -> None:
    line = alarm().at("0:00", raised()).at("0:30", ended(signal="audible")).at("0:30.001", latched())
    assert line.body("episodes")["latched"] is False


def test_the_end_of_the_signal_that_did_not_latch_is_no_acknowledgement() -> None:
    line = alarm().at("0:00", raised()).at("0:30", latched()).at("0:30", ended(signal="audible"), told="0:31")
    assert line.body("episodes")["acknowledged_at"] is None


def test_of_two_latched_signals_the_first_end_acknowledges() -> None:
    line = alarm().at("0:00", raised()).at("0:30", latched(), latched(signal="audible"))
    line.at("0:30", ended(signal="audible"), told="5:00").at("0:30", ended(), told="6:00")
    assert line.body("episodes")["acknowledged_at"] == iso(instant("5:00"))


def test_a_new_onset_while_the_old_signal_is_latched_ends_that_one_unacknowledged() -> None:
    line = alarm().at("0:00", raised()).at("0:30", latched()).at("3:00", raised())
    old, new = line.findings("episodes")
    assert (old.status, old.body["acknowledged_at"], old.body["latched"]) == ("final", None, True)
    assert (new.start, new.status) == (iso(instant("3:00")), "provisional")


@pytest.mark.parametrize("by", [release(), release(None), session("P2")], ids=["close", "close of nobody", "another's opening"])
def test_an_alarm_is_released_when_its_patient_leaves_the_monitor(by: Any) -> None:
    line = alarm().at("0:00", raised()).at("2:00", by)
    assert (line.finding("episodes").end, line.body("episodes")["ended_by"]) == (iso(instant("2:00")), "released")


@pytest.mark.parametrize("by", [session(), release("P2"), release(monitor="M2"), session("P2", monitor="M2")])
def test_a_repeated_session_another_patients_close_or_another_monitor_releases_nothing(by: Any) -> None:
    assert alarm().at("0:00", raised()).at("2:00", by).body("episodes")["ended_by"] is None


def test_a_close_that_names_another_patient_is_marked() -> None:
    found = alarm().at("0:00", raised()).at("2:00", release("P2")).finding("episodes")
    assert "patient-conflict" in found.quality


@pytest.mark.parametrize("monitor", ["M1", None])
def test_an_alarm_ends_when_its_sensor_is_removed(monitor: str | None) -> None:
    line = alarm().at("0:00", raised()).at("0:20", removed(monitor=monitor), told="0:21")
    assert (line.finding("episodes").end, line.body("episodes")["ended_by"]) == (iso(instant("0:20")), "removed")


def test_the_removal_of_another_sensor_ends_nothing() -> None:
    assert alarm().at("0:00", raised()).at("0:20", removed("S2")).body("episodes")["ended_by"] is None


# A monitor that is lost.


def test_the_time_until_a_lost_monitor_is_back_is_unobserved() -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost()).at("3:30", back()).at("5:00", ended())
    body = line.body("episodes")
    assert (body["unobserved"], body["ended_by"], body["duration"]) == (150, "cleared", 300)


@pytest.mark.parametrize(("until", "by"), [("10:59.999", None), ("11:00", None), ("11:00.001", "lost")])
def test_a_monitor_that_is_not_back_in_ten_minutes_ended_the_alarm_at_the_loss(until: str, by: str | None) -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost())
    assert line.body("episodes", until=until)["ended_by"] == by
    assert line.finding("episodes", until=until).end == (iso(instant("1:00")) if by else None)


def test_exactly_ten_minutes_is_back_in_time() -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost()).at("11:00", back()).at("12:00", ended())
    assert (line.body("episodes")["ended_by"], line.body("episodes")["unobserved"]) == ("cleared", 600)


def test_an_alarm_ended_by_a_loss_is_taken_up_again_when_the_monitor_is_heard_of() -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost()).at("20:00", back()).at("30:00", ended())
    body = line.body("episodes")
    assert (body["ended_by"], body["duration"], body["unobserved"]) == ("cleared", 1800, 1140)


@pytest.mark.parametrize(("returns", "by"), [("24:01:00", None), ("24:01:00.001", "lost")])
def test_it_is_taken_up_again_for_a_day(returns: str, by: str | None) -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost()).at(returns, back())
    assert line.body("episodes", until="25:00:00")["ended_by"] == by


@pytest.mark.parametrize(("closes", "by"), [("20:04.999", "lost"), ("20:05", "lost"), ("20:05.001", "released")])
def test_it_is_taken_up_only_if_the_session_lasts_five_seconds_more(closes: str, by: str) -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost()).at("20:00", back()).at(closes, release(None))
    assert line.body("episodes")["ended_by"] == by


def test_what_is_told_in_these_five_seconds_counts_if_it_is_taken_up() -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost()).at("20:00", back()).at("20:02", ended())
    assert line.body("episodes")["ended_by"] == "cleared"
    assert line.at("20:03", release()).body("episodes")["ended_by"] == "lost"


@pytest.mark.parametrize("word", [raised("hr-high"), seen("S1"), session(), removed("S2")])
def test_any_record_of_the_monitor_or_its_sensors_is_a_sign_of_life(word: Any) -> None:
    line = alarm().at("-4:00", seen("S1", "S2")).at("0:00", raised()).at("1:00", lost()).at("2:00", word)
    [finding] = [f for f in line.findings("episodes") if f.body["condition"] == "spo2-low"]
    assert finding.body["unobserved"] == 60


def test_the_alarms_own_report_is_a_sign_of_life() -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost()).at("3:00", ended())
    assert (line.body("episodes")["unobserved"], line.body("episodes")["ended_by"]) == (120, "cleared")


def test_a_loss_that_is_told_counts_from_its_own_time_after_a_silence() -> None:
    line = alarm().at("0:00", raised()).at("1:00", lost("silent")).at("1:20", lost()).at("2:00", back())
    assert line.body("episodes")["unobserved"] == 40


# Unseen ends, repeats and twins.


@pytest.mark.parametrize(("onset", "count"), [("1:59.999", 1), ("2:00", 1), ("2:00.001", 2)])
def test_the_same_report_with_an_onset_a_minute_newer_means_an_unseen_end(onset: str, count: int) -> None:
    line = alarm().at("0:00", raised()).at("1:00", raised()).at(onset, raised())
    found = line.findings("episodes")
    assert len(found) == count
    if count == 2:
        assert (found[0].body["ended_by"], found[0].end, found[0].body["duration"]) == ("unseen", None, None)
        assert "end-missed" in found[0].quality


@pytest.mark.parametrize("changed", [{"priority": "ME"}, {"limits": Limits(lower=80.0)}])
def test_a_changed_report_belongs_to_the_open_episode_however_new(changed: dict[str, Any]) -> None:
    assert len(alarm().at("0:00", raised()).at("5:00", raised(**changed)).findings("episodes")) == 1


def test_a_raise_with_the_onset_of_the_ended_episode_is_a_repeat() -> None:
    line = alarm().at("0:00", raised()).at("0:30", ended()).at("0:00", raised(signal="audible"), told="0:40")
    assert line.body("episodes")["ended_by"] == "cleared"


def test_in_a_list_it_takes_that_episode_up_again() -> None:
    line = alarm().at("0:00", raised()).at("0:30", ended()).at("0:00", raised(listed=True), told="0:40")
    assert line.body("episodes")["ended_by"] is None


@pytest.mark.parametrize(("told", "count"), [("0:34.999", 1), ("0:35", 1), ("0:35.001", 2)])
def test_an_older_raise_is_a_late_twin_for_five_seconds_and_then_an_onset_of_a_slow_clock(told: str, count: int) -> None:
    line = alarm().at("0:00", raised()).at("0:30", ended()).at("0:29", raised(), told=told)
    found = line.findings("episodes")
    assert len(found) == count
    if count == 2:
        assert (found[1].start, "clock-behind" in found[1].quality) == (iso(instant(told)), True)


# Clocks.


@pytest.mark.parametrize(("told", "start"), [("0:59.999", "0:00"), ("1:00", "0:00"), ("1:00.001", "1:00.001")])
def test_an_onset_more_than_a_minute_older_than_its_message_starts_when_it_was_sent(told: str, start: str) -> None:
    found = alarm().at("0:00", raised(), told=told).finding("episodes")
    assert (found.start, "clock-behind" in found.quality) == (iso(instant(start)), told == start)


@pytest.mark.parametrize(("told", "late"), [("1:00", False), ("1:00.001", True)])
def test_an_alarm_first_told_by_a_list_more_than_a_minute_later_is_told_late(told: str, late: bool) -> None:
    found = alarm().at("0:00", raised(listed=True), told=told).finding("episodes")
    assert (found.start, "told-late" in found.quality) == (iso(instant("0:00")), late)


def test_a_later_list_does_not_make_an_alarm_told_late() -> None:
    line = alarm().at("0:00", raised()).at("0:00", raised(listed=True), told="9:00")
    assert "told-late" not in line.finding("episodes").quality


def test_an_end_before_its_onset_ends_when_it_was_sent() -> None:
    found = alarm().at("0:00", raised()).at("-0:01", ended(), told="0:20").finding("episodes")
    assert (found.end, found.quality.count("clock-behind")) == (iso(instant("0:20")), 1)


def test_a_clock_that_stands_still_gives_episodes_by_when_they_were_sent() -> None:
    line = alarm().at("-99:00:00", raised(), told="0:00").at("-99:00:00", ended(), told="0:40")
    line.at("-99:00:00", raised(), told="2:00").at("-99:00:00", ended(), told="2:40")
    assert starts(line) == at("0:00", "2:00")
    assert [finding.body["duration"] for finding in line.findings("episodes")] == [40, 40]


# Fleeting.


@pytest.mark.parametrize(("end", "fleeting"), [("0:09.999", True), ("0:10", False)])
def test_shorter_than_ten_seconds_is_fleeting(end: str, fleeting: bool) -> None:
    assert alarm().at("0:00", raised()).at(end, ended()).body("episodes")["fleeting"] is fleeting


@pytest.mark.parametrize(("again", "fleeting"), [("0:59.999", False), ("1:00", False), ("1:00.001", True)])
def test_what_repeats_within_a_minute_is_not_fleeting_neither_of_the_two(again: str, fleeting: bool) -> None:
    line = alarm().at("0:00", raised()).at("0:05", ended()).at(again, raised()).at("1:05", ended())
    assert [finding.body["fleeting"] for finding in line.findings("episodes")] == [fleeting, fleeting]


def test_only_what_was_cleared_is_fleeting() -> None:
    assert alarm().at("0:00", raised()).at("0:05", release()).body("episodes")["fleeting"] is False


# Whose alarm.


def test_an_alarm_that_names_a_while_bs_session_is_open_keeps_its_patient_and_is_marked() -> None:
    found = Timeline().at("-5:00", session("P2")).at("0:00", raised(patient="P1")).finding("episodes")
    assert (found.patient, "patient-conflict" in found.quality) == ("P1", True)


@pytest.mark.parametrize("by", [session("P2"), session("P1"), release("P2")])
def test_an_alarm_raised_after_its_patients_release_ends_with_the_next_opening_or_close(by: Any) -> None:
    line = alarm().at("-1:00", release()).at("0:00", raised()).at("9:00", by)
    assert (line.finding("episodes").end, line.body("episodes")["ended_by"]) == (iso(instant("9:00")), "released")


@pytest.mark.parametrize(("until", "by"), [("24:00:00", None), ("24:00:00.001", "released")])
def test_or_after_a_day(until: str, by: str | None) -> None:
    line = alarm().at("-1:00", release()).at("0:00", raised())
    assert line.body("episodes", until=until)["ended_by"] == by
    assert line.finding("episodes", until=until).end == (iso(instant("24:00:00")) if by else None)


def test_a_session_that_was_never_seen_is_open() -> None:
    line = Timeline().at("0:00", raised()).at("2:00", release())
    assert line.body("episodes")["ended_by"] == "released"


# Final.


@pytest.mark.parametrize(("until", "status"), [("1:30", "provisional"), ("1:30.001", "final")])
def test_final_when_the_watermark_passes_the_end_of_the_signal_and_a_minute(until: str, status: str) -> None:
    line = alarm().at("0:00", raised()).at("0:30", ended())
    assert line.finding("episodes", until=until).status == status


def test_an_open_alarm_and_a_latched_signal_are_provisional() -> None:
    assert alarm().at("0:00", raised()).finding("episodes").status == "provisional"
    assert alarm().at("0:00", raised()).at("0:30", latched()).finding("episodes").status == "provisional"


# What it carries.


def test_a_finding_carries_its_evidence_as_a_copy() -> None:
    found = alarm().at("0:00", raised(priority="ME")).at("0:10", raised()).at("0:20", latched()).at("0:20", ended(), told="1:00")
    evidence = found.finding("episodes").evidence
    assert [copy.kind for copy in evidence] == ["AlarmRaised", "AlarmRaised", "AlarmLatched", "AlarmEnded"]
    assert evidence[0].used["priority"] == "ME"
    assert {copy.cluster for copy in evidence} == {"test"}


def test_the_evidence_of_an_alarm_that_is_told_often_stays_short() -> None:
    line = alarm()
    for second in range(50):
        line.at(f"0:{second:02}", raised(limits=Limits(lower=float(second))))
    assert len(line.finding("episodes").evidence) == 1


def test_an_alarm_whose_sensor_is_not_known_gets_its_monitor_when_that_is_told() -> None:
    line = Timeline().at("0:00", raised(monitor=None))
    assert line.finding("episodes").monitor is None
    assert line.at("1:00", seen("S1")).finding("episodes").monitor == "M1"


def test_so_it_does_when_its_patients_session_is_told_and_ends_with_that() -> None:
    line = Timeline().at("0:00", raised(monitor=None)).at("1:00", session()).at("2:00", release())
    assert (line.finding("episodes").monitor, line.body("episodes")["ended_by"]) == ("M1", "released")
