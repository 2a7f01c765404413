"""What a monitor went through: its patient sessions, losses, audio and limits, and the traces of hands on it.

A bedside trace is a change that nobody but a person at the monitor makes (IEC 60601-1-8, alarm controls); what a
discovery tells is state, never a trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from hubapp.facts import (
    SECOND,
    AnyFact,
    Audio,
    Limit,
    LimitsReported,
    Micros,
    MonitorConfigured,
    MonitorLost,
    PatientSessionClosed,
    PatientSessionOpened,
    fold,
)
from hubapp.rules.moments import Moment, Trace

# Limits that a monitor sets for a new patient are nobody's doing.
NEW_PATIENT = 5 * SECOND
# Audio that changes this way was touched: a pause ends by itself, and off says no more when it becomes a pause.
TOUCHED = {("on", "paused"), ("on", "off"), ("paused", "off"), ("off", "on")}


class Monitor(msgspec.Struct):
    """A monitor at a point of the order. session: unknown until one was told; lost: when, by the loss's `sent`.

    patient: folded; shown: as the record wrote it that opened the session.
    silent: it is lost by its silence alone; a loss that is told counts from its own time.
    """

    serial: str
    session: Literal["unknown", "open", "closed"] = "unknown"
    patient: str | None = None
    since: Micros = 0
    lost: Micros | None = None
    silent: bool = False
    audio: Audio | None = None
    limits: dict[str, Limit] = {}
    shown: str | None = None

    def copy(self) -> Monitor:
        return msgspec.structs.replace(self, limits=dict(self.limits))


def step(monitor: Monitor, key: str, fact: AnyFact) -> Iterator[Moment | Trace]:
    """Apply *fact*, which is about the monitor with the folded serial *key*, and yield what it means."""
    if isinstance(fact, MonitorLost):
        yield from _lost(monitor, key, fact)
        return
    if monitor.lost is not None:
        monitor.lost = None
        yield Moment(fact.order, "heard", fact, key)
    match fact:
        case PatientSessionOpened():
            yield from _opened(monitor, key, fact)
        case PatientSessionClosed():
            yield from _closed(monitor, key, fact)
        case MonitorConfigured():
            yield from _configured(monitor, fact)
        case LimitsReported():
            yield from _limits(monitor, fact)
        case _:  # All else is a sign of life alone.
            pass


def _lost(monitor: Monitor, key: str, fact: MonitorLost) -> Iterator[Moment]:
    silent = fact.cause == "silent"
    if monitor.lost is None or (monitor.silent and not silent):
        monitor.lost, monitor.silent = fact.sent, silent
        yield Moment(fact.order, "lost", fact, key)


def _opened(monitor: Monitor, key: str, fact: PatientSessionOpened) -> Iterator[Moment]:
    patient = fold(fact.patient)
    if monitor.session == "open" and monitor.patient == patient:
        return
    monitor.session, monitor.patient, monitor.since = "open", patient, fact.sent
    monitor.shown = fact.patient
    yield Moment(fact.order, "opened", fact, key, patient)


def _closed(monitor: Monitor, key: str, fact: PatientSessionClosed) -> Iterator[Moment]:
    """A close that names somebody else than the session's patient closes nothing."""
    named = fold(fact.patient) if fact.patient else None
    if monitor.session == "open" and named and named != monitor.patient:
        yield Moment(fact.order, "contradicted", fact, key, named, named=True)
        return
    patient = named or (monitor.patient if monitor.session == "open" else None)
    monitor.session, monitor.patient, monitor.shown = "closed", None, None
    yield Moment(fact.order, "closed", fact, key, patient, named=named is not None)


def _configured(monitor: Monitor, fact: MonitorConfigured) -> Iterator[Trace]:
    """The first word ever heard of a monitor's audio is no use of it."""
    before, monitor.audio = monitor.audio, fact.audio
    if not fact.discovery and (before, fact.audio) in TOUCHED:
        yield Trace(fact.order, "bedside", "audio", fact)


def _limits(monitor: Monitor, fact: LimitsReported) -> Iterator[Trace]:
    fresh = monitor.session == "open" and fact.sent - monitor.since <= NEW_PATIENT
    touched = any(differ(monitor.limits.get(limit.condition), limit) for limit in fact.limits)
    monitor.limits.update({limit.condition: limit for limit in fact.limits})
    if touched and not fact.discovery and not fresh:
        yield Trace(fact.order, "bedside", "limits", fact)


def differ(old: Limit | None, new: Limit) -> bool:
    """Whether a value or the enabling changed; a value that was not known has not."""
    if old is None:
        return False
    values = ((old.upper, new.upper), (old.lower, new.lower))
    return old.enabled != new.enabled or any(a != b for a, b in values if a is not None and b is not None)
