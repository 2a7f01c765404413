"""The simulated ward: its records are what really occurs, its truth is what its people did."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

import hubapp.sim
from hubapp.facts import SECOND, AlarmRaised, AnyFact, Micros, iso
from hubapp.sim.ward import Plan, Ward
from hubapp.sim.wires import Wire
from hubapp.wire import Ignored, Malformed, Record, Zones, decode

HOUR = 3600 * SECOND
KEYED = ("alerts", "events-sdc", "sdc-realtime-state", "vitals")
WARDS = [
    Plan(seed=11, beds=8, lasts=2 * HOUR, auth="newer", writer="gateway", report_seconds=20),
    Plan(seed=12, beds=8, lasts=2 * HOUR, auth="older", writer="gateway", report_seconds=20, units=1, vital_seconds=300),
    Plan(seed=13, beds=8, lasts=2 * HOUR, auth="newer", writer="emulator", report_seconds=20, places=True, boundaries=True),
    Plan(seed=14, beds=8, lasts=2 * HOUR, auth="older", writer="emulator", report_seconds=20),
]
DAY = Plan(seed=1, beds=20, lasts=24 * HOUR, report_seconds=0, auth="newer", malformed=0.0, repeats=0.0)
DAY_OF_EMULATOR = Plan(
    seed=2, beds=10, units=1, lasts=12 * HOUR, report_seconds=0, auth="older", writer="emulator", malformed=0.0
)


class Played(NamedTuple):
    records: list[tuple[Micros, Wire]]
    truth: list[dict[str, Any]]
    summary: dict[str, Any]


@cache
def played(plan: Plan) -> Played:
    ward = Ward(plan)
    records = list(ward.records())
    return Played(records, ward.truth() + ward.rest_of_truth(), ward.summary())


def decoded(due: Micros, wire: Wire) -> tuple[AnyFact, ...] | Ignored:
    key = None if wire.key is None else wire.key.encode()
    headers = {name: value.encode() for name, value in wire.headers.items()}
    return decode(Record(wire.topic, wire.topic, 0, 0, due, key, wire.value, headers), Zones())


@cache
def facts_of(plan: Plan) -> list[tuple[Micros, Wire, AnyFact]]:
    facts = []
    for due, wire in played(plan).records:
        try:
            said = decoded(due, wire)
        except Malformed:
            continue
        if not isinstance(said, Ignored):
            facts += [(due, wire, fact) for fact in said]
    return facts


def digest(plan: Plan) -> str:
    return hashlib.sha256(b"".join(wire.line() for _, wire in played(plan).records)).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    script = "import sys; sys.path.insert(0, '.'); from tests.test_sim import *; print(digest(WARDS[2]))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == digest(WARDS[2])


def test_another_seed_gives_another_ward() -> None:
    assert digest(Plan(seed=1, beds=2, lasts=600 * SECOND)) != digest(Plan(seed=2, beds=2, lasts=600 * SECOND))


def test_disorder_repeats_and_broken_records_change_nothing_of_what_happens() -> None:
    calm = played(Plan(seed=5, beds=4, lasts=HOUR, disorder=0, repeats=0, malformed=0))
    rough = played(Plan(seed=5, beds=4, lasts=HOUR, disorder=0.3, repeats=0.2, malformed=0.05))
    assert rough.truth == calm.truth
    assert {wire for _, wire in freeze(calm)} <= {wire for _, wire in freeze(rough)}
    assert rough.summary["records"] == calm.summary["records"] + rough.summary["repeats"] + rough.summary["malformed"]
    assert [wire for _, wire in freeze(calm)] != [wire for _, wire in freeze(rough)]


def freeze(told: Played) -> list[tuple[Micros, tuple[str, str | None, bytes]]]:
    return [(due, (wire.topic, wire.key, wire.value)) for due, wire in told.records]


@pytest.mark.parametrize("plan", WARDS, ids=lambda plan: f"{plan.auth}-{plan.writer}")
def test_every_record_decodes_but_the_planted_ones(plan: Plan) -> None:
    malformed = 0
    for due, wire in played(plan).records:
        try:
            decoded(due, wire)
        except Malformed:
            malformed += 1
    assert malformed == played(plan).summary["malformed"] > 0


@pytest.mark.parametrize("plan", WARDS, ids=lambda plan: f"{plan.auth}-{plan.writer}")
def test_a_decoder_doubts_no_clock_and_no_time(plan: Plan) -> None:
    doubts: Counter[str] = Counter(word for _, _, fact in facts_of(plan) for word in fact.quality)
    assert not doubts


@pytest.mark.parametrize("plan", WARDS, ids=lambda plan: f"{plan.auth}-{plan.writer}")
def test_records_arrive_in_order_and_late_ones_within_the_bounds(plan: Plan) -> None:
    arrivals = [due for due, _ in played(plan).records]
    assert arrivals == sorted(arrivals)
    lags = defaultdict(list)
    for due, wire, fact in facts_of(plan):
        lags[wire.topic in KEYED].append(due - fact.sent)
    assert min(min(both) for both in lags.values()) >= 0
    # A repeat may come up to 2 s behind what it repeats.
    assert max(lags[True]) <= 5 * SECOND
    assert max(lags[False]) <= 8 * SECOND


def test_what_one_monitor_says_is_sent_at_instants_of_its_own() -> None:
    plan = Plan(seed=21, beds=3, lasts=HOUR, repeats=0, malformed=0)
    sent: dict[bytes, dict[str | None, Micros]] = defaultdict(dict)
    for _, wire, fact in facts_of(plan):
        if wire.topic in KEYED:
            sent[re.findall(rb"PM021-\d{4}", wire.value)[0]][fact.message_id] = fact.sent
    assert len(sent) == 3
    assert all(len(set(instants.values())) == len(instants) for instants in sent.values())


def test_about_as_many_alarms_begin_as_are_asked_for() -> None:
    episodes = [one for one in played(DAY).truth if one["rule"] == "episodes"]
    assert 0.75 < len(episodes) / (20 * DAY.alarms_per_bed_day) < 1.25


FORMS = {
    "a latched alarm": lambda v, w: v["payload"].get("latching") is True and v["payload"]["active"] is True,
    "a technical alarm with its header": lambda v, w: w.topic == "events-sdc" and "patient_primary_identifier" in w.headers,
    "audio paused": lambda v, w: v["payload"].get("audio_pause_enabled") is True,
    "audio off": lambda v, w: v["payload"].get("audio_enabled") is False,
    "limits at a discovery": lambda v, w: "ranges" in v["payload"] and w.key == v["payload"]["primary_identifier"],
    "limits of a patient": lambda v, w: "ranges" in v["payload"] and w.key != v["payload"]["primary_identifier"],
    "a condition disabled": lambda v, w: any(not one["alert_condition_enabled"] for one in v["payload"].get("ranges", ())),
    "a release with the patient": lambda v, w: "CLOSED" in v["event_type"] and "patient_primary_identifier" in v["payload"],
    "a release without": lambda v, w: "CLOSED" in v["event_type"] and "patient_primary_identifier" not in v["payload"],
    "an alarm in a session's list": lambda v, w: bool(v["payload"].get("patient", {}).get("alerts")),
    "an alarm in a discovery's list": lambda v, w: bool(v["payload"].get("device", {}).get("alerts")),
    "an ended alarm in a list": lambda v, w: any(
        not alert["active"] for alert in v["payload"].get("patient", {}).get("alerts", ())
    ),
    "a sensor's discovery": lambda v, w: "gateway_id" in v["payload"].get("device", {}),
    "a sensor removed": lambda v, w: v["payload"].get("determination_time", "x").isdigit(),
}
TYPES = {
    "BED_CREATED_EVENT", "BED_GROUP_CREATED_EVENT", "BED_ASSIGNED_TO_GROUP_EVENT", "DEVICE_CREATED_EVENT",
    "DEVICE_UPDATED_EVENT", "DEVICE_CONFIG_UPDATED_EVENT", "UNASSIGN_DEVICE_LOCATION_EVENT",
    "ASSIGN_DEVICE_LOCATION_EVENT", "VITAL_RANGE_CREATED_EVENT", "VITAL_RANGE_DELETED_EVENT",
    "DEVICE_ALERT_CREATED_EVENT", "MULTIPLE_DEVICE_ALERTS_UPDATED", "ALERT_ACTIVATED_EVENT",
    "PATIENT_ENCOUNTER_PLANNED", "PATIENT_ENCOUNTER_STARTED", "PATIENT_ENCOUNTER_COMPLETED",
    "PATIENT_ADMISSION_DISMISSED", "PATIENT_CREATED_EVENT", "COMMAND_EXECUTION_REQUEST", "COMMAND_EXECUTION_RESPONSE",
    "PATIENT_ADMISSION_REJECTED", "DISCONNECT", "SUCCESSFUL_LOGIN_EVENT", "FAILED_LOGIN_ATTEMPT_EVENT",
    "SUCCESSFUL_LOGOUT_EVENT", "USER_ACCOUNT_LOCKED_EVENT", "USER_CREATE_EVENT",
}  # fmt: skip


def test_every_form_occurs_in_a_day_of_twenty_beds() -> None:
    missing, types = dict(FORMS), set()
    for _, wire in played(DAY).records:
        value = orjson.loads(wire.value)
        types.add(value["event_type"])
        if "payload" in value:
            for form in [form for form, holds in missing.items() if holds(value, wire)]:
                del missing[form]
    assert not missing
    assert types >= TYPES


def test_a_disconnect_comes_twice_and_a_session_is_told_again_at_the_reconnect() -> None:
    lost, sessions = Counter[tuple[str, str]](), Counter[str]()
    for _, wire in played(DAY).records:
        value = orjson.loads(wire.value)
        if value["event_type"] == "DISCONNECT":
            lost[value["pm_id"], value["timestamp"][:15]] += 1
        elif value["event_type"] == "PATIENT_SESSION_STARTED":
            sessions[value["payload"]["patient"]["primary_identifier"]] += 1
    assert max(lost.values()) >= 2
    assert max(sessions.values()) >= 2


def test_the_older_service_and_the_emulator_speak_in_their_own_forms() -> None:
    values = [(wire, orjson.loads(wire.value)) for _, wire in played(DAY_OF_EMULATOR).records]
    log_ins = [(wire, value) for wire, value in values if wire.topic == "events-authentication"]
    assert {value["event_type"] for _, value in log_ins} == {"USER_LOGIN_ATTEMPT_EVENT"}
    assert {"Login", "Logout"} <= {value["event_name"] for _, value in log_ins}
    assert len({value["entity_id"] for _, value in log_ins}) == 1
    assert not any(wire.headers for wire, _ in log_ins)
    gateway = [value for wire, value in values if wire.topic in KEYED]
    assert {type(value["timestamp"]) for value in gateway} == {int, float, str}
    assert not any(value["event_type"] in ("PATIENT_SESSION_STARTED", "DISCONNECT") for value in gateway)
    assert any(value["payload"].get("connection_status") is False for value in gateway)
    assert any("vital_range" in value["payload"] and value["payload"]["vital_range"] is None for value in gateway)


def test_no_name_of_a_patient_is_in_the_truth() -> None:
    assert any(b"FAMILY-" in wire.value for _, wire in played(DAY).records)
    assert b"FAMILY-" not in orjson.dumps(played(DAY).truth)


RESULTS = {"attended", "attended-late", "self-resolved", "unobserved", "not-judged", "no-evidence"}


def test_every_result_and_every_end_occurs() -> None:
    bodies = [one["body"] for one in played(DAY).truth + played(DAY_OF_EMULATOR).truth]
    assert {body["result"] for body in bodies if "result" in body} == RESULTS | {"visited", "visited-late"}
    assert {body["ended_by"] for body in bodies if "ended_by" in body} == {
        "cleared", "released", "removed", "lost", "unseen", None,
    }  # fmt: skip
    assert {body["evidence_class"] for body in bodies if "evidence_class" in body} == {
        "bedside", "command", "change", "log-in", None,
    }  # fmt: skip
    traces = {body["trace"] for body in bodies if "trace" in body}
    assert traces >= {"acknowledged", "audio", "limits", "released", "UNASSIGN_DEVICE_LOCATION_EVENT", "SetPatientContext"}
    assert any(body.get("fleeting") for body in bodies)
    assert any(body.get("unobserved") for body in bodies)


def test_most_alarms_are_short_and_most_are_never_attended() -> None:
    bodies = [one["body"] for one in played(DAY).truth]
    lasted = [body["duration"] for body in bodies if body.get("duration") is not None]
    results = Counter(body["result"] for body in bodies if "result" in body)
    assert sum(duration < 60 for duration in lasted) > 0.75 * len(lasted)
    assert results["attended"] + results["attended-late"] < 0.5 * results.total()


@pytest.mark.parametrize("plan", [DAY, DAY_OF_EMULATOR, *WARDS], ids=lambda plan: f"{plan.seed}")
def test_no_two_episodes_of_one_condition_overlap(plan: Plan) -> None:
    episodes = defaultdict(list)
    for one in played(plan).truth:
        if one["rule"] == "episodes":
            episodes[one["patient"], one["device"], one["condition"]].append((one["start"], one["end"], one["body"]["ended_by"]))
    for stretches in episodes.values():
        for (_, end, by), (start, _, _) in pairwise(sorted(stretches)):
            assert by == "unseen" or (end is not None and end < start)


@pytest.mark.parametrize("plan", WARDS, ids=lambda plan: f"{plan.auth}-{plan.writer}")
def test_the_truth_has_an_attendance_for_each_judged_episode_and_for_no_other(plan: Plan) -> None:
    told = {"episodes": set(), "attendance": set()}
    for one in played(plan).truth:
        judged = one["rule"] == "attendance" or (
            one["body"]["kind"] == "physiological" and one["body"]["priority"] in ("HI", "ME")
        )
        if judged:
            told[one["rule"]].add((one["patient"], one["device"], one["condition"], one["start"]))
    assert told["episodes"] == told["attendance"] != set()
    assert played(plan).summary["truths"] == len(played(plan).truth)


@pytest.mark.parametrize("plan", WARDS, ids=lambda plan: f"{plan.auth}-{plan.writer}")
def test_each_onset_of_the_truth_stands_in_the_records(plan: Plan) -> None:
    raised = {
        (fact.patient, fact.device, fact.condition, iso(fact.at))
        for _, _, fact in facts_of(plan)
        if isinstance(fact, AlarmRaised)
    }
    told = {(one["patient"], one["device"], one["condition"], one["start"]) for one in played(plan).truth}
    assert told <= raised


def test_a_ward_that_is_stopped_lets_arrive_what_is_under_way() -> None:
    ward = Ward(Plan(seed=3, beds=4, lasts=None))
    told = 0
    for told, _ in enumerate(ward.records(), 1):
        if told == 2000:
            ward.stop()
    assert told == ward.wires.counts["records"] > 2000
    assert all(loss.back is not None for bed in ward.beds for loss in bed.losses)


def test_the_simulator_asks_no_rule_and_no_ward() -> None:
    for module in Path(hubapp.sim.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith(("hubapp.rules", "hubapp.ward", "hubapp.wire")) for name in names), module.name
