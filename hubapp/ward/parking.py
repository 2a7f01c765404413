"""Facts that a backlog brings far ahead of the watermark: they wait until it has come near.

While a backlog is read, each source brings facts far ahead of the others'. Applied as they come, they would never be in
order, and the house would be told anew for each. A few are applied at once all the same: a small input shows its findings
without waiting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter

from hubapp.facts import SECOND, Micros
from hubapp.rules.moments import Order, start_of
from hubapp.ward.telling import HeldFact

NEAR, FEW = 60 * SECOND, 1_000
ORDER = itemgetter(0)


class Parking:
    """What waits; or, while nothing does, when each of the few was sent that were applied all the same, far ahead.

    So what a log holds, and whether anything waited at its last progress, says what waits.
    """

    def __init__(self) -> None:
        self._applied: list[Micros] = []
        self._waiting: list[tuple[Order, HeldFact]] = []
        self._first: Micros | None = None
        self._in_order = True

    def takes(self, held: HeldFact, now: Micros | None) -> bool:
        """Whether *held* must wait here."""
        if now is not None and held.fact.sent <= now + NEAR:
            return False
        if not self._waiting and len(self._applied) < FEW:
            self._applied.append(held.fact.sent)
            return False
        self._put(held)
        return True

    def _put(self, held: HeldFact) -> None:
        self._waiting.append((held.fact.order, held))
        self._in_order = False
        self._first = held.fact.sent if self._first is None else min(self._first, held.fact.sent)

    @property
    def is_on(self) -> bool:
        return bool(self._waiting)

    @property
    def is_new(self) -> bool:
        """Whether but one fact waits: what was applied before it should have waited too."""
        return len(self._waiting) == 1

    def resume(self, held: Sequence[HeldFact], now: Micros | None, *, on: bool) -> Sequence[HeldFact]:
        """Stand where another stood that held these, of which far ahead ones waited if it was *on*. Returns those that do not."""
        ahead = [one for one in held if now is None or one.fact.sent > now + NEAR]
        if not on and len(ahead) <= FEW:
            self._applied = [one.fact.sent for one in ahead]
            return held
        self.take_back(ahead)
        return [one for one in held if now is not None and one.fact.sent <= now + NEAR]

    def take_back(self, ahead: Sequence[HeldFact]) -> None:
        """Let those wait too that were applied."""
        self._applied = []
        for held in ahead:
            self._put(held)

    def has_near(self, watermark: Micros | None) -> bool:
        """Whether something waits that need not any more."""
        return watermark is not None and self._first is not None and self._first <= watermark + NEAR

    def until(self, count: int) -> Micros:
        """The instant as of which *count* of those that wait need not any more."""
        waiting = self._sorted()
        order, _ = waiting[min(count, len(waiting)) - 1]
        return order[0] - NEAR

    def near(self, now: Micros | None) -> Sequence[HeldFact]:
        """What need not wait any more, in its order."""
        if now is None:
            return ()
        self._applied = [sent for sent in self._applied if sent > now + NEAR]
        if not self.has_near(now):
            return ()
        waiting = self._sorted()
        index = bisect_left(waiting, start_of(now + NEAR + 1), key=ORDER)
        near, self._waiting = waiting[:index], waiting[index:]
        self._first = self._waiting[0][0][0] if self._waiting else None
        return [held for _, held in near]

    def _sorted(self) -> list[tuple[Order, HeldFact]]:
        if not self._in_order:
            self._waiting.sort(key=ORDER)
            self._in_order = True
        return self._waiting
