"""A timeline in a few words: `at("0:10", raised("spo2-low"))`, and what the hub concludes of it.

Times are m:ss.fff after T0. An alarm is sent 0 s after it is true unless `told=` says later. Facts get their coordinates
in the order they are written down.
"""

from __future__ import annotations

import itertools
from typing import Any

from hubapp import facts as f
from hubapp.chronicle import oracle as chronicle
from hubapp.chronicle.oracle import heard_by_the_house
from hubapp.chronicle.rules import CHRONICLE, OF_PATIENTS
from hubapp.facts import SECOND, AnyFact, Micros
from hubapp.facts import iso as iso
from hubapp.findings import Finding
from hubapp.thresholds import Thresholds
from hubapp.ward.oracle import conclude, shorts

T0 = 1_791_795_600 * SECOND  # 2026-10-12T09:00:00Z
P, M, S = "P1", "M1", "S1"
LONG = T0 + 86_400 * SECOND


def instant(text: str) -> Micros:
    """m:ss(.fff) or h:mm:ss(.fff) after T0, -m:ss before it."""
    sign = -1 if text.startswith("-") else 1
    seconds = 0.0
    for part in text.lstrip("-").split(":"):
        seconds = seconds * 60 + float(part)
    return T0 + sign * round(seconds * SECOND)


class Timeline:
    """Collects facts; `findings` are what one process concludes of all of them."""

    def __init__(self) -> None:
        self.facts: list[AnyFact] = []
        self._offsets = itertools.count()

    def at(self, when: str, *facts: Any, told: str | None = None) -> Timeline:
        """Each fact is true at *when* and sent then, or at *told*."""
        for topic, make in facts:
            place = {"topic": topic, "partition": 0, "offset": next(self._offsets), "timestamp": instant(told or when)}
            self.facts.append(make(at=instant(when), sent=instant(told or when), message_id=None, sha256="00", **place))
        return self

    def findings(self, rule: str, until: str | None = None, thresholds: Thresholds | None = None, **where: Any) -> list[Finding]:
        watermark = instant(until) if until else LONG
        if rule in CHRONICLE:
            found = self._of_the_chronicle(rule, watermark, thresholds)
        else:
            found = conclude(self.facts, watermark, "test", thresholds)
        return [x for x in found if x.rule == rule and all(getattr(x, k) == v for k, v in where.items())]

    def _of_the_chronicle(self, rule: str, watermark: Micros, thresholds: Thresholds | None) -> list[Finding]:
        sent = [fact for fact in self.facts if fact.sent <= watermark]
        told = [word for one in shorts(sent, watermark, thresholds) for word in one.words()]
        facts = [fact for fact in sent if rule in OF_PATIENTS or heard_by_the_house(fact)]
        return chronicle.conclude([*facts, *told], [CHRONICLE[rule]()], watermark, "test", thresholds)

    def finding(self, rule: str, until: str | None = None, thresholds: Thresholds | None = None, **where: Any) -> Finding:
        [one] = self.findings(rule, until, thresholds, **where)
        return one

    def body(self, rule: str, until: str | None = None, thresholds: Thresholds | None = None) -> dict[str, Any]:
        return self.finding(rule, until, thresholds).body


def _fact(topic: str, fact: type, /, **fields: Any) -> Any:
    return topic, lambda **place: fact(**{**fields, **place})


def alarm(fact: type, condition: str, /, **fields: Any) -> Any:
    priority = fields.pop("priority", "HI")
    defaults = {"patient": P, "device": S, "monitor": M, "signal": "visible", "kind": "physiological", "priority": priority}
    return _fact("alerts", fact, condition=condition, **{**defaults, **fields})


def raised(condition: str = "spo2-low", **fields: Any) -> Any:
    return alarm(f.AlarmRaised, condition, **fields)


def latched(condition: str = "spo2-low", **fields: Any) -> Any:
    return alarm(f.AlarmLatched, condition, **fields)


def ended(condition: str = "spo2-low", **fields: Any) -> Any:
    return alarm(f.AlarmEnded, condition, **fields)


def fault(condition: str = "finger-not-detected", fact: type = f.AlarmRaised, /, **fields: Any) -> Any:
    """A technical condition of a device; over: `fault(condition, AlarmEnded)`."""
    defaults = {"signal": "only", "kind": "technical", "priority": "LO", "device_code": "Nonin 3150"}
    return alarm(fact, condition, **{**defaults, **fields})


def mended(condition: str = "finger-not-detected", **fields: Any) -> Any:
    return fault(condition, f.AlarmEnded, **fields)


def log_in(name: str | None = "nurse1", **fields: Any) -> Any:
    return _fact("events-auth", f.SessionOpened, account_name=name, service=fields.pop("service", "newer"), **fields)


def log_out(name: str | None = "nurse1", **fields: Any) -> Any:
    return _fact("events-auth", f.SessionClosed, account_name=name, service=fields.pop("service", "newer"), **fields)


def failed(name: str | None = "nurse1", **fields: Any) -> Any:
    return _fact("events-auth", f.LogInFailed, account_name=name, service=fields.pop("service", "newer"), **fields)


def locked(name: str | None = "nurse1", **fields: Any) -> Any:
    return _fact("events-auth", f.AccountLocked, account_name=name, service=fields.pop("service", "newer"), **fields)


def command(operation: str = "ALARM_VALIDATION_ON", account: str | None = "nurse1", **fields: Any) -> Any:
    return _fact("device-commands-requests", f.CommandRequested, operation=operation, account=account, **{"monitor": M, **fields})


def answered(outcome: str = "done", **fields: Any) -> Any:
    return _fact("device-commands-responses", f.CommandAnswered, outcome=outcome, **{"monitor": M, **fields})


def session(patient: str = P, **fields: Any) -> Any:
    return _fact("events-sdc", f.PatientSessionOpened, patient=patient, **{"monitor": M, **fields})


def release(patient: str | None = P, **fields: Any) -> Any:
    return _fact("events-sdc", f.PatientSessionClosed, patient=patient, **{"monitor": M, **fields})


def rejected(patient: str | None = P, **fields: Any) -> Any:
    return _fact("events-sdc", f.AdmissionRejected, patient=patient, **{"monitor": M, **fields})


def seen(*sensors: str, **fields: Any) -> Any:
    return _fact("events-sdc", f.MonitorSeen, sensors=sensors, **{"monitor": M, "whole": True, **fields})


def audio(state: str, **fields: Any) -> Any:
    return _fact("events-sdc", f.MonitorConfigured, audio=state, **{"monitor": M, **fields})


def limits(*of: f.Limit, **fields: Any) -> Any:
    return _fact("events-sdc", f.LimitsReported, limits=of, **{"monitor": M, **fields})


def removed(sensor: str = S, **fields: Any) -> Any:
    return _fact("events-sdc", f.SensorRemoved, sensor=sensor, **{"monitor": M, **fields})


def lost(cause: str = "disconnect", **fields: Any) -> Any:
    return _fact("sdc-realtime-state", f.MonitorLost, cause=cause, **{"monitor": M, **fields})


def back(**fields: Any) -> Any:
    return _fact("sdc-realtime-state", f.MonitorBack, **{"monitor": M, **fields})


def placed(bed: str | None = "B1", place: str = "bed", **fields: Any) -> Any:
    return _fact("events-patient", f.MonitorPlaced, place=place, bed=bed, **{"serial": M, **fields})


def unit(name: str, *beds: str, id: str | None = None, **fields: Any) -> Any:
    return _fact("events-patient", f.BedPlaced, unit=id or f"id-{name}", name=name, beds=beds, **fields)


def bed(number: str, name: str | None = None, **fields: Any) -> Any:
    return _fact("events-patient", f.BedPlaced, bed=number, name=name, **fields)


def device(serial: str, **fields: Any) -> Any:
    return _fact("events-patient", f.DeviceChanged, serial=serial, operation="DEVICE_CREATED_EVENT", **fields)


def gap(
    source: str = "alerts", why: str = "retention", missing: int = 7, partition: int = 0, lasts: float = 0, **fields: Any
) -> Any:
    """From *when*, or so many seconds before it, until it is `told`."""
    told = {"source": source, "why": why, "missing": missing}

    def make(at: Micros, **place: Any) -> f.SourceGap:
        return f.SourceGap(**{**told, **place, "at": at - round(lasts * SECOND), "partition": partition})

    return source, make


def rules(thresholds: Thresholds) -> Any:
    return _fact("hub.toml", f.RulesChanged, thresholds=thresholds.text())


def change(operation: str, account: str | None = "nurse1", **fields: Any) -> Any:
    return _fact("events-patient", f.DeviceChanged, serial=M, operation=operation, account=account, **fields)


def encounter(operation: str, account: str | None = "nurse1", **fields: Any) -> Any:
    return _fact("events-patient", f.EncounterChanged, patient=P, operation=operation, account=account, **fields)
