"""The state of the house as the tables hold it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from hubapp.chronicle import rows
from hubapp.chronicle.rows import VERSION, decoded, encoded
from hubapp.facts import Micros, decode_log
from hubapp.household.household import Household, HouseOutcome
from hubapp.rules.accounts import Accounts
from hubapp.rules.house import House
from hubapp.rules.monitors import Monitor
from hubapp.rules.places import Places
from hubapp.rules.unseen import Unseen
from hubapp.thresholds import Thresholds
from hubapp.ward.watermark import Watermark

HELD, TOLD, MONITOR = "held/", "told/", "monitor/"


class ProgressRow(msgspec.Struct):
    """Where the house stands: the horizon of its summaries, its watermark, the thresholds it ever met.

    began: the oldest record of each authentication service that was ever read. gaps: what was not seen of the sources.
    """

    version: int
    horizon: Micros
    watermark: Watermark
    known: dict[str, Thresholds]
    in_force: str
    now: Micros | None
    began: dict[str, Micros]
    gaps: list[Unseen] = []


def changes(household: Household, outcome: HouseOutcome) -> Iterator[tuple[str, bytes, bytes | None]]:
    """(table, key, value) of all that *outcome* changed; None deletes."""
    chronicle = household.chronicle
    for name, value in outcome.held.items():
        yield "house", (HELD + name).encode(), value
    for key, value in rows.told_changes(chronicle):
        yield "house", TOLD.encode() + key, value
    yield from rows.changes(chronicle)
    if outcome.settled:
        yield from _summary(chronicle.settled.scene.house)
    if outcome.progressed:
        scene = chronicle.settled.scene
        row = ProgressRow(
            VERSION, chronicle.horizon, household.watermark, household.known, household.in_force, household.now, scene.began,
            scene.house.gaps,
        )  # fmt: skip
        yield "house", b"progress", encoded(row)


def _summary(house: House) -> Iterator[tuple[str, bytes, bytes | None]]:
    for serial, monitor in house.monitors.items():
        yield "house", (MONITOR + serial).encode(), encoded(monitor)
    yield "house", b"accounts", encoded(house.accounts)
    yield "house", b"places", encoded(house.places)


def restore(household: Household, tables: Mapping[str, Iterable[tuple[bytes, bytes]]]) -> None:
    """Bring *household* to where its tables say that it stood."""
    chronicle, house = household.chronicle, dict(tables["house"])
    if (value := house.get(b"progress")) is not None:
        row = decoded(value, ProgressRow)
        household.watermark, household.in_force, household.now = row.watermark, row.in_force, row.now
        household.known.update(row.known)
        chronicle.settled.scene.began = row.began
        chronicle.resume(_summarised(house, row.gaps), row.horizon, row.now)
    rows.restore(chronicle, tables, (value for _, value in _of(house, TOLD)))
    for _, value in _of(house, HELD):
        thresholds, _, fact = value.partition(b"\n")
        chronicle.hold(decode_log(fact), thresholds.decode())


def _summarised(house: Mapping[bytes, bytes], gaps: list[Unseen]) -> House:
    monitors = {key: decoded(value, Monitor) for key, value in _of(house, MONITOR)}
    if b"accounts" not in house:
        return House(monitors, gaps=gaps)
    return House(monitors, decoded(house[b"accounts"], Accounts), decoded(house[b"places"], Places), gaps)


def _of(house: Mapping[bytes, bytes], prefix: str) -> Iterator[tuple[str, bytes]]:
    for key, value in house.items():
        if key.startswith(prefix.encode()):
            yield key.decode().removeprefix(prefix), value
