"""Zones, repeated and missing hours, and whose clock is believed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubapp.facts import SECOND, iso, micros
from hubapp.wire import NO_TIMESTAMP, Malformed, Record, Zones, decode, times

BERLIN = Zones.named("Europe/Berlin", "America/St_Johns")


def login(performed_on: str, kafka: str, zones: Zones = BERLIN, role: str = "events-auth") -> tuple[str, str, tuple[str, ...]]:
    """at, sent and quality of a log-in, or of a device's event on the platform's topic."""
    kind = "SUCCESSFUL_LOGIN_EVENT" if role == "events-auth" else "PATIENT_DELETED_EVENT"
    value = json.dumps({"event_type": kind, "entity_id": "u", "performed_on": performed_on, "event_state": {}})
    found = decode(Record(role, role, 0, 0, instant(kafka), None, value.encode(), {}), zones)
    assert isinstance(found, tuple)
    return iso(found[0].at), iso(found[0].sent), found[0].quality


def instant(text: str) -> int:
    return micros(datetime.fromisoformat(text)) if text else NO_TIMESTAMP


@pytest.mark.parametrize(
    ("written", "kafka", "meant"),
    [
        ("2026-07-01T12:00:00", "2026-07-01T10:00:00Z", "2026-07-01T10:00:00.000000Z"),
        ("2026-01-01T12:00:00.5", "2026-01-01T11:00:01Z", "2026-01-01T11:00:00.500000Z"),
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00.020Z", "2026-10-25T00:30:00.000000Z"),
        ("2026-10-25T02:30:00", "2026-10-25T01:30:00.020Z", "2026-10-25T01:30:00.000000Z"),
        ("2026-10-25T02:30:00", "2026-10-25T05:00:00Z", "2026-10-25T01:30:00.000000Z"),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00.000000Z"),
        ("2026-10-25T02:30:00Z", "2026-10-25T02:30:00Z", "2026-10-25T02:30:00.000000Z"),
        ("2026-10-25T02:30:00+0200", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00.000000Z"),
        ("2026-10-25T02:30:00+01", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00.000000Z"),
    ],
)
def test_a_naive_time_is_in_its_services_zone_and_a_repeated_hour_is_read_nearest_to_kafka(
    written: str, kafka: str, meant: str
) -> None:
    assert login(written, kafka) == (meant, meant, ())


def test_half_way_between_the_two_readings_the_first_counts() -> None:
    assert login("2026-10-25T02:30:00", "2026-10-25T01:00:00Z")[1] == "2026-10-25T00:30:00.000000Z"


def test_a_time_in_the_missing_hour_has_the_offset_before_the_change_and_is_unsure() -> None:
    meant = "2026-03-29T01:30:00.000000Z"
    assert login("2026-03-29T02:30:00", "2026-03-29T01:30:00Z") == (meant, meant, ("time-unsure",))


def test_a_missing_hour_that_is_also_ahead_says_both() -> None:
    assert login("2026-03-29T02:30:00", "2026-03-29T00:30:00Z")[2] == ("clock-ahead", "time-unsure")


def test_without_a_kafka_timestamp_a_repeated_hour_is_unsure() -> None:
    meant = "2026-10-25T00:30:00.000000Z"
    assert login("2026-10-25T02:30:00", "") == (meant, meant, ("time-unsure",))


def test_each_service_has_its_own_zone() -> None:
    at, sent, _ = login("2026-07-01T12:00:00", "2026-07-01T14:30:00Z", role="events-patient")
    assert at == sent == "2026-07-01T14:30:00.000000Z"


def test_a_gateways_time_is_utc_whatever_zones_are_set() -> None:
    value = b'{"event_type":"DISCONNECT","timestamp":"2026-10-25T02:30:00","pm_id":"M"}'
    for zones in (BERLIN, Zones()):
        found = decode(Record("sdc-realtime-state", "s", 0, 0, instant("2026-10-25T02:30:00Z"), None, value, {}), zones)
        assert isinstance(found, tuple) and iso(found[0].sent) == "2026-10-25T02:30:00.000000Z"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/St_Johns"])
@pytest.mark.parametrize("written", ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"])
def test_the_first_and_the_last_day_are_read_or_malformed_in_any_zone(zone: str, written: str) -> None:
    try:
        login(written, "2026-07-01T12:00:00Z", Zones.named(zone, zone))
    except Malformed as error:
        assert "years 1 to 9999" in str(error)


def test_the_environments_zone_changes_nothing() -> None:
    code = "from tests.test_wire_times import login; print(login('2026-10-25T02:30:00', '2026-10-25T01:30:00+00:00'))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
        ).stdout
        for zone in ("UTC", "America/St_Johns", "Pacific/Kiritimati")
    }
    assert len(said) == 1 and "01:30:00.000000Z" in said.pop()


@given(st.datetimes(), st.sampled_from(["T", " "]), st.sampled_from(["", "Z"]))
def test_every_date_is_read_as_it_is_written(when: datetime, between: str, end: str) -> None:
    assert times.gateway(when.isoformat(between) + end, "x") == micros(when.replace(tzinfo=UTC))


@given(st.integers(-62_000_000_000_000, 253_000_000_000_000), st.booleans())
def test_milliseconds_are_read_as_number_and_as_text(milliseconds: int, as_text: bool) -> None:
    assert times.gateway(str(milliseconds) if as_text else milliseconds, "x") == milliseconds * 1000


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_nothing_is_sent_over_2_s_after_kafka_nor_true_over_2_s_after_it_was_sent(sent_ahead: int, at_ahead: int) -> None:
    kafka = instant("2026-07-01T12:00:00Z")
    sent, said_of_sent = times.sent(kafka + sent_ahead, kafka)
    at, said_of_at = times.at(sent + at_ahead, sent, kafka)
    assert sent == (kafka if sent_ahead > 2 * SECOND else kafka + sent_ahead)
    assert at == (sent if at_ahead > 2 * SECOND else sent + at_ahead)
    assert (said_of_sent, said_of_at) == (
        (("clock-ahead",) if sent_ahead > 2 * SECOND else ()),
        (("clock-ahead",) if at_ahead > 2 * SECOND else ()),
    )


def test_a_zone_without_offsets_is_a_mistake_of_ours() -> None:
    from datetime import tzinfo

    class Nowhere(tzinfo):
        def utcoffset(self, _when: datetime | None) -> None:
            return None

    with pytest.raises(TypeError):
        times.offsets(Nowhere(), 0)
