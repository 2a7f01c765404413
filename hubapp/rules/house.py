"""What every rule must know of the house: one summary up to the horizon, and a timeline of what happened behind it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from hubapp.facts import (
    AccountFact,
    AdmissionRejected,
    AlarmFact,
    AnyFact,
    BedPlaced,
    CommandRequested,
    DeviceChanged,
    EncounterChanged,
    LimitsReported,
    Micros,
    MonitorBack,
    MonitorConfigured,
    MonitorLost,
    MonitorPlaced,
    MonitorSeen,
    PatientSessionClosed,
    PatientSessionOpened,
    SensorRemoved,
    fold,
)
from hubapp.rules import accounts, monitors, places
from hubapp.rules.accounts import Accounts, Session
from hubapp.rules.moments import Moment, Order, Trace
from hubapp.rules.monitors import Monitor
from hubapp.rules.places import Place, Places
from hubapp.thresholds import PresenceThresholds

OF_A_MONITOR = (
    PatientSessionOpened, PatientSessionClosed, AdmissionRejected, MonitorSeen, MonitorConfigured, LimitsReported,
    MonitorLost, MonitorBack,
)  # fmt: skip
# A named account's acts in the hub's pages that are about one monitor or one patient.
ASSIGNMENTS = {"ASSIGN_DEVICE_LOCATION_EVENT", "UNASSIGN_DEVICE_LOCATION_EVENT"}
ADMISSIONS = {"PATIENT_ENCOUNTER_PLANNED", "PATIENT_ADMISSION_DISMISSED"}


class House(msgspec.Struct):
    """The summary: monitors by folded serial, accounts, places."""

    monitors: dict[str, Monitor] = {}
    accounts: Accounts = msgspec.field(default_factory=Accounts)
    places: Places = msgspec.field(default_factory=Places)


class Timeline:
    """The house behind the horizon: *house* with *facts* applied, and what they meant. *house* itself stays as it was.

    Facts come in their order; alarms are told too, by `hear`, since a lost monitor that sends one is back.
    """

    def __init__(self, house: House, thresholds: PresenceThresholds) -> None:
        self.house = House(dict(house.monitors), house.accounts.copy(), house.places.copy())
        self.tip: Order = (-(1 << 62), "", 0, 0, 0)
        self._thresholds = thresholds
        self._mine: set[str] = set()
        self._before = house.monitors
        self.moments: defaultdict[str, list[Moment]] = defaultdict(list)
        self.traces: defaultdict[str, list[Trace]] = defaultdict(list)
        self.changes: defaultdict[str, list[Trace]] = defaultdict(list)
        self.log_ins: list[Trace] = []
        self._sessions: defaultdict[str, list[tuple[Order, str, str | None]]] = defaultdict(list)
        self._on: defaultdict[str, list[tuple[Order, str]]] = defaultdict(list)

    def tell(self, facts: Iterable[AnyFact]) -> None:
        for fact in facts:
            self.tip = fact.order
            if isinstance(fact, OF_A_MONITOR):
                self._step(fold(fact.monitor), fact.monitor, fact)
            elif isinstance(fact, AccountFact):
                self.log_ins += accounts.step(self.house.accounts, fact, self._thresholds)
            else:
                self._act(fact)
            places.step(self.house.places, fact)

    def hear(self, fact: AlarmFact, monitor: str) -> None:
        """An alarm's update is a sign of life of its monitor."""
        if (known := self.house.monitors.get(monitor)) and known.lost is not None and fact.order > self.tip:
            self._step(monitor, known.serial, fact)  # type: ignore[arg-type]  # Every AlarmFact is one of AnyFact.

    def lost_somewhere(self) -> bool:
        return any(moment.what == "lost" for moments in self.moments.values() for moment in moments) or any(
            monitor.lost is not None for monitor in self._before.values()
        )

    def _act(self, fact: AnyFact) -> None:
        """What somebody did in the hub's pages or by a command; a removed sensor is told by its monitor's record."""
        match fact:
            case SensorRemoved():
                monitor = fold(fact.monitor) if fact.monitor else self.house.places.monitor_of(fold(fact.sensor), fact.sent)
                if monitor:
                    self._step(monitor, fact.monitor or monitor, fact)
            case CommandRequested(account=str(account)):
                if monitor := self.house.places.serial(fact.device_id, fact.monitor):
                    self.traces[monitor].append(Trace(fact.order, "command", fact.operation, fact, account))
            case DeviceChanged(account=str(account)) if fact.operation in ASSIGNMENTS:
                self.traces[fold(fact.serial)].append(Trace(fact.order, "change", fact.operation, fact, account))
            case EncounterChanged(account=str(account), patient=str(patient)) if fact.operation in ADMISSIONS:
                self.changes[fold(patient)].append(Trace(fact.order, "change", fact.operation, fact, account))
            case EncounterChanged() | BedPlaced() | MonitorPlaced() | _:
                pass

    def _step(self, key: str, serial: str, fact: AnyFact) -> None:
        monitor = self._monitor(key, serial)
        before = (monitor.session, monitor.patient)
        for meant in monitors.step(monitor, key, fact):
            if isinstance(meant, Moment):
                self.moments[key].append(meant)
            else:
                self.traces[key].append(meant)
        if (monitor.session, monitor.patient) != before:
            self._sessions[key].append((fact.order, monitor.session, monitor.patient))
            if monitor.patient:
                self._on[monitor.patient].append((fact.order, key))

    def _monitor(self, key: str, serial: str) -> Monitor:
        if key not in self._mine:
            self._mine.add(key)
            known = self.house.monitors.get(key)
            self.house.monitors[key] = known.copy() if known else Monitor(serial)
        return self.house.monitors[key]

    # What rules ask, of a place in the order.

    def monitor_of(self, device: str, patient: str | None, order: Order) -> str | None:
        """The monitor of a device then: itself, the one its sensor was seen at, else the patient's."""
        if device in self.house.monitors or self.house.places.known_monitor(device):
            return device
        return self.house.places.monitor_of(device, order[0]) or (self.monitor_with(patient, order) if patient else None)

    def monitor_with(self, patient: str, order: Order) -> str | None:
        """The monitor on which *patient*'s session was opened last, and is open then."""
        opened = [key for since, key in self._on.get(patient, []) if since <= order]
        candidates = [
            *reversed(opened),
            *sorted(k for k, m in self._before.items() if m.session == "open" and m.patient == patient),
        ]
        return next((key for key in candidates if self.session(key, order) == ("open", patient)), None)

    def session(self, monitor: str, order: Order) -> tuple[str, str | None]:
        """State and folded patient of *monitor*'s session then: unknown, open or closed."""
        told = self._sessions.get(monitor, [])
        index = bisect_right(told, order, key=lambda change: change[0])
        if index:
            return told[index - 1][1], told[index - 1][2]
        before = self._before.get(monitor)
        return (before.session, before.patient) if before else ("unknown", None)

    def serial(self, monitor: str) -> str:
        """As it was first written."""
        known = self.house.monitors.get(monitor)
        return known.serial if known else monitor

    def place(self, monitor: str | None, at: Micros) -> Place | None:
        return self.house.places.place(monitor, at)

    def present(self, order: Order) -> list[Session]:
        return self.house.accounts.present(order)

    def units_of(self, trace: Trace) -> frozenset[str]:
        """The units that a log-in is known to be in: those it names, or the hub's only one."""
        if trace.place and (named := self.house.places.units_of(trace.place)):
            return named
        only = self.house.places.only_unit()
        return frozenset({only} if only else ())

    def traces_from(self, monitor: str | None, patient: str | None, order: Order) -> Iterator[Trace]:
        """What was done at *monitor* or to *patient*'s encounter from *order* on."""
        yield from since(self.traces.get(monitor or "", []), order)
        yield from since(self.changes.get(patient or "", []), order)

    def moments_of(self, watched: Iterable[str]) -> list[Moment]:
        """What happened to the *watched* monitors, in order."""
        return sorted((m for key in watched for m in self.moments.get(key, ())), key=_order)


def _order(moment: Moment | Trace) -> Order:
    return moment.order


def since(traces: list[Trace], order: Order) -> list[Trace]:
    return traces[bisect_left(traces, order, key=_order) :]
