"""Facts: what one source record says, one closed set. Values only: nothing here reads a clock or does I/O.

Every instant is an integer of microseconds since 1970-01-01T00:00:00Z (`Micros`): it sorts, subtracts and survives the
years 1 and 9999. Text of the form 2026-10-12T09:00:00.120000Z is made at the rim, by `iso`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hubapp.values import EPOCH as EPOCH
from hubapp.values import SECOND as SECOND
from hubapp.values import Audio as Audio
from hubapp.values import Kind as Kind
from hubapp.values import Limit as Limit
from hubapp.values import Limits as Limits
from hubapp.values import Micros as Micros
from hubapp.values import Priority as Priority
from hubapp.values import Quality as Quality
from hubapp.values import Signal as Signal
from hubapp.values import fold as fold
from hubapp.values import iso as iso
from hubapp.values import micros as micros


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True, gc=False):
    """What every fact has. (gc: values are in no cycle, and there are many.)

    at: when it was true. sent: when its writer said so (the gateway's `timestamp`, the platform's `performed_on`).
    topic, partition, offset, index: the source record, and the fact's place among those of one record.
    timestamp: the record's Kafka timestamp. sha256: of the record's value, hexadecimal.
    """

    at: Micros
    sent: Micros
    topic: str
    partition: int
    offset: int
    index: int = 0
    timestamp: Micros
    message_id: str | None = None
    sha256: str = ""
    quality: tuple[Quality, ...] = ()

    @property
    def order(self) -> tuple[Micros, str, int, int, int]:
        """The one total order of facts."""
        return (self.sent, self.topic, self.partition, self.offset, self.index)


class AlarmFact(Fact, frozen=True, kw_only=True, tag=False):
    """An update of one alarm signal.

    listed: told by a list (a monitor's discovery, a patient session's start). monitor: the monitor's serial where the
    record says it (its list, or the record's key), else None. condition: its name in codes.toml, else the code itself.
    """

    patient: str | None = None
    device: str
    device_code: str | None = None
    monitor: str | None = None
    condition: str
    signal: Signal
    kind: Kind
    priority: Priority
    limits: Limits | None = None
    listed: bool = False


class AlarmRaised(AlarmFact, frozen=True, kw_only=True, tag=True):
    """The condition is present (active, not latching); `at` is the monitor's determination time."""


class AlarmLatched(AlarmFact, frozen=True, kw_only=True, tag=True):
    """The condition is gone since `at`, its signal stays (active and latching)."""


class AlarmEnded(AlarmFact, frozen=True, kw_only=True, tag=True):
    """The condition is gone since `at`, and so is this signal (not active)."""


class AccountFact(Fact, frozen=True, kw_only=True, tag=False):
    """An act of authentication. account_name is kept as written. service: older, newer."""

    account_id: str | None = None
    account_name: str | None = None
    roles: tuple[str, ...] | None = None
    client: str | None = None
    place: str | None = None
    service: Literal["older", "newer"]


class SessionOpened(AccountFact, frozen=True, kw_only=True, tag=True):
    """A log-in; with the older service also every password check."""


class SessionClosed(AccountFact, frozen=True, kw_only=True, tag=True):
    """A log-out."""


class AccountLocked(AccountFact, frozen=True, kw_only=True, tag=True):
    """The account is locked, usually after five failures."""


class LogInFailed(AccountFact, frozen=True, kw_only=True, tag=True):
    """A failed log-in, or a failed log-out."""

    of: Literal["log-in", "log-out"] = "log-in"


class PatientSessionOpened(Fact, frozen=True, kw_only=True, tag=True):
    """A monitor's patient is validated; told again at each reconnect. discovery: told by a monitor's discovery."""

    monitor: str
    patient: str
    discovery: bool = False


class PatientSessionClosed(Fact, frozen=True, kw_only=True, tag=True):
    monitor: str
    patient: str | None = None


class AdmissionRejected(Fact, frozen=True, kw_only=True, tag=True):
    monitor: str
    patient: str | None = None


class MonitorSeen(Fact, frozen=True, kw_only=True, tag=True):
    """A discovery: of a monitor with its connected sensors (`whole`), or of one sensor (the link alone)."""

    monitor: str
    sensors: tuple[str, ...] = ()
    whole: bool = False


class MonitorConfigured(Fact, frozen=True, kw_only=True, tag=True):
    monitor: str
    audio: Audio
    discovery: bool = False


class SensorRemoved(Fact, frozen=True, kw_only=True, tag=True):
    """monitor: from the record's key, where that is not the sensor itself."""

    sensor: str
    monitor: str | None = None
    patient: str | None = None


class LimitsReported(Fact, frozen=True, kw_only=True, tag=True):
    """discovery: the record's key is the monitor's serial (after a discovery it is the patient)."""

    monitor: str
    limits: tuple[Limit, ...] = ()
    discovery: bool = False


class MonitorLost(Fact, frozen=True, kw_only=True, tag=True):
    """silent: no report for 30 s, an observation of the hub's own; `at` is the last report."""

    monitor: str
    patient: str | None = None
    cause: Literal["disconnect", "reported", "silent"]


class MonitorBack(Fact, frozen=True, kw_only=True, tag=True):
    """A connection report `true`; ingest drops what is no change."""

    monitor: str
    patient: str | None = None


class CommandRequested(Fact, frozen=True, kw_only=True, tag=True):
    """account: as written, an id or a name; None for `system`, `sdc` and blank. monitor: serial; device_id: its id."""

    account: str | None = None
    monitor: str | None = None
    device_id: str | None = None
    operation: str
    request: str | None = None


class CommandAnswered(Fact, frozen=True, kw_only=True, tag=True):
    monitor: str | None = None
    device_id: str | None = None
    request: str | None = None
    outcome: Literal["done", "failed"]


class MonitorPlaced(Fact, frozen=True, kw_only=True, tag=True):
    """Where a monitor stands. unsure: an assignment that does not say where; bed: its id."""

    account: str | None = None
    device_id: str | None = None
    serial: str
    place: Literal["bed", "none", "unsure"]
    bed: str | None = None


class DeviceChanged(Fact, frozen=True, kw_only=True, tag=True):
    """A device's id and serial; gateway_id: the id of the monitor that a sensor belongs to. operation: the event's TYPE."""

    account: str | None = None
    device_id: str | None = None
    serial: str
    gateway_id: str | None = None
    operation: str
    deleted: bool = False


class BedPlaced(Fact, frozen=True, kw_only=True, tag=True):
    """A group and its beds: unit is its id, beds all of them (None: not told). A bed alone: bed and name, no unit."""

    account: str | None = None
    unit: str | None = None
    bed: str | None = None
    name: str | None = None
    beds: tuple[str, ...] | None = None
    deleted: bool = False


class EncounterChanged(Fact, frozen=True, kw_only=True, tag=True):
    """operation: the event's TYPE; patient: primary identifier; serial, device_id: the monitor."""

    account: str | None = None
    patient: str | None = None
    serial: str | None = None
    device_id: str | None = None
    bed: str | None = None
    operation: str


class PatientChanged(Fact, frozen=True, kw_only=True, tag=True):
    account: str | None = None
    patient: str | None = None
    operation: str


class RulesChanged(Fact, frozen=True, kw_only=True, tag=True):
    """The thresholds in force from here on, as canonical JSON of hubapp.thresholds.Thresholds."""

    thresholds: str


class SourceGap(Fact, frozen=True, kw_only=True, tag=True):
    """Records of a source that were never read, or could not be: an observation of the hub's own.

    at: the newest `sent` that was read before; sent: when what follows was written. It stands in the place of the last record
    that is missing. source: the role of its topic. missing: how many offsets; share: how many of them, of what was read.
    """

    source: str
    why: Literal["retention", "quarantine"]
    missing: int
    share: float | None = None


AnyAlarm: TypeAlias = AlarmRaised | AlarmLatched | AlarmEnded
AnyAccount: TypeAlias = SessionOpened | SessionClosed | AccountLocked | LogInFailed
AnyFact: TypeAlias = (
    AlarmRaised | AlarmLatched | AlarmEnded
    | SessionOpened | SessionClosed | AccountLocked | LogInFailed
    | PatientSessionOpened | PatientSessionClosed | AdmissionRejected
    | MonitorSeen | MonitorConfigured | SensorRemoved | LimitsReported | MonitorLost | MonitorBack
    | CommandRequested | CommandAnswered
    | MonitorPlaced | DeviceChanged | BedPlaced | EncounterChanged | PatientChanged
    | RulesChanged | SourceGap
)  # fmt: skip

encode_fact = msgspec.json.Encoder().encode


class Progress(msgspec.Struct, frozen=True, tag_field="type", tag=True):
    """What a producer of facts says of its source partitions: nothing sent before these instants is still to come from them.

    claims: for each source topic, partition (as text) -> T; ended: the same where an end-of-input was read (T is then
    the newest `sent`). counts: how many partitions each source topic has that exists.
    """

    claims: dict[str, dict[str, Micros]]
    counts: dict[str, int]
    ended: dict[str, dict[str, Micros]] = {}


decode_log = msgspec.json.Decoder(AnyFact | Progress).decode
"""The value of a record of a hub log: a fact or progress."""
