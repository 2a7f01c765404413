"""What each rule costs: a simulated hub's facts through one ward and one house, in one process, without Kafka.

All that is counted is time of the processor, so a busy machine disturbs it less. Once as it is, which gives the rate; once
without the rules of the chronicle, which leaves episodes and attendance; once with a clock at each rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from time import thread_time
from typing import Any

import msgspec

from hubapp.bench.path import plan
from hubapp.chronicle.chronicle import Chronicle
from hubapp.chronicle.rules import OF_PATIENTS, OF_THE_HOUSE
from hubapp.facts import SECOND, AlarmFact, AnyFact, Micros, Progress, encode_fact
from hubapp.findings import canonical
from hubapp.household import state as house_state
from hubapp.household.household import Household
from hubapp.rules.scene import Rule
from hubapp.sim.ward import Ward as Simulated
from hubapp.ward import Ward
from hubapp.ward import state as ward_state
from hubapp.wire import Ignored, Malformed, Record, Zones, decode

Makes = Mapping[str, Callable[[], Rule]]
Spent = defaultdict[str, float]
Say = Callable[[str], None]
A_BATCH = 1_000
OUT_OF_ORDER = 10 * SECOND
"""Nothing is told later than so long after what was told before it: the watermark lies as far back."""
LATER: Micros = 1 << 62
ALL, ALONE, REST = "all", "episodes, attendance", "events in order, rows"


def run(alerts: int, beds: int, say: Say) -> dict[str, Any]:
    say(f"simulating about {alerts:,} alert records of {beds} beds")
    facts = list(simulated(alerts, beds))
    say(f"{len(facts):,} facts: as it is, without the rules of the chronicle, with a clock at each rule")
    whole, found = passed(facts, OF_PATIENTS, OF_THE_HOUSE)
    bare, told = passed(facts, {}, {})
    spent: Spent = defaultdict(float)
    total, _ = passed(facts, clocked(OF_PATIENTS, spent), clocked(OF_THE_HOUSE, spent))
    costs = {ALL: total, ALONE: bare, **dict(sorted(spent.items(), key=lambda one: -one[1]))}
    costs[REST] = max(0.0, total - bare - sum(spent.values()))
    findings = {**found, ALL: found.total(), ALONE: told.total()}
    return {
        "facts": len(facts),
        "seconds": round(whole, 2),
        "facts_per_second": round(len(facts) / whole),
        "rules": [row(name, seconds, total, len(facts), findings.get(name, 0)) for name, seconds in costs.items()],
    }


def row(name: str, seconds: float, total: float, facts: int, found: int) -> dict[str, Any]:
    return {
        "rule": name,
        "seconds": round(seconds, 2),
        "share": round(100 * seconds / total, 1),
        "µs a fact": round(1e6 * seconds / facts, 1),
        "findings": found,
    }


def simulated(alerts: int, beds: int) -> Iterator[AnyFact]:
    """The facts of a simulated hub in the order in which they are told, repeats left out."""
    seen: set[tuple[str, bytes | None]] = set()
    for number, (due, wire) in enumerate(Simulated(plan(alerts, beds)).records()):
        if (wire.topic, wire.value) in seen:
            continue
        seen.add((wire.topic, wire.value))
        key, headers = wire.key.encode() if wire.key else None, {name: value.encode() for name, value in wire.headers.items()}
        try:
            told = decode(Record(wire.topic, wire.topic, 0, number, due, key, wire.value, headers), Zones())
        except Malformed:
            continue
        if not isinstance(told, Ignored):
            yield from told


def passed(facts: list[AnyFact], of_patients: Makes, of_the_house: Makes) -> tuple[float, Counter[str]]:
    """Seconds of the processor for all *facts*, and how many findings were told by rule."""
    ward, household = Ward("bench", lambda subject: True, {}), Household("bench", {}, of_the_house.values())
    ward.chronicle = Chronicle(of_patients.values(), "bench", ward.known, ward.mine)
    found: Counter[str] = Counter()
    logged = [(encode_fact(fact), isinstance(fact, AlarmFact), fact.sent) for fact in facts]
    began, newest, waiting = thread_time(), 0, iter(logged)
    while batch := list(islice(waiting, A_BATCH)):
        for value, is_alarm, sent in batch:
            newest = max(newest, sent)
            ward.take(value, LATER)
            if not is_alarm:
                household.take(value, LATER)
        conclude(ward, household, newest - OUT_OF_ORDER, found)
    conclude(ward, household, newest + 86_400 * SECOND, found)
    return thread_time() - began, found


def conclude(ward: Ward, household: Household, now: Micros, found: Counter[str]) -> None:
    """Let it be *now*: write findings and rows as a worker does, tell the house."""
    progress = msgspec.json.encode(Progress(claims={"all": {"0": now}}, counts={"all": 1}))
    ward.take(progress, LATER)
    outcome = ward.conclude()
    for told in outcome.told:
        household.take(msgspec.json.encode(told), LATER)
    household.take(progress, LATER)
    of_the_house = household.hand_over()
    for finding in (*outcome.findings, *of_the_house.findings):
        canonical(finding)
        found[finding.rule] += 1
    for _ in (*ward_state.changes(ward, outcome), *house_state.changes(household, of_the_house)):
        pass


def clocked(makes: Makes, spent: Spent) -> Makes:
    """The same rules, which add to *spent* what they spend, by their name."""
    return {name: with_clock(make, name, spent) for name, make in makes.items()}


def with_clock(make: Any, name: str, spent: Spent) -> Callable[[], Rule]:
    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*args: Any) -> Any:
            began = thread_time()
            said = method(*args)
            said = said if isinstance(said, bool) else [*said]
            spent[name] += thread_time() - began
            return said

        return measured

    methods = {word: timed(getattr(make, word)) for word in ("hear", "found", "due", "over")}
    of_its_kind: Callable[[], Rule] = type(make.__name__, (make,), methods)
    return of_its_kind
