"""The partition: takes the records of its log in their order, and says what they change.

Findings are concluded at records of progress and nowhere else, so the same log gives the same findings however it is cut
into batches.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping

import msgspec

from hubapp.chronicle.chronicle import Chronicle
from hubapp.chronicle.rules import OF_PATIENTS
from hubapp.facts import (
    AlarmFact,
    AnyAlarm,
    AnyFact,
    Micros,
    MonitorLost,
    Progress,
    RulesChanged,
    decode_log,
    encode_fact,
)
from hubapp.rules.episode import OPEN_END, Held, Known
from hubapp.rules.house import House, Timeline, naming
from hubapp.rules.moments import EARLIEST, start_of
from hubapp.thresholds import Thresholds, digest, parse
from hubapp.ward.alarms import Alarms
from hubapp.ward.concern import concerned
from hubapp.ward.index import Key, alarm_key
from hubapp.ward.memory import Clock
from hubapp.ward.outcome import Outcome, held_key
from hubapp.ward.parking import NEAR, Parking
from hubapp.ward.telling import HeldFact, order_of, told
from hubapp.ward.watermark import CLOSING, Watermark

# How many facts of a backlog are applied at once: many, since all is concluded after them; few, since others wait meanwhile.
ENOUGH = 1_000


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
        self.alarms = Alarms()
        self.outcome = Outcome()
        self._timeline: Timeline | None = None
        self._touched: set[Key] = set()
        self._unheard: list[AnyAlarm] = []
        self._renamed: set[Key] = set()
        self.parking = Parking()
        self.chronicle = Chronicle(OF_PATIENTS.values(), cluster, self.known, mine)

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

    def catch_up(self, enough: int = ENOUGH) -> bool:
        """After a backlog, follow the watermark for about *enough* facts. Returns whether there is more to do."""
        until = self.watermark.at
        if until is not None and self.parking.has_near(until):
            at = min(until, self.parking.until(enough))
            self._go_on(at if self.now is None else max(at, self.now))
        if self.parking.has_near(until):
            return True
        if self.now != until:
            self._go_on(until)
        return False

    def _go_on(self, now: Micros | None) -> None:
        """Let it be *now*, at most the watermark."""
        before, self.now = self.now, now
        horizon = self.watermark.next_horizon(now, self.horizon)
        if horizon is not None and (before is None or before < horizon):
            self._leap(before, horizon)
            return
        for held in self.parking.near(now):
            self._apply(held)
        self._conclude(before)
        if horizon is not None:
            self._forget(self._settle(horizon))

    def _leap(self, before: Micros | None, horizon: Micros) -> None:
        """All that was concluded lies before *horizon*: fold what has passed, and conclude from there on.

        So the facts of a backlog are applied once, and what is found of them is told once.
        """
        names, self._timeline = self._timeline and naming(self._timeline.house), None
        for remembered in self.alarms.values():
            remembered.tip = None
        for held in self.parking.near(self.now):
            self.hold(held)
        passed, self._unheard = self._settle(horizon), []
        self._touched |= {key for key, remembered in self.alarms.items() if not remembered.closed}
        if naming(self.timeline().house) != names:
            self._touched, self._renamed = set(self.alarms), set(self.alarms)
        self._conclude(before, horizon)
        self._forget(passed)

    def _park_too(self) -> None:
        """A backlog, after all: the few facts that were applied far ahead wait too, or nothing between would be in order."""
        after = EARLIEST if self.now is None else start_of(self.now + NEAR + 1)
        index = bisect_left(self.facts, after, key=order_of)
        ahead, self.facts, self._timeline = self.facts[index:], self.facts[:index], None
        for key, remembered in self.alarms.items():
            if let_go := remembered.let_go(after):
                ahead += [HeldFact(held.fact, held.thresholds) for held in let_go]
                self._touched.add(key)
        self.chronicle.let_go(after)
        self.parking.take_back(ahead)

    def hold(self, held: HeldFact) -> None:
        fact = held.fact
        self.chronicle.hold(fact, held.thresholds)
        if isinstance(fact, AlarmFact):
            self.alarms.remember(alarm_key(fact)).hold(Held(fact.order, fact, held.thresholds))
        elif not self.facts or fact.order > self.facts[-1].fact.order:
            self.facts.append(held)
        else:
            insort(self.facts, held, key=order_of)

    def _apply(self, held: HeldFact) -> None:
        self.hold(held)
        if isinstance(held.fact, AlarmFact):
            self._take_alarm(held.fact)
        else:
            self._take_house(held)

    def _take_alarm(self, fact: AnyAlarm) -> None:
        self._touched.add(alarm_key(fact))
        if self._timeline is None:
            self._unheard.append(fact)
        elif self._timeline.losses:
            self._hear(fact, self._timeline)

    def _hear(self, fact: AnyAlarm, timeline: Timeline) -> None:
        """A lost monitor that sends an alarm is back."""
        monitor = timeline.monitor_of(fact)
        if monitor is None or monitor not in timeline.losses or not timeline.wakes(monitor, fact):
            return
        self._touch(self.alarms.index.of("monitor", monitor), fact)
        if fact.order < timeline.tip or not timeline.hear(fact, monitor):
            self._timeline = None

    def _take_house(self, held: HeldFact) -> None:
        fact = held.fact
        self._touch(self._concerned(fact), fact)
        if self._timeline is None:
            return
        if fact.order < self._timeline.tip or (isinstance(fact, MonitorLost) and self._is_told_behind(fact)):
            self._timeline = None
        else:
            self._timeline.tell(fact, self.known[held.thresholds].presence)

    def _is_told_behind(self, loss: MonitorLost) -> bool:
        """Whether an alarm that was told already may be a sign of life after *loss*."""
        return any((held := self.alarms[key].held) and held[-1].order > loss.order for key in self.alarms.index.on(loss.monitor))

    def touch_everything(self) -> None:
        """After a take-over: look at every alarm once, to know when it is due."""
        for key in self.alarms:
            self.alarms.note(key)
        self._touched = set(self.alarms)

    def _concerned(self, fact: AnyFact) -> set[Key]:
        """The alarms that *fact* may say something about; of those that it renames all is told anew."""
        told = self._timeline is not None
        keys, renames = concerned(fact, self._timeline.house if self._timeline else self.house, told, self.alarms)
        if renames:
            self._renamed |= keys
        return keys

    def _touch(self, keys: set[Key], fact: AnyFact) -> None:
        self.alarms.touch(keys, fact)
        self._touched |= keys

    # Concluding.

    def _conclude(self, before: Micros | None, horizon: Micros | None = None) -> None:
        now = self.now
        clock = Clock(-OPEN_END if now is None else now, -OPEN_END if before is None or now is None else before)
        self._touched |= {*self.alarms.due(clock.now)}
        if self._touched:
            timeline = self.timeline()
            for key in sorted(self._touched):
                self._conclude_alarm(key, timeline, clock)
        self._touched, self._renamed = set(), set()
        if now is not None:
            self.outcome.findings += self.chronicle.conclude(now, horizon)

    def _conclude_alarm(self, key: Key, timeline: Timeline, clock: Clock) -> None:
        remembered = self.alarms[key]
        news = list(remembered.conclude(timeline, self.known, clock, self.cluster, key in self._renamed))
        self.alarms.note(key)
        for episode in remembered.shorts(timeline, self.known, clock.now):
            self.chronicle.tell(episode, episode.onset.thresholds if episode.onset else self.in_force)
        if news:
            self.outcome.findings += news
            self.outcome.alarms.add(key)

    def timeline(self) -> Timeline:
        if self._timeline is None:
            self._timeline = told(self.house, self.facts, self.alarms.held(), self.known)
            for fact in self._unheard:
                if (monitor := self._timeline.monitor_of(fact)) in self._timeline.losses:
                    self._touched |= self.alarms.index.of("monitor", monitor)
            self._unheard = []
        return self._timeline

    def conclude(self) -> Outcome:
        """What the records taken since the last call have changed, all of it."""
        while self.catch_up():
            pass
        return self.hand_over()

    def hand_over(self) -> Outcome:
        """What was changed since the last call."""
        outcome, self.outcome = self.outcome, Outcome()
        outcome.told, self.chronicle.news = self.chronicle.news, []
        return outcome

    # Letting go.

    def _settle(self, horizon: Micros) -> Timeline:
        """Fold what no fact can precede any more into the summaries: alarms first, then the house that they looked at."""
        begin, since = start_of(horizon), self.horizon
        index = bisect_left(self.facts, begin, key=order_of)
        passed, self.facts = self.facts[:index], self.facts[index:]
        timeline = told(self.house, passed, self.alarms.held(begin), self.known)
        for key, remembered in self.alarms.items():
            let_go, changed = remembered.settle(timeline, self.known, since, horizon)
            self.outcome.let_go(let_go)
            if changed:
                self.outcome.alarms.add(key)
        self.outcome.let_go(passed)
        self.outcome.monitors |= timeline.touched
        self.house, self.horizon = timeline.house, horizon
        self.house.prune(horizon)
        if self._timeline is not None:
            self._timeline.forget(self.house, horizon)
        self.outcome.settled = self.outcome.settled or bool(passed)
        return timeline

    def _forget(self, passed: Timeline) -> None:
        """Drop what nothing can change any more, as of the horizon; *passed*: what happened before it."""
        self.chronicle.settle(self.horizon)
        for key, remembered in list(self.alarms.items()):
            if remembered.forget(passed, self.known, self.horizon):
                self.outcome.alarms.add(key)
            if remembered.empty:
                self.outcome.alarms.add(key)
                self.alarms.forget(key)
