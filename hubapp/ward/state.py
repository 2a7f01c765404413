"""The ward's state as the tables hold it: bytes by key, each with its version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hubapp.chronicle import rows
from hubapp.chronicle.rows import VERSION, decoded, encoded
from hubapp.facts import Micros, decode_log
from hubapp.findings import Finding
from hubapp.rules.accounts import Accounts
from hubapp.rules.episode import Alarm
from hubapp.rules.evidence import Attendance
from hubapp.rules.house import House
from hubapp.rules.monitors import Monitor
from hubapp.rules.places import Places
from hubapp.rules.unseen import Unseen
from hubapp.thresholds import Thresholds
from hubapp.ward.index import Key
from hubapp.ward.memory import Remembered
from hubapp.ward.outcome import Outcome
from hubapp.ward.telling import HeldFact
from hubapp.ward.ward import Ward
from hubapp.ward.watermark import Watermark

SEPARATOR = "\0"


class EpisodesRow(msgspec.Struct):
    """What the table `episodes` holds of one alarm: its summary, and the findings as they were last told."""

    version: int
    alarm: Alarm
    findings: list[Finding]


class AttendanceRow(msgspec.Struct):
    version: int
    attendances: dict[str, Attendance]
    findings: list[Finding]


class ProgressRow(msgspec.Struct):
    """Where the partition stands: the horizon of its summaries, its watermark, the thresholds it ever met.

    now: how far it has followed the watermark. began: the oldest record of each authentication service that was ever read.
    parks: facts far ahead of it wait.
    gaps: what was not seen of the sources.
    """

    version: int
    horizon: Micros
    watermark: Watermark
    known: dict[str, Thresholds]
    in_force: str
    now: Micros | None = None
    began: dict[str, Micros] = {}
    parks: bool = False
    gaps: list[Unseen] = []


def row_key(key: Key) -> bytes:
    """patient (or monitor), device and condition: all of a patient stand together."""
    return SEPARATOR.join(key).encode()


def patient_prefix(patient: str) -> bytes:
    """What the keys of all alarms of a folded patient begin with."""
    return (patient + SEPARATOR).encode()


def changes(ward: Ward, outcome: Outcome) -> Iterator[tuple[str, bytes, bytes | None]]:
    """(table, key, value) of all that *outcome* changed; None deletes."""
    for name, value in outcome.held.items():
        yield "held", name.encode(), value
    for key in outcome.alarms:
        yield from _alarm(key, ward.alarms.get(key))
    for name in outcome.monitors:
        yield "monitors", name.encode(), encoded(ward.house.monitors[name])
    yield from rows.changes(ward.chronicle)
    yield from (("told", key, value) for key, value in rows.told_changes(ward.chronicle))
    if outcome.settled:
        yield "accounts", b"accounts", encoded(ward.house.accounts)
        yield "places", b"places", encoded(ward.house.places)
    if outcome.progressed:
        began = ward.chronicle.settled.scene.began
        rest = (ward.parking.is_on, ward.house.gaps)
        row = ProgressRow(VERSION, ward.horizon, ward.watermark, ward.known, ward.in_force, ward.now, began, *rest)
        yield "progress", b"progress", encoded(row)


def _alarm(key: Key, remembered: Remembered | None) -> Iterator[tuple[str, bytes, bytes | None]]:
    if remembered is None or not (remembered.alarm.episodes or remembered.told):
        yield "episodes", row_key(key), None
        yield "attendance", row_key(key), None
        return
    mine = {rule: [told for told in remembered.told.values() if told.rule == rule] for rule in ("episodes", "attendance")}
    attendances = {str(start): attendance for start, attendance in remembered.attendances.items()}
    yield "episodes", row_key(key), encoded(EpisodesRow(VERSION, remembered.alarm, mine["episodes"]))
    yield "attendance", row_key(key), encoded(AttendanceRow(VERSION, attendances, mine["attendance"]))


def restore(ward: Ward, tables: dict[str, Iterable[tuple[bytes, bytes]]]) -> None:
    """Bring *ward* to where its tables say that it stood."""
    parks = False
    gaps: list[Unseen] = []
    for _, value in tables["progress"]:
        row = decoded(value, ProgressRow)
        parks = row.parks
        ward.horizon, ward.watermark, ward.in_force, ward.now = row.horizon, row.watermark, row.in_force, row.now
        ward.known.update(row.known)
        ward.chronicle.settled.scene.began, gaps = row.began, row.gaps
    ward.house = House(
        {key.decode(): decoded(value, Monitor) for key, value in tables["monitors"]},
        next((decoded(value, Accounts) for _, value in tables["accounts"]), Accounts()),
        next((decoded(value, Places) for _, value in tables["places"]), Places()),
        gaps,
    )
    attendances = {key: decoded(value, AttendanceRow) for key, value in tables["attendance"]}
    for key, value in tables["episodes"]:
        restore_alarm(ward, key, decoded(value, EpisodesRow), attendances.get(key))
    ward.chronicle.resume(ward.house, ward.horizon, ward.now)
    rows.restore(ward.chronicle, tables, (value for _, value in tables["told"]))
    restore_held(ward, [value for _, value in tables["held"]], parks)
    ward.touch_everything()


def restore_alarm(ward: Ward, key: bytes, row: EpisodesRow, attended: AttendanceRow | None) -> None:
    told = {finding.id: finding for finding in (*row.findings, *(attended.findings if attended else ()))}
    attendances = {int(start): a for start, a in attended.attendances.items()} if attended else {}
    patient, device, condition = key.decode().split(SEPARATOR)
    ward.alarms[patient, device, condition] = Remembered(row.alarm, attendances, told)


def restore_held(ward: Ward, rows: Iterable[bytes], parks: bool) -> None:
    held = []
    for value in rows:
        thresholds, _, fact = value.partition(b"\n")
        known: Any = decode_log(fact)
        held.append(HeldFact(known, thresholds.decode()))
    for one in ward.parking.resume(held, ward.now, on=parks):
        ward.hold(one)
