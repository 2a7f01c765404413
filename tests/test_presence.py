"""presence: sessions of accounts at clients, and how far they can be trusted."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubapp.chronicle.chronicle import Chronicle, copied
from hubapp.facts import AnyFact, Micros
from hubapp.findings import Finding
from hubapp.rules.house import House
from hubapp.rules.scene import Scene
from hubapp.rules.sessions import Sessions
from hubapp.thresholds import PresenceThresholds, SessionDays, Thresholds, digest
from tests.timeline import Timeline, failed, instant, iso, locked, log_in, log_out, raised, unit

WEEK, MONTH = "168:00:00", "720:00:00"
YEAR = "9000:00:00"
SHARED = Thresholds(presence=PresenceThresholds(shared_accounts=("ward",)))


def at(text: str) -> str:
    return iso(instant(text))


def found(line: Timeline, until: str = YEAR, thresholds: Thresholds | None = None) -> list[Finding]:
    return line.findings("presence", until=until, thresholds=thresholds)


def sessions(line: Timeline, until: str = YEAR) -> list[tuple[str, str | None, str | None]]:
    return [(one.start, one.end, one.body["how_ended"]) for one in found(line, until)]


# One person's.


def test_a_log_in_opens_and_a_log_out_closes() -> None:
    [one] = found(Timeline().at("0:00", log_in("Ann", client="WS1", place="ICU")).at("10:00", log_out("ann")), "10:00.001")
    assert (one.status, one.account, one.start, one.end) == ("final", "Ann", at("0:00"), at("10:00"))
    assert (one.patient, one.monitor, one.device, one.bed) == (None, None, None, None)
    assert one.body == {
        "account": "Ann", "how_ended": "log-out", "duration": 600.0, "log_ins": 1, "log_outs": 1, "shared": False,
        "last_log_in": at("0:00"), "client": "WS1", "place": "ICU",
    }  # fmt: skip
    assert [(copy.kind, copy.used["client"]) for copy in one.evidence] == [("SessionOpened", "WS1"), ("SessionClosed", None)]


def test_while_open_nothing_is_said_of_an_end() -> None:
    [one] = found(Timeline().at("0:00", log_in("ann")), "1:00:00")
    assert (one.status, one.end) == ("provisional", None)
    assert (one.body["how_ended"], one.body["duration"], one.body["client"], one.body["place"]) == (None, None, None, None)


def test_a_log_in_while_open_is_a_re_authentication() -> None:
    line = Timeline().at("0:00", log_in("ann")).at("2:00", log_in("ANN ")).at("3:00", log_out("ann"))
    [one] = found(line)
    assert (one.start, one.body["log_ins"], one.body["last_log_in"], one.body["duration"]) == (at("0:00"), 2, at("2:00"), 180.0)


def test_a_log_out_without_a_session_is_nothing() -> None:
    assert found(Timeline().at("0:00", log_out("ann"))) == []


def test_after_a_log_out_a_log_in_opens_anew() -> None:
    line = Timeline().at("0:00", log_in("ann")).at("1:00", log_out("ann")).at("2:00", log_in("ann")).at("3:00", log_out("ann"))
    assert sessions(line) == [(at("0:00"), at("1:00"), "log-out"), (at("2:00"), at("3:00"), "log-out")]


def test_a_failed_log_out_and_a_lock_close_nothing() -> None:
    line = Timeline().at("0:00", log_in("ann")).at("1:00", failed("ann", of="log-out"), failed("ann"), locked("ann"))
    assert found(line, "2:00")[0].end is None


# The assumed end.


@pytest.mark.parametrize(("service", "end"), [("older", WEEK), ("newer", MONTH)])
def test_without_a_log_in_it_is_taken_as_ended_after_the_days_of_its_service(service: str, end: str) -> None:
    line = Timeline().at("0:00", log_in("ann", service=service))
    [one] = found(line)
    assert (one.end, one.body["how_ended"], one.status) == (at(end), "assumed", "final")
    assert one.body["duration"] == (instant(end) - instant("0:00")) / 1e6


@pytest.mark.parametrize(
    ("now", "how", "status"),
    [
        (MONTH, None, "provisional"),
        (f"{MONTH}.001", "assumed", "provisional"),
        ("720:10:00", "assumed", "provisional"),
        ("720:10:00.001", "assumed", "final"),
    ],
)
def test_the_assumed_end_is_final_after_the_lateness(now: str, how: str | None, status: str) -> None:
    [one] = found(Timeline().at("0:00", log_in("ann")), now)
    assert (one.body["how_ended"], one.status) == (how, status)


@pytest.mark.parametrize(
    ("out", "end", "how"),
    [
        ("720:09:59.999", "720:09:59.999", "log-out"),
        ("720:10:00", "720:10:00", "log-out"),
        ("720:10:00.001", MONTH, "assumed"),
    ],
)
def test_a_log_out_within_the_lateness_after_the_assumed_end_moves_it(out: str, end: str, how: str) -> None:
    assert sessions(Timeline().at("0:00", log_in("ann")).at(out, log_out("ann"))) == [(at("0:00"), at(end), how)]


def test_the_days_count_from_the_last_log_in() -> None:
    line = Timeline().at("0:00", log_in("ann")).at("1:00:00", log_in("ann"))
    assert sessions(line) == [(at("0:00"), at("721:00:00"), "assumed")]


@pytest.mark.parametrize(("again", "count"), [(MONTH, 1), (f"{MONTH}.001", 2)])
def test_after_the_assumed_end_a_log_in_opens_anew(again: str, count: int) -> None:
    assert len(found(Timeline().at("0:00", log_in("ann")).at(again, log_in("ann")))) == count


def test_a_log_out_after_an_assumed_end_is_the_newer_session_s() -> None:
    line = Timeline().at("0:00", log_in("ann")).at("720:04:00", log_in("ann")).at("720:06:00", log_out("ann"))
    assert sessions(line) == [(at("0:00"), at(MONTH), "assumed"), (at("720:04:00"), at("720:06:00"), "log-out")]


def test_a_second_log_out_is_none_of_a_session_that_a_newer_one_followed() -> None:
    line = Timeline().at("0:00", log_in("ann")).at("720:04:00", log_in("ann")).at("720:06:00", log_out("ann"))
    assert sessions(line.at("720:08:00", log_out("ann")))[0] == (at("0:00"), at(MONTH), "assumed")


def test_session_days_are_one_number_or_one_for_each_service() -> None:
    line = Timeline().at("0:00", log_in("ann", service="older"))
    for days in (1.0, SessionDays(older=1.0)):
        [one] = found(line, thresholds=Thresholds(presence=PresenceThresholds(session_days=days)))
        assert one.end == at("24:00:00")


# Clients.


def test_each_client_counts_by_itself() -> None:
    line = (
        Timeline().at("0:00", log_in("ann", client="WS1"), log_in("ann", client="WS2")).at("1:00", log_out("ann", client="ws2"))
    )
    ends = {one.body["client"]: one.end for one in found(line, "2:00")}
    assert ends == {"WS1": None, "WS2": at("1:00")}


def test_a_log_out_without_a_client_closes_all() -> None:
    line = Timeline().at("0:00", log_in("ann", client="WS1"), log_in("ann")).at("1:00", log_out("ann"))
    assert [one.end for one in found(line)] == [at("1:00"), at("1:00")]


def test_a_log_out_at_a_client_without_a_session_closes_the_one_without_a_client() -> None:
    line = Timeline().at("0:00", log_in("ann", client="WS1"), log_in("ann")).at("1:00", log_out("ann", client="WS9"))
    assert {one.body["client"]: one.end for one in found(line, "2:00")} == {"WS1": None, None: at("1:00")}


# Shared accounts.


def test_a_shared_account_has_no_duration_and_is_open_whoever_logs_out() -> None:
    line = (
        Timeline().at("0:00", log_in("ward", client="WS1")).at("1:00", log_out("WARD")).at("2:00", log_in("ward", client="WS2"))
    )
    [one] = found(line.at("3:00", log_out("ward", client="WS1")), "4:00", SHARED)
    assert (one.status, one.end, one.quality) == ("provisional", None, ["place-unknown", "shared-account"])
    assert one.body == {
        "account": "ward", "how_ended": None, "duration": None, "log_ins": 2, "log_outs": 2, "shared": True,
        "last_log_in": at("2:00"), "client": None, "place": None,
    }  # fmt: skip


@pytest.mark.parametrize(("now", "how", "status"), [("720:02:00", None, "provisional"), ("720:02:00.001", "assumed", "final")])
def test_a_shared_account_ends_after_its_last_log_in(now: str, how: str | None, status: str) -> None:
    line = Timeline().at("0:00", log_in("ward")).at("2:00", log_in("ward"))
    [one] = found(line, now, SHARED)
    assert (one.body["how_ended"], one.status, one.body["duration"]) == (how, status, None)
    assert one.end == (at("720:02:00") if how else None)


def test_no_log_out_moves_the_end_of_a_shared_account() -> None:
    [one] = found(Timeline().at("0:00", log_in("ward")).at("720:05:00", log_out("ward")), thresholds=SHARED)
    assert (one.end, one.body["log_outs"]) == (at(MONTH), 0)


def test_a_shared_account_may_be_listed_by_its_id() -> None:
    listed = Thresholds(presence=PresenceThresholds(shared_accounts=("U-7",)))
    [one] = found(Timeline().at("0:00", log_in("ward", account_id="u-7")), "1:00", listed)
    assert one.body["shared"]


# Accounts.


def test_an_id_and_a_name_are_one_account_once_a_record_says_so() -> None:
    line = Timeline().at("0:00", log_in(None, account_id="u1")).at("1:00", log_out("ann", account_id="U1"))
    [one] = found(line)
    assert (one.account, one.end) == ("u1", at("1:00"))


def test_when_id_and_name_prove_one_the_younger_session_is_a_part_of_the_older() -> None:
    line = Timeline().at("0:00", log_in(None, account_id="u1")).at("1:00", log_in("ann"))
    assert [one.account for one in found(line, "1:30")] == ["u1", "ann"]
    [one] = found(line.at("2:00", log_in("ann", account_id="u1")).at("3:00", log_out("ann")))
    assert (one.account, one.start, one.end, one.body["log_ins"]) == ("u1", at("0:00"), at("3:00"), 3)
    assert len(one.evidence) == 4


def test_the_last_log_in_of_the_two_says_when_it_is_taken_as_ended() -> None:
    line = Timeline().at("0:00", log_in(None, account_id="u1")).at("1:00", log_in("ann"))
    [one] = found(line.at("2:00", failed("ann", account_id="u1")))
    assert (one.end, one.body["last_log_in"]) == (at("720:01:00"), at("1:00"))


@pytest.mark.parametrize(("second", "count"), [(MONTH, 1), (f"{MONTH}.001", 2)])
def test_one_that_began_after_the_assumed_end_of_the_other_stays(second: str, count: int) -> None:
    line = Timeline().at("0:00", log_in(None, account_id="u1")).at(second, log_in("ann"))
    line.at("720:05:00", failed("ann", account_id="u1")).at("720:06:00", log_out("ann"))
    assert [one.end for one in found(line)] == [at(MONTH), at("720:06:00")][-count:]


def test_a_session_that_was_over_when_they_proved_one_stays() -> None:
    line = Timeline().at("0:00", log_in(None, account_id="u1")).at("0:30", log_in("ann")).at("1:00", log_out("ann"))
    line.at("2:00", failed("ann", account_id="u1")).at("3:00", log_out("ann"))
    assert sessions(line) == [(at("0:00"), at("3:00"), "log-out"), (at("0:30"), at("1:00"), "log-out")]


def test_at_different_clients_they_stay_two() -> None:
    line = Timeline().at("0:00", log_in(None, account_id="u1")).at("1:00", log_in("ann", client="WS1"))
    assert len(found(line.at("2:00", failed("ann", account_id="u1")))) == 2


def test_an_alias_is_the_same_account() -> None:
    alias = Thresholds(presence=PresenceThresholds(aliases={"ann": ("HOSPITAL\\ann",)}))
    [one] = found(Timeline().at("0:00", log_in("ann")).at("1:00", log_out("hospital\\ANN")), thresholds=alias)
    assert one.body["how_ended"] == "log-out"


def test_another_account_changes_nothing() -> None:
    line = Timeline().at("0:00", log_in("ann"))
    [alone] = found(line, "3:00")
    line.at("1:00", log_in("bob", account_id="u2")).at("2:00", log_out("bob"), locked("bob"), raised())
    assert [one for one in found(line, "3:00") if one.account == "ann"] == [alone]


# Places.


def test_a_place_is_a_unit_or_a_bed_and_may_be_learnt_later() -> None:
    line = Timeline().at("-1:00", unit("ER", "B9")).at("0:00", log_in("ann", place="b1"))
    assert found(line.at("0:00", unit("NICU")), "0:30")[0].quality == ["place-unknown"]
    [one] = found(line.at("1:00", unit("ICU", "B1")), "2:00")
    assert (one.units, one.quality) == (["ICU"], [])


def test_what_a_unit_was_called_then_is_shown() -> None:
    line = Timeline().at("-2:00", unit("ICU", "B1", id="7"), unit("ER")).at("0:00", log_in("ann", place="icu"))
    assert found(line.at("1:00", unit("Intensive", "B1", id="7")), "2:00")[0].units == ["ICU"]


def test_in_a_hub_of_one_unit_everybody_is_in_it() -> None:
    [one] = found(Timeline().at("-1:00", unit("ICU", "B1")).at("0:00", log_in("ann")), "1:00")
    assert (one.units, one.quality) == (["ICU"], [])


def test_marks_of_its_records_are_its_own() -> None:
    line = Timeline().at("-1:00", unit("ICU")).at("0:00", log_in("ann", quality=("clock-ahead",)))
    [one] = found(line.at("1:00", log_out("ann", quality=("late", "time-unsure"))))
    assert one.quality == ["clock-ahead", "late", "time-unsure"]


def test_the_version_tells_the_values_that_it_went_by() -> None:
    short = Thresholds(presence=PresenceThresholds(session_days=1.0))
    line = Timeline().at("0:00", log_in("ann"))
    versions = {found(line, thresholds=one)[0].rule_version for one in (None, short)}
    assert len(versions) == 2


# Laws.


class Run:
    """Facts as they come, and what is told."""

    def __init__(self) -> None:
        self.chronicle = Chronicle([Sessions], "test", {digest(Thresholds()): Thresholds()}, lambda subject: True)
        self.told: list[Finding] = []

    def hear(self, facts: list[AnyFact], now: str) -> None:
        for fact in facts:
            self.chronicle.hold(fact, digest(Thresholds()))
        self.told += [msgspec.structs.replace(one) for one in self.chronicle.conclude(instant(now))]


def test_the_younger_finding_is_retracted_and_the_older_named() -> None:
    run, line = Run(), Timeline().at("0:00", log_in(None, account_id="u1")).at("1:00", log_in("ann"))
    run.hear(line.facts, "1:30")
    younger, older = sorted(run.told, key=lambda one: one.account or "")
    run.hear(line.at("2:00", failed("ann", account_id="u1")).facts[2:], "2:30")
    told = {one.id: one for one in run.told}
    assert (told[younger.id].status, told[younger.id].replaced_by) == ("retracted", older.id)
    assert (told[older.id].status, told[older.id].revision, told[older.id].body["log_ins"]) == ("provisional", 2, 2)


def test_a_session_that_ended_is_told_as_final_once() -> None:
    run, line = Run(), Timeline().at("0:00", log_in("ann")).at("1:00", log_out("ann"))
    run.hear(line.facts, "1:00.001")
    run.hear([], "30:00")
    run.chronicle.settle(instant("20:00"))
    run.hear([], "40:00")
    assert [(one.status, one.revision) for one in run.told] == [("final", 1)]
    assert run.chronicle.settled.rules[0].items == {}


def test_units_of_then_are_shown_whatever_is_forgotten_of_them() -> None:
    run, line = Run(), Timeline().at("-1:00", unit("ER")).at("0:00", log_in("ann", place="b1"))
    line.at("1:00", unit("ICU", "B1", id="7")).at("2:00", unit("Intensive", "B1", id="7")).at("4:00", log_in("bob"))
    run.hear(line.facts, "4:00")
    run.chronicle.settle(instant("3:00"))
    run.hear(line.at("3:30", log_in("ann")).facts[-1:], "5:00")
    assert [one.units for one in run.told if one.account == "ann"] == [["ICU"], ["ICU"]]


def story(draw: Random) -> list[AnyFact]:
    line, now = Timeline(), 0.0
    line.at("-1:00", unit("ICU", "B1"), unit("ER", "B2"))
    for _ in range(draw.randrange(3, 30)):
        now += draw.choice((0.0, 0.5, 30.0, 900.0, 86_400.0, 1_300_000.0, 2_592_100.0))
        name, client = draw.choice(("ann", "ward")), draw.choice((None, "WS1"))
        who: dict[str, Any] = draw.choice((
            {"name": name}, {"name": None, "account_id": f"id-{name}"}, {"name": name, "account_id": f"id-{name}"},
        ))  # fmt: skip
        make = draw.choice((log_in, log_in, log_out, failed, locked))
        fact = unit("ER", draw.choice(("B2", "B3"))) if draw.random() < 0.1 else make(**who, client=client, place="B2")
        line.at(f"{now:.3f}", fact)
    return line.facts


def scene() -> Scene:
    return Scene(House(), "test", {})


def fold(facts: list[AnyFact], cut: int, thresholds: Thresholds) -> list[tuple[Finding, Micros]]:
    """What is found at the end; at *cut* the state is written and read."""
    rule, house = Sessions(), scene()
    for number, fact in enumerate(sorted(facts, key=lambda one: one.order)):
        if number == cut:
            rule = copied(rule)  # type: ignore[assignment]  # The same class.
        house.look_at(fact, thresholds)
        rule.hear(fact, house)
        house.pass_by(fact)
    return [one for key in sorted(rule.items) for one in rule.found(key, house, instant(YEAR))]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 32), st.integers(0, 30), st.booleans())
def test_state_that_is_written_and_read_finds_the_same(seed: int, cut: int, shared: bool) -> None:
    facts, thresholds = story(Random(seed)), SHARED if shared else Thresholds()
    assert fold(facts, cut, thresholds) == fold(facts, -1, thresholds)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 32), st.booleans())
def test_what_is_forgotten_is_not_missed(seed: int, shared: bool) -> None:
    """Told step by step and settled on the way, the last that is told of each is what all at once gives."""
    draw = Random(seed)
    facts, thresholds = story(draw), SHARED if shared else Thresholds()
    name = digest(thresholds)
    chronicle = Chronicle([Sessions], "test", {name: thresholds}, lambda subject: True)
    told: dict[str, Finding] = {}
    for fact in facts:
        chronicle.hold(fact, name)
        if draw.random() < 0.5:
            told.update({one.id: one for one in chronicle.conclude(fact.sent)})
            chronicle.settle(fact.sent - draw.choice((0, 600_000_000)))
    told.update({one.id: one for one in chronicle.conclude(instant(YEAR))})
    last = {one.id: one for one in told.values() if one.status != "retracted"}
    expected = {one.finding.id: one.finding for one in fold(facts, -1, thresholds)}
    assert {key: (one.start, one.end, one.body, one.units) for key, one in last.items()} == {
        key: (one.start, one.end, one.body, one.units) for key, one in expected.items()
    }
