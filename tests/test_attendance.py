"""Attendance: who was authenticated at onset, the first evidence of anyone after it, and how long that took."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import Limit
from hubapp.thresholds import AttendanceThresholds, PresenceThresholds, Thresholds
from tests.timeline import (
    Timeline,
    audio,
    change,
    command,
    encounter,
    ended,
    instant,
    iso,
    latched,
    limits,
    log_in,
    log_out,
    lost,
    placed,
    raised,
    release,
    removed,
    session,
    unit,
)

ASSIGN, DISMISS, PLAN = "ASSIGN_DEVICE_LOCATION_EVENT", "PATIENT_ADMISSION_DISMISSED", "PATIENT_ENCOUNTER_PLANNED"


def ward() -> Timeline:
    """A monitor with a patient in the ICU, one of two units; its audio and limits are known."""
    line = Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), session())
    return line.at("-8:00", audio("on"), limits(Limit("spo2-low", lower=85.0)), limits(Limit("hr-high", upper=120.0)))


def hi() -> Timeline:
    return ward().at("0:00", raised())


def result(line: Timeline, **how: Any) -> str:
    return str(line.body("attendance", **how)["result"])


# What is judged, and by when.


@pytest.mark.parametrize(("fields", "count"), [
    ({"priority": "HI"}, 1), ({"priority": "ME"}, 1),
    ({"priority": "LO"}, 0), ({"priority": "NONE"}, 0), ({"kind": "technical"}, 0),
])  # fmt: skip
def test_each_hi_or_me_physiological_episode_is_judged(fields: dict[str, Any], count: int) -> None:
    assert len(ward().at("0:00", raised(**fields)).findings("attendance")) == count


@pytest.mark.parametrize(("priority", "until", "expected"), [
    ("HI", "1:00", "open"), ("HI", "1:00.001", "no-evidence"), ("ME", "3:00", "open"), ("ME", "3:00.001", "no-evidence"),
])  # fmt: skip
def test_the_deadline_of_hi_is_a_minute_that_of_me_three(priority: str, until: str, expected: str) -> None:
    assert result(ward().at("0:00", raised(priority=priority)), until=until) == expected


def test_the_deadline_counts_from_when_the_onset_was_sent() -> None:
    line = ward().at("0:00", raised(), told="0:10")
    assert line.body("attendance")["deadline"] == iso(instant("1:10"))


def test_a_deadline_begins_when_its_priority_is_first_sent_and_the_first_to_pass_counts() -> None:
    line = ward().at("0:00", raised(priority="LO")).at("0:30", raised(priority="ME")).at("1:00", raised(priority="HI"))
    assert line.body("attendance")["deadline"] == iso(instant("2:00"))


def test_a_priority_that_falls_takes_no_deadline_back() -> None:
    line = hi().at("0:10", raised(priority="LO"))
    assert line.body("attendance")["deadline"] == iso(instant("1:00"))


def test_a_later_higher_priority_does_not_put_off_the_deadline_that_began() -> None:
    line = ward().at("0:00", raised(priority="ME")).at("2:50", raised(priority="HI"))
    assert line.body("attendance")["deadline"] == iso(instant("3:00"))


# Evidence and its time.


@pytest.mark.parametrize(("act", "evidence_class", "trace"), [
    (audio("paused"), "bedside", "audio"),
    (limits(Limit("spo2-low", lower=80.0)), "bedside", "limits"),
    (limits(Limit("spo2-low", lower=85.0, enabled=False)), "bedside", "limits"),
    (release(), "bedside", "released"),
    (command(), "command", "ALARM_VALIDATION_ON"),
    (command("SetPatientContext"), "command", "SetPatientContext"),
    (change(ASSIGN), "change", ASSIGN),
    (encounter(PLAN), "change", PLAN),
    (encounter(DISMISS), "change", DISMISS),
    (log_in(place="ICU"), "log-in", "log-in"),
])  # fmt: skip
def test_what_is_evidence(act: Any, evidence_class: str, trace: str) -> None:
    body = hi().at("0:20", act).body("attendance")
    assert (body["evidence_class"], body["trace"], body["seconds"]) == (evidence_class, trace, 20)
    assert body["first_evidence_at"] == iso(instant("0:20"))


@pytest.mark.parametrize("act", [
    audio("on"), audio("paused", discovery=True), audio("paused", monitor="M2"),
    limits(Limit("spo2-low", lower=85.0)), limits(Limit("spo2-low", lower=80.0), discovery=True),
    limits(Limit("rr-low", lower=8.0)), limits(Limit("spo2-low", lower=85.0, upper=99.0)),
    release("P2"), command(account=None), change(ASSIGN, account=None),
    change("DEVICE_UPDATED_EVENT"), encounter("PATIENT_ENCOUNTER_STARTED"), encounter(DISMISS, account=None), unit("ICU", "B1"),
    log_in(place="ER"), log_in(), log_out(), raised(limits=None),
])  # fmt: skip
def test_what_is_none(act: Any) -> None:
    assert hi().at("0:20", act).body("attendance")["evidence_class"] is None


def test_a_close_that_names_nobody_ends_the_alarm_and_is_no_evidence() -> None:
    body = hi().at("0:20", release(None)).body("attendance")
    assert (body["evidence_class"], body["result"]) == (None, "unobserved")


@pytest.mark.parametrize(("before", "after", "touched"), [
    ("on", "paused", True), ("on", "off", True), ("paused", "off", True), ("off", "on", True),
    ("paused", "on", False), ("off", "paused", False),
])  # fmt: skip
def test_a_pause_ends_by_itself_all_else_is_somebodys_doing(before: str, after: str, touched: bool) -> None:
    line = ward().at("-1:00", audio(before)).at("0:00", raised()).at("0:20", audio(after))
    assert (line.body("attendance")["evidence_class"] == "bedside") is touched


def test_the_first_word_ever_heard_of_audio_and_limits_is_no_evidence() -> None:
    line = Timeline().at("-5:00", session()).at("0:00", raised())
    line.at("0:20", audio("off"), limits(Limit("spo2-low", lower=80.0)))
    assert line.body("attendance")["evidence_class"] is None


@pytest.mark.parametrize(("when", "evidence_class"), [("0:05", None), ("0:05.001", "bedside")])
def test_limits_within_five_seconds_after_a_session_opened_are_nobodys_doing(when: str, evidence_class: str | None) -> None:
    line = (
        ward().at("-1:00", release()).at("0:00", session()).at("0:01", raised()).at(when, limits(Limit("spo2-low", lower=80.0)))
    )
    assert line.body("attendance")["evidence_class"] == evidence_class


def test_an_acknowledged_signal_is_bedside_by_nobody_named() -> None:
    found = hi().at("0:30", latched()).at("0:30", ended(), told="0:50").finding("attendance")
    assert (found.body["trace"], found.body["seconds"], found.body["result"], found.account) == (
        "acknowledged",
        50,
        "attended",
        None,
    )


@pytest.mark.parametrize(("when", "evidence_class"), [("-0:00.001", None), ("0:00", "command")])
def test_evidence_counts_from_exactly_the_onset(when: str, evidence_class: str | None) -> None:
    assert hi().at(when, command()).body("attendance")["evidence_class"] == evidence_class


@pytest.mark.parametrize(("when", "evidence_class"), [("0:40", "command"), ("0:40.001", None)])
def test_until_exactly_the_end_of_the_signal(when: str, evidence_class: str | None) -> None:
    assert hi().at("0:40", ended()).at(when, command()).body("attendance")["evidence_class"] == evidence_class


def test_a_latched_signal_goes_on_taking_evidence() -> None:
    assert result(hi().at("0:10", latched()).at("0:50", command())) == "attended"


@pytest.mark.parametrize(
    ("act", "in_time", "late"), [(command(), "attended", "attended-late"), (log_in(place="ICU"), "visited", "visited-late")]
)
def test_evidence_exactly_at_the_deadline_is_in_time(act: Any, in_time: str, late: str) -> None:
    assert result(hi().at("0:59.999", act)) == in_time
    assert result(hi().at("1:00", act)) == in_time
    assert result(hi().at("1:00.001", act)) == late


def test_evidence_is_compared_by_when_it_was_sent() -> None:
    assert result(hi().at("0:30", command(), told="1:01")) == "attended-late"


# Which evidence.


def test_evidence_in_time_goes_before_late_evidence() -> None:
    assert result(hi().at("0:30", log_in(place="ICU")).at("1:30", audio("paused"))) == "visited"


def test_hands_go_before_a_log_in_that_was_earlier() -> None:
    body = hi().at("0:10", log_in(place="ICU")).at("0:40", change(ASSIGN)).body("attendance")
    assert (body["evidence_class"], body["seconds"]) == ("change", 40)


def test_among_hands_the_earliest_counts_at_a_tie_the_strongest() -> None:
    assert hi().at("0:10", change(ASSIGN)).at("0:20", audio("off")).body("attendance")["evidence_class"] == "change"
    assert hi().at("0:20", change(ASSIGN), command(), audio("off")).body("attendance")["evidence_class"] == "bedside"
    assert hi().at("0:20", change(ASSIGN), command()).body("attendance")["evidence_class"] == "command"


# Results.


@pytest.mark.parametrize(
    ("end", "expected"), [("0:59.999", "self-resolved"), ("1:00", "self-resolved"), ("1:00.001", "no-evidence")]
)
def test_an_alarm_that_cleared_before_its_deadline_resolved_itself(end: str, expected: str) -> None:
    assert result(hi().at(end, ended())) == expected


def test_a_latched_one_did_not() -> None:
    assert result(hi().at("0:30", latched())) == "no-evidence"


def test_before_the_deadline_is_by_when_the_end_was_sent() -> None:
    assert result(hi().at("0:30", ended(), told="1:05")) == "no-evidence"


@pytest.mark.parametrize("alarm_ends", [ended(), None])
def test_an_alarm_told_late_without_evidence_is_not_judged_also_if_it_cleared(alarm_ends: Any) -> None:
    line = ward().at("0:00", raised(listed=True), told="2:00")
    assert result(line.at("2:10", alarm_ends) if alarm_ends else line) == "not-judged"
    assert result(ward().at("0:00", raised(listed=True), told="2:00").at("2:20", command())) == "attended"


@pytest.mark.parametrize(("back_at", "expected"), [("1:00", "no-evidence"), ("1:00.001", "unobserved"), (None, "unobserved")])
def test_with_the_monitor_lost_at_the_deadline_it_is_unobserved(back_at: str | None, expected: str) -> None:
    line = hi().at("0:30", lost())
    assert result(line.at(back_at, session()) if back_at else line) == expected


def test_lost_and_back_before_the_deadline_it_is_judged() -> None:
    assert result(hi().at("0:10", lost()).at("0:30", session())) == "no-evidence"


def test_lost_at_the_deadline_and_taken_up_later_it_stays_unobserved() -> None:
    assert result(hi().at("0:30", lost()).at("20:00", session()).at("30:00", ended())) == "unobserved"


def test_a_removed_sensor_is_unobserved() -> None:
    assert result(hi().at("0:30", removed())) == "unobserved"
    assert result(hi().at("1:30", removed())) == "no-evidence"


@pytest.mark.parametrize(("closes", "evidence_class"), [("1:30", "bedside"), ("1:30.001", None)])
def test_a_removal_counts_as_released_if_the_session_closes_within_a_minute(closes: str, evidence_class: str | None) -> None:
    body = hi().at("0:30", removed()).at(closes, release()).body("attendance")
    assert body["evidence_class"] == evidence_class
    if evidence_class:
        assert (body["trace"], body["seconds"], body["result"]) == ("released", 30, "attended")


def test_an_unseen_end_before_the_deadline_is_unobserved_a_later_one_is_not() -> None:
    assert [f.body["result"] for f in hi().at("5:00", raised()).findings("attendance", until="5:01")] == ["unobserved", "open"]
    line = hi().at("0:50", raised()).at("1:10", raised())
    assert [f.body["result"] for f in line.at("9:00", raised()).findings("attendance", until="9:01")] == ["no-evidence", "open"]


def test_evidence_within_an_unseen_alarm_counts_until_the_new_onset_is_told() -> None:
    first, _ = hi().at("4:00", command()).at("5:00", raised()).findings("attendance")
    assert first.body["result"] == "attended-late"


def test_latched_and_released_without_acknowledgement_is_bedside() -> None:
    line = hi().at("0:20", latched()).at("0:40", release())
    assert (line.body("attendance")["trace"], line.body("episodes")["acknowledged_at"]) == ("released", None)


# Final.


@pytest.mark.parametrize(("end", "until", "status"), [
    ("0:30", "1:00", "provisional"), ("0:30", "1:00.001", "final"),
    ("2:00", "2:00", "provisional"), ("2:00", "2:00.001", "final"),
])  # fmt: skip
def test_final_at_the_later_of_deadline_and_end_of_signal(end: str, until: str, status: str) -> None:
    assert hi().at(end, ended()).finding("attendance", until=until).status == status


def test_at_the_deadline_of_an_open_alarm_it_is_provisional() -> None:
    assert hi().finding("attendance").status == "provisional"


# Log-ins and places.


def test_a_log_in_of_unknown_place_never_decides_and_is_told() -> None:
    body = hi().at("0:20", log_in(place="somewhere")).at("0:30", command()).body("attendance")
    assert (body["evidence_class"], body["log_in_elsewhere_at"]) == ("command", iso(instant("0:20")))
    assert hi().at("0:20", log_in(place="ER")).body("attendance")["log_in_elsewhere_at"] is None


@pytest.mark.parametrize("place", ["icu", " ICU", "id-ICU", "b1"])
def test_a_place_is_name_or_id_of_unit_or_bed_without_case(place: str) -> None:
    assert result(hi().at("0:20", log_in(place=place))) == "visited"


def test_in_a_hub_of_one_unit_every_log_in_is_in_it() -> None:
    line = Timeline().at("-9:00", unit("ICU", "B1"), session()).at("0:00", raised()).at("0:20", log_in())
    found = line.finding("attendance")
    assert (found.body["result"], found.units, found.body["log_in_elsewhere_at"]) == ("visited", ["ICU"], None)


def test_a_log_in_while_logged_in_is_evidence_too() -> None:
    assert result(ward().at("-1:00", log_in(place="ICU")).at("0:00", raised()).at("0:20", log_in(place="ICU"))) == "visited"


def test_the_place_of_a_log_in_may_be_learnt_later() -> None:
    line = hi().at("0:20", log_in(place="WS1"))
    assert result(line) == "no-evidence"
    assert result(line.at("5:00", unit("WS", "WS1", "B1"))) == "visited"


# Who was there.


def names(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["account"] for entry in entries]


def test_present_are_the_accounts_whose_sessions_were_open_at_onset() -> None:
    line = ward().at("-3:00", log_in("ann", account_id="1"), log_in("bob")).at("-1:00", log_out("bob")).at("0:00", raised())
    body = line.at("0:20", log_in("eve")).at("0:30", audio("off")).body("attendance")
    assert body["present"] == [{"account": "ann", "id": "1"}]
    assert names(body["present_then"]) == ["ann", "eve"]


@pytest.mark.parametrize("act", [audio("off"), release(), command()])
def test_who_was_present_then_stands_beside_each_trace(act: Any) -> None:
    assert names(ward().at("-1:00", log_in("ann")).at("0:00", raised()).at("0:20", act).body("attendance")["present_then"]) == [
        "ann"
    ]


def test_who_was_present_at_an_acknowledgement_is_told_too() -> None:
    line = hi().at("0:10", latched()).at("0:15", log_in("ann")).at("0:10", ended(), told="0:20")
    assert names(line.body("attendance")["present_then"]) == ["ann"]


def test_at_most_twenty_are_listed_all_are_counted() -> None:
    line = ward().at("-1:00", *(log_in(f"n{number:02}") for number in range(25))).at("0:00", raised())
    body = line.body("attendance")
    assert (names(body["present"]), body["present_count"]) == ([f"n{number:02}" for number in range(20)], 25)


def test_the_account_of_the_evidence_is_shown_as_its_record_wrote_it() -> None:
    found = ward().at("-1:00", log_in("ann")).at("0:00", raised()).at("0:20", command(account=" Ann")).finding("attendance")
    assert (found.account, found.body["account"], "user-unmatched" in found.quality) == (" Ann", " Ann", False)


def test_an_account_that_no_authentication_record_names_is_marked_until_one_does() -> None:
    line = hi().at("0:20", command(account="ann"))
    assert "user-unmatched" in line.finding("attendance").quality
    assert "user-unmatched" not in line.at("2:00", log_out("ann", account_id="1")).finding("attendance").quality


def test_an_id_and_a_name_are_one_account_once_a_record_says_so() -> None:
    line = ward().at("-1:00", log_in(None, account_id="1", service="older")).at("-0:30", log_in("ann")).at("0:00", raised())
    assert line.body("attendance")["present_count"] == 2
    body = line.at("2:00", log_out("ann", account_id="1")).body("attendance")
    assert (body["present"], body["present_count"]) == ([{"account": "ann", "id": "1"}], 1)


def test_a_shared_account_is_marked() -> None:
    shared = Thresholds(presence=PresenceThresholds(shared_accounts=("Clinical",)))
    line = ward().at("-1:00", log_in("clinical")).at("0:00", raised())
    assert "shared-account" in line.finding("attendance", thresholds=shared).quality
    assert "shared-account" not in line.finding("attendance").quality


# Roles.


@pytest.mark.parametrize(("roles", "expected"), [(("clinical",), "attended"), (("tech",), "no-evidence"), (None, "attended")])
def test_only_attending_roles_count_where_roles_are_known(roles: tuple[str, ...] | None, expected: str) -> None:
    only = Thresholds(attendance=AttendanceThresholds(attending_roles=("clinical",)))
    line = ward().at("-1:00", log_in("ann", roles=roles)).at("0:00", raised()).at("0:20", command(account="ann"))
    assert result(line, thresholds=only) == expected
    assert result(line) == "attended"


def test_a_trace_at_the_bed_has_no_role() -> None:
    only = Thresholds(attendance=AttendanceThresholds(attending_roles=("clinical",)))
    assert result(hi().at("0:20", audio("off")), thresholds=only) == "attended"


def test_deadlines_are_thresholds() -> None:
    longer = Thresholds(attendance=AttendanceThresholds(deadline_hi=90))
    assert result(hi().at("1:20", command()), thresholds=longer) == "attended"
    assert hi().finding("attendance", thresholds=longer).rule_version != hi().finding("attendance").rule_version
