"""Events in their order, the rules that hear them, and what is told of what they find."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple, TypeAlias

import msgspec

from hubapp.facts import (
    AccountFact,
    BedPlaced,
    DeviceChanged,
    EncounterChanged,
    Micros,
    MonitorPlaced,
    MonitorSeen,
)
from hubapp.findings import Finding
from hubapp.rules.episode import OPEN_END
from hubapp.rules.house import House
from hubapp.rules.moments import EARLIEST, Order, start_of
from hubapp.rules.scene import Conclusion, Event, Rule, Scene, rank
from hubapp.rules.told import EpisodeTold, Word
from hubapp.thresholds import Thresholds

# What says who an account is and where a device stands may change what is found of anything.
OF_EVERYTHING = (AccountFact, BedPlaced, MonitorPlaced, EncounterChanged, DeviceChanged, MonitorSeen)

RANK = attrgetter("rank")
NOTHING = EpisodeTold(id="")

Place: TypeAlias = tuple[str, str]
"""Of what is remembered: the name of a rule, and a key of its items."""


class Heard(NamedTuple):
    """An event at its place in the order; thresholds: the hash of those in force at its place in the log."""

    rank: tuple[Order, int]
    event: Event
    thresholds: str

    @property
    def sent(self) -> Micros:
        return self.rank[0][0]

    @property
    def is_word(self) -> bool:
        return isinstance(self.event, Word)


class Said(msgspec.Struct):
    """A finding as it was last told, and the instant behind which nothing changes it."""

    finding: Finding
    closes: Micros


class Course:
    """The rules with all that they have heard so far, and the house as it was then."""

    def __init__(self, scene: Scene, rules: list[Rule]) -> None:
        self.scene, self.rules = scene, rules
        self.tip: tuple[Order, int] = (EARLIEST, 0)
        self.touched: set[Place] = set()
        self.everything = False

    def hear(self, heard: Heard) -> None:
        scene, event = self.scene, heard.event
        scene.look_at(event, scene.known[heard.thresholds])
        for rule in self.rules:
            self.touched |= {(rule.name, key) for key in rule.hear(event, scene)}
        scene.pass_by(event)
        self.tip = heard.rank
        self.everything = self.everything or isinstance(event, OF_EVERYTHING)

    def copy(self) -> Course:
        other = Course(self.scene.copy(), [copied(rule) for rule in self.rules])
        other.tip = self.tip
        return other


def copied(rule: Rule) -> Rule:
    """The same rule that remembers the same, as its rows hold it."""
    other = type(rule)()
    other.items = {key: msgspec.json.decode(msgspec.json.encode(item), type=type(item)) for key, item in rule.items.items()}
    return other


class Chronicle:
    """settled: the course up to the horizon; behind it lie `held` and `words`, which the present course has heard up to now."""

    def __init__(
        self, rules: Iterable[Callable[[], Rule]], cluster: str, known: dict[str, Thresholds], mine: Callable[[str], bool]
    ) -> None:  # fmt: skip
        self.settled = Course(Scene(House(), cluster, known, mine), [make() for make in rules])
        self.horizon: Micros = -OPEN_END
        self.held: list[Heard] = []
        self.episodes: dict[str, tuple[EpisodeTold, str]] = {}
        self.said: dict[Place, dict[str, Said]] = {}
        self.changed: set[Place] = set()
        self.retold: set[str] = set()
        self._present: Course | None = None
        self._dues: dict[Place, Micros] = {}
        self._before: Micros = -OPEN_END

    def stands_at(self, now: Micros | None) -> None:
        """What it concluded last was as of *now*."""
        self._before = -OPEN_END if now is None else now

    # Taking events.

    def hold(self, event: Event, thresholds: str) -> None:
        """What lies before the place that has been reached makes it necessary to hear again all behind it.

        What lies before the horizon, and counts all the same, is heard there.
        """
        heard = Heard(max(rank(event), (start_of(self.horizon), 0)), event, thresholds)
        if not self.held or self.held[-1].rank <= heard.rank:
            self.held.append(heard)
        else:
            insort(self.held, heard, key=RANK)
        self._hear_again(heard)

    def tell(self, told: EpisodeTold, thresholds: str) -> None:
        """Take what is told of an episode now in place of what was told of it before."""
        before, begin = self.episodes.get(told.id, (NOTHING, ""))[0], start_of(self.horizon)
        told = self._in_time(told, before)
        if told == before or (before is NOTHING and told.onset is not None and told.onset.order < begin):
            return  # Nothing new; or all that it says was settled, and forgotten.
        old, new = list(before.words()), list(told.words())
        for word in old:
            if word not in new:
                self._drop(word)
        for word in new:
            if word not in old and word.order >= begin:
                self.hold(word, thresholds)
        self.episodes[told.id] = (told, thresholds)
        self.retold.add(told.id)

    def restore(self, told: EpisodeTold, thresholds: str) -> None:
        """What was told of an episode, as a row holds it."""
        self.episodes[told.id] = (told, thresholds)
        for word in told.words():
            if word.order >= start_of(self.horizon):
                self.hold(word, thresholds)

    def _in_time(self, told: EpisodeTold, before: EpisodeTold) -> EpisodeTold:
        """An end counts however late it is told: then at the horizon."""
        end, known = told.ended, before.ended
        if end is None or end.order >= start_of(self.horizon):
            return told
        if known is None or (known.by, known.end) != (end.by, end.end):
            known = msgspec.structs.replace(end, order=(self.horizon, end.id, -1, -1, -1))
        return msgspec.structs.replace(told, ended=known)

    def _drop(self, word: Word) -> None:
        index = bisect_left(self.held, rank(word), key=RANK)
        while index < len(self.held) and self.held[index].rank == rank(word):
            if self.held[index].event == word:
                self._hear_again(self.held.pop(index))
                return
            index += 1

    def _hear_again(self, heard: Heard) -> None:
        if self._present is not None and heard.rank <= self._present.tip:
            self._present = None

    # Concluding.

    def conclude(self, now: Micros) -> Iterator[Finding]:
        """Hear all that was sent up to *now*; yield the findings that are new or changed."""
        again = self._present is None
        course = self._present = self._present or self.settled.copy()
        for heard in self.held[bisect_right(self.held, course.tip, key=RANK) :]:
            if heard.sent > now:
                break
            course.hear(heard)
        rules = {rule.name: rule for rule in course.rules}
        everything = again or course.everything
        places = self._all(course) if everything else course.touched | {p for p, due in self._dues.items() if due < now}
        for name, key in sorted(places):
            yield from self._news((name, key), rules[name], course.scene, now)
        course.touched, course.everything, self._before = set(), False, now

    def _all(self, course: Course) -> set[Place]:
        return {(rule.name, key) for rule in course.rules for key in rule.items} | {*self.said}

    def _news(self, place: Place, rule: Rule, scene: Scene, now: Micros) -> Iterator[Finding]:
        key, said = place[1], self.said.get(place, {})
        found = {one.finding.id: one for one in rule.found(key, scene, now)} if key in rule.items else {}
        for name, (finding, closes) in found.items():
            if finding_is_new(finding, closes, said.get(name), now, self._before):
                self.said.setdefault(place, {})[name] = Said(finding, closes)
                self.changed.add(place)
                yield finding
        heirs = sorted(found)
        for name, one in said.items():
            if name not in found and one.finding.status != "retracted" and one.closes >= self.horizon:
                replaced = msgspec.structs.replace(
                    one.finding, status="retracted", revision=one.finding.revision + 1, replaced_by=heirs[0] if heirs else None
                )
                said[name] = Said(replaced, now)
                self.changed.add(place)
                yield replaced
        self._dues[place] = min((due for due in due_of(rule, key, found.values()) if due >= now), default=OPEN_END)

    # Letting go.

    def settle(self, horizon: Micros) -> list[Heard]:
        """Fold what no event can precede any more. Returns what is held no more."""
        begin = start_of(horizon)
        index = bisect_left(self.held, (begin, 0), key=RANK)
        passed, self.held = self.held[:index], self.held[index:]
        for heard in passed:
            self.settled.hear(heard)
        self.changed |= self.settled.touched
        self.settled.touched, self.settled.everything, self.horizon = set(), False, horizon
        for course in (self.settled, self._present):
            if course is not None:
                course.scene.prune(horizon)
                self._forget(course.rules, horizon)
        for name, (told, _) in list(self.episodes.items()):
            if (told.ended is not None or told.onset is None) and all(word.order < begin for word in told.words()):
                del self.episodes[name]
                self.retold.add(name)
        return passed

    def _forget(self, rules: list[Rule], horizon: Micros) -> None:
        for rule in rules:
            for key in [key for key in rule.items if rule.over(key, horizon)]:
                del rule.items[key]
                self.changed.add((rule.name, key))
        for place, said in list(self.said.items()):
            gone = [name for name, one in said.items() if one.closes < horizon]
            for name in gone:
                del said[name]
                self.changed.add(place)
            if not said:
                del self.said[place]
                self._dues.pop(place, None)


def due_of(rule: Rule, key: str, found: Iterable[Conclusion]) -> Iterator[Micros]:
    """The instants behind which time alone changes what is found."""
    if key in rule.items:
        yield from rule.due(key)
    for one in found:
        yield one.closes


def finding_is_new(finding: Finding, closes: Micros, said: Said | None, now: Micros, before: Micros) -> bool:
    """Number *finding*, and give it its status, if it says anything that *said* did not.

    Final: this progress closed its window. Amended: an earlier one had, and it is not what was told then.
    """
    status = "final" if now > closes else "provisional"
    if said is None:
        finding.revision = 1
    else:
        old = said.finding
        finding.status, finding.revision = old.status, old.revision
        closed = old.status in ("final", "amended")
        if finding == old and old.status != "retracted" and closed == (status == "final"):
            return False
        finding.revision += 1
    finding.status = "final" if status == "final" and closes >= before else "amended" if status == "final" else "provisional"
    return True
