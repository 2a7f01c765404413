"""Golden messages: tests/golden/TOPIC/NAME.json holds a record as a line of `hub send`, and what it says.

expect: {"facts"} with the fields that are told (coordinates, null, false and [] left out, and nothing else), {"ignored": TYPE},
or {"malformed"} with a word of the reason.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from hubapp import decoding, lines
from hubapp.facts import AnyFact
from hubapp.wire import Ignored, Malformed, Record, Zones, decode

GOLDEN = Path(__file__).parent / "golden"
MESSAGES = sorted(GOLDEN.glob("*/*.json"))
COORDINATES = ("topic", "partition", "offset", "index", "timestamp", "message_id", "sha256")

# Every event type that the tables of the wire page name, those that it only says are ignored too.
NAMED = {
    "NEW_ALERT_OBSERVATION", "DEVICE_DISCOVERED", "PATIENT_SESSION_STARTED", "PATIENT_SESSION_CLOSED_EVENT",
    "PATIENT_ADMISSION_REJECTED", "SENSOR_REMOVED_EVENT", "PM_CONFIGURATION_UPDATED", "DEVICE_NEW_VITALS_RANGES",
    "PM_CONNECTION_STATUS_REPORT", "DISCONNECT", "SENSORS_UPDATE", "ALERTS_UPDATE", "NEW_METRICS", "NEW_WAVEFORM_VITALS",
    "COMMAND_EXECUTION_RESPONSE", "COMMAND_EXECUTION_REQUEST", "USER_LOGIN_ATTEMPT_EVENT", "SUCCESSFUL_LOGIN_EVENT",
    "FAILED_LOGIN_ATTEMPT_EVENT", "SUCCESSFUL_LOGOUT_EVENT", "FAILED_LOGOUT_EVENT", "USER_ACCOUNT_LOCKED_EVENT",
    "USER_CREATE_EVENT", "USER_ADD_ROLE_EVENT", "DEVICE_CREATED_EVENT", "DEVICE_UPDATED_EVENT", "DEVICE_CONFIG_UPDATED_EVENT",
    "UNASSIGN_DEVICE_LOCATION_EVENT", "DEVICE_DELETED_EVENT", "ASSIGN_DEVICE_LOCATION_EVENT", "VITAL_RANGE_CREATED_EVENT",
    "VITAL_RANGE_DELETED_EVENT", "DEVICE_ALERT_CREATED_EVENT", "MULTIPLE_DEVICE_ALERTS_UPDATED", "OBSERVATION_CREATED_EVENT",
    "MULTIPLE_OBSERVATIONS_UPDATED", "ALERT_ACTIVATED_EVENT", "ALERT_DEACTIVATED_EVENT", "BED_CREATED_EVENT",
    "BED_UPDATED_EVENT", "BED_DELETED_EVENT", "BED_GROUP_CREATED_EVENT", "BED_GROUP_UPDATED_EVENT", "BED_GROUP_DELETED_EVENT",
    "BED_ASSIGNED_TO_GROUP_EVENT", "BED_REMOVED_FROM_GROUP_EVENT", "PATIENT_ENCOUNTER_PLANNED", "PATIENT_ENCOUNTER_STARTED",
    "PATIENT_ENCOUNTER_CANCELLED", "PATIENT_ENCOUNTER_COMPLETED", "PATIENT_ADMISSION_DISMISSED", "PATIENT_CREATED_EVENT",
    "UPDATE_PATIENT_INFO_EVENT", "PATIENT_DELETED_EVENT", "PING",
}  # fmt: skip
NAMES_OF_THE_OLDER_SERVICE = {"Login", "Logout", "Account locked"}


def read(path: Path) -> tuple[Record, dict[str, Any]]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return decoding.record(1, lines.parse(json.dumps(document["record"])), {}), document["expect"]


def told(fact: AnyFact) -> dict[str, Any]:
    line = lines.Line(fact.topic, None, (), None, 0)
    fields = pruned(decoding.shown(fact, line))
    return {name: value for name, value in fields.items() if name not in COORDINATES}


def pruned(value: Any) -> Any:
    """Without what is null, false or empty."""
    if isinstance(value, dict):
        return {name: pruned(one) for name, one in value.items() if one not in ((), []) and one is not None and one is not False}
    return [pruned(one) for one in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_message_says_what_it_expects(path: Path) -> None:
    record, expect = read(path)
    if "malformed" in expect:
        with pytest.raises(Malformed, match=expect["malformed"]):
            decode(record, Zones())
        return
    found = decode(record, Zones())
    if isinstance(found, Ignored):
        assert {"ignored": found.type} == expect
    else:
        assert [told(fact) for fact in found] == expect["facts"]


def test_every_event_type_of_the_wire_page_has_a_golden_message() -> None:
    records = [read(path)[0] for path in MESSAGES]
    types = {record.headers.get("event_type") for record in records}
    bodies = b"".join(record.value or b"" for record in records)
    missing = {kind for kind in NAMED if kind.encode() not in types and b'"event_type":"%s"' % kind.encode() not in bodies}
    assert not missing
    assert not {name for name in NAMES_OF_THE_OLDER_SERVICE if b'"event_name":"%s"' % name.encode() not in bodies}


def test_the_facts_of_a_record_count_from_zero_and_share_its_coordinates() -> None:
    record, _ = read(GOLDEN / "events-sdc" / "discovery-with-a-patient-and-alarms.json")
    facts = decode(record, Zones())
    assert not isinstance(facts, Ignored)
    assert [fact.index for fact in facts] == list(range(6))
    assert {(f.topic, f.partition, f.offset, f.timestamp, f.sent) for f in facts} == {
        ("events-sdc", 0, 1, record.timestamp, facts[0].sent)
    }
    assert {fact.sha256 for fact in facts} == {sha256(record.value or b"").hexdigest()}
    assert {fact.message_id for fact in facts} == {"6f0c9d1e-1111-4222-8333-444455556666"}


def test_names_of_persons_are_in_no_fact() -> None:
    for path in MESSAGES:
        record, expect = read(path)
        if "facts" in expect:
            assert "MARKED" not in repr(decode(record, Zones())), path
