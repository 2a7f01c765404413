"""Lines of records, and `hub decode` as a person meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubapp import codes, decoding, lines
from hubapp.failure import Failure
from hubapp.wire import Zones

REPORT = {
    "event_type": "PM_CONNECTION_STATUS_REPORT",
    "timestamp": "2025-03-11T07:40:49.358",
    "payload": {"device_primary_identifier": "M", "connection_status": True},
}
LINE = {"topic": "sdc-realtime-state", "key": "M", "headers": {}, "value": REPORT, "timestamp": 1741678849478}


def hub(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hubapp", *arguments],
        input=given,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def said(*texts: str | dict[str, Any], roles: dict[str, str] | None = None) -> list[dict[str, Any]]:
    given = [(text if isinstance(text, str) else json.dumps(text)).encode() for text in texts]
    return [json.loads(line) for line in decoding.said(given, roles or decoding.roles({}), Zones())]


def test_each_line_is_answered_by_its_number() -> None:
    unknown = {**LINE, "value": {"event_type": "NEW_THING"}}
    assert said(LINE, "", unknown, {**LINE, "value": "?"}) == [
        {
            "line": 1,
            "facts": [
                {
                    "type": "MonitorBack",
                    "at": "2025-03-11T07:40:49.358000Z",
                    "sent": "2025-03-11T07:40:49.358000Z",
                    "timestamp": "2025-03-11T07:40:49.478000Z",
                    "topic": "sdc-realtime-state",
                    "partition": None,
                    "offset": None,
                    "index": 0,
                    "message_id": None,
                    "sha256": sha256(json.dumps(REPORT, separators=(",", ":")).encode()).hexdigest(),
                    "quality": [],
                    "monitor": "M",
                    "patient": None,
                }
            ],
        },
        {"line": 3, "ignored": "NEW_THING"},
        {"line": 4, "malformed": "not JSON"},
    ]


def test_what_hub_tail_prints_keeps_its_place() -> None:
    fact = said({**LINE, "partition": 3, "offset": 2**40})[0]["facts"][0]
    assert (fact["partition"], fact["offset"]) == (3, 2**40)


def test_a_line_without_timestamp_is_decoded_and_says_so() -> None:
    found = said({**LINE, "timestamp": None})[0]
    assert found["facts"][0]["timestamp"] is None and "no timestamp" in found["note"]
    absent = said({**LINE, "timestamp": None, "value": {**REPORT, "timestamp": None}})[0]
    assert absent == {"line": 1, "malformed": "no time in the record and no Kafka timestamp"}


def test_a_topic_is_known_by_the_name_that_it_has_here() -> None:
    named = {**LINE, "topic": "ward-7-state"}
    assert said(named) == [{"line": 1, "ignored": "ward-7-state"}]
    assert "facts" in said(named, roles=decoding.roles({"sdc-realtime-state": "ward-7-state"}))[0]


def test_instants_limits_and_lists_are_plain_json() -> None:
    alert = json.loads((Path(__file__).parent / "golden" / "alerts" / "gateway-raised-visible.json").read_text())["record"]
    fact = said(alert)[0]["facts"][0]
    assert fact["limits"] == {"lower": 50.0, "upper": 120.0} and fact["monitor"] is None and fact["listed"] is False


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        ('{"key": "k"}', "topic"),
        ('{"topic": ""}', "no topic"),
        ('{"topic": "t", "timestamp": 1.5}', "timestamp"),
        ('{"topic": "t", "timestamp": -2}', "timestamp"),
        ('{"topic": "t", "timestamp": 99999999999999999999}', "timestamp"),
        ('{"topic": "t", "key": {"base64": "?"}}', "key"),
        ('{"topic": "t", "key": ["k"]}', "key"),
        ('{"topic": "t", "headers": {"h": {"base64": 1}}}', "headers.h"),
        ('{"topic": "t", "headers": ["h"]}', "headers"),
        ('{"topic": "t", "value": "\\ud800"}', "surrogate"),
        ('{"topic": "t", "key": "\\ud800"}', "surrogate"),
        ('{"topic": "t", "headers": {"h": "\\ud800"}}', "surrogate"),
        ('{"topic": "t", "value": NaN}', "malformed"),
        ('{"topic": "t", "value": %s}' % ("[" * 5000 + "]" * 5000), "deep"),
    ],
)
def test_a_bad_line_is_said_with_its_number(text: str, word: str) -> None:
    with pytest.raises(Failure, match=f"line 2: .*{word}"):
        said(LINE, text)


def test_a_line_that_is_not_utf_8_is_bad() -> None:
    with pytest.raises(lines.BadLine, match="UTF-8"):
        lines.parse(b'{"topic": "\xff"}')


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        ("null", None),
        ('"text \\u00e9"', "text é".encode()),
        ('{"base64": "/w=="}', b"\xff"),
        ('{"base64": "/w==", "more": 1}', b'{"base64":"/w==","more":1}'),
        ('{ "a" : 45.0, "b": [1e400, 9007199254740993 ] }', b'{"a":45.0,"b":[1e400,9007199254740993]}'),
        ('{"a": "\\ud800 \\u0041"}', b'{"a":"\\ud800 \\u0041"}'),
        ("[1, 2]", b"[1,2]"),
        ("5", b"5"),
    ],
)
def test_a_value_is_text_compact_json_or_base64(value: str, bytes_: bytes | None) -> None:
    assert lines.parse(f'{{"topic": "t", "value": {value}}}').value == bytes_


@given(st.binary(), st.binary())
def test_any_bytes_come_through_as_base64(key: bytes, value: bytes) -> None:
    line = {"topic": "t", "key": {"base64": b64encode(key).decode()}, "value": {"base64": b64encode(value).decode()}}
    found = lines.parse(json.dumps(line))
    assert (found.key, found.value, found.headers, found.timestamp) == (key, value, (), None)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps({"topic": "t", "value": text}).encode()))
def test_any_line_is_a_record_or_bad(text: bytes) -> None:
    try:
        assert lines.parse(text).topic
    except lines.BadLine as error:
        assert str(error)


def test_hub_decode_reads_a_file_and_a_pipe_alike(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + json.dumps({**LINE, "value": None}) + "\n")
    from_file, from_pipe = hub("decode", str(file)), hub("decode", "-", given=file.read_text())
    assert from_file.stdout == from_pipe.stdout
    assert [list(json.loads(line)) for line in from_file.stdout.splitlines()] == [["line", "facts"], ["line", "malformed"]]
    assert (from_file.returncode, from_pipe.returncode, from_file.stderr) == (0, 0, "")


def test_hub_decode_reads_naive_times_in_the_zone_that_is_set() -> None:
    value = {"event_type": "SUCCESSFUL_LOGIN_EVENT", "entity_id": "u", "performed_on": "2026-07-01T12:00:00"}
    line = json.dumps({"topic": "events-auth", "value": value, "timestamp": 1782900000000})
    found = hub("decode", "-", given=line, HUB_ZONE_AUTHENTICATION="Europe/Berlin", TZ="America/St_Johns")
    assert json.loads(found.stdout)["facts"][0]["at"] == "2026-07-01T10:00:00.000000Z"


@pytest.mark.parametrize("file", ["missing.jsonl", "/"])
def test_hub_decode_says_in_one_line_what_is_wrong_with_a_file(file: str) -> None:
    found = hub("decode", file)
    assert found.returncode == 1 and found.stderr.startswith("hub: ") and found.stderr.count("\n") == 1 and not found.stdout


def test_hub_decode_stops_at_a_bad_line() -> None:
    found = hub("decode", "-", given=json.dumps(LINE) + "\n{\n")
    assert found.returncode == 1 and found.stderr.startswith("hub: line 2: ") and len(found.stdout.splitlines()) == 1


def test_hub_decode_ends_cleanly_when_its_reader_has_had_enough() -> None:
    given = (json.dumps(LINE) + "\n") * 5000
    found = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m hubapp decode - | head -n 1"], input=given, capture_output=True, text=True
    )
    assert json.loads(found.stdout)["line"] == 1 and found.stderr == ""


def test_every_listed_code_has_its_meaning() -> None:
    assert codes.signals["258049"] == codes.Signalling("hr-high", "audible", "physiological")
    assert codes.signals["258110"] == codes.Signalling("lead-off", "only", "technical")
    assert len(codes.signals) == 2 * 18 + 14
    assert codes.conditions_of_code["258418"] == ("hr-high", "hr-low")
    assert codes.conditions_of_code["199764"] == ("hr-high",)
    assert codes.conditions_of_code["8574701"] == ("fall",)
    assert codes.names["nibp-sys-high"] == "NIBP systolic high"
    assert codes.kind("lead-off") == "technical" and codes.kind("fall") == "physiological" and codes.kind("777") is None


def test_a_technical_condition_hides_what_its_device_measures() -> None:
    assert codes.hides("ANNE Limb", "poor-skin-contact") >= {"spo2-low", "skin-temp-high"}
    assert codes.hides("anne chest ", "lead-off") >= {"hr-high", "fall"}
    assert codes.hides("ANNE Limb", "lead-off") == codes.hides("DMT Thermometer", "module-failure") == frozenset()
