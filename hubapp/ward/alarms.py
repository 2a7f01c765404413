"""The alarms of a partition: found by what they are on, and by when time alone changes what is found of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from hubapp.facts import AnyFact, Micros
from hubapp.rules.episode import OPEN_END, Alarm, Held
from hubapp.rules.moments import LATEST, Order
from hubapp.ward.index import Index, Key
from hubapp.ward.memory import Remembered


class Alarms(dict[Key, Remembered]):
    """By key. dues: the nearest first; one that was put off since stays until its time, and is nothing then."""

    def __init__(self) -> None:
        super().__init__()
        self.index = Index()
        self._dues: list[tuple[Micros, Key]] = []

    def remember(self, key: Key) -> Remembered:
        if key not in self:
            self[key] = Remembered(Alarm(), {}, {})
            self.index.add(key, ())
        return self[key]

    def note(self, key: Key) -> None:
        """Keep in mind where *key* was found to be, and when it is due."""
        self.index.add(key, self[key].monitors)
        if self[key].due < OPEN_END:
            heappush(self._dues, (self[key].due, key))

    def due(self, now: Micros) -> Iterator[Key]:
        """Those that are due before *now*."""
        while self._dues and self._dues[0][0] < now:
            due, key = heappop(self._dues)
            if key in self and self[key].due == due:
                yield key

    def held(self, before: Order = LATEST) -> Iterator[Held]:
        """What is held of them all, *before* a place in the order."""
        return (held for remembered in self.values() for held in remembered.held if held.order < before)

    def touch(self, keys: Iterable[Key], fact: AnyFact) -> None:
        """Of *keys* those begin anew that have gone beyond *fact*, which concerns them."""
        for key in keys:
            remembered = self[key]
            if fact.sent <= remembered.reached[0]:  # Also at the same instant: it may say where an alarm was when it began.
                remembered.begin_anew()

    def forget(self, key: Key) -> None:
        del self[key]
        self.index.drop(key)
