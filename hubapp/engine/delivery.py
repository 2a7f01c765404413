"""Records into a producer's open transaction: in few batches, each delivery awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced
from faust.types import TP

Headers = list[tuple[str, bytes]]
NO_HEADERS: Headers = []
Record = tuple[bytes | None, bytes | None, Headers]
Records = list[Record]


async def settled(*operations: Any) -> list[Any]:
    """The results of *operations* once all have ended, so that none runs on behind an abort."""
    results = await asyncio.gather(*operations, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        raise next((error for error in errors if isinstance(error, ProducerFenced)), errors[0])
    return results


async def deliver(producer: AIOKafkaProducer, tp: TP, records: Records) -> int:
    """Send *records* and return the offset of the last one.

    aiokafka would commit without a batch that the broker refused: every delivery is awaited.
    """
    packs = [(await producer.send_batch(pack, tp.topic, partition=tp.partition), pack) for pack in packed(producer, records)]
    end = 0
    for delivery, pack in packs:
        end = (await delivery).offset + pack.record_count()
    return end - 1


def packed(producer: AIOKafkaProducer, records: Records) -> Iterator[Any]:
    """*records* in as few batches as the producer's max_batch_size allows."""
    batch = producer.create_batch()
    for key, value, headers in records:
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    yield batch
