"""Control: each use of an alarm control, and who was authenticated then."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import Limit
from hubapp.findings import Finding
from hubapp.thresholds import PresenceThresholds, SessionDays, Thresholds
from tests.timeline import (
    Timeline,
    answered,
    audio,
    change,
    command,
    device,
    failed,
    instant,
    iso,
    limits,
    locked,
    log_in,
    log_out,
    lost,
    placed,
    release,
    session,
    unit,
)

A_MONTH, A_WEEK = "-720:00", "-168:00"  # Of hours and minutes: `ago` adds the seconds.
SPO2, HR = Limit("spo2-low", lower=85.0), Limit("hr-high", upper=120.0)


def ward() -> Timeline:
    """A monitor with a patient in the ICU, one of two units; a discovery told its audio and its limits."""
    line = Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), session())
    return line.at("-8:00", audio("on", discovery=True), limits(SPO2, HR, discovery=True))


def ago(past: str, seconds: str = "00.000") -> str:
    return f"{past}:{seconds}"


def known(past: str = ago(A_MONTH, "01.000"), **fields: Any) -> Timeline:
    """The same; and over a month of log-ins was read."""
    return ward().at(past, log_in("old", **fields)).at(past, log_out("old", **fields))


def off(line: Timeline, when: str = "0:00") -> Timeline:
    return line.at(when, audio("off"))


def changes(line: Timeline) -> list[tuple[str, str | None]]:
    return [(one.body["change"], one.body["condition"]) for one in line.findings("control")]


def why(line: Timeline, until: str | None = None, thresholds: Thresholds | None = None) -> str:
    return str(line.body("control", until, thresholds)["why"])


def kinds(one: Finding) -> list[str]:
    return [copy.kind for copy in one.evidence]


# What is a use: audio.


@pytest.mark.parametrize(("before", "after", "expected"), [
    ("on", "paused", "paused"), ("on", "off", "audio-off"), ("paused", "off", "audio-off"), ("off", "paused", "paused"),
])  # fmt: skip
def test_audio_paused_or_off_is_a_use(before: str, after: str, expected: str) -> None:
    body = ward().at("-7:00", audio(before, discovery=True)).at("0:00", audio(after)).body("control")
    assert (body["change"], body["old"], body["new"]) == (expected, before, after)
    assert (body["condition"], body["operation"]) == (None, None)


@pytest.mark.parametrize(("before", "after"), [
    ("paused", "on"), ("off", "on"), ("on", "on"), ("paused", "paused"), ("off", "off"),
])  # fmt: skip
def test_audio_on_again_or_told_again_is_none(before: str, after: str) -> None:
    assert changes(ward().at("-7:00", audio(before, discovery=True)).at("0:00", audio(after))) == []


def test_the_first_word_ever_heard_of_a_monitor_is_no_use() -> None:
    assert changes(Timeline().at("0:00", audio("off"))) == []
    assert changes(Timeline().at("0:00", limits(SPO2))) == []


def test_nor_is_the_first_of_its_audio() -> None:
    assert changes(Timeline().at("-1:00", session()).at("0:00", audio("off"))) == []


def test_what_a_discovery_tells_is_no_use() -> None:
    line = ward().at("0:00", audio("off", discovery=True), limits(Limit("spo2-low", lower=60.0), discovery=True))
    assert changes(line) == []


def test_what_follows_is_compared_with_what_a_discovery_told() -> None:
    assert changes(ward().at("0:00", audio("off", discovery=True)).at("1:00", audio("off"))) == []
    assert changes(ward().at("0:00", audio("off", discovery=True)).at("1:00", audio("paused"))) == [("paused", None)]


def test_a_repeat_changes_nothing() -> None:
    once = off(ward()).findings("control")
    assert off(ward()).at("0:01", audio("off")).at("0:02", audio("off", discovery=True), session()).findings("control") == once


def test_each_use_is_one() -> None:
    line = off(ward()).at("0:10", audio("on")).at("0:20", audio("paused")).at("0:30", audio("off"))
    assert changes(line) == [("audio-off", None), ("paused", None), ("audio-off", None)]


def test_a_monitor_that_was_lost_goes_on_from_what_was_told() -> None:
    assert changes(ward().at("-1:00", lost()).at("0:00", audio("off"))) == [("audio-off", None)]


# What is a use: limits.


@pytest.mark.parametrize(("limit", "expected"), [
    (Limit("spo2-low", lower=84.9), ["limits-wider"]), (Limit("spo2-low", lower=85.1), []), (SPO2, []),
    (Limit("hr-high", upper=120.1), ["limits-wider"]), (Limit("hr-high", upper=119.9), []), (HR, []),
    (Limit("hr-high"), []),
    (Limit("spo2-low", lower=85.0, enabled=False), ["condition-disabled"]),
    (Limit("spo2-low", lower=60.0, enabled=False), ["condition-disabled"]),
    (Limit("spo2-low", upper=100.0, lower=60.0), ["limits-wider"]),
    (Limit("spo2-low", upper=100.0, lower=85.0), ["limits-changed"]),
    (Limit("spo2-low", upper=100.0, lower=90.0), ["limits-changed"]),
    (Limit("rr-low", lower=8.0), ["limits-changed"]), (Limit("rr-low", enabled=False), ["limits-changed"]),
    (Limit("rr-low"), []),
])  # fmt: skip
def test_a_limit_made_wider_or_a_condition_disabled_is_a_use(limit: Limit, expected: list[str]) -> None:
    assert changes(ward().at("0:00", limits(limit))) == [(change, limit.condition) for change in expected]


@pytest.mark.parametrize(("limit", "wider"), [
    (Limit("hr", upper=130.0, lower=50.0), True), (Limit("hr", upper=120.0, lower=40.0), True),
    (Limit("hr", upper=130.0, lower=60.0), True), (Limit("hr", upper=110.0, lower=40.0), True),
    (Limit("hr", upper=110.0, lower=60.0), False), (Limit("hr", upper=120.0, lower=50.0), False),
])  # fmt: skip
def test_any_side_that_is_wider_counts(limit: Limit, wider: bool) -> None:
    line = ward().at("-7:00", limits(Limit("hr", upper=120.0, lower=50.0), discovery=True)).at("0:00", limits(limit))
    assert changes(line) == [("limits-wider", "hr")] * wider


def test_a_disabled_condition_that_is_told_again_is_none() -> None:
    line = ward().at("-1:00", limits(Limit("spo2-low", lower=85.0, enabled=False), discovery=True))
    assert changes(line.at("0:00", limits(Limit("spo2-low", lower=85.0, enabled=False)))) == []
    assert changes(line.at("0:01", limits(Limit("spo2-low", lower=80.0, enabled=False)))) == [("limits-wider", "spo2-low")]


def test_a_condition_enabled_again_is_none() -> None:
    line = ward().at("-1:00", limits(Limit("spo2-low", lower=85.0, enabled=False), discovery=True))
    assert changes(line.at("0:00", limits(SPO2))) == []


def test_one_finding_for_each_condition() -> None:
    line = ward().at("0:00", limits(Limit("spo2-low", lower=80.0), Limit("hr-high", upper=120.0, enabled=False), Limit("x", 1.0)))
    expected = {("limits-wider", "spo2-low"), ("condition-disabled", "hr-high"), ("limits-changed", "x")}
    assert set(changes(line)) == expected
    assert len({one.id for one in line.findings("control")}) == 3


def test_old_and_new_of_a_limit() -> None:
    body = ward().at("0:00", limits(Limit("spo2-low", lower=80.0))).body("control")
    assert body["old"] == {"enabled": True, "lower": 85.0, "upper": None}
    assert body["new"] == {"enabled": True, "lower": 80.0, "upper": None}
    assert ward().at("0:00", limits(Limit("x", 1.0))).body("control")["old"] is None


@pytest.mark.parametrize(("when", "count"), [("0:00", 0), ("0:04.999", 0), ("0:05.000", 0), ("0:05.001", 1)])
def test_limits_that_change_within_5_s_after_a_patient_session_opened_are_the_monitors_own(when: str, count: int) -> None:
    line = ward().at("-0:10", release()).at("0:00", session("P2")).at(when, limits(Limit("spo2-low", lower=80.0)))
    assert len(line.findings("control")) == count


def test_a_session_that_is_told_again_is_not_opened() -> None:
    assert len(ward().at("0:00", session()).at("0:01", limits(Limit("spo2-low", lower=80.0))).findings("control")) == 1


def test_what_it_sets_then_is_known_afterwards() -> None:
    line = ward().at("-0:10", release()).at("0:00", session("P2")).at("0:01", limits(Limit("spo2-low", lower=80.0)))
    assert changes(line.at("1:00", limits(Limit("spo2-low", lower=80.0)))) == []


def test_audio_within_5_s_after_a_patient_session_opened_is_somebodys() -> None:
    assert changes(off(ward().at("-0:10", release()).at("0:00", session("P2")), "0:01")) == [("audio-off", None)]


# What is a use: commands.


def test_a_command_of_a_named_account_is_a_use() -> None:
    one = ward().at("0:00", command("ALARM_VALIDATION_OFF")).finding("control")
    assert (one.account, one.monitor, one.patient, one.start, one.end) == ("nurse1", "M1", "P1", iso(instant("0:00")), None)
    assert (one.body["change"], one.body["operation"]) == ("command", "ALARM_VALIDATION_OFF")
    assert (one.body["condition"], one.body["old"], one.body["new"]) == (None, None, None)


def test_one_that_tells_the_patient_is_none_nor_is_one_by_nobody() -> None:
    assert changes(ward().at("0:00", command("SetPatientContext"))) == []
    assert changes(ward().at("0:00", command(account=None))) == []


def test_changes_in_the_pages_are_no_uses() -> None:
    assert changes(ward().at("0:00", change("ASSIGN_DEVICE_LOCATION_EVENT"), log_in())) == []


def test_two_commands_at_one_instant_are_two_uses() -> None:
    line = ward().at("0:00", command("ALARM_VALIDATION_ON"), command("ALARM_VALIDATION_OFF"), command(account="nurse2"))
    assert len({one.id for one in line.findings("control")}) == 3


def test_two_records_of_one_use_are_one_finding_with_both_as_evidence() -> None:
    one = ward().at("0:00", command(), command()).finding("control")
    assert kinds(one) == ["CommandRequested", "CommandRequested"]


def test_its_answer_is_evidence() -> None:
    line = ward().at("0:00", command(request="r1")).at("0:01", answered("failed", request="r1"))
    one = line.finding("control")
    assert [copy.used.get("outcome") for copy in one.evidence] == [None, "failed"]
    assert (one.body["why"], one.body["change"]) == ("accounted", "command")


@pytest.mark.parametrize(("when", "fields", "count"), [
    ("1:00.000", {"request": "r1"}, 2), ("1:00.001", {"request": "r1"}, 1), ("0:01", {"request": "r2"}, 1),
    ("0:01", {"request": "r1", "monitor": "M2"}, 1), ("0:01", {"request": "r1", "monitor": None, "device_id": "D1"}, 2),
])  # fmt: skip
def test_an_answer_is_waited_for_a_minute(when: str, fields: dict[str, Any], count: int) -> None:
    line = ward().at("-1:00", device("M1", device_id="D1")).at("0:00", command(request="r1")).at(when, answered(**fields))
    assert len(line.finding("control").evidence) == count


def test_only_the_first_answer_counts() -> None:
    line = (
        ward().at("0:00", command(request="r1")).at("0:01", answered(request="r1")).at("0:02", answered("failed", request="r1"))
    )
    assert [copy.used.get("outcome") for copy in line.finding("control").evidence] == [None, "done"]


def test_a_command_by_the_monitors_id_is_that_monitors() -> None:
    line = ward().at("-1:00", device("M1", device_id="D1")).at("0:00", command(monitor=None, device_id="D1"))
    one = line.finding("control")
    assert (one.monitor, one.units, one.patient) == ("M1", ["ICU"], "P1")


def test_an_id_that_is_learnt_later_fills_in_the_monitor_and_moves_nothing() -> None:
    line = ward().at("0:00", command(monitor=None, device_id="D1"))
    before = line.finding("control")
    assert (before.monitor, before.units, before.quality) == (None, [], ["unplaced", "user-unmatched"])
    after = line.at("1:00", device("M1", device_id="D1")).finding("control")
    assert (after.id, after.monitor, after.units) == (before.id, "M1", ["ICU"])


# Why: nobody is named.


def test_somebody_authenticated_accounts_for_it() -> None:
    assert why(off(known().at("-1:00", log_in()))) == "accounted"


@pytest.mark.parametrize("place", [None, "ICU", "B1", "elsewhere"])
def test_whether_in_the_unit_or_at_an_unknown_place(place: str | None) -> None:
    assert why(off(known().at("-1:00", log_in(place=place)))) == "accounted"


def test_or_in_another_known_unit_only() -> None:
    assert why(off(known().at("-1:00", log_in(place="ER")))) == "accounted"


def test_no_session_open_is_nobody() -> None:
    one = off(known().at("-1:00", log_in()).at("-0:01", log_out())).finding("control")
    assert (one.body["why"], one.body["present"], one.account) == ("nobody", [], None)


@pytest.mark.parametrize(("when", "expected"), [("-0:00.001", "nobody"), ("0:00", "nobody"), ("0:00.001", "accounted")])
def test_of_one_instant_the_topics_order_says_what_is_first(when: str, expected: str) -> None:
    """events-auth, then events-sdc."""
    assert why(off(known().at("-1:00", log_in())).at(when, log_out())) == expected


def test_a_log_in_at_exactly_the_act_counts() -> None:
    assert why(off(known().at("0:00", log_in()))) == "accounted"


# Why: how much was read.


@pytest.mark.parametrize(("service", "past", "expected"), [
    ("newer", ago(A_MONTH, "00.001"), "nobody"), ("newer", ago(A_MONTH, "00.000"), "history-short"),
    ("newer", "-719:59:59.999", "history-short"),
    ("older", ago(A_WEEK, "00.001"), "nobody"), ("older", ago(A_WEEK, "00.000"), "history-short"),
    ("older", "-167:59:59.999", "history-short"),
])  # fmt: skip
def test_nobody_only_once_session_days_were_read(service: str, past: str, expected: str) -> None:
    assert why(off(known(past, service=service))) == expected


def test_while_nothing_was_read_the_history_is_short() -> None:
    assert why(off(ward())) == "history-short"


@pytest.mark.parametrize(("older", "expected"), [(ago(A_WEEK, "00.001"), "nobody"), ("-1:00", "history-short")])
def test_every_service_seen_before_the_act_needs_its_own(older: str, expected: str) -> None:
    assert why(off(known().at(older, log_out("x", service="older")))) == expected


def test_a_service_seen_after_the_act_needs_none() -> None:
    assert why(off(known()).at("1:00", log_out("x", service="older"))) == "nobody"


def test_any_authentication_record_begins_the_history() -> None:
    for first in (failed("x"), locked("x"), log_out("x")):
        assert why(off(ward().at(ago(A_MONTH, "01.000"), first))) == "nobody"


def test_history_short_says_no_session_neither() -> None:
    assert why(ward().at("-1:00", log_out()).at("0:00", command())) == "history-short"


@pytest.mark.parametrize(("days", "expected"), [
    (SessionDays(older=7, newer=31), "history-short"), (29.0, "nobody"), (31.0, "history-short"),
])  # fmt: skip
def test_the_session_days_are_those_in_force(days: SessionDays | float, expected: str) -> None:
    assert why(off(known()), thresholds=Thresholds(presence=PresenceThresholds(session_days=days))) == expected


# Why: a named account.


def test_an_account_in_its_own_session_accounts_for_its_command() -> None:
    assert why(known().at("-1:00", log_in()).at("0:00", command())) == "accounted"


@pytest.mark.parametrize("other", [[], [log_in("nurse2")]], ids=["nobody there", "somebody there"])
def test_an_account_without_a_session_is_no_session(other: list[Any]) -> None:
    """It goes before nobody."""
    assert why(known().at("-2:00", log_in()).at("-1:00", log_out(), *other).at("0:00", command())) == "no-session"


@pytest.mark.parametrize(("when", "expected"), [
    ("-168:00:00.000", "accounted"), ("-168:00:00.001", "no-session"), ("-167:59:59.999", "accounted"),
])  # fmt: skip
def test_a_session_lasts_session_days(when: str, expected: str) -> None:
    line = ward().at("-200:00:00", log_out("x", service="older")).at(when, log_in(service="older"))
    assert why(line.at("0:00", command())) == expected


@pytest.mark.parametrize("written", ["nurse1", " NURSE1 ", "id-1", "ID-1"])
def test_names_compare_without_regard_to_case_and_blanks_and_an_id_is_its_names(written: str) -> None:
    one = known().at("-1:00", log_in(account_id="id-1")).at("0:00", command(account=written)).finding("control")
    assert (one.body["why"], one.account, one.quality) == ("accounted", written, [])


def test_a_session_of_an_id_is_its_names() -> None:
    line = known().at("-2:00", log_in(None, account_id="id-1", service="older")).at("-1:00", failed(account_id="id-1"))
    assert line.at("0:00", command()).finding("control").quality == []


@pytest.mark.parametrize("other", [[], [log_in("nurse2")]], ids=["nobody there", "somebody there"])
def test_an_account_that_is_not_matched_is_accounted_with_that_mark(other: list[Any]) -> None:
    one = known().at("-1:00", *other, log_out("x")).at("0:00", command("SILENCE", "somebody")).finding("control")
    assert (one.body["why"], one.quality) == ("accounted", ["user-unmatched"])


def test_even_where_the_history_is_short() -> None:
    assert why(ward().at("0:00", command())) == "accounted"


def test_it_is_amended_when_it_is_matched() -> None:
    line = known().at("-0:20", log_in(None, account_id="id-1", service="older")).at("0:00", command())
    before = line.finding("control")
    assert (before.body["why"], before.quality) == ("accounted", ["user-unmatched"])
    assert before.body["present"] == [{"account": "id-1", "id": "id-1"}]
    after = line.at("1:00", log_out(account_id="id-1")).finding("control")
    assert (after.id, after.body["why"], after.quality) == (before.id, "accounted", [])
    assert after.body["present"] == [{"account": "nurse1", "id": "id-1"}]


def test_matched_without_a_session_it_becomes_no_session() -> None:
    assert why(known().at("0:00", command()).at("1:00", log_in())) == "no-session"


def test_an_alias_is_the_account() -> None:
    line = known().at("-1:00", log_in("m.muster")).at("0:00", command(account="HOSP\\m.muster"))
    before = line.finding("control")
    aliases = Thresholds(presence=PresenceThresholds(aliases={"m.muster": ("HOSP\\m.muster",)}))
    after = line.finding("control", thresholds=aliases)
    assert (before.quality, after.quality) == (["user-unmatched"], [])
    assert before.rule_version != after.rule_version


def test_an_alias_that_was_named_matches_the_others() -> None:
    aliases = Thresholds(presence=PresenceThresholds(aliases={"m.muster": ("a", "b")}))
    one = known().at("-1:00", log_in("a")).at("0:00", command(account="B")).finding("control", thresholds=aliases)
    assert (one.body["why"], one.quality) == ("accounted", [])


# Why: a log-in in doubt.


def lock(when: str = "-1:00:00", **fields: Any) -> Timeline:
    return known().at(when, locked(account_id="id-1", **fields))


def fails(*seconds: str, of: str = "log-in") -> Timeline:
    line = known()
    for when in seconds:
        line.at(when, failed(account_id="id-1", of=of))
    return line


FIVE = ("-20:00", "-15:00", "-14:00", "-13:00", "-10:00")


def acted(line: Timeline, log_in_at: str = "-1:00") -> Finding:
    return line.at(log_in_at, log_in(account_id="id-1")).at("0:00", command()).finding("control")


@pytest.mark.parametrize(("when", "expected"), [
    ("-8:01:00.000", "accounted"), ("-8:00:59.999", "after-lock"), ("-8:01:00.001", "accounted"), ("-1:01", "after-lock"),
])  # fmt: skip
def test_a_session_that_began_within_8_h_after_a_lock(when: str, expected: str) -> None:
    assert acted(lock(when)).body["why"] == expected


@pytest.mark.parametrize(("when", "expected"), [
    ("-8:01:00.000", "accounted"), ("-8:00:59.999", "after-failed-log-ins"), ("-1:01", "after-failed-log-ins"),
])  # fmt: skip
def test_or_after_the_fifth_failure(when: str, expected: str) -> None:
    line = fails(*[when] * 5)
    assert acted(line).body["why"] == expected


@pytest.mark.parametrize(("first", "expected"), [
    ("-20:00.000", "after-failed-log-ins"), ("-19:59.999", "after-failed-log-ins"), ("-20:00.001", "accounted"),
])  # fmt: skip
def test_the_fifth_is_within_10_min_of_the_first(first: str, expected: str) -> None:
    assert acted(fails(first, *FIVE[1:])).body["why"] == expected


def test_four_failures_are_not_enough() -> None:
    assert acted(fails(*FIVE[1:])).body["why"] == "accounted"


def test_any_five_in_a_row_count() -> None:
    assert acted(fails("-40:00", *FIVE)).body["why"] == "after-failed-log-ins"


def test_the_8_h_count_from_the_newest_of_five() -> None:
    assert acted(fails(*["-8:02:00"] * 5, "-8:00:30")).body["why"] == "after-failed-log-ins"
    assert acted(fails(*["-8:02:00"] * 5)).body["why"] == "accounted"


def test_failed_log_outs_count_too() -> None:
    assert acted(fails(*FIVE, of="log-out")).body["why"] == "after-failed-log-ins"


def test_a_lock_goes_before_the_failures() -> None:
    assert acted(fails(*FIVE).at("-10:00", locked(account_id="id-1"))).body["why"] == "after-lock"
    assert acted(lock("-30:00").at("-5:00", *[failed(account_id="id-1")] * 5)).body["why"] == "after-lock"


def test_what_came_after_the_log_in_throws_no_doubt_on_it() -> None:
    assert acted(lock("-1:00"), "-2:00").body["why"] == "accounted"
    assert acted(fails(*FIVE), "-11:00").body["why"] == "accounted"


def test_locks_within_60_s_are_one() -> None:
    assert acted(lock("-8:01:30").at("-8:00:30", locked())).body["why"] == "accounted"
    assert acted(lock("-8:01:30").at("-8:00:29.999", locked())).body["why"] == "after-lock"


def test_also_where_the_first_is_told_by_id_before_the_name_is_known() -> None:
    line = known().at("-8:01:30", locked(None, account_id="id-1", service="older")).at("-8:00:30", locked(account_id="id-1"))
    assert acted(line).body["why"] == "accounted"


@pytest.mark.parametrize("told", [{"name": None, "account_id": "id-1"}, {"name": "NURSE1"}, {"account_id": "id-1"}])
def test_a_lock_by_id_or_by_name_is_of_the_account(told: dict[str, Any]) -> None:
    line = known().at("-1:00:00", locked(told.pop("name", "nurse1"), service="older", **told))
    assert acted(line.at("-200:00:00", log_out("x", service="older"))).body["why"] == "after-lock"


def test_another_accounts_lock_and_failures_are_nothing() -> None:
    assert acted(known().at("-5:00", locked("nurse2"), *[failed("nurse2")] * 5)).body["why"] == "accounted"


def test_each_log_in_of_the_session_counts() -> None:
    line = known().at("-20:00", log_in()).at("-15:00", locked())
    assert why(line.at("-10:00", log_in()).at("0:00", command())) == "after-lock"


def test_a_log_in_once_doubted_stays_so_for_the_session() -> None:
    line = lock("-30:00:00").at("-29:00:00", log_in()).at("-2:00", log_in())
    assert why(line.at("0:00", command())) == "after-lock"


def test_but_not_for_the_next() -> None:
    line = lock("-30:00:00").at("-29:00:00", log_in()).at("-3:00", log_out()).at("-2:00", log_in())
    assert why(line.at("0:00", command())) == "accounted"


def test_after_an_assumed_end_the_next_session_is_another() -> None:
    line = ward().at("-800:00:00", log_out("x", service="older")).at("-200:00:00", locked(service="older"))
    line.at("-199:00:00", log_in(service="older")).at("-1:00", log_in(service="older"))
    assert why(line.at("0:00", command())) == "accounted"


def test_also_where_it_begins_at_once() -> None:
    line = ward().at("-800:00:00", log_out("x", service="older")).at("-169:00:00", locked(service="older"))
    line.at("-168:05:00", log_in(service="older")).at("-1:00", log_in(service="older"))
    assert why(line.at("0:00", command())) == "accounted"


def test_with_clients_each_session_is_one_by_itself() -> None:
    line = lock("-20:00").at("-15:00", log_in(client="WS1"))
    assert why(line.at("0:00", command())) == "after-lock"
    line.at("-10:00", log_out(client="ws1")).at("-30:00", log_in(client="WS2"))
    assert why(line) == "accounted"


def test_a_shared_account_has_one_session_at_all_clients() -> None:
    shared = Thresholds(presence=PresenceThresholds(shared_accounts=("nurse1",)))
    line = lock("-20:00").at("-30:00", log_in(client="WS1")).at("-15:00", log_in(client="WS2")).at("-10:00", log_out())
    one = line.at("0:00", command()).finding("control", thresholds=shared)
    assert (one.body["why"], one.quality) == ("after-lock", ["shared-account"])


def test_what_nobody_named_did_is_never_in_doubt() -> None:
    assert why(off(lock("-20:00").at("-10:00", log_in()))) == "accounted"


def test_doubt_carries_its_evidence() -> None:
    assert kinds(acted(lock("-20:00"))) == ["AccountLocked", "SessionOpened", "CommandRequested"]
    assert kinds(acted(fails(*FIVE))) == [*["LogInFailed"] * 5, "SessionOpened", "CommandRequested"]


def test_the_first_that_holds_goes_before_doubt() -> None:
    line = lock("-20:00").at("-10:00", log_in()).at("-1:00", log_out())
    assert why(line.at("0:00", command())) == "no-session"


# Who was authenticated.


def test_all_sessions_open_are_listed_by_account_wherever_they_are() -> None:
    line = known().at("-3:00", log_in("bob", account_id="id-b", place="ER")).at("-2:00", log_in("ann")).at("-1:00", log_in("cyd"))
    present = off(line.at("-0:30", log_out("cyd"))).body("control")["present"]
    assert present == [{"account": "ann", "id": None}, {"account": "bob", "id": "id-b"}]


def test_at_most_20_are_listed() -> None:
    line = known().at("-1:00", *(log_in(f"nurse{number}") for number in range(25)))
    present = off(line).body("control")["present"]
    assert [one["account"] for one in present] == sorted(f"nurse{number}" for number in range(25))[:20]


def test_a_log_out_after_the_assumed_end_shows_that_the_session_was_open() -> None:
    line = ward().at("-400:00:00", log_out("x", service="older")).at("-168:05:00", log_in(service="older")).at("0:00", command())
    before = line.finding("control", until="1:00")
    assert (before.body["why"], before.status) == ("no-session", "provisional")
    after = line.at("4:00", log_out(service="older")).finding("control", until="4:00.001")
    assert (after.id, after.body["why"], after.status) == (before.id, "accounted", "final")
    assert [one["account"] for one in after.body["present"]] == ["nurse1"]


@pytest.mark.parametrize(("when", "expected"), [("5:00.000", "accounted"), ("5:00.001", "nobody")])
def test_if_it_comes_within_10_min(when: str, expected: str) -> None:
    line = ward().at("-400:00:00", log_out("x", service="older")).at("-168:05:00", log_in(service="older"))
    assert why(off(line).at(when, log_out(service="older"))) == expected


def test_until_then_the_session_may_yet_turn_out_to_be_in_doubt() -> None:
    line = ward().at("-400:00:00", log_out("x", service="older")).at("-168:06:00", locked(service="older"))
    line.at("-168:05:00", log_in(service="older", client="A")).at("-1:00", log_in(service="older", client="B"))
    assert why(line.at("0:00", command())) == "accounted"
    assert why(line.at("4:00", log_out(service="older", client="A"))) == "after-lock"


def test_when_it_may_no_more_the_other_session_is_what_counts() -> None:
    line = ward().at("-400:00:00", log_out("x", service="older")).at("-168:12:00", locked(service="older"))
    line.at("-168:11:00", log_in(service="older", client="A")).at("-1:00", log_in(service="older", client="B"))
    assert why(line.at("0:00", command())) == "accounted"


# The envelope.


def test_it_names_the_monitor_its_patient_and_its_place() -> None:
    one = off(ward()).finding("control")
    assert (one.monitor, one.patient, one.bed, one.units, one.device) == ("M1", "P1", "B1", ["ICU"], None)
    assert (one.start, one.end, one.account, one.quality) == (iso(instant("0:00")), None, None, [])
    assert kinds(one) == ["MonitorConfigured"]


def test_without_a_patient_there_is_none() -> None:
    assert off(ward().at("-1:00", release())).finding("control").patient is None


def test_the_place_is_that_of_then() -> None:
    assert off(ward()).at("1:00", placed("B2")).finding("control").units == ["ICU"]


def test_a_place_that_is_learnt_later_is_filled_in() -> None:
    line = off(Timeline().at("-1:00", audio("on", discovery=True)))
    before = line.finding("control")
    assert (before.units, before.quality) == ([], ["unplaced"])
    after = line.at("1:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1")).finding("control")
    assert (after.id, after.units, after.quality) == (before.id, ["ICU"], [])


def test_in_a_hub_of_one_unit_it_is_there() -> None:
    line = Timeline().at("-1:00", unit("ICU", "B1"), audio("on", discovery=True))
    assert off(line).finding("control").units == ["ICU"]


def test_it_starts_at_the_at_of_its_record_and_counts_by_sent() -> None:
    line = known().at("-1:00", log_in()).at("-2:00", audio("off"), told="0:00")
    one = line.finding("control")
    assert (one.start, one.body["why"]) == (iso(instant("-2:00")), "accounted")


def test_marks_of_the_record_are_the_findings() -> None:
    one = ward().at("0:00", limits(Limit("spo2-low", lower=1.0), quality=("limits-unread",))).finding("control")
    assert one.quality == ["limits-unread"]


def test_a_shared_account_among_those_present_is_marked() -> None:
    shared = Thresholds(presence=PresenceThresholds(shared_accounts=("nurse1",)))
    line = off(known().at("-1:00", log_in()))
    assert line.finding("control", thresholds=shared).quality == ["shared-account"]
    assert line.finding("control").quality == []


def test_each_side_of_the_subject_tells_findings_apart() -> None:
    line = ward().at("-1:00", audio("on", discovery=True, monitor="M2"))
    line.at("0:00", audio("off"), audio("off", monitor="M2"), command(account="a"), command(account="b"))
    assert len({one.id for one in line.findings("control")}) == 4


# When it is final.


@pytest.mark.parametrize(("until", "status"), [("0:00", "provisional"), ("0:00.001", "final")])
def test_final_when_the_watermark_passes_the_act(until: str, status: str) -> None:
    assert off(ward()).finding("control", until=until).status == status


@pytest.mark.parametrize(("until", "status"), [("1:00", "provisional"), ("1:00.001", "final")])
def test_a_command_when_its_answer_may_no_more_come(until: str, status: str) -> None:
    assert ward().at("0:00", command(request="r1")).finding("control", until=until).status == status


def test_or_has_come() -> None:
    line = ward().at("0:00", command(request="r1")).at("0:10", answered(request="r1"))
    assert line.finding("control", until="0:10.001").status == "final"
