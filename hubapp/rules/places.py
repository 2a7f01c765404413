"""Where devices are: sensor -> monitor -> bed -> units, each learnt from records, each possibly late or changing.

Every link is a short history of (sent, value): the place of then is looked up, not that of now.
"""

from __future__ import annotations

from bisect import insort
from typing import TypeAlias

import msgspec

from hubapp.facts import (
    AnyFact,
    BedPlaced,
    DeviceChanged,
    EncounterChanged,
    Micros,
    MonitorPlaced,
    MonitorSeen,
    SensorRemoved,
    fold,
)

History: TypeAlias = list[tuple[Micros, str | None]]


class Unit(msgspec.Struct):
    """A bed group: the history of its name and that of its beds. No beds: it was deleted."""

    names: History = []
    beds: list[tuple[Micros, tuple[str, ...]]] = []


class Place(msgspec.Struct, frozen=True):
    """bed: its name, or its id where the name is not known. units: names of the groups."""

    bed: str | None = None
    units: tuple[str, ...] = ()
    unsure: bool = False


class Places(msgspec.Struct):
    """Keys are folded serials, ids of devices and beds as text. unsure: monitors whose last assignment did not say where."""

    monitors: dict[str, History] = {}
    serials: dict[str, str] = {}
    gateways: dict[str, str] = {}
    beds: dict[str, History] = {}
    unsure: dict[str, History] = {}
    bed_names: dict[str, str] = {}
    units: dict[str, Unit] = {}

    def monitor_of(self, device: str, at: Micros) -> str | None:
        """The monitor of a sensor (folded serial) then: a monitor is its own."""
        if device in self.monitors:
            return latest(self.monitors[device], at)
        return fold(self.serials.get(self.gateways.get(device, ""), "")) or None

    def known_monitor(self, device: str) -> bool:
        return device in self.beds

    def serial(self, device_id: str | None, serial: str | None) -> str | None:
        """The folded serial of a monitor that is named by serial or by id."""
        written = serial or self.serials.get(device_id or "")
        return fold(written) if written else None

    def place(self, monitor: str | None, at: Micros) -> Place | None:
        """Where a monitor stood then; what was learnt later only where nothing was known. None: nothing places it."""
        units = self._units_at(at)
        only = next(iter(units)) if len(units) == 1 else None
        history = self.beds.get(monitor or "")
        if not history:
            return Place(units=(only,)) if only and monitor else None
        bed = latest(history, at) or (history[0][1] if at < history[0][0] else None)
        named = (only,) if only else tuple(sorted(name for name, beds in units.items() if bed in beds))
        unsure = latest(self.unsure.get(monitor or "", []), at) is not None
        return Place(self.bed_names.get(bed, bed) if bed else None, named, unsure)

    def units_of(self, written: str) -> frozenset[str]:
        """The units that a place of a log-in names: id or name of a unit or of a bed, without regard to case."""
        wanted, found = fold(written), set()
        for key, unit in self.units.items():
            name = unit.names[-1][1] or key if unit.names else key
            beds = unit.beds[-1][1] if unit.beds else ()
            if wanted in {fold(key), fold(name)} or any(wanted in {fold(b), fold(self.bed_names.get(b, b))} for b in beds):
                found.add(name)
        return frozenset(found)

    def only_unit(self) -> str | None:
        units = self._units_at(None)
        return next(iter(units)) if len(units) == 1 else None

    def _units_at(self, at: Micros | None) -> dict[str, tuple[str, ...]]:
        """Name -> beds of each group that there was, or the first that was told of it later."""
        found = {}
        for key, unit in self.units.items():
            beds = _beds_at(unit, at)
            if beds is not None:
                found[_name_at(unit, at) or key] = beds
        return found

    def copy(self) -> Places:
        def histories(of: dict[str, History]) -> dict[str, History]:
            return {key: list(history) for key, history in of.items()}

        units = {key: Unit(list(unit.names), list(unit.beds)) for key, unit in self.units.items()}
        return Places(
            histories(self.monitors), dict(self.serials), dict(self.gateways), histories(self.beds), histories(self.unsure),
            dict(self.bed_names), units,
        )  # fmt: skip

    def prune(self, horizon: Micros) -> None:
        """Keep of each history what was true at the horizon and after it."""
        for histories in (self.monitors, self.beds, self.unsure):
            for history in histories.values():
                # An assignment that does not say where will ask for the bed before an unassignment.
                while len(history) > 1 and history[1][0] <= horizon and (len(history) > 2 or history[1][1] is not None):
                    del history[0]
        for unit in self.units.values():
            for told in (unit.names, unit.beds):
                while len(told) > 1 and told[1][0] <= horizon:
                    del told[0]


def _beds_at(unit: Unit, at: Micros | None) -> tuple[str, ...] | None:
    if not unit.beds:
        return None
    if at is None:
        return unit.beds[-1][1] or None
    told = [beds for since, beds in unit.beds if since <= at]
    return (told[-1] if told else unit.beds[0][1]) or None


def _name_at(unit: Unit, at: Micros | None) -> str | None:
    if at is None or not unit.names:
        return unit.names[-1][1] if unit.names else None
    return latest(unit.names, at) or unit.names[0][1]


def latest(history: History, at: Micros) -> str | None:
    """What was true at *at*: the newest entry not after it."""
    found = None
    for since, value in history:
        if since > at:
            break
        found = value
    return found


def _tell(histories: dict[str, History], key: str, sent: Micros, value: str | None) -> None:
    history = histories.setdefault(key, [])
    if not history or history[-1][1] != value:
        history.append((sent, value))


def step(places: Places, fact: AnyFact) -> None:
    """Learn from *fact*; facts come in their order."""
    match fact:
        case MonitorSeen():
            for sensor in fact.sensors:
                _tell(places.monitors, fold(sensor), fact.sent, fold(fact.monitor))
        case SensorRemoved(monitor=str(monitor)):
            _tell(places.monitors, fold(fact.sensor), fact.sent, fold(monitor))
        case DeviceChanged():
            if fact.device_id:
                places.serials[fact.device_id] = fact.serial
            if fact.gateway_id:
                places.gateways[fold(fact.serial)] = fact.gateway_id
        case MonitorPlaced():
            _placed(places, fact)
        case EncounterChanged(serial=str(serial), bed=str(bed)):
            _tell(places.beds, fold(serial), fact.sent, bed)
            _tell(places.unsure, fold(serial), fact.sent, None)
        case BedPlaced():
            _bed(places, fact)


def _placed(places: Places, fact: MonitorPlaced) -> None:
    """An assignment that does not say where leaves the last known bed, unsure, until one does."""
    monitor = fold(fact.serial)
    if fact.device_id:
        places.serials[fact.device_id] = fact.serial
    bed = fact.bed
    if fact.place == "unsure":
        bed = next((bed for _, bed in reversed(places.beds.get(monitor, [])) if bed), None)
    _tell(places.beds, monitor, fact.sent, bed)
    _tell(places.unsure, monitor, fact.sent, "unsure" if fact.place == "unsure" else None)


def _bed(places: Places, fact: BedPlaced) -> None:
    if fact.unit is None:
        if fact.bed and fact.name:
            places.bed_names[fact.bed] = fact.name
        if fact.bed and fact.deleted:
            _remove_bed(places, fact.bed, fact.sent)
        return
    unit = places.units.setdefault(fact.unit, Unit())
    if fact.name and (not unit.names or unit.names[-1][1] != fact.name):
        insort(unit.names, (fact.sent, fact.name), key=lambda told: told[0])
    if fact.beds is not None or fact.deleted:
        insort(unit.beds, (fact.sent, () if fact.deleted else fact.beds or ()), key=lambda told: told[0])


def _remove_bed(places: Places, bed: str, sent: Micros) -> None:
    for unit in places.units.values():
        if unit.beds and bed in unit.beds[-1][1]:
            unit.beds.append((sent, tuple(other for other in unit.beds[-1][1] if other != bed)))
