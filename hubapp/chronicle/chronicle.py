"""Events in their order, the rules that hear them, and what is told of what they find."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple, TypeAlias

import msgspec

from hubapp.chronicle.marked import marked
from hubapp.chronicle.said import RETRACTED_KEPT, Said, finding_is_new
from hubapp.facts import Micros
from hubapp.findings import Finding
from hubapp.rules.episode import OPEN_END
from hubapp.rules.house import House, copy_of
from hubapp.rules.moments import EARLIEST, Order, start_of
from hubapp.rules.scene import Conclusion, Event, Heirs, Rule, Scene, rank
from hubapp.rules.told import EpisodeTold, Handled, Word
from hubapp.thresholds import Thresholds

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
        self.everything = scene.pass_by(event) or self.everything
        self.tip = heard.rank

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
        self.news: list[EpisodeTold] = []
        self._present: Course | None = None
        self._rows: dict[Place, int] = {}
        self._dues: dict[Place, Micros] = {}
        self._before: Micros = -OPEN_END

    def resume(self, house: House, horizon: Micros, now: Micros | None) -> None:
        """Stand where another stood: *house* as it was at the *horizon*, the last conclusion as of *now*."""
        self.settled.scene.house = copy_of(house)
        self.horizon, self._before = horizon, -OPEN_END if now is None else now

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
        old, new = list(before.words()), list(told.words())
        if told == before or (before is NOTHING and new and all(word.order < begin for word in new)):
            return  # Nothing new; or all that it says was settled, and forgotten. What was may be resumed.
        for word in old:
            if word not in new:
                self._drop(word)
        for word in new:
            if word not in old and counts(word, begin):
                self.hold(word, thresholds)
        self.episodes[told.id] = (told, thresholds)
        self.retold.add(told.id)
        self.news.append(told)

    def restore(self, told: EpisodeTold, thresholds: str) -> None:
        """What was told of an episode, as a row holds it."""
        self.episodes[told.id] = (told, thresholds)
        for word in told.words():
            if counts(word, start_of(self.horizon)):
                self.hold(word, thresholds)

    def let_go(self, after: Order) -> None:
        """Hold no facts that come behind *after*: they will be told again, in their order."""
        kept = [heard for heard in self.held if heard.is_word or heard.rank[0] < after]
        if len(kept) < len(self.held):
            self.held, self._present = kept, None

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

    def conclude(self, now: Micros, horizon: Micros | None = None) -> Iterator[Finding]:
        """Hear all that was sent up to *now*; yield the findings that are new or changed.

        horizon: no event can precede it any more, so what lies before it is heard but once. It is settled next.
        """
        if horizon is not None:
            self._fold(horizon)
            self._present = None
        again = self._present is None
        course = self._present = self._present or self.settled.copy()
        for heard in self.held[bisect_right(self.held, course.tip, key=RANK) :]:
            if heard.sent > now:
                break
            course.hear(heard)
        rules = {rule.name: rule for rule in course.rules}
        everything = again or course.everything
        places = self._all(course) if everything else course.touched | {p for p, due in self._dues.items() if due < now}
        found = {place: self._found(place, rules[place[0]], course.scene, now) for place in sorted(places)}
        self._move(found)
        for place, of in found.items():
            yield from self._news(place, of, rules[place[0]], course.scene, now)
        course.touched, course.everything, self._before = set(), False, now

    def _all(self, course: Course) -> set[Place]:
        return {(rule.name, key) for rule in course.rules for key in rule.items} | {*self.said}

    def _found(self, place: Place, rule: Rule, scene: Scene, now: Micros) -> dict[str, Conclusion]:
        found = rule.found(place[1], scene, now) if place[1] in rule.items else ()
        return {one.finding.id: one for one in marked(rule.name, found, scene)}

    def _move(self, found: dict[Place, dict[str, Conclusion]]) -> None:
        """What is found at another place now goes on there: its revisions must grow."""
        gone = {name: place for place, of in found.items() for name in self.said.get(place, {}) if name not in of}
        for place, of in found.items() if gone else ():
            for name in of.keys() & gone.keys() - self.said.get(place, {}).keys():
                self.said.setdefault(place, {})[name] = self.said[gone[name]].pop(name)
                self.changed |= {place, gone[name]}

    def _news(
        self, place: Place, found: dict[str, Conclusion], rule: Rule, scene: Scene, now: Micros
    ) -> Iterator[Finding]:  # fmt: skip
        key, said = place[1], self.said.get(place, {})
        for name, (finding, closes) in sorted(found.items()):
            if closes < self.horizon and name not in said:
                continue  # It was told, and is forgotten.
            if finding_is_new(finding, closes, said.get(name), now, self._before):
                self.said.setdefault(place, {})[name] = Said(finding, closes)
                self.changed.add(place)
                yield finding
        for name, one in sorted(said.items()):
            if name not in found and one.finding.status != "retracted" and one.closes >= self.horizon:
                heir = rule.heir(one.finding, scene, now) if isinstance(rule, Heirs) else None
                heir = heir or min(found, default=None)
                revision = one.finding.revision + 1
                replaced = msgspec.structs.replace(one.finding, status="retracted", revision=revision, replaced_by=heir)
                said[name] = Said(replaced, now + RETRACTED_KEPT)
                self.changed.add(place)
                yield replaced
        self._dues[place] = min((due for due in due_of(rule, key, found.values()) if due >= now), default=OPEN_END)

    # Letting go.

    def settle(self, horizon: Micros) -> list[Heard]:
        """Fold what no event can precede any more. Returns what is held no more."""
        begin, passed = start_of(horizon), self._fold(horizon)
        self.horizon = horizon
        for course in (self.settled, self._present):
            if course is not None:
                course.scene.prune(horizon)
                self._forget(course.rules, horizon)
        self.note_changes()
        waiting = self._all(self.settled) | (self._all(self._present) if self._present else set())
        self._dues = {place: due for place, due in self._dues.items() if place in waiting}
        for name, (told, _) in list(self.episodes.items()):
            if told.over and all(word.order < begin for word in told.words()):
                del self.episodes[name]
                self.retold.add(name)
        return passed

    def _fold(self, horizon: Micros) -> list[Heard]:
        index = bisect_left(self.held, (start_of(horizon), 0), key=RANK)
        passed, self.held = self.held[:index], self.held[index:]
        for heard in passed:
            self.settled.hear(heard)
        self.settled.touched, self.settled.everything = set(), False
        return passed

    def _forget(self, rules: list[Rule], horizon: Micros) -> None:
        for rule in rules:
            for key in [key for key in rule.items if rule.over(key, horizon)]:
                del rule.items[key]
        for place, said in list(self.said.items()):
            gone = [name for name, one in said.items() if one.closes < horizon]
            for name in gone:
                del said[name]
                self.changed.add(place)
            if not said:
                del self.said[place]

    def note_changes(self) -> None:
        """Rows of what the settled course remembers otherwise than they hold it."""
        found = {
            (rule.name, key): hash(msgspec.json.encode(item)) for rule in self.settled.rules for key, item in rule.items.items()
        }
        self.changed |= {place for place in found.keys() | self._rows.keys() if found.get(place) != self._rows.get(place)}
        self._rows = found


def counts(word: Word, begin: Order) -> bool:
    """Whether it is not settled. Hands on an alarm that a loss had ended count when it is taken up, long after; twice is once."""
    return word.order >= begin or isinstance(word, Handled)


def due_of(rule: Rule, key: str, found: Iterable[Conclusion]) -> Iterator[Micros]:
    """The instants behind which time alone changes what is found."""
    if key in rule.items:
        yield from rule.due(key)
    for one in found:
        yield one.closes
