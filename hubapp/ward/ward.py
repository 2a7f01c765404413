"""The partition: takes the records of its log in their order, and says what they change.

Findings are concluded at records of progress and nowhere else, so the same log gives the same findings however it is cut
into batches.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush

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
    MonitorLost,
    MonitorPlaced,
    PatientSessionClosed,
    Progress,
    RulesChanged,
    SessionClosed,
    decode_log,
    encode_fact,
)
from hubapp.rules.episode import OPEN_END, Alarm, Held, Known
from hubapp.rules.house import House, Timeline
from hubapp.rules.moments import EARLIEST, start_of
from hubapp.thresholds import Thresholds, digest, parse
from hubapp.ward.index import Index, Key, alarm_key, links, stands
from hubapp.ward.memory import Clock, Remembered
from hubapp.ward.outcome import Outcome, held_key
from hubapp.ward.parking import NEAR, STRIDE, Parking
from hubapp.ward.telling import HeldFact, told
from hubapp.ward.watermark import LATENESS, Watermark

# The horizon moves in steps: settling costs the same for a second as for minutes.
STEP = 300 * SECOND
# What closes something is applied however late it is told.
CLOSING = (AlarmEnded, SessionClosed, MonitorBack, PatientSessionClosed)


class Ward:
    """State of one partition of hub-patients. `mine` says whether a subject is this partition's."""

    def __init__(self, cluster: str, mine: Callable[[str], bool], bounds: Mapping[str, Micros]) -> None:
        self.cluster, self.mine, self.bounds = cluster, mine, bounds
        self.house, self.horizon = House(), -OPEN_END
        self.watermark = Watermark()
        self.now: Micros | None = None
        self.known: Known = {}
        self.in_force = self.learn(Thresholds())
        self.facts: list[HeldFact] = []
        self.alarms: dict[Key, Remembered] = {}
        self.outcome = Outcome()
        self._timeline: Timeline | None = None
        self._touched: set[Key] = set()
        self._unheard: list[AnyAlarm] = []
        self._renamed: set[Key] = set()
        self._index = Index()
        self._dues: list[tuple[Micros, Key]] = []
        self.parking = Parking()

    def learn(self, thresholds: Thresholds) -> str:
        name = digest(thresholds)
        self.known[name] = thresholds
        return name

    # Taking records.

    def take(self, value: bytes, append_time: Micros) -> None:
        """Take one record of the log; progress concludes what was told before it, and what falls due."""
        record = decode_log(value)
        if isinstance(record, Progress):
            self.watermark.hear(record, {topic: append_time - bound for topic, bound in self.bounds.items()})
            self.outcome.progressed = True
            if not self.parking.has_near(self.watermark.at):
                self._go_on(self.watermark.at)
        else:
            self._take_fact(record, value)

    def _take_fact(self, fact: AnyFact, value: bytes) -> None:
        if isinstance(fact, RulesChanged):
            self.in_force = self.learn(parse(fact.thresholds))
            self.outcome.progressed = True
            return
        late = self.watermark.leaves_behind(fact.sent)
        if late and not isinstance(fact, CLOSING):
            self.outcome.late.append(fact)
            return
        if isinstance(fact, AlarmFact) and ("backfilled" in fact.quality or not self.mine(alarm_key(fact)[0])):
            return
        if late:
            fact = msgspec.structs.replace(fact, quality=(*fact.quality, "late"))
            value = encode_fact(fact)
        self.outcome.held[held_key(fact)] = self.in_force.encode() + b"\n" + value
        held = HeldFact(fact, self.in_force)
        if not self.parking.takes(held, self.now):
            self._apply(held)
        elif self.parking.is_new:
            self._park_too()

    def _go_on(self, now: Micros | None) -> int:
        """Let it be *now*, at most the watermark: how many facts that had waited were applied."""
        before, self.now, count = self.now, now, 0
        for held in self.parking.near(now):
            self._apply(held)
            count += 1
        self._conclude(before)
        return count

    def catch_up(self, enough: int = 200) -> bool:
        """After a backlog, follow the watermark for about *enough* facts. Returns whether there is more to do."""
        until, done = self.watermark.at, 0
        while until is not None and done < enough and self.parking.has_near(until):
            at = min(until, self.parking.first - NEAR + STRIDE)
            done += self._go_on(at if self.now is None else max(at, self.now))
        if self.parking.has_near(until):
            return True
        if self.now != until:
            self._go_on(until)
        return False

    def _park_too(self) -> None:
        """A backlog, after all: the few facts that were applied far ahead wait too, or nothing between would be in order."""
        after = EARLIEST if self.now is None else start_of(self.now + NEAR + 1)
        index = bisect_left(self.facts, after, key=lambda held: held.fact.order)
        ahead, self.facts, self._timeline = self.facts[index:], self.facts[:index], None
        for key, remembered in self.alarms.items():
            if let_go := remembered.let_go(after):
                ahead += [HeldFact(held.fact, held.thresholds) for held in let_go]
                self._touched.add(key)
        for held in ahead:
            self.parking.put(held)

    def _apply(self, held: HeldFact) -> None:
        if isinstance(held.fact, AlarmFact):
            self._take_alarm(held.fact, held.thresholds)
        else:
            self._take_house(held)

    def _take_alarm(self, fact: AnyAlarm, thresholds: str) -> None:
        key = alarm_key(fact)
        self.remember(key).hold(Held(fact.order, fact, thresholds))
        self._touched.add(key)
        if self._timeline is None:
            self._unheard.append(fact)
        elif self._timeline.losses:
            self._hear(fact, self._timeline)

    def _hear(self, fact: AnyAlarm, timeline: Timeline) -> None:
        """A lost monitor that sends an alarm is back."""
        monitor = timeline.monitor_of(fact)
        if monitor is None or monitor not in timeline.losses:
            return
        if not timeline.silent_at(monitor, fact.order):
            return
        self._touch(self._index.of("monitor", monitor), fact)
        if fact.order < timeline.tip or not timeline.hear(fact, monitor):
            self._timeline = None

    def _take_house(self, held: HeldFact) -> None:
        fact = held.fact
        if not self.facts or fact.order > self.facts[-1].fact.order:
            self.facts.append(held)
        else:
            insort(self.facts, held, key=lambda known: known.fact.order)
        self._touch(self._concerned(fact), fact)
        if self._timeline is None:
            return
        if fact.order < self._timeline.tip or (isinstance(fact, MonitorLost) and self._is_told_behind(fact)):
            self._timeline = None
        else:
            self._timeline.tell(fact, self.known[held.thresholds].presence)

    def _is_told_behind(self, loss: MonitorLost) -> bool:
        """Whether an alarm that was told already may be a sign of life after *loss*."""
        return any((held := self.alarms[key].held) and held[-1].order > loss.order for key in self._index.on(loss.monitor))

    def remember(self, key: Key) -> Remembered:
        if key not in self.alarms:
            self.alarms[key] = Remembered(Alarm(), {}, {})
            self._index.add(key, ())
        return self.alarms[key]

    def touch_everything(self) -> None:
        """After a take-over: look at every alarm once, to know when it is due."""
        for key, remembered in self.alarms.items():
            self._index.add(key, remembered.monitors)
        self._touched = set(self.alarms)

    def _concerned(self, fact: AnyFact) -> set[Key]:
        """The alarms that *fact* may say something about; of those that it renames all is told anew."""
        house = self._timeline.house if self._timeline is not None else self.house
        if isinstance(fact, BedPlaced) or (isinstance(fact, AccountFact) and (self._timeline is None or links(fact, house))):
            self._renamed |= set(self.alarms)
            return set(self.alarms)
        if isinstance(fact, AccountFact):
            closes = isinstance(fact, SessionClosed)
            return {key for key, r in self.alarms.items() if r.until >= fact.sent or (closes and r.doubtful)}
        keys = self._index.named(fact, house)
        if isinstance(fact, MonitorPlaced | EncounterChanged) and not (self._timeline is not None and stands(fact, house)):
            self._renamed |= keys
        return keys

    def _touch(self, keys: set[Key], fact: AnyFact) -> None:
        for key in keys:
            remembered = self.alarms[key]
            if fact.sent <= remembered.reached[0]:  # Also at the same instant: it may say where an alarm was when it began.
                remembered.tip = None
        self._touched |= keys

    # Concluding.

    def _conclude(self, before: Micros | None) -> None:
        now = self.now
        clock = Clock(-OPEN_END if now is None else now, -OPEN_END if before is None or now is None else before)
        if self._touched or (self._dues and self._dues[0][0] < clock.now):
            timeline = self.timeline()
            for key in sorted(self._touched.union(self._due(clock.now))):
                self._conclude_alarm(key, timeline, clock)
        self._touched, self._renamed = set(), set()
        if now is not None and not (self.watermark.over and now == self.watermark.at) and now - LATENESS - self.horizon >= STEP:
            self._settle(now - LATENESS)

    def _conclude_alarm(self, key: Key, timeline: Timeline, clock: Clock) -> None:
        remembered = self.alarms[key]
        news = list(remembered.conclude(timeline, self.known, clock, self.cluster, key in self._renamed))
        self._index.add(key, remembered.monitors)
        if remembered.due < OPEN_END:
            heappush(self._dues, (remembered.due, key))
        if news:
            self.outcome.findings += news
            self.outcome.alarms.add(key)

    def _due(self, now: Micros) -> Iterator[Key]:
        """The alarms that time alone changes; an entry of the heap may be one that was put off since."""
        while self._dues and self._dues[0][0] < now:
            due, key = heappop(self._dues)
            if key in self.alarms and self.alarms[key].due == due:
                yield key

    def timeline(self) -> Timeline:
        if self._timeline is None:
            self._timeline = self._told(self.facts, (held for r in self.alarms.values() for held in r.held))
            for fact in self._unheard:
                if (monitor := self._timeline.monitor_of(fact)) in self._timeline.losses:
                    self._touched |= self._index.of("monitor", monitor)
            self._unheard = []
        return self._timeline

    def _told(self, facts: list[HeldFact], alarms: Iterator[Held]) -> Timeline:
        return told(self.house, facts, alarms, self.known)

    def conclude(self) -> Outcome:
        """What the records taken since the last call have changed, all of it."""
        while self.catch_up():
            pass
        return self.hand_over()

    def hand_over(self) -> Outcome:
        """What was changed since the last call."""
        outcome, self.outcome = self.outcome, Outcome()
        return outcome

    # Letting go.

    def _settle(self, horizon: Micros) -> None:
        """Fold what no fact can precede any more into the summaries: alarms first, then the house that they looked at."""
        begin, since = start_of(horizon), self.horizon
        index = bisect_left(self.facts, begin, key=lambda held: held.fact.order)
        passed, self.facts = self.facts[:index], self.facts[index:]
        timeline = self._told(passed, (h for r in self.alarms.values() for h in r.held if h.order < begin))
        for key, remembered in list(self.alarms.items()):
            let_go, changed = remembered.settle(timeline, self.known, since, horizon)
            self.outcome.held.update((held_key(held.fact), None) for held in let_go)
            if remembered.forget(timeline, self.known, horizon) or changed:
                self.outcome.alarms.add(key)
            if remembered.empty:
                self.outcome.alarms.add(key)
                del self.alarms[key]
                self._index.drop(key)
        self.outcome.held.update((held_key(held.fact), None) for held in passed)
        self.outcome.monitors |= timeline.touched
        self.house, self.horizon = timeline.house, horizon
        self.house.accounts.prune(horizon)
        self.house.places.prune(horizon)
        if self._timeline is not None:
            self._timeline.forget(self.house, horizon)
        self.outcome.settled = self.outcome.settled or bool(passed)
