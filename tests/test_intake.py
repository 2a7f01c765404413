"""A source partition's records: what is a fact, what only repeats itself, what is kept apart, what may be claimed."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

import orjson
import pytest
from faust.types import TP

from hubapp import marks
from hubapp.engine import Standing
from hubapp.facts import SECOND, MonitorBack, MonitorConfigured, MonitorLost, SourceGap, iso
from hubapp.intake.intake import Intake, Said
from hubapp.intake.progress import Claim, Speaker
from hubapp.wire import Zones

T0 = 1_791_795_600 * SECOND
BOUND = 5 * SECOND


class Source(NamedTuple):
    """A record as aiokafka gives it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def gateway(topic: str, offset: int, at: float, kind: str, payload: dict[str, Any], name: str | None = None) -> Source:
    """A record of a gateway, sent and appended *at* seconds after T0."""
    sent = T0 + round(at * SECOND)
    value = {
        "message_id": name or f"m{offset}",
        "event_name": kind,
        "event_type": kind,
        "timestamp": iso(sent)[:23],
        "payload": payload,
    }
    return Source(topic, 0, offset, sent // 1000, b"PM1", orjson.dumps(value), (("event_type", kind.encode()),))


def alarm(offset: int, at: float, **changes: Any) -> Source:
    told = {
        "patient_primary_identifier": "P1", "active": True, "latching": False, "code": "258066", "device_code": "Nonin 3150",
        "priority": "HI", "determination_time": iso(T0 + round(at * SECOND))[:23], "device_primary_identifier": "S1",
    }  # fmt: skip
    return gateway("alerts", offset, at, "NEW_ALERT_OBSERVATION", {**told, **changes})


def report(offset: int, at: float, monitor: str = "PM1") -> Source:
    payload = {"device_primary_identifier": monitor, "connection_status": True}
    return gateway("sdc-realtime-state", offset, at, "PM_CONNECTION_STATUS_REPORT", payload)


def disconnect(offset: int, at: float, monitor: str = "PM1") -> Source:
    sent = T0 + round(at * SECOND)
    value = {"event_type": "DISCONNECT", "id": f"d{offset}", "timestamp": iso(sent)[:23], "pm_id": monitor}
    return Source(
        "sdc-realtime-state", 0, offset, sent // 1000, monitor.encode(), orjson.dumps(value), (("event_type", b"DISCONNECT"),)
    )


def audio(offset: int, at: float, state: str) -> Source:
    enabled, pause = {"on": (True, False), "paused": (True, True), "off": (False, False)}[state]
    payload = {"device_primary_identifier": "PM1", "audio_enabled": enabled, "audio_pause_enabled": pause}
    return gateway("events-sdc", offset, at, "PM_CONFIGURATION_UPDATED", payload)


def intake(role: str = "alerts", past: bool = False) -> Intake:
    return Intake(role, Zones(), past)


def connected(said: Said) -> list[tuple[str, float]]:
    """(fact, seconds after T0) of what was told of connections."""
    return [
        (type(fact).__name__, (fact.sent - T0) / SECOND) for fact in said.facts if isinstance(fact, MonitorBack | MonitorLost)
    ]


# Repeats


def test_the_same_bytes_within_twenty_minutes_are_told_once() -> None:
    first = alarm(0, 0)
    again = first._replace(offset=1, timestamp=first.timestamp + 20 * 60 * 1000)
    said = intake().read([first, again])
    assert (len(said.facts), said.repeats) == (1, 1)


def test_the_same_bytes_later_than_twenty_minutes_are_told_again() -> None:
    first = alarm(0, 0)
    again = first._replace(offset=1, timestamp=first.timestamp + 20 * 60 * 1000 + 1)
    assert len(intake().read([first, again]).facts) == 2


def test_what_shares_only_the_message_id_is_a_record_of_its_own() -> None:
    one, other = alarm(0, 0), alarm(1, 1)
    other = other._replace(value=(other.value or b"").replace(b'"m1"', b'"m0"'))
    assert len(intake().read([one, other]).facts) == 2


def test_a_repeat_is_known_after_a_take_over() -> None:
    first = alarm(0, 0)
    before = intake()
    before.read([first])
    rows = [(key, value) for key, value in before.changes(0) if value is not None]
    assert intake().restore(rows).read([first._replace(offset=1)]).repeats == 1


def test_what_was_seen_is_forgotten_after_twenty_minutes() -> None:
    kept = intake()
    kept.read([alarm(0, 0)])
    seen = [key for key, _ in kept.changes(0) if key.startswith(b"seen/")]
    kept.read([alarm(1, 20 * 60 + 1)])
    assert [key for key, value in kept.changes(1) if value is None] == seen


# Quarantine


def test_a_malformed_record_is_kept_apart_with_its_place_and_its_bytes() -> None:
    said = intake().read([alarm(0, 0)._replace(value=b"\xff{", headers=(("event_type", b"X"),))])
    told = json.loads(said.quarantined[0])
    assert not said.facts
    assert (told["topic"], told["partition"], told["offset"]) == ("alerts", 0, 0)
    assert base64.b64decode(told["value"]) == b"\xff{"
    assert told["reason"]


def test_each_repeat_of_a_malformed_record_is_kept_apart() -> None:
    bad = alarm(0, 0, priority="URGENT")
    assert len(intake().read([bad, bad._replace(offset=1)]).quarantined) == 2


# Connection reports


def test_a_report_every_two_seconds_is_no_fact() -> None:
    said = intake("sdc-realtime-state").read([report(n, 2 * n) for n in range(100)])
    assert (connected(said), said.unchanged) == ([], 100)


def test_a_loss_and_the_first_report_after_it_are_facts() -> None:
    said = intake("sdc-realtime-state").read([report(0, 0), disconnect(1, 1), report(2, 16), report(3, 18)])
    assert connected(said) == [("MonitorLost", 1.0), ("MonitorBack", 16.0)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (0, 2, 1, 3), (2, 3, 1, 0), (3, 2, 1, 0)])
def test_reports_and_losses_in_any_order_within_the_bound_end_in_the_same_facts(order: tuple[int, ...]) -> None:
    records = [report(0, 0), disconnect(1, 1), report(2, 2), report(3, 4)]
    said = intake("sdc-realtime-state").read([records[number] for number in order])
    told = sorted(connected(said), key=lambda one: one[1])
    assert told[:2] == [("MonitorLost", 1.0), ("MonitorBack", 2.0)]


def test_a_monitor_that_others_outlast_by_thirty_seconds_is_silent_once() -> None:
    others = [report(n, 2 * n, "PM2") for n in range(1, 30)]
    said = intake("sdc-realtime-state").read([report(0, 0), *others])
    assert connected(said) == [("MonitorLost", 0.0)]
    assert [fact.cause for fact in said.facts if isinstance(fact, MonitorLost)] == ["silent"]


def test_nobody_is_silent_where_the_reports_of_all_have_a_gap() -> None:
    """The broker was away, or retention took them: nothing is concluded from what was not read."""
    records = [report(0, 0), report(1, 0.5, "PM2"), report(2, 100, "PM2"), report(3, 101)]
    assert connected(intake("sdc-realtime-state").read(records)) == []


def test_nobody_is_silent_because_the_clock_of_another_monitor_is_ahead() -> None:
    ahead = [report(10 + n, 3000 + 2 * n, "PM2") for n in range(10)]
    mine = [report(30 + n, 2 * n) for n in range(10)]
    mixed = [one for pair in zip(ahead, mine, strict=True) for one in pair]
    assert connected(intake("sdc-realtime-state").read(mixed)) == []


def test_nobody_is_silent_because_another_monitor_was_away_and_is_back() -> None:
    records = [report(0, 0, "PM2"), *[report(n, 2 * n) for n in range(1, 25)], report(30, 50, "PM2")]
    assert connected(intake("sdc-realtime-state").read(records)) == []


def test_a_partition_that_is_quiet_for_thirty_seconds_makes_its_monitors_silent_and_a_step_of_the_clock_does_not() -> None:
    kept = intake("sdc-realtime-state")
    kept.read([report(0, 0)])
    second = 1_000_000
    assert not list(kept.connections.silences(0))
    assert not list(kept.connections.silences(3600 * second))
    assert not any(list(kept.connections.silences((3600 + n) * second)) for n in range(1, 31))
    assert [loss.cause for loss in kept.connections.silences(3631 * second)] == ["silent"]


def test_a_silent_monitor_that_reports_again_is_back() -> None:
    kept = intake("sdc-realtime-state")
    kept.read([report(0, 0), *[report(n, 2 * n, "PM2") for n in range(1, 30)]])
    assert connected(kept.read([report(40, 60)])) == [("MonitorBack", 60.0)]


def test_in_an_input_of_the_past_a_gap_between_two_reports_is_a_silence() -> None:
    said = intake("sdc-realtime-state", past=True).read([report(0, 0), report(1, 30), report(2, 60.001)])
    assert connected(said) == [("MonitorLost", 30.0), ("MonitorBack", 60.001)]


# Audio


def test_audio_told_at_every_report_is_a_fact_when_it_changes() -> None:
    said = intake("events-sdc").read([audio(0, 0, "on"), audio(1, 1, "on"), audio(2, 2, "off"), audio(3, 3, "off")])
    assert [fact.audio for fact in said.facts if isinstance(fact, MonitorConfigured)] == ["on", "off"]


def test_audio_that_is_older_than_the_newest_told_is_told_on() -> None:
    said = intake("events-sdc").read([audio(0, 5, "off"), audio(1, 3, "on")])
    assert [fact.audio for fact in said.facts if isinstance(fact, MonitorConfigured)] == ["off", "on"]


# Progress


def speaker(past: bool = False) -> Speaker:
    return Speaker({"alerts": BOUND}, lambda: {"alerts": 1, "hub-patients": 4}, past)


def standing(kept: Intake, quiet_since: float | None = None) -> Standing:
    return Standing(TP("alerts", 0), Claim(kept.newest, kept.until, kept.ended, kept), quiet_since)


def test_while_records_come_the_newest_sent_is_claimed_less_the_bound() -> None:
    kept = intake()
    kept.read([alarm(0, 10), alarm(1, 4)])
    progress = speaker().progress([standing(kept)])
    assert progress.claims == {"alerts": {"0": T0 + 10 * SECOND - BOUND}}
    assert progress.counts == {"alerts": 1}


def test_when_nothing_comes_the_moment_of_the_proof_is_claimed_less_the_bound() -> None:
    now = T0 + 500 * SECOND
    assert speaker().progress([standing(intake(), now / SECOND)]).claims == {"alerts": {"0": now - BOUND}}


def test_of_what_was_never_read_and_is_not_proved_quiet_nothing_is_claimed() -> None:
    assert speaker().progress([standing(intake())]).claims == {}


def test_an_input_of_the_past_claims_by_its_own_times_alone() -> None:
    kept = intake(past=True)
    kept.read([alarm(0, 10)])
    progress = speaker(past=True).progress([standing(kept, (T0 + 10**9) / SECOND)])
    assert progress.claims == {"alerts": {"0": T0 + 10 * SECOND - BOUND}}


def test_a_mark_says_how_far_an_input_of_the_past_has_come() -> None:
    kept = intake(past=True)
    kept.read([Source("alerts", 0, 0, 0, None, None, marks.until(T0 + 77 * SECOND))])
    assert speaker(past=True).progress([standing(kept)]).claims == {"alerts": {"0": T0 + 77 * SECOND}}


def test_the_end_of_an_input_is_claimed_with_its_newest_sent_and_undone_by_what_follows() -> None:
    kept = intake(past=True)
    kept.read([alarm(0, 10), Source("alerts", 0, 1, 0, None, None, marks.HEADERS)])
    assert speaker(past=True).progress([standing(kept)]).ended == {"alerts": {"0": T0 + 10 * SECOND}}
    kept.read([alarm(2, 20)])
    assert speaker(past=True).progress([standing(kept)]).claims == {"alerts": {"0": T0 + 20 * SECOND - BOUND}}


def test_an_input_that_follows_the_end_of_another_claims_by_its_own_times() -> None:
    kept = intake(past=True)
    kept.read([alarm(0, 1000), Source("alerts", 0, 1, 0, None, None, marks.HEADERS), alarm(2, 20)])
    assert speaker(past=True).progress([standing(kept)]).claims == {"alerts": {"0": T0 + 20 * SECOND - BOUND}}


def test_a_live_worker_ignores_the_marks_of_an_input_of_the_past() -> None:
    kept = intake()
    kept.read([alarm(0, 10), Source("alerts", 0, 1, 0, None, None, marks.HEADERS)])
    progress = speaker().progress([standing(kept)])
    assert (progress.ended, progress.claims) == ({}, {"alerts": {"0": T0 + 10 * SECOND - BOUND}})


# What was never read.


def test_offsets_that_are_gone_are_told_before_what_follows_them() -> None:
    kept = intake()
    kept.read([alarm(7, 10)])
    lost, following = kept.read([alarm(50, 300)], gap=(8, 50)).facts
    assert isinstance(lost, SourceGap)
    assert (lost.source, lost.why, lost.missing, lost.share) == ("alerts", "retention", 42, None)
    assert (lost.at, lost.sent) == (T0 + 10 * SECOND, T0 + 300 * SECOND)
    assert (lost.topic, lost.partition, lost.offset, following.offset) == ("alerts", 0, 49, 50)


def test_a_reader_that_is_taken_over_knows_how_far_the_one_before_it_came() -> None:
    before = intake()
    before.read([alarm(7, 10)])
    after = intake().restore((key, row) for key, row in before.changes(7) if row is not None)
    assert after.read([alarm(50, 300)], gap=(8, 50)).facts[0].at == T0 + 10 * SECOND


def test_a_gap_is_told_whatever_follows_it() -> None:
    lost = intake().read([alarm(50, 300)._replace(value=b"{")], gap=(8, 50)).facts
    assert [(one.at, one.sent) for one in lost] == [(T0 + 300 * SECOND, T0 + 300 * SECOND)]


def test_a_gap_is_never_late_for_what_was_claimed_before_it() -> None:
    """The Kafka timestamp of what follows may be any."""
    kept = intake()
    kept.read([alarm(7, 10)])
    following = alarm(50, 300)._replace(timestamp=T0 // 1000 - 3_600_000)
    lost = kept.read([following], gap=(8, 50)).facts[0]
    assert (lost.at, lost.sent) == (T0 + 10 * SECOND, T0 + 10 * SECOND)


def test_an_input_of_the_past_has_gaps_by_its_own_times() -> None:
    kept = intake(past=True)
    kept.read([alarm(7, 10)])
    lost = kept.read([alarm(50, 300)._replace(timestamp=T0 // 1000 + 10**9)], gap=(8, 50)).facts[0]
    assert (lost.at, lost.sent) == (T0 + 10 * SECOND, T0 + 300 * SECOND)
