"""What a worker may claim: nothing sent before T is still to come from a source partition.

While records come, T is the newest `sent` less the source's bound; when the engine proves that nothing comes, it is the
moment of that proof less the bound. An input of the past claims by its own times alone, and ends by a mark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hubapp.engine import Standing
from hubapp.facts import SECOND, Micros, Progress, encode_fact
from hubapp.intake.intake import Intake
from hubapp.topics import HOUSE, PATIENTS

encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Claim:
    """How far a partition had come with a transaction. until: what a mark said; intake: where its monitors' reports are known."""

    newest: Micros | None
    until: Micros | None
    ended: bool
    intake: Intake


@dataclass(frozen=True)
class Speaker:
    """Says a lane's progress. bounds: of each source topic, in microseconds; counts: how many partitions each has that exists."""

    bounds: Mapping[str, Micros]
    counts: Callable[[], Mapping[str, int]]
    past: bool

    def __call__(self, standings: Sequence[Standing]) -> Iterable[tuple[str, bytes]]:
        yield from self._silences(standings)
        progress = self.progress(standings)
        if progress.claims or progress.ended:
            value = encode(progress)
            yield PATIENTS, value
            yield HOUSE, value

    def progress(self, standings: Sequence[Standing]) -> Progress:
        claims: dict[str, dict[str, Micros]] = {}
        ended: dict[str, dict[str, Micros]] = {}
        for standing in standings:
            topic, number, claim = standing.tp.topic, str(standing.tp.partition), standing.claim
            if isinstance(claim, Claim) and claim.ended and self.past:
                ended.setdefault(topic, {})[number] = claim.newest or 0
            elif (until := self._until(standing)) is not None:
                claims.setdefault(topic, {})[number] = until
        counts = {topic: count for topic, count in self.counts().items() if topic in self.bounds}
        return Progress(claims=claims, counts=counts, ended=ended)

    def _until(self, standing: Standing) -> Micros | None:
        bound = self.bounds[standing.tp.topic]
        if standing.quiet_since is not None and not self.past:
            return int(standing.quiet_since * SECOND) - bound
        claim = standing.claim
        if not isinstance(claim, Claim):
            return None
        told = [claim.until] if self.past and claim.until is not None else []
        return max([*told, *([claim.newest - bound] if claim.newest is not None else [])], default=None)

    def _silences(self, standings: Sequence[Standing]) -> Iterator[tuple[str, bytes]]:
        """Monitors that say nothing more, of partitions where we would hear it."""
        for standing in standings:
            if isinstance(standing.claim, Claim) and standing.quiet_since is not None and not self.past:
                for loss in standing.claim.intake.connections.silences(int(standing.quiet_since * SECOND)):
                    yield PATIENTS, encode_fact(loss)
                    yield HOUSE, encode_fact(loss)
