"""The timeline of the house's facts, with the alarms by which a lost monitor was heard of again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from hubapp.facts import AlarmFact, AnyFact
from hubapp.rules.episode import Held, Known
from hubapp.rules.house import House, Timeline


class HeldFact(msgspec.Struct, frozen=True, gc=False):
    """A fact of the house as it is held; thresholds: the hash of those in force at its place in the log."""

    fact: AnyFact
    thresholds: str


order_of = attrgetter("fact.order")


def told(house: House, facts: Iterable[HeldFact], alarms: Iterable[Held], known: Known) -> Timeline:
    """*house* with *facts*, which come in their order. Alarms are heard by lost monitors, which are known once the house is."""
    facts = list(facts)
    timeline = Timeline(house)
    for held in facts:
        timeline.tell(held.fact, known[held.thresholds].presence)
    if not timeline.losses:
        return timeline
    heard = [(one, monitor) for one in alarms if (monitor := timeline.monitor_of(one.fact)) in timeline.losses]
    return with_alarms(house, facts, heard, known) if heard else timeline


def with_alarms(house: House, facts: list[HeldFact], heard: Sequence[tuple[Held, str | None]], known: Known) -> Timeline:
    timeline = Timeline(house)
    everything: list[tuple[HeldFact | Held, str | None]] = [*((held, None) for held in facts), *heard]
    for held, monitor in sorted(everything, key=lambda pair: pair[0].fact.order):
        if monitor is not None and isinstance(held.fact, AlarmFact):
            timeline.hear(held.fact, monitor)
        else:
            timeline.tell(held.fact, known[held.thresholds].presence)
    return timeline
