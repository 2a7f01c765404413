"""The same conclusions from all facts at once: sorted, in one process, with nothing settled and nothing forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from hubapp.chronicle import oracle as chronicle
from hubapp.chronicle.rules import OF_PATIENTS
from hubapp.facts import AlarmFact, AnyFact, Micros, RulesChanged
from hubapp.findings import Finding
from hubapp.rules import attendance, episodes, evidence
from hubapp.rules.episode import Alarm, Held, Known
from hubapp.rules.house import House, Timeline
from hubapp.rules.scene import Event
from hubapp.rules.short import is_due, short
from hubapp.rules.told import EpisodeTold
from hubapp.thresholds import Thresholds, digest, parse
from hubapp.ward.index import Key, alarm_key
from hubapp.ward.telling import HeldFact, told


def conclude(
    facts: Iterable[AnyFact], watermark: Micros, cluster: str, thresholds: Thresholds | None = None,
    mine: Callable[[str], bool] = lambda subject: True,
) -> list[Finding]:  # fmt: skip
    """All findings of *facts*, given in the order of a log, as of *watermark*; thresholds: those in force from the beginning.

    mine: of which subjects.
    """
    facts = list(facts)
    alarms, timeline, known = remembered(facts, thresholds)
    found: list[Finding] = []
    for of in alarms.values():
        found += episodes.evaluate(Alarm(), of, timeline, known, watermark, cluster)
        alarm = episodes.settle(Alarm(), of, timeline, known)
        found += attendance.evaluate({}, alarm, timeline, known, watermark, cluster)
    rules = [make() for make in OF_PATIENTS.values()]
    found += chronicle.fold(events(facts, watermark, thresholds), rules, watermark, cluster, known, mine)
    return sorted(found, key=lambda finding: (finding.rule, finding.start, finding.id))


def events(facts: list[AnyFact], watermark: Micros, thresholds: Thresholds | None) -> Iterator[tuple[Event, Thresholds]]:
    """What the rules of the chronicle hear of *facts*, and the thresholds that are in force for each."""
    in_force = thresholds or Thresholds()
    known = {digest(in_force): in_force}
    for fact in facts:
        if isinstance(fact, RulesChanged):
            in_force = parse(fact.thresholds)
            known[digest(in_force)] = in_force
        elif "backfilled" not in fact.quality:
            yield fact, in_force
    for one in shorts(facts, watermark, thresholds):
        assert one.onset is not None
        yield from ((word, known[one.onset.thresholds]) for word in one.words())


def shorts(facts: Iterable[AnyFact], watermark: Micros, thresholds: Thresholds | None = None) -> list[EpisodeTold]:
    """What other rules are told of the episodes, as of *watermark*."""
    alarms, timeline, known = remembered(facts, thresholds)
    told = []
    for of in alarms.values():
        alarm = episodes.settle(Alarm(), of, timeline, known)
        seen = evidence.settle({}, alarm, timeline, known)
        shown = [episodes.as_of(episode, known, watermark) for episode in alarm.episodes]
        for previous, episode in zip([None, *shown], shown, strict=False):
            due, attended = is_due(episode, known, watermark), seen.get(episode.start)
            verdict = None
            if due is not None and attended is not None:
                verdict = due, attendance.found(attended, episode, timeline, known, watermark, "").body["result"]
            told.append(short(episode, previous, attended, verdict, timeline))
    return told


def remembered(facts: Iterable[AnyFact], thresholds: Thresholds | None) -> tuple[dict[Key, list[Held]], Timeline, Known]:
    """The facts of each alarm and the timeline of all others, in their order."""
    in_force = digest(thresholds or Thresholds())
    known: Known = {in_force: thresholds or Thresholds()}
    alarms: defaultdict[Key, list[Held]] = defaultdict(list)
    house: list[HeldFact] = []
    for fact in facts:
        if isinstance(fact, RulesChanged):
            in_force = digest(parse(fact.thresholds))
            known[in_force] = parse(fact.thresholds)
        elif not isinstance(fact, AlarmFact):
            house.append(HeldFact(fact, in_force))
        elif "backfilled" not in fact.quality:
            alarms[alarm_key(fact)].append(Held(fact.order, fact, in_force))
    house.sort(key=lambda held: held.fact.order)
    timeline = told(House(), house, (held for of in alarms.values() for held in of), known)
    for of in alarms.values():
        of.sort(key=lambda held: held.order)
    return alarms, timeline, known
