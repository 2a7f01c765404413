"""The same conclusions from all events at once: sorted, in one process, with nothing settled and nothing forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hubapp.chronicle.marked import marked
from hubapp.facts import AlarmFact, AnyFact, Micros
from hubapp.findings import Finding
from hubapp.rules.house import House
from hubapp.rules.scene import Event, Rule, Scene, rank
from hubapp.thresholds import Thresholds


def conclude(
    events: Iterable[Event], rules: Iterable[Rule], watermark: Micros, cluster: str, thresholds: Thresholds | None = None,
    known: dict[str, Thresholds] | None = None, mine: Callable[[str], bool] = lambda subject: True,
) -> list[Finding]:  # fmt: skip
    """All findings of *rules*, new ones, about *events* that were sent by *watermark*; thresholds: those of all of them."""
    in_force = thresholds or Thresholds()
    return fold(((event, in_force) for event in events), rules, watermark, cluster, known or {}, mine)


def fold(
    events: Iterable[tuple[Event, Thresholds]], rules: Iterable[Rule], watermark: Micros, cluster: str,
    known: dict[str, Thresholds], mine: Callable[[str], bool] = lambda subject: True,
) -> list[Finding]:  # fmt: skip
    """The same of events each with the thresholds that are in force for it."""
    scene, told = Scene(House(), cluster, known, mine), list(rules)
    for event, in_force in sorted(events, key=lambda pair: rank(pair[0])):
        if event.order[0] > watermark:
            break
        scene.look_at(event, in_force)
        for rule in told:
            list(rule.hear(event, scene))
        scene.pass_by(event)
    found = []
    for rule in told:
        for key in sorted(rule.items):
            for finding, closes in marked(rule.name, rule.found(key, scene, watermark), scene):
                if finding.status != "retracted":
                    finding.status = "final" if watermark > closes else "provisional"
                    found.append(finding)
    return sorted(found, key=lambda finding: (finding.rule, finding.start, finding.id))


def heard_by_the_house(fact: AnyFact) -> bool:
    """Alarms go to the patients' log alone; the house is told of episodes."""
    return not isinstance(fact, AlarmFact)
