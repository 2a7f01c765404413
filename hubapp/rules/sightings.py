"""Copies of facts, as findings carry them for years (a finding explains itself when Kafka has forgotten)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from hubapp.facts import AlarmFact, AnyFact, Limits, Micros, Quality, iso
from hubapp.findings import Evidence
from hubapp.rules.moments import Order

USED: dict[str, tuple[str, ...]] = {
    "PatientSessionOpened": ("monitor", "patient"),
    "PatientSessionClosed": ("monitor", "patient"),
    "SensorRemoved": ("monitor", "sensor"),
    "MonitorConfigured": ("monitor", "audio"),
    "LimitsReported": ("monitor", "limits"),
    "MonitorLost": ("monitor", "cause"),
    "CommandRequested": ("account", "device_id", "monitor", "operation"),
    "CommandAnswered": ("device_id", "monitor", "outcome"),
    "DeviceChanged": ("account", "operation", "serial"),
    "EncounterChanged": ("account", "operation", "patient"),
    "SessionOpened": ("account_id", "account_name", "client", "place"),
    "SessionClosed": ("account_id", "account_name", "client", "place"),
    "LogInFailed": ("account_id", "account_name", "client", "place", "of"),
    "SourceGap": ("source", "why", "missing", "share"),
    "AccountLocked": ("account_id", "account_name", "client", "place"),
}


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """A fact as evidence: the few fields used, and where its record is."""

    kind: str
    used: dict[str, Any]
    at: Micros
    sent: Micros
    topic: str
    partition: int
    offset: int
    index: int
    message_id: str | None
    sha256: str
    quality: tuple[Quality, ...] = ()

    @property
    def order(self) -> Order:
        return (self.sent, self.topic, self.partition, self.offset, self.index)

    def evidence(self, cluster: str) -> Evidence:
        return Evidence(
            kind=self.kind, used=self.used, at=instant(self.at), sent=instant(self.sent), cluster=cluster, topic=self.topic,
            partition=self.partition, offset=self.offset, message_id=self.message_id, sha256=self.sha256,
        )  # fmt: skip


def sighting(fact: AnyFact) -> Sighting:
    kind = type(fact).__name__
    used = alarm_used(fact) if isinstance(fact, AlarmFact) else {name: plain(getattr(fact, name)) for name in USED.get(kind, ())}
    return Sighting(
        kind, used, fact.at, fact.sent, fact.topic, fact.partition, fact.offset, fact.index, fact.message_id, fact.sha256,
        fact.quality,
    )  # fmt: skip


def alarm_used(fact: AlarmFact) -> dict[str, Any]:
    return {
        "condition": fact.condition, "device": fact.device, "limits": limits_of(fact.limits), "listed": fact.listed,
        "patient": fact.patient, "priority": fact.priority, "signal": fact.signal,
    }  # fmt: skip


def plain(value: Any) -> Any:
    """A field as JSON has it."""
    return list(msgspec.to_builtins(value)) if isinstance(value, tuple) else value


def limits_of(limits: Limits | None) -> dict[str, float | None] | None:
    return None if limits is None else {"lower": limits.lower, "upper": limits.upper}


@lru_cache(maxsize=100_000)
def instant(micros: Micros) -> str:
    """`iso`, remembered: a finding tells most of its instants again at every revision."""
    return iso(micros)


def seconds(micros: Micros) -> float:
    return micros / 1_000_000
