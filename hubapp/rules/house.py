"""What every rule must know of the house: one summary up to the horizon, and a timeline of what happened behind it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from hubapp.facts import (
    AccountFact,
    AdmissionRejected,
    AlarmFact,
    AnyAlarm,
    AnyFact,
    CommandRequested,
    DeviceChanged,
    EncounterChanged,
    LimitsReported,
    Micros,
    MonitorBack,
    MonitorConfigured,
    MonitorLost,
    MonitorSeen,
    PatientSessionClosed,
    PatientSessionOpened,
    SensorRemoved,
    SourceGap,
    fold,
)
from hubapp.rules import accounts, monitors, places, unseen
from hubapp.rules.accounts import Accounts
from hubapp.rules.moments import EARLIEST, Moment, Order, Trace, start_of
from hubapp.rules.monitors import Monitor
from hubapp.rules.places import Place, Places
from hubapp.rules.presence import Crowd
from hubapp.rules.unseen import Unseen
from hubapp.thresholds import PresenceThresholds

OF_A_MONITOR = (
    PatientSessionOpened, PatientSessionClosed, AdmissionRejected, MonitorSeen, MonitorConfigured, LimitsReported,
    MonitorLost, MonitorBack,
)  # fmt: skip
# A named account's acts in the hub's pages that are about one monitor or one patient.
ASSIGNMENTS = {"ASSIGN_DEVICE_LOCATION_EVENT", "UNASSIGN_DEVICE_LOCATION_EVENT"}
ADMISSIONS = {"PATIENT_ENCOUNTER_PLANNED", "PATIENT_ADMISSION_DISMISSED"}
MONITOR_CODE = fold("Patient Monitor")


class House(msgspec.Struct):
    """The summary: monitors by folded serial, accounts, places; what was not seen of the sources."""

    monitors: dict[str, Monitor] = {}
    accounts: Accounts = msgspec.field(default_factory=Accounts)
    places: Places = msgspec.field(default_factory=Places)
    gaps: list[Unseen] = []

    def prune(self, horizon: Micros) -> None:
        self.accounts.prune(horizon)
        self.places.prune(horizon)
        unseen.prune(self.gaps, horizon)


def copy_of(house: House) -> House:
    monitors = {key: monitor.copy() for key, monitor in house.monitors.items()}
    return House(monitors, house.accounts.copy(), house.places.copy(), list(house.gaps))


def naming(house: House) -> tuple[Any, ...]:
    """What says how something is shown, of whatever time it is: what else a house knows is asked for as of then."""
    accounts, places = house.accounts, house.places
    return accounts.names, accounts.seen, places.bed_names, places.only_unit, house.gaps


class Timeline:
    """The house behind the horizon: *house* with the facts that it is told, and what they meant. *house* itself stays as it was.

    Facts come in their order. Alarms are told too, by `hear`, where their monitor is lost: it is back. losses: the monitors
    that were lost at any time of it.
    """

    def __init__(self, house: House) -> None:
        self.before = house
        self.house = House(dict(house.monitors), house.accounts.copy(), house.places.copy(), list(house.gaps))
        self.tip = EARLIEST
        self.touched: set[str] = set()
        self.losses = {key for key, monitor in house.monitors.items() if monitor.lost is not None}
        self.moments: defaultdict[str, list[Moment]] = defaultdict(list)
        self.removals: defaultdict[str, list[Moment]] = defaultdict(list)
        self.links: defaultdict[str, list[Moment]] = defaultdict(list)
        self.traces: defaultdict[str, list[Trace]] = defaultdict(list)
        self.changes: defaultdict[str, list[Trace]] = defaultdict(list)
        self.log_ins: defaultdict[str, list[Trace]] = defaultdict(list)
        self.crowd = Crowd(self.house.accounts)
        self.newest_trace = EARLIEST
        self._sessions: defaultdict[str, list[tuple[Order, str, str | None]]] = defaultdict(list)
        self._on: defaultdict[str, list[Moment]] = defaultdict(list)

    def tell(self, fact: AnyFact, thresholds: PresenceThresholds) -> None:
        """thresholds: those in force at the fact's place in the log."""
        self.tip = fact.order
        if isinstance(fact, OF_A_MONITOR):
            self._step(fold(fact.monitor), fact.monitor, fact)
        elif isinstance(fact, AccountFact):
            for log_in in accounts.step(self.house.accounts, fact, thresholds):
                self.log_ins[fold(log_in.place or "")].append(log_in)
            self.newest_trace = fact.order
            self.crowd = Crowd(self.house.accounts)
        else:
            self._act(fact)
        for device, monitor in places.step(self.house.places, fact):
            self.links[device].append(Moment(fact.order, "linked", fact, monitor))

    def hear(self, fact: AnyAlarm, monitor: str) -> bool:
        """An alarm's update is a sign of life of its monitor. Returns whether it was lost."""
        known = self.house.monitors.get(monitor)
        if known is None or known.lost is None or is_of_another(fact, known.session, known.patient):
            return False
        self.tip = fact.order
        self._step(monitor, known.serial, fact)
        return True

    def _act(self, fact: AnyFact) -> None:
        """What somebody did in the hub's pages or by a command; a removed sensor is told by its monitor's record."""
        match fact:
            case SensorRemoved():
                self._removed(fact)
            case CommandRequested(account=str(account)):
                if monitor := self.house.places.serial(fact.device_id, fact.monitor):
                    self._left(self.traces[monitor], Trace(fact.order, "command", fact.operation, fact, account))
            case DeviceChanged(account=str(account)) if fact.operation in ASSIGNMENTS:
                self._left(self.traces[fold(fact.serial)], Trace(fact.order, "change", fact.operation, fact, account))
            case EncounterChanged(account=str(account), patient=str(patient)) if fact.operation in ADMISSIONS:
                self._left(self.changes[fold(patient)], Trace(fact.order, "change", fact.operation, fact, account))
            case SourceGap():
                unseen.learn(self.house.gaps, fact)
            case _:  # Where things are: `places` learns from it.
                pass

    def _left(self, traces: list[Trace], trace: Trace) -> None:
        traces.append(trace)
        self.newest_trace = trace.order

    def _removed(self, fact: SensorRemoved) -> None:
        monitor = fold(fact.monitor) if fact.monitor else self.house.places.monitors.get(fold(fact.sensor))
        if monitor:
            self._step(monitor, fact.monitor or monitor, fact)
        self.removals[fold(fact.sensor)].append(Moment(fact.order, "removed", fact, monitor))

    def _step(self, key: str, serial: str, fact: AnyFact) -> None:
        monitor = self._monitor(key, serial, fact)
        before = (monitor.session, monitor.patient)
        for meant in monitors.step(monitor, key, fact):
            if isinstance(meant, Moment):
                self.moments[key].append(meant)
                if meant.what == "lost":
                    self.losses.add(key)
            else:
                self._left(self.traces[key], meant)
        if (monitor.session, monitor.patient) != before:
            self._sessions[key].append((fact.order, monitor.session, monitor.patient))
        if (patient := getattr(fact, "patient", None)) and not isinstance(fact, AlarmFact):
            self._on[fold(patient)].append(Moment(fact.order, "linked", fact, key))

    def _monitor(self, key: str, serial: str, fact: AnyFact) -> Monitor:
        if key not in self.touched:
            self.touched.add(key)
            known = self.house.monitors.get(key)
            self.house.monitors[key] = known.copy() if known else Monitor(serial)
            if known is None:
                self.links[key].append(Moment(fact.order, "linked", fact, key))
        return self.house.monitors[key]

    def forget(self, before: House, horizon: Micros) -> None:
        """Go on from the summary *before*, which holds all that was told before *horizon*."""
        self.before, begin = before, start_of(horizon)
        for listed in (self.moments, self.removals, self.links, self._on, self.traces, self.changes, self.log_ins):
            for key in list(listed):
                events: list[Moment] | list[Trace] = listed[key]
                del events[: bisect_left(events, begin, key=order_of)]
                if not events:
                    del listed[key]
        for told in self._sessions.values():
            del told[: bisect_left(told, begin, key=lambda change: change[0])]
        self.touched = set()
        self.losses = {key for key in self.losses if key in self.moments or self.house.monitors[key].lost is not None}
        self.house.prune(horizon)
        self.crowd = Crowd(self.house.accounts)

    # What rules ask, of a place in the order.

    def monitor_of(self, fact: AlarmFact) -> str | None:
        """The folded serial of an alarm's monitor: as its record says, the one its sensor was seen at, its patient's."""
        if fact.monitor:
            return fold(fact.monitor)
        device, order = fold(fact.device), fact.order
        if fact.device_code and fold(fact.device_code) == MONITOR_CODE:
            return device
        return self._seen_at(device, order) or (self._with(fold(fact.patient), order) if fact.patient else None)

    def _seen_at(self, device: str, order: Order) -> str | None:
        told = self.links.get(device)
        if told and told[0].order <= order:
            return told[bisect_right(told, order, key=order_of) - 1].monitor
        return device if device in self.before.monitors else self.before.places.monitors.get(device)

    def _with(self, patient: str, order: Order) -> str | None:
        """The monitor on which *patient*'s session was opened last, and is open then."""
        named = {moment.monitor for moment in self._on.get(patient, ()) if moment.order <= order and moment.monitor}
        named |= {key for key, m in self.before.monitors.items() if m.session == "open" and m.patient == patient}
        there = (key for key in named if self.session(key, order) == ("open", patient))
        return max(there, key=lambda key: (self._opened(key, order), key), default=None)

    def _opened(self, monitor: str, order: Order) -> Micros:
        """Since when *monitor*'s session is as it was then."""
        told = self._sessions.get(monitor)
        if told and (index := bisect_right(told, order, key=lambda change: change[0])):
            return told[index - 1][0][0]
        before = self.before.monitors.get(monitor)
        return before.since if before else 0

    def link(self, device: str, patient: str | None, after: Order, until: Order) -> Moment | None:
        """The first word, in that time, of which monitor *device* or *patient* is on."""
        told = [*between(self.links.get(device), after, until), *between(self._on.get(patient or ""), after, until)]
        return min(told, key=order_of, default=None)

    def session(self, monitor: str, order: Order) -> tuple[str, str | None]:
        """State and folded patient of *monitor*'s session then: unknown, open or closed."""
        told = self._sessions.get(monitor)
        if told and (index := bisect_right(told, order, key=lambda change: change[0])):
            return told[index - 1][1], told[index - 1][2]
        before = self.before.monitors.get(monitor)
        return (before.session, before.patient) if before else ("unknown", None)

    def silent_at(self, monitor: str, order: Order) -> bool:
        """Whether *monitor* was lost then."""
        changes = [m for m in self.moments.get(monitor, ()) if m.what in ("lost", "heard") and m.order < order]
        before = self.before.monitors.get(monitor)
        return changes[-1].what == "lost" if changes else before is not None and before.lost is not None

    def wakes(self, monitor: str, fact: AlarmFact) -> bool:
        """Whether *monitor* was lost then, and *fact* is a sign of its life."""
        return self.silent_at(monitor, fact.order) and not is_of_another(fact, *self.session(monitor, fact.order))

    def serial(self, monitor: str) -> str:
        """As it was first written."""
        known = self.house.monitors.get(monitor)
        return known.serial if known else monitor

    def is_decided(self, monitor: str | None, place: Place) -> bool:
        return monitor is not None and place.known and place.by >= self.house.places.newest_unit

    def decided(self, monitor: str | None, at: Micros, before: Place) -> Place:
        """Where *monitor* stood at *at*, of which *before* was decided: whatever is forgotten of the house, that stays so."""
        by = self.house.places.newest_unit
        if before.known and before.by >= by:
            return before
        place = self.house.places.place(monitor, at, before)
        return msgspec.structs.replace(place, by=by) if place.known else place


def is_of_another(fact: AlarmFact, session: str, patient: str | None) -> bool:
    """Whether an alarm names somebody else than the patient whose session is open: that one's are told elsewhere."""
    return session == "open" and fact.patient is not None and fold(fact.patient) != patient


def order_of(event: Moment | Trace) -> Order:
    return event.order


def between(events: Sequence[Moment] | None, after: Order, until: Order) -> Sequence[Moment]:
    """Those behind *after*, up to *until*."""
    if not events or events[-1].order <= after:
        return ()
    return events[bisect_right(events, after, key=order_of) : bisect_right(events, until, key=order_of)]


def since(traces: list[Trace], order: Order) -> Iterator[Trace]:
    """Those behind *order*."""
    if traces and traces[-1].order > order:
        yield from traces[bisect_right(traces, order, key=order_of) :]
