"""How far the time of the facts has come: the least that the owners of all source partitions claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hubapp.facts import SECOND, AlarmEnded, Micros, MonitorBack, PatientSessionClosed, Progress, SessionClosed

LATENESS = 600 * SECOND
# The horizon moves in steps: settling costs the same for a second as for minutes.
STEP = 300 * SECOND
# What closes something is applied however late it is told.
CLOSING = (AlarmEnded, SessionClosed, MonitorBack, PatientSessionClosed)
AFTER_THE_END = 360 * SECOND


class Watermark(msgspec.Struct):
    """claims: source topic -> partition -> nothing sent before this is still to come.

    ended: where the input has ended, its newest `sent`. over: all input has ended. again: another input has begun
    after that; its time counts when it has ended too.
    """

    claims: dict[str, dict[str, Micros]] = {}
    ended: dict[str, dict[str, Micros]] = {}
    counts: dict[str, int] = {}
    at: Micros | None = None
    over: bool = False
    again: bool = False

    def hear(self, progress: Progress, cap: Mapping[str, Micros]) -> bool:
        """Take *progress*; *cap*: the latest that its append time lets each topic claim. Returns whether time has come further.

        No wrong clock, of a producer or of a worker, makes anybody late: the broker appended the claim, and its clock bounds it.
        """
        self.counts.update(progress.counts)
        for topic, claims in progress.claims.items():
            for partition, claim in claims.items():
                self.ended.get(topic, {}).pop(partition, None)
                mine, claimed = self.claims.setdefault(topic, {}), min(claim, cap.get(topic, claim))
                mine[partition] = max(claimed, mine.get(partition, claimed))
        for topic, newest in progress.ended.items():
            self.ended.setdefault(topic, {}).update(newest)
        return self._advance()

    def leaves_behind(self, sent: Micros) -> bool:
        """Whether what was sent then comes too late. Nothing of an input of the past does: it says itself when it has ended."""
        return self.at is not None and not self.ended and sent < self.at - LATENESS

    def next_horizon(self, now: Micros | None, last: Micros) -> Micros | None:
        """Before it nothing in time can come any more, and *now* has passed it; None: it is too near the *last* one.

        At the end of all input it stays: another may follow, in time.
        """
        if now is None or self.at is None or (self.over and now == self.at):
            return None
        horizon = min(now, self.at - LATENESS)
        return horizon if horizon - last >= STEP else None

    def _advance(self) -> bool:
        over = bool(self.counts) and all(number in self.ended.get(topic, {}) for topic, number in self._partitions())
        if self.over and not over:  # Facts of another input are in time, whatever the first one's times were.
            self.again, self.at = True, None
        self.over = over
        reached = self._reached()
        if reached is None or (self.at is not None and reached <= self.at):
            return False
        self.at = reached
        return True

    def _reached(self) -> Micros | None:
        """None while a partition that exists has not been heard of."""
        if self.over:
            newest = max((sent for ended in self.ended.values() for sent in ended.values()), default=0)
            return newest + AFTER_THE_END if newest else None
        claims = [self._claim(topic, number) for topic, number in self._partitions() if number not in self.ended.get(topic, {})]
        if self.again or not claims or None in claims:
            return None
        return min(claim for claim in claims if claim is not None)

    def _partitions(self) -> Iterator[tuple[str, str]]:
        return ((topic, str(number)) for topic, count in self.counts.items() for number in range(count))

    def _claim(self, topic: str, number: str) -> Micros | None:
        return self.claims.get(topic, {}).get(number)

    def holders(self) -> list[tuple[str, str, Micros | None]]:
        """The source partitions by what they claim, the one that holds the watermark first."""
        open_ones = [(topic, number) for topic, number in self._partitions() if number not in self.ended.get(topic, {})]
        found = [(topic, number, self._claim(topic, number)) for topic, number in open_ones]
        return sorted(found, key=lambda holder: (holder[2] is not None, holder[2] or 0))
