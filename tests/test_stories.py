"""Published troubles of alarm tools and stream processors, each as a small story of a ward that must come out right."""

from __future__ import annotations

from hubapp.facts import Limits
from tests.timeline import (
    Timeline,
    command,
    ended,
    instant,
    iso,
    latched,
    log_in,
    log_out,
    placed,
    raised,
    release,
    seen,
    session,
    unit,
)

TWINS = ("visible", "audible")


def stretch(line: Timeline, start: str, end: str, condition: str = "spo2-low", **fields: object) -> Timeline:
    """An alarm with both signals, each told 0.12 s after it is true."""
    for index, signal in enumerate(TWINS):
        line.at(start, raised(condition, signal=signal, **fields), told=f"{start}.12{index}")
        line.at(end, ended(condition, signal=signal, **fields), told=f"{end}.12{index}")
    return line


def test_a_priority_that_goes_up_and_down_is_one_alarm() -> None:
    line = Timeline().at("-1:00", session()).at("0:00", raised(priority="ME"))
    for second, priority in enumerate(("HI", "ME", "HI", "ME", "HI", "ME"), start=1):
        line.at(f"0:{second * 10}" if second < 6 else "1:00", raised(priority=priority))
    line.at("3:20", command()).at("4:00", ended())
    assert line.body("episodes")["priority"] == "HI"
    assert (line.body("attendance")["result"], line.body("attendance")["seconds"]) == ("attended-late", 200)


def test_an_alarm_that_is_told_fifty_times_with_other_limits_is_one_and_has_those_of_its_onset() -> None:
    line = Timeline().at("-1:00", session())
    for second in range(50):
        line.at("0:00", raised("hr-high", limits=Limits(upper=120.0 + second)), told=f"0:{second:02}.120")
    body = line.at("1:00", ended("hr-high")).body("episodes")
    assert (body["limits"], body["duration"], body["reports"]) == ({"lower": None, "upper": 120.0}, 60, 51)
    assert line.body("attendance")["result"] == "self-resolved"


def test_the_next_patient_does_not_get_the_alarms_of_the_last_one() -> None:
    line = Timeline().at("-9:00", unit("ICU-A", "A1"), unit("ICU-B", "B1"), placed("A1")).at("0:00", seen("S1"), session("A"))
    stretch(line, "0:10", "0:40", patient="A", monitor=None)
    line.at("1:40", release(None))
    line.at("4:00", session("B")).at("4:10", placed(None, "none")).at("4:10.005", placed(None, "unsure")).at("4:20", placed("B1"))
    stretch(line, "5:00", "6:00", patient="B", monitor=None)
    stretch(line, "5:10", "5:40", "rr-high", patient="A", monitor=None)
    [first, contradiction] = line.findings("episodes", patient="A")
    [second] = line.findings("episodes", patient="B")
    assert (first.units, first.body["ended_by"]) == (["ICU-A"], "cleared")
    assert (second.units, second.bed, second.quality) == (["ICU-B"], "B1", [])
    assert (contradiction.patient, "patient-conflict" in contradiction.quality) == ("A", True)


def test_a_latched_phase_and_a_late_acknowledgement() -> None:
    line = Timeline().at("-1:00", session()).at("1:40", raised(priority="ME"), told="1:40.120")
    line.at("1:40", raised(priority="ME", signal="audible"), told="1:40.121")
    line.at("2:40", ended(priority="ME", signal="audible"), told="2:40.120").at("2:40", latched(priority="ME"), told="2:40.121")
    line.at("2:40", ended(priority="ME"), told="6:40")
    assert (line.body("episodes")["duration"], line.body("episodes")["acknowledged_at"]) == (60, iso(instant("6:40")))
    body = line.body("attendance")
    assert (body["result"], body["trace"], body["seconds"], body["account"]) == ("attended-late", "acknowledged", 299.88, None)


def test_an_unknown_code_and_the_code_zero_are_conditions_shown_as_their_number() -> None:
    line = (
        Timeline().at("-1:00", session()).at("0:10", raised("68165", kind="technical")).at("0:20", raised("0", priority="NONE"))
    )
    assert [finding.body["name"] for finding in line.findings("episodes")] == ["68165", "0"]


def test_tapping_out_at_one_station_leaves_the_other_session_open() -> None:
    line = Timeline().at("-1:00", session(), unit("ICU", "WS1"), placed("WS1"))
    line.at("0:00", log_in("ann", client="WS1", place="WS1")).at("1:40", log_in("ann", client="WS2", place="WS1"))
    line.at("3:20", log_out("ann", client="WS2")).at("4:10", raised())
    body = line.at("5:00", log_in("bob", client="WS1", place="WS1")).at("5:30", ended()).body("attendance")
    assert [entry["account"] for entry in body["present"]] == ["ann"]
    assert (body["result"], body["account"], body["seconds"]) == ("visited", "bob", 50)


def test_log_in_by_id_and_command_by_name_become_one_account_with_the_log_out() -> None:
    line = Timeline().at("-0:20", log_in(None, account_id="1", service="older"), session())
    line.at("0:00", raised()).at("1:00", command(account="Ann"))
    before = line.finding("attendance")
    assert (before.body["result"], "user-unmatched" in before.quality) == ("attended", True)
    after = line.at("2:00", log_out("ann", account_id="1")).finding("attendance")
    assert (after.id, "user-unmatched" in after.quality, after.body["present"]) == (
        before.id,
        False,
        [{"account": "ann", "id": "1"}],
    )


def test_years_that_no_clock_can_mean_are_where_they_were_sent() -> None:
    line = Timeline().at("-1:00", session())
    for minute, year in enumerate(("-490000:00:00", "-500000:00:00", "-17000000:00:00")):
        line.at(year, raised(f"c{minute}"), told=f"{minute}:00")
    found = line.findings("episodes")
    assert [finding.start for finding in found] == [iso(instant(f"{minute}:00")) for minute in range(3)]
    assert all("clock-behind" in finding.quality for finding in found)
