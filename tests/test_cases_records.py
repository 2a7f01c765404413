"""Troubles that users of alarm tools and audit stores have published, from the record to the finding: what records say."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest

from hubapp.facts import SECOND, AlarmFact, AlarmRaised, AnyFact, Limits, Micros, SessionClosed, SessionOpened, iso, micros
from hubapp.findings import Finding, canonical
from hubapp.sim.forms import microseconds
from hubapp.sim.wires import Wire
from hubapp.wire import Ignored, Malformed, Record, Zones, decode
from tests.timeline import instant
from tests.written import Story, account, story


def at(text: str) -> str:
    return iso(instant(text))


def clocks(finding: Finding) -> list[str]:
    """Its marks but for the place, which these stories do not tell."""
    return [mark for mark in finding.quality if mark != "unplaced"]


# When does flapping begin and end

ONSETS = {
    "broken off": ("0:00", "0:18", "0:42", "1:53"),
    "sixty seconds": ("0:00", "0:31", "1:00"),
    "just under": ("0:00", "0:31", "0:59.999"),
    "on and on": ("0:00", "0:25", "0:50", "1:40", "2:35", "3:30"),
}


@story
def probes_that_flap() -> Story:
    told = Story()
    for place, (patient, onsets) in enumerate(ONSETS.items()):
        told.monitor(f"M{place}", patient)
        for onset in onsets:
            end = f"0:{(instant(onset) - instant('0:00')) / SECOND + 11:.3f}"
            told.alarm(patient, onset, end, monitor=f"M{place}")
    return told


@pytest.mark.parametrize(
    ("patient", "onsets"), [("broken off", [3]), ("sixty seconds", []), ("just under", [3]), ("on and on", [6])]
)
def test_flapping_is_one_stretch_from_three_onsets_in_a_minute_until_a_minute_without(patient: str, onsets: list[int]) -> None:
    found = probes_that_flap().concluded().of("nuisance", patient=patient, kind="chattering")
    assert [one.body["onsets"] for one in found] == onsets


# A message of another profile, in this one's fields


@story
def an_advisory_and_an_old_event() -> Story:
    told = Story()
    told.monitor("M", "P", "nibp-sys-high")
    plain = {"condition": "nibp-sys-high", "audible": False}
    told.told("P", "0:02", **plain, code="0", since=instant("0:02") - 2 * 86_400 * SECOND, sent="0:02")
    told.told("P", "0:12", **plain, code="68165", priority="NONE")
    told.told("P", "1:14", "ended", **plain, code="68165", priority="NONE")
    told.alarm("P", "1:45", condition="nibp-sys-high")
    told.told("P", "1:45", condition="nibp-sys-high", sent="2:15")
    told.told("P", "2:43", "ended", condition="nibp-sys-high", audible=True, sent="2:43.101")
    told.told("P", "2:43", "latched", condition="nibp-sys-high")
    told.told("P", "2:43", "ended", condition="nibp-sys-high", sent="6:51")
    told.told("P", "8:20", **plain, code="888888888888", device_code="OF_NOBODY", priority="HI")
    told.told("P", "8:41", "ended", **plain, code="888888888888", priority="HI")
    return told


def test_the_code_nought_is_a_condition_and_an_old_onset_begins_when_it_is_told() -> None:
    found = an_advisory_and_an_old_event().concluded().one("episodes", condition="0")
    assert (found.start, clocks(found), found.body["name"]) == (at("0:02"), ["clock-behind"], "0")


def test_what_has_no_priority_is_an_episode_that_nobody_need_attend() -> None:
    found = an_advisory_and_an_old_event().concluded()
    assert found.one("episodes", condition="68165").body["duration"] == 62
    assert found.of("attendance", condition="68165") == []


def test_a_latched_alarm_lasts_as_long_as_its_condition_and_is_attended_by_the_acknowledgement() -> None:
    found = an_advisory_and_an_old_event().concluded()
    body = found.one("episodes", condition="nibp-sys-high").body
    assert (body["duration"], body["acknowledged_at"], body["ended_by"]) == (58, at("6:51"), "cleared")
    attended = found.one("attendance", condition="nibp-sys-high").body
    assert (attended["result"], attended["evidence_class"], attended["trace"]) == ("attended-late", "bedside", "acknowledged")
    assert (attended["seconds"], attended["account"]) == (305.88, None)


def test_an_unknown_code_and_an_unknown_device_are_kept_as_they_are() -> None:
    found = an_advisory_and_an_old_event().concluded()
    assert found.one("episodes", condition="888888888888").body["name"] == "888888888888"
    assert found.one("attendance", condition="888888888888").body["result"] == "self-resolved"


# Times that nobody has made room for


def year(number: int) -> Micros:
    return micros(datetime(number, 1, 2, tzinfo=UTC))


@story
def clocks_of_other_centuries() -> Story:
    told = Story()
    told.told("P", "0:00", since=year(2024), is_backfill=True)
    told.told("P", "0:01", "ended", since=year(2024) + 60 * SECOND, is_backfill=True)
    clocks = {"rr-high": 1970, "fall": 1969, "hr-low": 1, "hr-high": 9999}
    for place, (condition, number) in enumerate(clocks.items(), 2):
        told.told("P", f"0:{place}", condition=condition, since=year(number))
    told.alarm("Q", "0:07", "1:07", monitor="N")
    for onset, end in (("0:09", "0:49"), ("1:20", "2:00")):
        told.told("R", onset, since=year(1970), monitor="O")
        told.told("R", end, "ended", since=year(1970), monitor="O")
    return told


def test_a_wrong_clock_is_marked_and_its_alarm_begins_when_it_is_told() -> None:
    found = clocks_of_other_centuries().concluded()
    told = {one.body["condition"]: (one.start, clocks(one)) for one in found.of("episodes", patient="P")}
    assert told == {
        "rr-high": (at("0:02.120"), ["clock-behind"]),
        "fall": (at("0:03.120"), ["clock-behind"]),
        "hr-low": (at("0:04.120"), ["clock-behind"]),
        "hr-high": (at("0:05.120"), ["clock-ahead"]),
    }


def test_nothing_of_it_is_refused_or_late_and_others_are_not_touched() -> None:
    story = clocks_of_other_centuries()
    assert (story.concluded().quarantined, story.piecemeal().late) == (0, [])
    assert story.concluded().one("episodes", patient="Q").body["duration"] == 60
    assert [fact.quality for fact in story.concluded().facts if "backfilled" in fact.quality] == [("backfilled",)] * 2


def test_a_clock_that_stands_still_tells_two_alarms_all_the_same() -> None:
    found = clocks_of_other_centuries().concluded().of("episodes", patient="R")
    assert [one.body["duration"] for one in found] == [40, 40]
    assert len({one.id for one in found}) == 2


# Numbers at the edge


def limited(written: str) -> tuple[Limits | None, tuple[str, ...]] | None:
    """The limits and the marks of an onset whose upper limit is so written; None: quarantined."""
    told = Story()
    told.told("P", "0:00", condition="hr-high", limits=(None, 77_777))
    [(due, wire)] = told.wires
    value = wire.value.replace(b"77777", written.encode())
    try:
        decoded = decode(record(wire._replace(value=value), due), Zones())
    except Malformed:
        return None
    assert not isinstance(decoded, Ignored)
    [fact] = decoded
    assert isinstance(fact, AlarmRaised)
    return fact.limits, fact.quality


def record(wire: Wire, timestamp: Micros) -> Record:
    headers = {name: value.encode() for name, value in wire.headers.items()}
    return Record(wire.topic, wire.topic, 0, 0, timestamp, None if wire.key is None else wire.key.encode(), wire.value, headers)


@pytest.mark.parametrize(
    ("written", "number"),
    [("62", 62), ("62.0", 62), ('"62"', 62), ('" 62 "', 62), ("-0.0", 0), ("1e308", 1e308)],
)
def test_what_is_a_number_is_read_as_one(written: str, number: float) -> None:
    read = limited(written)
    assert read is not None
    assert read[0] is not None
    assert (read[0].upper, read[1]) == (number, ())


@pytest.mark.parametrize("written", ['"6,2"', '""', "true", '"0x3e"', "9007199254740993"])
def test_an_onset_is_not_lost_for_a_limit_that_cannot_be_read(written: str) -> None:
    read = limited(written)
    assert read is not None
    assert (read[0].upper if read[0] else None, read[1]) == (None, ("limits-unread",))


@pytest.mark.parametrize("written", ["NaN", "1e400", "-1e400", "123456789012345678901234567890"])
def test_what_cannot_be_written_again_is_quarantined(written: str) -> None:
    assert limited(written) is None


def test_a_limit_of_null_is_none() -> None:
    assert limited("null") is not None


# The hour that happens twice

BERLIN = Zones(authentication=ZoneInfo("Europe/Berlin"))


def naive(act: str, performed_on: str, arrives: str) -> AnyFact:
    """What the newer service says in its zone, read with the moment when it arrives."""
    told = Story()
    getattr(told.newer, act)(instant("0:00"), account("eve"), None)
    [(_, wire)] = told.wires
    value = wire.value.replace(microseconds(instant("0:00")).encode(), performed_on.encode())
    decoded = decode(record(wire._replace(value=value), micros(datetime.fromisoformat(arrives))), BERLIN)
    assert not isinstance(decoded, Ignored)
    [fact] = decoded
    return fact


@pytest.mark.parametrize(
    ("performed_on", "arrives", "sent"),
    [
        ("2027-10-31T02:40:00.5", "2027-10-31T00:40:01+00:00", "2027-10-31T00:40:00.500000Z"),
        ("2027-10-31T02:40:00.5", "2027-10-31T01:40:01+00:00", "2027-10-31T01:40:00.500000Z"),
        ("2027-10-31T02:45:00+01:00", "2027-10-31T01:45:01+00:00", "2027-10-31T01:45:00.000000Z"),
        ("2027-10-31T02:50:00+02:00", "2027-10-31T00:50:01+00:00", "2027-10-31T00:50:00.000000Z"),
        ("2027-03-28T02:20:00", "2027-03-28T01:20:01+00:00", "2027-03-28T01:20:00.000000Z"),
    ],
)
def test_in_the_repeated_hour_the_reading_nearest_to_the_arrival_counts(performed_on: str, arrives: str, sent: str) -> None:
    fact = naive("log_in", performed_on, arrives)
    assert (type(fact), iso(fact.sent)) == (SessionOpened, sent)
    assert "clock-ahead" not in fact.quality


def test_a_session_over_the_change_closes_after_it_opens() -> None:
    opened = naive("log_in", "2027-10-31T02:40:00", "2027-10-31T00:40:01+00:00")
    closed = naive("log_out", "2027-10-31T02:05:00", "2027-10-31T01:05:01+00:00")
    assert isinstance(closed, SessionClosed)
    assert closed.sent - opened.sent == 25 * 60 * SECOND


# The zone of the process


def test_a_monitors_time_is_utc_whatever_zone_is_set() -> None:
    told = Story()
    told.told("P", "0:00")
    [(due, wire)] = told.wires
    decoded = decode(record(wire, due), BERLIN)
    assert not isinstance(decoded, Ignored)
    assert [fact.at for fact in decoded if isinstance(fact, AlarmFact)] == [instant("0:00")]


@pytest.mark.parametrize("zone", ["America/St_Johns", "Pacific/Kiritimati"])
def test_the_zone_of_the_process_changes_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> list[bytes]:
        return [canonical(one) for one in an_advisory_and_an_old_event().concluded().findings]

    before = told()
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        after = told()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [orjson.loads(one) for one in after] == [orjson.loads(one) for one in before]
    assert after == before
