"""barriers: somebody could not log in while a patient alarmed."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.chronicle.chronicle import Chronicle, copied
from hubapp.chronicle.oracle import conclude, heard_by_the_house
from hubapp.facts import SECOND, AnyFact
from hubapp.findings import Finding
from hubapp.rules.barriers import Barriers
from hubapp.rules.house import House
from hubapp.rules.places import NOWHERE
from hubapp.rules.scene import Event, Scene, rank
from hubapp.rules.told import Onset
from hubapp.thresholds import BarriersThresholds, PresenceThresholds, Thresholds, digest
from hubapp.ward.oracle import shorts
from tests.timeline import (
    Timeline,
    bed,
    ended,
    failed,
    instant,
    iso,
    latched,
    locked,
    log_in,
    log_out,
    placed,
    raised,
    release,
    session,
    unit,
)


def at(text: str) -> str:
    return iso(instant(text))


def alarming(**fields: Any) -> Timeline:
    """An alarm from 0:00 to 10:00."""
    return Timeline().at("-1:00", session()).at("0:00", raised(**fields)).at("10:00", ended(**fields))


def found(line: Timeline, until: str | None = "1:00:00", thresholds: Thresholds | None = None) -> list[Finding]:
    return line.findings("barriers", until, thresholds)


def episode(line: Timeline) -> str:
    return line.finding("episodes").id


# Failed log-ins.


def test_two_failures_and_no_success_while_a_patient_alarms() -> None:
    line = alarming().at("1:00", failed("Ann", client="WS1")).at("1:30", failed("ann"))
    [one] = found(line)
    assert one.body == {
        "why": "failed-log-ins", "attempts": 2, "episodes": [episode(line)], "account": "Ann", "client": "WS1",
    }  # fmt: skip
    assert (one.status, one.account, one.start, one.end) == ("final", "Ann", at("1:00"), at("1:30"))
    assert (one.quality, one.units, one.patient, one.monitor) == (["place-unknown"], [], None, None)
    assert [copy.kind for copy in one.evidence] == ["AlarmRaised", "LogInFailed", "LogInFailed"]


def test_one_failure_is_none() -> None:
    assert found(alarming().at("1:00", failed())) == []


@pytest.mark.parametrize(("second", "count"), [("1:59.999", 1), ("2:00", 1), ("2:00.001", 0)])
def test_gaps_are_at_most_a_minute(second: str, count: int) -> None:
    assert len(found(alarming().at("1:00", failed()).at(second, failed()))) == count


@pytest.mark.parametrize(("success", "count"), [("2:29.999", 0), ("2:30", 0), ("2:30.001", 1)])
def test_a_success_within_a_minute_of_the_last_is_no_barrier(success: str, count: int) -> None:
    line = alarming().at("1:00", failed()).at("1:30", failed()).at(success, log_in("NURSE1", client="WS7"))
    assert len(found(line)) == count


def test_another_account_s_success_is_none_of_this_one_s() -> None:
    assert len(found(alarming().at("1:00", failed()).at("1:30", failed()).at("1:40", log_in("bob")))) == 1


def test_a_success_between_failures_begins_a_new_stretch() -> None:
    line = alarming().at("1:00", failed()).at("1:10", log_in()).at("1:20", failed())
    assert found(line) == []
    [one] = found(line.at("1:30", failed()))
    assert (one.start, one.body["attempts"]) == (at("1:20"), 2)


def test_it_is_told_when_no_success_can_come_any_more() -> None:
    line = alarming().at("1:00", failed()).at("1:30", failed())
    assert found(line, "2:30") == []
    assert [one.status for one in found(line, "2:30.001")] == ["final"]


def test_one_finding_for_each_stretch() -> None:
    line = alarming()
    for when in ("1:00", "1:50", "2:40", "3:30", "5:00", "5:01"):
        line.at(when, failed())
    assert [(one.start, one.end, one.body["attempts"]) for one in found(line)] == [
        (at("1:00"), at("3:30"), 4), (at("5:00"), at("5:01"), 2),
    ]  # fmt: skip


def test_failed_log_outs_do_not_count() -> None:
    assert found(alarming().at("1:00", failed()).at("1:10", failed(of="log-out"), failed(of="log-out"))) == []


def test_a_failed_log_out_does_not_join_two_stretches() -> None:
    line = alarming().at("1:00", failed()).at("1:50", failed(of="log-out")).at("2:40", failed())
    assert found(line) == []


def test_thresholds_say_how_many_and_how_near() -> None:
    line = alarming().at("1:00", failed()).at("1:30", failed())
    assert found(line, thresholds=Thresholds(barriers=BarriersThresholds(failures=3))) == []
    assert found(line, thresholds=Thresholds(barriers=BarriersThresholds(gap=29.0))) == []
    one = Thresholds(barriers=BarriersThresholds(failures=1, gap=10.0))
    assert [finding.body["attempts"] for finding in found(line, thresholds=one)] == [1, 1]


# By client.


def test_by_client_only_over_several_accounts() -> None:
    line = alarming().at("1:00", failed("ann", client="WS1", place="x")).at("1:30", failed("bob", client="ws1"))
    [one] = found(line)
    assert (one.account, one.body["account"], one.body["client"], one.body["attempts"]) == (None, None, "WS1", 2)
    assert [f.account for f in found(alarming().at("1:00", failed("ann", client="WS1"), failed("ann", client="WS1")))] == ["ann"]


def test_two_clients_or_none_are_no_one_client_s() -> None:
    assert found(alarming().at("1:00", failed("ann", client="WS1"), failed("bob", client="WS2"), failed("cat"))) == []


def test_two_spellings_of_one_account_are_not_several() -> None:
    line = alarming().at("1:00", failed(None, account_id="u1", client="WS1"), failed("ann", account_id="u1", client="WS1"))
    assert [one.account for one in found(line)] == ["u1"]


def test_a_success_at_the_client_by_anybody_is_no_barrier_there() -> None:
    line = alarming().at("1:00", failed("ann", client="WS1"), failed("bob", client="WS1")).at("1:20", log_in("cat", client="ws1"))
    assert found(line) == []


# Locks.


def test_a_lock_alone_is_a_barrier_at_once() -> None:
    line = alarming().at("1:00", locked())
    [one] = found(line, "1:00")
    assert (one.status, one.body["why"], one.body["attempts"], one.end) == ("provisional", "locked", 0, None)
    assert [(one.status, one.start, one.end) for one in found(line)] == [("final", at("1:00"), at("1:00"))]


def test_with_the_older_service_attempts_are_not_known() -> None:
    [one] = found(alarming().at("1:00", locked(None, account_id="u1", service="older")))
    assert (one.account, one.body["attempts"]) == ("u1", None)


def test_a_lock_after_failures_makes_it_locked() -> None:
    line = alarming()
    for when in ("1:00", "1:05", "1:10", "1:15", "1:20"):
        line.at(when, failed())
    [one] = found(line.at("1:20", locked()))
    assert (one.body["why"], one.body["attempts"], one.start) == ("locked", 5, at("1:00"))


def test_a_success_unmakes_no_lock() -> None:
    assert [one.body["why"] for one in found(alarming().at("1:00", locked()).at("1:30", log_in()))] == ["locked"]


@pytest.mark.parametrize(("second", "count"), [("1:59.999", 1), ("2:00", 1), ("2:00.001", 2)])
def test_locks_of_one_account_within_a_minute_are_one(second: str, count: int) -> None:
    assert len(found(alarming().at("1:00", locked()).at(second, locked()))) == count


def test_of_locks_that_are_one_the_first_or_the_last_lies_in_the_alarm() -> None:
    assert [one.start for one in found(alarming().at("9:59", locked()).at("10:10", locked()))] == [at("9:59")]
    assert [one.start for one in found(alarming().at("-0:01", locked()).at("0:10", locked()))] == [at("-0:01")]


def test_locks_of_two_accounts_at_one_client_are_two() -> None:
    assert len(found(alarming().at("1:00", locked("ann", client="WS1"), locked("bob", client="WS1")))) == 2


# The alarm.


@pytest.mark.parametrize(("last", "count"), [("9:59.999", 1), ("10:00", 0), ("10:00.001", 0)])
def test_the_last_failure_lies_in_the_alarm(last: str, count: int) -> None:
    assert len(found(alarming().at("9:20", failed()).at(last, failed()))) == count


@pytest.mark.parametrize(("lock", "count"), [("-0:00.001", 0), ("0:00", 1), ("9:59.999", 1), ("10:00", 0)])
def test_a_lock_lies_in_the_alarm(lock: str, count: int) -> None:
    assert len(found(alarming().at(lock, locked()))) == count


def test_by_when_it_was_sent() -> None:
    line = Timeline().at("-1:00", session()).at("0:00", raised(), told="0:05").at("1:00", ended(), told="1:05")
    assert [len(found(line.at(when, locked(when)))) for when in ("0:04.999", "0:05", "1:04.999", "1:05")] == [0, 1, 2, 2]


def test_failures_before_the_alarm_count_if_the_last_is_in_it() -> None:
    assert len(found(alarming().at("-0:30", failed()).at("0:10", failed()))) == 1


@pytest.mark.parametrize(("fields", "count"), [
    ({"priority": "HI"}, 1), ({"priority": "ME"}, 1), ({"priority": "LO"}, 0), ({"kind": "technical"}, 0),
])  # fmt: skip
def test_only_urgent_physiological_alarms(fields: dict[str, Any], count: int) -> None:
    assert len(found(alarming(**fields).at("1:00", locked()))) == count


def test_from_when_it_is_urgent() -> None:
    line = Timeline().at("0:00", raised(priority="LO")).at("1:00", raised(priority="ME")).at("2:00", raised(priority="LO"))
    assert len(found(line.at("0:59.999", locked("a")).at("1:00", locked("b")).at("3:00", locked("c")), "20:00")) == 2


def test_a_latched_alarm_is_not_active() -> None:
    assert found(Timeline().at("0:00", raised()).at("1:00", latched()).at("2:00", locked())) == []


def test_a_released_one_neither() -> None:
    assert found(Timeline().at("-1:00", session()).at("0:00", raised()).at("1:00", release()).at("2:00", locked())) == []


def test_without_an_alarm_nobody_is_kept_from_it() -> None:
    assert found(Timeline().at("0:00", failed(), failed(), locked())) == []


def test_all_episodes_are_listed() -> None:
    line = alarming().at("0:30", raised("hr-high")).at("1:00", locked())
    [one] = found(line)
    assert one.body["episodes"] == sorted(other.id for other in line.findings("episodes"))


# Units.


def two_units() -> Timeline:
    return Timeline().at("-2:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"))


@pytest.mark.parametrize(("place", "units"), [("icu", ["ICU"]), ("B1", ["ICU"]), ("ER", None), (None, []), ("nowhere", [])])
def test_in_that_unit_or_where_it_is_unknown_in_the_hub(place: str | None, units: list[str] | None) -> None:
    line = two_units().at("0:00", raised()).at("1:00", locked(place=place))
    assert [one.units for one in found(line)] == ([] if units is None else [units])
    assert [one.quality for one in found(line)] == ([] if units is None else [[] if units else ["place-unknown"]])


def test_failures_at_several_places_are_of_all_their_units() -> None:
    line = two_units().at("0:00", raised()).at("1:00", failed(place="ICU")).at("1:10", failed(place="ER"))
    assert [one.units for one in found(line)] == [["ER", "ICU"]]


def test_an_alarm_that_nothing_places_is_in_no_unit_until_something_does() -> None:
    line = Timeline().at("-2:00", unit("ICU", "B1"), unit("ER", "B2")).at("0:00", raised()).at("1:00", locked(place="ICU"))
    assert found(line) == []
    assert len(found(line.at("1:30", placed("B1")))) == 1


def test_in_a_hub_of_one_unit_it_is_there() -> None:
    line = Timeline().at("-2:00", unit("ICU", "B1")).at("0:00", raised()).at("1:00", locked())
    assert [(one.units, one.quality) for one in found(line)] == [(["ICU"], [])]


# Accounts.


def test_an_id_and_a_name_are_one_account() -> None:
    line = (
        alarming()
        .at("-0:30", log_out("ann", account_id="u1"))
        .at("1:00", failed("ann"))
        .at("1:10", failed(None, account_id="u1"))
    )
    assert [one.body["attempts"] for one in found(line)] == [2]


def test_when_they_prove_one_their_stretches_do() -> None:
    line = (
        alarming().at("1:00", failed(None, account_id="u1")).at("1:10", failed("ann")).at("1:20", log_out("ann", account_id="u1"))
    )
    assert [(one.account, one.body["attempts"], one.end) for one in found(line)] == [("u1", 2, at("1:10"))]


@pytest.mark.parametrize(("cleared", "count"), [("1:05", 0), ("1:10.001", 1)])
def test_their_last_failure_is_the_later_one(cleared: str, count: int) -> None:
    line = Timeline().at("0:00", raised()).at("1:00", failed(None, account_id="u1")).at("1:10", failed("ann"))
    assert len(found(line.at(cleared, ended()).at("1:20", log_out("ann", account_id="u1")))) == count


def test_the_success_itself_may_prove_it() -> None:
    line = (
        alarming()
        .at("1:00", failed(None, account_id="u1"), failed(None, account_id="u1"))
        .at("1:10", log_in("ann", account_id="u1"))
    )
    assert found(line) == []


def test_a_shared_account_is_marked() -> None:
    shared = Thresholds(presence=PresenceThresholds(shared_accounts=("Ward",)))
    assert "shared-account" in found(alarming().at("1:00", locked("ward")), thresholds=shared)[0].quality


def test_another_account_another_unit_another_patient_change_nothing() -> None:
    line = two_units().at("0:00", raised()).at("1:00", failed(place="ICU")).at("1:30", failed(place="ICU"))
    alone = found(line)
    line.at("-1:00", placed("B2", serial="M2")).at("0:20", raised(patient="P2", monitor="M2", device="S2"))
    line.at("1:10", failed("bob", place="ER"), log_in("bob"), log_out("bob"))
    assert found(line) == alone


# Laws.


def story(seed: int) -> list[AnyFact]:
    draw, line, now = Random(seed), two_units(), 0.0
    line.at("-1:00", placed("B2", serial="M2"))
    for _ in range(draw.randrange(10, 40)):
        now += draw.choice((0.0, 0.5, 10.0, 30.0, 60.0, 60.001, 200.0, 1300.0))
        name, number = draw.choice(("ann", "bob")), draw.choice("12")
        who: dict[str, Any] = draw.choice((
            {"name": name}, {"name": None, "account_id": f"id-{name}"}, {"name": name, "account_id": f"id-{name}"},
        ))  # fmt: skip
        here = {"client": draw.choice((None, "WS1")), "place": draw.choice((None, "ICU", "B2"))}
        alarm = {"patient": f"P{number}", "device": f"S{number}", "monitor": f"M{number}", "priority": draw.choice(("HI", "LO"))}
        make = draw.choice((failed, failed, failed, locked, log_in, log_out, raised, raised, ended))
        line.at(f"{now:.3f}", make(**alarm) if make in (raised, ended) else make(**who, **here))
    return line.facts


def events(facts: list[AnyFact]) -> list[Event]:
    told = [word for one in shorts(facts, instant("100:00:00"), None) for word in one.words()]
    return sorted([*filter(heard_by_the_house, facts), *told], key=rank)


LAW = settings(max_examples=50, deadline=None, derandomize=True)


@LAW
@given(st.integers(0, 1 << 32), st.integers(0, 60))
def test_state_that_is_written_and_read_finds_the_same(seed: int, cut: int) -> None:
    heard, last = events(story(seed)), instant("100:00:00")
    rule, scene = Barriers(), Scene(House(), "test", {})
    for number, event in enumerate(heard):
        if number == cut:
            rule = copied(rule)  # type: ignore[assignment]  # The same class.
        scene.look_at(event, Thresholds())
        rule.hear(event, scene)
        scene.pass_by(event)
    found = [one.finding for key in sorted(rule.items) for one in rule.found(key, scene, last)]
    expected = conclude(heard, [Barriers()], last, "test")
    assert sorted((one.id, one.body["attempts"]) for one in found) == sorted((one.id, one.body["attempts"]) for one in expected)


def told(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, revision=0, status="final")


@LAW
@given(st.integers(0, 1 << 32))
def test_what_is_forgotten_is_not_missed(seed: int) -> None:
    """Told step by step and settled on the way, the last that is told of each is what all at once gives."""
    draw, heard, name = Random(seed), events(story(seed)), digest(Thresholds())
    chronicle, last = Chronicle([Barriers], "test", {name: Thresholds()}, lambda subject: True), dict[str, Finding]()
    for event in heard:
        chronicle.hold(event, name)
        if draw.random() < 0.5:
            last.update({one.id: msgspec.structs.replace(one) for one in chronicle.conclude(event.order[0])})
            chronicle.settle(event.order[0] - draw.choice((0, 600)) * SECOND)
    last.update({one.id: one for one in chronicle.conclude(instant("100:00:00"))})
    standing = {one.id: told(one) for one in last.values() if one.status != "retracted"}
    assert standing == {one.id: told(one) for one in conclude(heard, [Barriers()], instant("100:00:00"), "test")}


def run(line: Timeline, horizon: str, late: Any, until: str) -> list[Finding]:
    """What stands when *late* makes all behind *horizon* be heard again; the rule learns the places of alarms by itself."""
    name = digest(Thresholds())
    chronicle = Chronicle([Barriers], "test", {name: Thresholds()}, lambda subject: True)
    for event in events(line.facts):
        chronicle.hold(msgspec.structs.replace(event, place=NOWHERE) if isinstance(event, Onset) else event, name)
    told = {one.id: msgspec.structs.replace(one) for one in chronicle.conclude(instant(until))}
    chronicle.settle(instant(horizon))
    chronicle.hold(line.at(horizon, late).facts[-1], name)
    told.update({one.id: one for one in chronicle.conclude(instant(until) + 1)})
    return [one for one in told.values() if one.status != "retracted"]


def test_an_alarm_is_remembered_while_a_stretch_that_it_met_goes_on() -> None:
    line = alarming().at("9:59", locked()).at("10:50", failed()).at("11:40", failed())
    line.at("12:30", failed())
    [one] = run(line, "12:00", failed(), "13:00")
    assert (one.body["episodes"], one.body["attempts"]) == ([episode(line)], 4)


def test_places_of_then_count_whatever_is_forgotten_of_them() -> None:
    """Both are learnt after the alarm and the lock, and changed before they are asked for again."""
    line = Timeline().at("-1:00", unit("ER", "B9")).at("0:00", raised()).at("0:10", locked(place="x1"))
    line.at("0:20", bed("B1", "x1"), placed("B1"), unit("ICU", "B1", id="7"))
    line.at("0:30", placed("B9"), unit("Intensive", "B1", id="7")).at("0:50", unit("Night", "B3"))
    [one] = run(line, "0:40", failed("zed"), "1:00")
    assert one.units == ["ICU"]


def test_what_is_learnt_of_accounts_when_a_stretch_is_over_changes_it_no_more() -> None:
    """Two accounts failed at a client, and prove to be one: an hour later, or while the stretch goes on."""
    line = alarming().at("1:00", failed("bob", client="WS1"), failed(None, account_id="u1", client="WS1"))
    late = line.at("1:00:00", log_out("bob", account_id="u1")).facts
    assert [one.body["client"] for one in found(line) if one.account is None] == ["WS1"]
    assert [one.body["client"] for one in run(line, "59:00", log_out("zed"), "1:10:00") if one.account is None] == ["WS1"]
    line.facts = [*late[:-1], *line.at("1:30", log_out("bob", account_id="u1")).facts[-1:]]
    assert [one for one in found(line) if one.account is None] == []


def test_nothing_is_remembered_for_ever() -> None:
    heard, name = events(story(1)), digest(Thresholds())
    chronicle = Chronicle([Barriers], "test", {name: Thresholds()}, lambda subject: True)
    for event in heard:
        chronicle.hold(event, name)
    list(chronicle.conclude(instant("90:00:00")))
    chronicle.settle(instant("90:00:00"))
    items = chronicle.settled.rules[0].items
    assert [item for item in items.values() if getattr(item, "ended", None) is not None or not hasattr(item, "onset")] == []


def test_a_lock_that_proves_another_account_s_is_retracted_and_the_older_named() -> None:
    line, name = alarming().at("1:00", locked(None, account_id="u1")).at("1:10", locked("ann")), digest(Thresholds())
    chronicle = Chronicle([Barriers], "test", {name: Thresholds()}, lambda subject: True)
    for event in events(line.facts):
        chronicle.hold(event, name)
    of = {one.account: one.id for one in chronicle.conclude(instant("1:15"))}
    for fact in line.at("1:20", log_out("ann", account_id="u1")).facts[-1:]:
        chronicle.hold(fact, name)
    told = {one.id: one for one in chronicle.conclude(instant("1:25"))}
    assert (told[of["ann"]].status, told[of["ann"]].replaced_by) == ("retracted", of["u1"])
