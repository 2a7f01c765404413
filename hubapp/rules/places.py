"""Where devices are: sensor -> monitor -> bed -> units, each learnt from records, each possibly late or changing.

Beds and groups are short histories of (sent, value): the place of then is looked up, not that of now; what was learnt
later counts only where nothing was known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, TypeVar

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

T = TypeVar("T")
History: TypeAlias = list[tuple[Micros, T]]
LONG_AGO: Micros = -(1 << 62)


class Unit(msgspec.Struct):
    """A bed group: the histories of its name and of its beds. first: when its beds were told for the first time."""

    names: History[str] = []
    beds: History[tuple[str, ...]] = []
    first: Micros | None = None
    deleted: bool = False


class Place(msgspec.Struct, frozen=True):
    """Where a monitor stood. bed: its id; units: names of the groups; at: of when.

    known: the bed is decided. by: groups told until then are decided, whatever is forgotten of them.
    """

    bed: str | None = None
    units: tuple[str, ...] = ()
    unsure: bool = False
    at: Micros = LONG_AGO
    known: bool = False
    by: Micros = LONG_AGO


NOWHERE = Place()


class Places(msgspec.Struct):
    """Keys are folded serials, ids of devices and beds as text. unsure: monitors whose last assignment did not say where.

    newest_unit: when a group was told of for the first time, the last that was. only_unit: in a hub of one unit everything
    is in it.
    """

    monitors: dict[str, str] = {}
    serials: dict[str, str] = {}
    gateways: dict[str, str] = {}
    beds: dict[str, History[str | None]] = {}
    last_bed: dict[str, str] = {}
    unsure: dict[str, History[bool]] = {}
    bed_names: dict[str, str] = {}
    units: dict[str, Unit] = {}
    newest_unit: Micros = LONG_AGO
    only_unit: str | None = None

    def serial(self, device_id: str | None, serial: str | None) -> str | None:
        """The folded serial of a monitor that is named by serial or by id."""
        written = serial or self.serials.get(device_id or "")
        return fold(written) if written else None

    def place(self, monitor: str | None, at: Micros, before: Place = NOWHERE) -> Place:
        """Where *monitor* stood at *at*; *before*: what was decided of that when it was asked last."""
        if before.known and before.by >= self.newest_unit:
            return before
        if not before.known:
            before = self._bed_of(monitor, at)
            if not before.known:
                return NOWHERE
        found = {
            name_at(unit, key, before.at)
            for key, unit in self.units.items()
            if unit.first is not None and unit.first > before.by and before.bed in value_at(unit.beds, before.at)
        }
        if not found.difference(before.units):
            return before
        return msgspec.structs.replace(before, units=tuple(sorted({*before.units, *found})))

    def _bed_of(self, monitor: str | None, at: Micros) -> Place:
        history = self.beds.get(monitor or "")
        if not history:
            return NOWHERE
        at = max(at, history[0][0])
        unsure = self.unsure.get(monitor or "")
        return Place(value_at(history, at), (), bool(unsure and value_at(unsure, at)), at, known=True)

    def units_of(self, written: str, at: Micros, by: Micros = LONG_AGO) -> frozenset[str]:
        """The units that a place of a log-in named then: id or name of a unit or of a bed, without regard to case.

        Of those that were told of behind *by*.
        """
        wanted, found = fold(written), set()
        for key, unit in self.units.items():
            if unit.first is None or unit.first <= by:
                continue
            name, beds = name_at(unit, key, at), value_at(unit.beds, at)
            if wanted in (fold(key), fold(name)) or any(wanted in (fold(b), fold(self.bed_names.get(b, b))) for b in beds):
                found.add(name)
        return frozenset(found)

    def copy(self) -> Places:
        def histories(of: dict[str, History[T]]) -> dict[str, History[T]]:
            return {key: list(history) for key, history in of.items()}

        units = {
            key: msgspec.structs.replace(unit, names=list(unit.names), beds=list(unit.beds)) for key, unit in self.units.items()
        }
        return Places(
            dict(self.monitors), dict(self.serials), dict(self.gateways), histories(self.beds), dict(self.last_bed),
            histories(self.unsure), dict(self.bed_names), units, self.newest_unit, self.only_unit,
        )  # fmt: skip

    def prune(self, horizon: Micros) -> None:
        """Keep of each history what was true at the horizon and after it."""
        for history in self.beds.values():
            drop(history, horizon)
        for flags in self.unsure.values():
            drop(flags, horizon)
        for unit in self.units.values():
            drop(unit.names, horizon)
            drop(unit.beds, horizon)


def drop(history: History[T], horizon: Micros) -> None:
    while len(history) > 1 and history[1][0] <= horizon:
        del history[0]


def value_at(history: History[T], at: Micros) -> T:
    """What was true at *at*; before the first word, what that said."""
    found = history[0][1]
    for since, value in history:
        if since > at:
            break
        found = value
    return found


def name_at(unit: Unit, key: str, at: Micros) -> str:
    return value_at(unit.names, at) if unit.names else key


def tell(history: History[T], sent: Micros, value: T) -> None:
    if not history or history[-1][1] != value:
        history.append((sent, value))


def step(places: Places, fact: AnyFact) -> Iterator[tuple[str, str]]:
    """Learn from *fact*; facts come in their order. Yields (device, monitor), folded, for each link that is new."""
    match fact:
        case MonitorSeen():
            for sensor in fact.sensors:
                yield from _link(places, fold(sensor), fold(fact.monitor))
        case SensorRemoved(monitor=str(monitor)):
            yield from _link(places, fold(fact.sensor), fold(monitor))
        case DeviceChanged():
            yield from _device(places, fact)
        case MonitorPlaced():
            _placed(places, fact)
            yield from _known(places, fact.device_id, fact.serial)
        case EncounterChanged(serial=str(serial), bed=str(bed)):
            _stands(places, fold(serial), fact.sent, bed, unsure=False)
        case BedPlaced():
            _bed(places, fact)


def _link(places: Places, device: str, monitor: str) -> Iterator[tuple[str, str]]:
    if places.monitors.get(device) != monitor:
        places.monitors[device] = monitor
        yield device, monitor


def _device(places: Places, fact: DeviceChanged) -> Iterator[tuple[str, str]]:
    """A sensor names its monitor by the platform's id, whose serial may be known later."""
    yield from _known(places, fact.device_id, fact.serial)
    if fact.gateway_id:
        places.gateways[fold(fact.serial)] = fact.gateway_id
        if serial := places.serials.get(fact.gateway_id):
            yield from _link(places, fold(fact.serial), fold(serial))


def _known(places: Places, device_id: str | None, serial: str) -> Iterator[tuple[str, str]]:
    if device_id and places.serials.get(device_id) != serial:
        places.serials[device_id] = serial
        for sensor in sorted(sensor for sensor, gateway in places.gateways.items() if gateway == device_id):
            yield from _link(places, sensor, fold(serial))


def _placed(places: Places, fact: MonitorPlaced) -> None:
    """An assignment that does not say where leaves the last known bed, unsure, until one does."""
    monitor, unsure = fold(fact.serial), fact.place == "unsure"
    _stands(places, monitor, fact.sent, places.last_bed.get(monitor) if unsure else fact.bed, unsure=unsure)


def _stands(places: Places, monitor: str, sent: Micros, bed: str | None, *, unsure: bool) -> None:
    tell(places.beds.setdefault(monitor, []), sent, bed)
    tell(places.unsure.setdefault(monitor, []), sent, unsure)
    if bed:
        places.last_bed[monitor] = bed


def _bed(places: Places, fact: BedPlaced) -> None:
    if fact.unit is None:
        if fact.bed and fact.name:
            places.bed_names[fact.bed] = fact.name
        if fact.bed and fact.deleted:
            for unit in places.units.values():
                if unit.beds and fact.bed in unit.beds[-1][1]:
                    tell(unit.beds, fact.sent, tuple(other for other in unit.beds[-1][1] if other != fact.bed))
        return
    unit = places.units.setdefault(fact.unit, Unit())
    unit.deleted = fact.deleted
    if fact.name:
        tell(unit.names, fact.sent, fact.name)
    if fact.beds is not None or fact.deleted:
        if unit.first is None:
            unit.first = places.newest_unit = fact.sent
        tell(unit.beds, fact.sent, () if fact.deleted else tuple(fact.beds or ()))
    names = [one.names[-1][1] if one.names else key for key, one in places.units.items() if not one.deleted]
    places.only_unit = names[0] if len(names) == 1 else None
