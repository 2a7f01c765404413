"""What a reader of a source partition could not see, as a fact in the logs: it stands before what follows it."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from hubapp.facts import Micros, SourceGap


def gone(role: str, following: ConsumerRecord, offsets: tuple[int, int], before: Micros | None, until: Micros) -> SourceGap:
    """Retention passed *offsets*, from and to, unread. It lasts from the newest `sent` read *before* it to *until*.

    Both are of this partition, so no claim of it has come further; and the offset is one of those that are gone, so it is
    no other fact's.
    """
    sent = until if before is None else max(until, before)
    return SourceGap(
        at=sent if before is None else before, sent=sent, topic=following.topic, partition=following.partition,
        offset=offsets[1] - 1, timestamp=following.timestamp * 1000, source=role, why="retention",
        missing=offsets[1] - offsets[0],
    )  # fmt: skip
