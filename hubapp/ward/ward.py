"""The partition: takes the records of its log in their order, and says what they change."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from hubapp.facts import (
    SECOND,
    AccountFact,
    AlarmEnded,
    AlarmFact,
    AnyAlarm,
    AnyFact,
    BedPlaced,
    EncounterChanged,
    Micros,
    MonitorBack,
    PatientSessionClosed,
    Progress,
    RulesChanged,
    SessionClosed,
    decode_log,
    encode_fact,
    fold,
)
from hubapp.findings import Finding
from hubapp.rules.episodes import Alarm, Held, Known, monitor_of
from hubapp.rules.house import House, Timeline
from hubapp.thresholds import Thresholds, digest, parse
from hubapp.ward.memory import Remembered
from hubapp.ward.watermark import Watermark

LATENESS = 600 * SECOND
# The horizon moves in steps: settling costs the same for a second as for half a minute.
STEP = 30 * SECOND
# What closes something is applied however late it is told.
CLOSING = (AlarmEnded, SessionClosed, MonitorBack, PatientSessionClosed)

Key = tuple[str, str, str]


@dataclass
class Outcome:
    """What a batch of the log changed: findings to tell, facts that came too late, keys whose state is to be written."""

    findings: list[Finding] = field(default_factory=list)
    late: list[AnyFact] = field(default_factory=list)
    held: dict[str, bytes | None] = field(default_factory=dict)
    alarms: set[Key] = field(default_factory=set)
    settled: bool = False
    progressed: bool = False


class Ward:
    """State of one partition of hub-patients. `mine` says whether a subject is this partition's."""

    def __init__(self, cluster: str, mine: Callable[[str], bool], bounds: Mapping[str, Micros]) -> None:
        self.cluster, self.mine, self.bounds = cluster, mine, bounds
        self.house, self.horizon = House(), -(1 << 62)
        self.watermark = Watermark()
        self.known: Known = {}
        self.in_force = self.learn(Thresholds())
        self.facts: list[AnyFact] = []
        self.alarms: dict[Key, Remembered] = {}
        self.outcome = Outcome()
        self._timeline: Timeline | None = None
        self._touched: set[Key] = set()
        self._on: defaultdict[str | None, set[Key]] = defaultdict(set)

    def learn(self, thresholds: Thresholds) -> str:
        name = digest(thresholds)
        self.known[name] = thresholds
        return name

    # Taking records.

    def take(self, value: bytes, append_time: Micros) -> None:
        """Take one record of the log; findings that fall due by it are concluded at once, at its place in the log."""
        told = decode_log(value)
        if isinstance(told, Progress):
            self.outcome.progressed = True
            if self.watermark.hear(told, {topic: append_time - bound for topic, bound in self.bounds.items()}):
                self._conclude_due()
        else:
            self._take_fact(told, value)

    def _take_fact(self, fact: AnyFact, value: bytes) -> None:
        if isinstance(fact, RulesChanged):
            self.in_force = self.learn(parse(fact.thresholds))
            self.outcome.settled = True
        elif self._too_late(fact):
            self.outcome.late.append(fact)
        elif isinstance(fact, AlarmFact):
            self._take_alarm(fact, value)
        else:
            self._take_house(fact, value)

    def _too_late(self, fact: AnyFact) -> bool:
        late = self.watermark.at is not None and fact.sent < self.watermark.at - LATENESS
        return late and not isinstance(fact, CLOSING)

    def _marked(self, fact: AnyFact) -> AnyFact:
        """What closes something is applied also when it is late, and says so."""
        if self.watermark.at is None or fact.sent >= self.watermark.at - LATENESS or "late" in fact.quality:
            return fact
        return msgspec.structs.replace(fact, quality=(*fact.quality, "late"))

    def _take_alarm(self, fact: AnyAlarm, value: bytes) -> None:
        key = alarm_key(fact)
        if "backfilled" in fact.quality or not self.mine(key[0]):
            return
        marked = self._marked(fact)
        self.remember(key).hold(Held(marked, self.in_force))  # type: ignore[arg-type]  # It stays the alarm it was.
        self._touched.add(key)
        self._hold(marked, value)
        if self._timeline is not None and self._timeline.lost_somewhere():
            self._timeline = None

    def _take_house(self, told: AnyFact, value: bytes) -> None:
        fact = self._marked(told)
        if not self.facts or fact.order > self.facts[-1].order:
            self.facts.append(fact)
            if self._timeline is not None:
                self._timeline.tell([fact])
        else:
            insort(self.facts, fact, key=lambda known: known.order)
            self._timeline = None
        self._touch(fact)
        self._hold(fact, value)

    def _hold(self, fact: AnyFact, value: bytes) -> None:
        kept = encode_fact(fact) if "late" in fact.quality else value
        self.outcome.held[held_key(fact)] = self.in_force.encode() + b"\n" + kept

    def touch_everything(self) -> None:
        """After a take-over: look at every alarm once, to know when it is due."""
        self._touched = set(self.alarms)

    def remember(self, key: Key) -> Remembered:
        if key not in self.alarms:
            self.alarms[key] = Remembered(Alarm(), {}, {})
        return self.alarms[key]

    def _touch(self, fact: AnyFact) -> None:
        """The alarms that *fact* may say something about."""
        monitor = getattr(fact, "monitor", None) or getattr(fact, "serial", None)
        if isinstance(fact, AccountFact | BedPlaced) or monitor is None:
            keys = set(self.alarms)
        else:
            keys = self._on[fold(monitor)] | self._on[None]
        if isinstance(fact, EncounterChanged) and fact.patient:
            keys |= {key for key in self.alarms if key[0] == fold(fact.patient)}
        everything = isinstance(fact, BedPlaced) or (isinstance(fact, AccountFact) and self._links(fact))
        self._touched |= {key for key in keys if everything or self.alarms[key].until >= fact.sent}

    def _links(self, fact: AccountFact) -> bool:
        """Whether it says for the first time that an id and a name are one account."""
        if not fact.account_id or not fact.account_name:
            return False
        names = (self._timeline.house if self._timeline else self.house).accounts.names
        return fold(fact.account_id) not in names or self._timeline is None

    # Concluding.

    def timeline(self) -> Timeline:
        if self._timeline is None:
            self._timeline = self._told(self.facts, [held for r in self.alarms.values() for held in r.held])
        return self._timeline

    def _told(self, facts: list[AnyFact], alarms: list[Held]) -> Timeline:
        """The house with *facts*; where a monitor is lost, its alarms are heard too."""
        timeline = Timeline(self.house, self.known[self.in_force].presence)
        timeline.tell(facts)
        if not timeline.lost_somewhere():
            return timeline
        heard = [(held.fact, monitor_of(held.fact, timeline)) for held in alarms]
        timeline = Timeline(self.house, self.known[self.in_force].presence)
        told: list[tuple[AnyFact, str | None]] = [*((fact, None) for fact in facts), *heard]
        for fact, monitor in sorted(told, key=lambda pair: pair[0].order):
            if not isinstance(fact, AlarmFact):
                timeline.tell([fact])
            elif monitor:
                timeline.hear(fact, monitor)
        return timeline

    def _conclude_due(self) -> None:
        assert self.watermark.at is not None
        self._conclude(self._touched | {key for key, r in self.alarms.items() if r.due < self.watermark.at})

    def _conclude(self, keys: set[Key]) -> None:
        timeline = self.timeline() if keys else None
        for key in sorted(keys):
            remembered = self.alarms[key]
            before = remembered.monitors
            assert timeline is not None
            news = list(remembered.conclude(timeline, self.known, self.watermark.at, self.cluster))
            for monitor in before - remembered.monitors:
                self._on[monitor].discard(key)
            for monitor in remembered.monitors:
                self._on[monitor].add(key)
            if news:
                self.outcome.findings += news
                self.outcome.alarms.add(key)
        self._touched -= keys

    def conclude(self) -> Outcome:
        """Conclude what the records taken since the last call say, and let go of what has passed."""
        self._conclude(set(self._touched))
        if self.watermark.at is not None and self.watermark.at - LATENESS - self.horizon >= STEP:
            self._settle(self.watermark.at - LATENESS)
        outcome, self.outcome = self.outcome, Outcome()
        return outcome

    def _settle(self, horizon: Micros) -> None:
        """Fold what no fact can precede any more into the summaries: alarms first, then the house that they looked at."""
        index = bisect_left(self.facts, (horizon, "", -1, -1, -1), key=lambda fact: fact.order)
        passed, self.facts = self.facts[:index], self.facts[index:]
        before = (horizon, "", -1, -1, -1)
        timeline = self._told(passed, [held for r in self.alarms.values() for held in r.held if held.order < before])
        for key, remembered in list(self.alarms.items()):
            let_go = remembered.settle(timeline, self.known, horizon)
            remembered.forget(self.known, horizon)
            self.outcome.held.update({held_key(held.fact): None for held in let_go})
            self.outcome.alarms.add(key)
            if remembered.empty:
                self._drop(key)
        self.outcome.held.update({held_key(fact): None for fact in passed})
        self.house, self.horizon, self._timeline = timeline.house, horizon, None
        self.house.accounts.prune(horizon)
        self.house.places.prune(horizon)
        self.outcome.settled = True

    def _drop(self, key: Key) -> None:
        for monitor in self.alarms.pop(key).monitors:
            self._on[monitor].discard(key)
        self._touched.discard(key)


def alarm_key(fact: AlarmFact) -> Key:
    """Subject, device and condition, folded: the subject is what chooses the partition."""
    return fold(fact.patient or fact.monitor or fact.device), fold(fact.device), fact.condition


def held_key(fact: AnyFact) -> str:
    return f"{fact.topic}/{fact.partition}/{fact.offset}/{fact.index}"


def concerns(fact: AnyFact) -> str:
    """What a fact is about, to choose the one partition that speaks of it."""
    named = (getattr(fact, name, None) for name in ("patient", "monitor", "serial", "device_id", "account_id", "account_name"))
    return fold(next((str(value) for value in named if value), fact.topic))
