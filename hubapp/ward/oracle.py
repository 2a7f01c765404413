"""The same conclusions from all facts at once: sorted, in one process, with nothing settled and nothing forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hubapp.facts import AlarmFact, AnyFact, Micros, RulesChanged
from hubapp.findings import Finding
from hubapp.rules import attendance, episodes
from hubapp.rules.episodes import Alarm, Held, Known, monitor_of
from hubapp.rules.house import House, Timeline
from hubapp.thresholds import Thresholds, digest, parse
from hubapp.ward.ward import Key, alarm_key


def conclude(facts: Iterable[AnyFact], watermark: Micros, cluster: str, thresholds: Thresholds | None = None) -> list[Finding]:
    """All findings of *facts*, in any order given, as of *watermark*; thresholds: those in force from the beginning."""
    known: Known = {}
    in_force = digest(thresholds or Thresholds())
    known[in_force] = thresholds or Thresholds()
    alarms: defaultdict[Key, list[Held]] = defaultdict(list)
    house: list[AnyFact] = []
    for fact in facts:
        if isinstance(fact, RulesChanged):
            in_force = digest(parse(fact.thresholds))
            known[in_force] = parse(fact.thresholds)
        elif not isinstance(fact, AlarmFact):
            house.append(fact)
        elif "backfilled" not in fact.quality:
            alarms[alarm_key(fact)].append(Held(fact, in_force))
    timeline = told(house, alarms.values(), known[in_force])
    found: list[Finding] = []
    for held in alarms.values():
        held.sort(key=lambda one: one.order)
        alarm = episodes.as_of(episodes.settle(Alarm(), held, timeline, known), known, watermark)
        found += episodes.findings(alarm, known, watermark, cluster)
        found += attendance.evaluate({}, alarm, timeline, known, watermark, cluster)
    return sorted(found, key=lambda finding: (finding.rule, finding.start, finding.id))


def told(house: list[AnyFact], alarms: Iterable[list[Held]], thresholds: Thresholds) -> Timeline:
    """The timeline of the whole house; alarms are heard by their monitors, which are known once the house is."""
    first = Timeline(House(), thresholds.presence)
    first.tell(sorted(house, key=lambda fact: fact.order))
    heard = [(held.fact, monitor_of(held.fact, first)) for facts in alarms for held in facts]
    timeline = Timeline(House(), thresholds.presence)
    everything: list[tuple[AnyFact, str | None]] = [*((fact, None) for fact in house), *heard]
    for fact, monitor in sorted(everything, key=lambda pair: pair[0].order):
        if not isinstance(fact, AlarmFact):
            timeline.tell([fact])
        elif monitor:
            timeline.hear(fact, monitor)
    return timeline
