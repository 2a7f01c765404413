"""Whatever the bytes: facts, `Ignored` or `Malformed`, always the same ones, and the quick way says what the general way says."""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
import random
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hubapp.wire
from hubapp import decoding, lines
from hubapp.facts import AlarmFact, Fact, decode_log, encode_fact, iso
from hubapp.topics import SOURCES
from hubapp.wire import NO_TIMESTAMP, Ignored, Malformed, Record, Zones, decode, gateway, updates

GOLDEN = Path(__file__).parent / "golden"
LINES = [json.loads(path.read_text(encoding="utf-8"))["record"] for path in sorted(GOLDEN.glob("*/*.json"))]
OBJECTS = [line for line in LINES if isinstance(line["value"], dict) and "base64" not in line["value"]]
ROLES = [source.role for source in SOURCES]
TYPES = sorted({str(line["value"].get("event_type")) for line in OBJECTS})
NOW = 1741678849478_000

NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40, 0.0, -0.0, 1e308, 5e-324, 1.5,
    "", " ", "0", "Unknown", "\0", "a\0b", "\ud800", "\udc00x", "😀", "x" * 257, "ß" * 256, "\u202e", "NaN", "1e400", "9" * 5000,
    "2025-03-30T02:30:00", "9999-12-31T23:59:59.999999", "0001-01-01T00:00:00+14:00", "-99999999999999999", "1741678849358",
    [], {}, [None], [[]], {"primary_identifier": None}, [{}], {"": ""},
]  # fmt: skip
NASTY_JSON = [
    b"NaN",
    b"Infinity",
    b"-1e400",
    b"9" * 10_000,
    b"[" * 10_000,
    b"[" * 300 + b"]" * 300,
    b'"\\ud800"',
    b'"\\udfff\\ud800"',
    b'"\xff"',
    b"01",
    b"",
]

values = st.recursive(
    st.sampled_from(NASTY) | st.text() | st.integers() | st.floats() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "code", "ranges", "patient"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=5,
)


def record(
    role: str, value: bytes | None, *, kind: bytes | None = None, key: bytes | None = None, timestamp: int = NOW
) -> Record:
    return Record(role, role, 3, 7, timestamp, key, value, {} if kind is None else {"event_type": kind})


def said(record: Record) -> object:
    """The decoder's answer; a malformed record is one too, anything else raised is a defect."""
    try:
        found = decode(record, ZONES)
    except Malformed as error:
        return str(error)
    if not isinstance(found, Ignored):
        for fact in found:
            assert decode_log(encode_fact(fact)) == fact
            assert can_be_stored(fact)
    return found


ZONES = Zones.named("Europe/Berlin", "America/St_Johns")


def can_be_stored(fact: Fact) -> bool:
    """No NUL and no half of a surrogate pair anywhere, and instants that have a date."""
    text = encode_fact(fact).decode()
    return "\\u0000" not in text and all(iso(instant).endswith("Z") for instant in (fact.at, fact.sent))


@given(st.sampled_from(ROLES), st.binary(max_size=200), st.sampled_from([None, *TYPES]), st.none() | st.binary(max_size=20))
def test_bytes_of_any_kind_are_answered(role: str, value: bytes, kind: str | None, key: bytes | None) -> None:
    said(record(role, value, kind=None if kind is None else kind.encode("utf-8", "replace"), key=key))


@given(st.sampled_from(ROLES), values, st.sampled_from(TYPES), st.integers(-(2**63), 2**63))
def test_json_of_any_kind_is_answered(role: str, value: Any, kind: str, timestamp: int) -> None:
    said(record(role, json.dumps(value).encode(), kind=kind.encode(), timestamp=timestamp))


@settings(max_examples=400)
@given(st.sampled_from(OBJECTS), st.randoms(use_true_random=False), st.integers(1, 3))
def test_mutated_messages_are_answered_and_the_same_each_time(line: dict[str, Any], chance: random.Random, times: int) -> None:
    value = copy.deepcopy(line["value"])
    for _ in range(times):
        mutate(value, chance)
    one = decoding.record(1, lines.Line(line["topic"], b"P-17", (), json.dumps(value).encode(), 1741678849478), {})
    assert said(one) == said(one)


def mutate(value: Any, chance: random.Random) -> None:
    """One field somewhere becomes nasty, goes, or moves."""
    places = [(node, name) for node in nodes(value) for name in (node if isinstance(node, dict) else range(len(node)))]
    if not places:
        return
    node, name = chance.choice(places)
    if isinstance(node, dict) and chance.random() < 0.2:
        del node[name]
    else:
        node[name] = copy.deepcopy(chance.choice(NASTY))


def nodes(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return ([value] if isinstance(value, dict | list) else []) + [node for one in inner for node in nodes(one)]


@pytest.mark.parametrize("nasty", NASTY_JSON, ids=lambda nasty: nasty[:12].decode("latin-1"))
def test_each_field_of_each_golden_message_may_be_nasty_json(nasty: bytes) -> None:
    for line in OBJECTS[::3]:
        for node in nodes(line["value"]):
            for name in list(node) if isinstance(node, dict) else range(len(node)):
                before, node[name] = node[name], "@@"
                value = json.dumps(line["value"]).encode().replace(b'"@@"', nasty, 1)
                node[name] = before
                said(record(line["topic"], value))


@settings(max_examples=400)
@given(st.data())
def test_the_quick_way_says_what_the_general_way_says(data: st.DataObject) -> None:
    line = data.draw(st.sampled_from([line for line in OBJECTS if line["topic"] == "alerts"]))
    value = copy.deepcopy(line["value"])
    if data.draw(st.booleans()):
        mutate(value, data.draw(st.randoms(use_true_random=False)))
    compare(json.dumps(value).encode())


@pytest.mark.parametrize("line", [line for line in LINES if line["topic"] == "alerts"])
def test_the_quick_way_says_of_each_golden_message_what_the_general_way_says(line: dict[str, Any]) -> None:
    compare(lines.parse(json.dumps(line)).value or b"")


def compare(value: bytes) -> None:
    one = record("alerts", value, kind=b"NEW_ALERT_OBSERVATION")
    quick = updates.decode(one, value)
    assert quick is None or (quick,) == gateway.decode(one, value, Zones())


def test_a_plain_update_takes_the_quick_way() -> None:
    line = json.loads((GOLDEN / "alerts" / "gateway-raised-audible.json").read_text(encoding="utf-8"))["record"]
    value = json.dumps(line["value"]).encode()
    one = record("alerts", value, kind=b"NEW_ALERT_OBSERVATION")
    assert isinstance(updates.decode(one, value), AlarmFact)
    compare(value)


@example(10_000)
@example(401)
@given(st.integers(2, 3000))
def test_what_is_too_deep_does_not_depend_on_the_caller(depth: int) -> None:
    """In a field that is not read: up to 400 deep nothing, deeper malformed, also from far down the stack."""
    deep = b'{"event_type":"ANY","a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    wanted = "nested more than 400 deep" if depth > 400 else Ignored("ANY")
    assert said(record("alerts", deep)) == wanted
    assert far_down(150, deep) == wanted


def far_down(steps: int, value: bytes) -> object:
    return said(record("alerts", value)) if steps == 0 else far_down(steps - 1, value)


def test_no_value_is_malformed_but_not_on_a_topic_that_is_never_read() -> None:
    assert said(record("alerts", None)) == "no value"
    assert said(record("waveform", None)) == Ignored("waveform")


@pytest.mark.parametrize("timestamp", [-(2**62), 2**62])
def test_a_kafka_timestamp_without_a_date_is_malformed(timestamp: int) -> None:
    assert "Kafka timestamp" in str(said(record("alerts", b"{}", timestamp=timestamp)))


def test_a_record_without_any_time_is_malformed() -> None:
    value = b'{"event_type":"PM_CONNECTION_STATUS_REPORT","payload":{"device_primary_identifier":"M","connection_status":true}}'
    assert "no time" in str(said(record("sdc-realtime-state", value, timestamp=NO_TIMESTAMP)))


def test_reasons_hold_no_value_of_the_record() -> None:
    for line in OBJECTS:
        for node in nodes(line["value"]):
            for name in list(node) if isinstance(node, dict) else range(len(node)):
                before, node[name] = node[name], ["SECRET", {"SECRET": "SECRET"}]
                found = said(record(line["topic"], json.dumps(line["value"]).encode()))
                node[name] = before
                assert not isinstance(found, str) or "SECRET" not in found


PERSONAL = re.compile(r"given|family|first|last|middle|birth|mail|full_?name|person")


def test_the_types_of_the_wire_have_no_field_for_a_persons_name() -> None:
    modules = [importlib.import_module(f"hubapp.wire.{found.name}") for found in pkgutil.iter_modules(hubapp.wire.__path__)]
    types = {
        one for module in modules for one in vars(module).values() if isinstance(one, type) and issubclass(one, msgspec.Struct)
    }
    assert len(types) > 20
    assert [f"{one.__name__}.{field}" for one in types for field in one.__struct_fields__ if PERSONAL.search(field)] == []


@pytest.mark.parametrize(
    "planted", ["MARKED", "a\0b", "\ud800", ["MARKED"], 10**400], ids=["text", "nul", "surrogate", "list", "huge"]
)
def test_what_stands_in_unread_fields_changes_nothing(planted: Any) -> None:
    fields = {"given_name": planted, "family_name": planted, "birth_date": planted, "email": planted, "patient_name": planted}
    for line in OBJECTS:
        value = copy.deepcopy(line["value"])
        for node in nodes(value):
            if isinstance(node, dict):
                node.update(fields)
        one, other = (record(line["topic"], json.dumps(body).encode(), kind=b"NEW_THING") for body in (line["value"], value))
        assert without_hash(said(one)) == without_hash(said(other))
        assert "MARKED" not in repr(said(other))


def without_hash(found: object) -> object:
    return [msgspec.structs.replace(fact, sha256="") for fact in found] if isinstance(found, tuple) else found
