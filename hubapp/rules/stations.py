"""Where somebody typed a password: the place that a record names, and the units that it was in then."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hubapp.facts import Micros
from hubapp.rules.places import LONG_AGO
from hubapp.rules.scene import Scene


class Station(msgspec.Struct):
    """written: as the record has it. units: what groups that were told of until *by* say of it, whatever is forgotten."""

    written: str
    at: Micros
    units: tuple[str, ...] = ()
    by: Micros = LONG_AGO

    def decide(self, scene: Scene) -> None:
        """Keep what is known now: groups change, and what they were is forgotten."""
        newest = scene.house.places.newest_unit
        if self.by < newest:
            self.units, self.by = tuple(sorted(self.where(scene))), newest

    def where(self, scene: Scene) -> frozenset[str]:
        return scene.house.places.units_of(self.written, self.at, self.by).union(self.units)


def station(written: str, at: Micros, scene: Scene) -> Station:
    found = Station(written, at)
    found.decide(scene)
    return found


def units(stations: Iterable[Station], scene: Scene) -> frozenset[str]:
    """The units that they name; in a hub of one unit, that one. Empty: unknown."""
    if only := scene.house.places.only_unit:
        return frozenset({only})
    return frozenset().union(*(one.where(scene) for one in stations))
