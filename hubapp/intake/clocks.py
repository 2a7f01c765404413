"""How far ahead of their Kafka timestamp a writer's records are, by their own word: by whole quarters of an hour it is a zone."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator

import msgspec

from hubapp.facts import SECOND, Fact, Micros
from hubapp.wire import NO_TIMESTAMP, Ignored, Record, Zones, decode

LAST = 100
QUARTER: Micros = 900 * SECOND
NEARLY: Micros = 30 * SECOND
# No zone is further from UTC than 14 h.
FURTHEST = 56


class Clocks:
    """Of each writer, by its topic, the last records that this process read. Only told, never corrected."""

    def __init__(self) -> None:
        self._ahead: defaultdict[str, deque[Micros]] = defaultdict(lambda: deque(maxlen=LAST))

    def note(self, record: Record, fact: Fact, zones: Zones) -> None:
        """*fact* is the first that *record* gives."""
        if record.timestamp != NO_TIMESTAMP:
            self._ahead[record.topic].append(ahead(record, fact, zones))

    def zones(self) -> Iterator[tuple[str, int]]:
        """Writers, most of whose last records are off by the same quarters of an hour: by how many minutes they are ahead."""
        for writer, of in sorted(self._ahead.items()):
            if len(of) == LAST:
                [(quarters, count)] = Counter(map(quarters_of, of)).most_common(1)
                if quarters and count > LAST / 2:
                    yield writer, 15 * quarters


CLOCKS = Clocks()


def ahead(record: Record, fact: Fact, zones: Zones) -> Micros:
    """By its own word: the time of one that is not believed is read again, as if Kafka had none."""
    if "clock-ahead" in fact.quality and fact.sent == record.timestamp:
        again = decode(msgspec.structs.replace(record, timestamp=NO_TIMESTAMP), zones)
        if not isinstance(again, Ignored):
            fact = again[0]
    return fact.sent - record.timestamp


def quarters_of(ahead: Micros) -> int:
    """0 too for what is near no whole quarter, or further off than zones are."""
    quarters = round(ahead / QUARTER)
    return quarters if abs(ahead - quarters * QUARTER) <= NEARLY and abs(quarters) <= FURTHEST else 0
