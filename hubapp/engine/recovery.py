"""RocksDB brought up to the end of its changelog, before anything is read from it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from faust.types import TP, TableT

from hubapp.engine.shelf import part_of

logger = logging.getLogger(__name__)

RECORDS_PER_WRITE = 20_000
# Empty answers in a row after which nothing stands between a position and the end: compaction took it all.
EMPTY_ANSWERS = 3


@dataclass(slots=True)
class Recovered:
    """What recovery has read since the process started."""

    partitions: int = 0
    records: int = 0
    rebuilt: int = 0
    seconds: float = 0.0


async def recover(
    tables: dict[TP, TableT], reader: AIOKafkaConsumer, beginnings: dict[TP, int], ends: dict[TP, int], counted: Recovered
) -> None:
    """Bring RocksDB up to the end of each changelog partition, reading only what it does not hold yet.

    *ends* are high watermarks, not last stable offsets: behind somebody's open transaction may stand what this lane
    committed, and state without it would be old. The offset kept at the end is the last one of the log, even where that
    is a transaction marker: Faust's own recovery then finds nothing to do, and does not wait for a record that will
    never come.
    """
    started = time.monotonic()
    reader.assign(list(tables))
    for tp, table in tables.items():
        reader.seek(tp, start_of_recovery(table, tp, beginnings[tp], ends[tp], counted))
    await _read(tables, reader, ends, counted)
    for tp, table in tables.items():
        if ends[tp]:
            part_of(table, tp.partition).write((), ends[tp] - 1)
    counted.partitions += len(tables)
    counted.seconds += time.monotonic() - started


async def _read(tables: dict[TP, TableT], reader: AIOKafkaConsumer, ends: dict[TP, int], counted: Recovered) -> None:
    answers = Answers(reader)
    unfinished, told = set(tables), time.monotonic()
    while unfinished := {tp for tp in unfinished if not await answers.at_end(tp, ends[tp])}:
        for tp, records in (await reader.getmany(timeout_ms=200, max_records=RECORDS_PER_WRITE)).items():
            part_of(tables[tp], tp.partition).write(((r.key, r.value) for r in records), records[-1].offset)
            counted.records += len(records)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            logger.warning("recovery waits for %s: read on, or somebody's transaction is open there", min(unfinished))


class Answers:
    """When nothing more can come: the position is the end, or answer after answer is empty up to it."""

    def __init__(self, reader: AIOKafkaConsumer) -> None:
        self._reader = reader
        self._empty: dict[TP, tuple[int, int | None, int]] = {}

    async def at_end(self, tp: TP, end: int) -> bool:
        position, answered = await self._reader.position(tp), self._reader.last_poll_timestamp(tp)
        before, last, times = self._empty.get(tp, (-1, None, 0))
        if position != before:
            times = 0
        elif answered != last:
            times += 1
        self._empty[tp] = (position, answered, times)
        return position >= end or (times >= EMPTY_ANSWERS and (self._reader.last_stable_offset(tp) or 0) >= end)


def start_of_recovery(table: TableT, tp: TP, beginning: int, end: int, counted: Recovered) -> int:
    """The first changelog offset that RocksDB lacks.

    What does not fit the log (ahead of it: the broker is a new one; behind its beginning: deletions may have been
    compacted away) is dropped, and everything is read again.
    """
    part = part_of(table, tp.partition)
    held = part.offset
    if held is None:
        return beginning
    if beginning <= held + 1 <= end:
        return held + 1
    logger.warning("%s: RocksDB holds offset %d, the changelog has %d to %d: rebuilding", tp, held, beginning, end)
    part.drop()
    counted.rebuilt += 1
    return beginning
