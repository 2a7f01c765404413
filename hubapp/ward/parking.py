"""Facts that a backlog brings far ahead of the watermark: they wait until it has come near.

While a backlog is read, each source brings facts far ahead of the others'. Applied as they come, they would never be in
order, and the house would be told anew for each. A few are applied at once all the same: a small input shows its findings
without waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from hubapp.facts import SECOND, Micros
from hubapp.rules.moments import Order
from hubapp.ward.telling import HeldFact

NEAR, FEW = 60 * SECOND, 1_000
# How far time goes on at once while what has waited is applied.
STRIDE = 120 * SECOND


class Parking:
    """What waits, in the order of facts; and when each fact was sent that is far ahead, waiting or not."""

    def __init__(self) -> None:
        self._ahead: list[Micros] = []
        self._parked: list[tuple[Order, HeldFact]] = []

    def takes(self, held: HeldFact, now: Micros | None) -> bool:
        """Whether *held* must wait here."""
        if now is not None and held.fact.sent <= now + NEAR:
            return False
        heappush(self._ahead, held.fact.sent)
        if len(self._ahead) <= FEW:
            return False
        self.put(held)
        return True

    def put(self, held: HeldFact) -> None:
        heappush(self._parked, (held.fact.order, held))

    @property
    def is_new(self) -> bool:
        """Whether but one fact waits: what was applied before it should have waited too."""
        return len(self._parked) == 1

    @property
    def first(self) -> Micros:
        """When the first that waits was sent."""
        return self._parked[0][0][0]

    def has_near(self, watermark: Micros | None) -> bool:
        """Whether something waits that need not any more."""
        return watermark is not None and bool(self._parked) and self.first <= watermark + NEAR

    def near(self, now: Micros | None) -> Iterator[HeldFact]:
        """What need not wait any more, in its order."""
        if now is None:
            return
        while self._ahead and self._ahead[0] <= now + NEAR:
            heappop(self._ahead)
        while self._parked and self.first <= now + NEAR:
            yield heappop(self._parked)[1]
