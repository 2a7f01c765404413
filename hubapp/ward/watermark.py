"""How far the time of the facts has come: the least that the owners of all source partitions claim."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hubapp.facts import SECOND, Micros, Progress

AFTER_THE_END = 360 * SECOND


class Watermark(msgspec.Struct):
    """claims: source topic -> partition -> nothing sent before this is still to come. ended: where the input has ended, its newest `sent`."""

    claims: dict[str, dict[str, Micros]] = {}
    ended: dict[str, dict[str, Micros]] = {}
    counts: dict[str, int] = {}
    at: Micros | None = None

    def hear(self, progress: Progress, cap: Mapping[str, Micros]) -> bool:
        """Take *progress*; *cap*: the latest that its append time lets each topic claim. Returns whether time has come further.

        No wrong clock, of a producer or of a worker, makes anybody late: the broker appended the claim, and its clock bounds it.
        """
        self.counts.update(progress.counts)
        for topic, claims in progress.claims.items():
            for partition, claim in claims.items():
                self.ended.get(topic, {}).pop(partition, None)
                mine = self.claims.setdefault(topic, {})
                mine[partition] = max(min(claim, cap.get(topic, claim)), mine.get(partition, claim - 1))
        for topic, newest in progress.ended.items():
            self.ended.setdefault(topic, {}).update(newest)
        return self._advance()

    def _advance(self) -> bool:
        reached = self._reached()
        if reached is None or (self.at is not None and reached <= self.at):
            return False
        self.at = reached
        return True

    def _reached(self) -> Micros | None:
        """None while a partition that exists has not been heard of."""
        lowest: Micros | None = None
        newest: Micros = 0
        for topic, count in self.counts.items():
            claims, ended = self.claims.get(topic, {}), self.ended.get(topic, {})
            for number in map(str, range(count)):
                if number in ended:
                    newest = max(newest, ended[number])
                elif number not in claims:
                    return None
                else:
                    lowest = claims[number] if lowest is None else min(lowest, claims[number])
        if lowest is not None or not self.counts:
            return lowest
        return newest + AFTER_THE_END if newest else None

    def holders(self) -> list[tuple[str, str, Micros | None]]:
        """The source partitions by what they claim, the one that holds the watermark first."""
        found = [
            (topic, number, self.claims.get(topic, {}).get(number))
            for topic, count in self.counts.items()
            for number in map(str, range(count))
            if number not in self.ended.get(topic, {})
        ]
        return sorted(found, key=lambda holder: (holder[2] is not None, holder[2] or 0))
