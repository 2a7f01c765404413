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


class Parking:
    """What waits, in the order of facts; and how many facts, waiting or not, are far ahead."""

    def __init__(self) -> None:
        self._ahead: list[Micros] = []
        self._parked: list[tuple[Order, HeldFact]] = []

    def takes(self, held: HeldFact, watermark: Micros | None) -> bool:
        """Whether *held* must wait here."""
        fact = held.fact
        if watermark is not None and fact.sent <= watermark + NEAR:
            return False
        heappush(self._ahead, fact.sent)
        if len(self._ahead) <= FEW:
            return False
        heappush(self._parked, (fact.order, held))
        return True

    def near(self, watermark: Micros | None) -> Iterator[HeldFact]:
        """What need not wait any more, in its order."""
        if watermark is None:
            return
        while self._ahead and self._ahead[0] <= watermark + NEAR:
            heappop(self._ahead)
        while self._parked and self._parked[0][0][0] <= watermark + NEAR:
            yield heappop(self._parked)[1]
