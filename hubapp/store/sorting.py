"""Records of our topics -> rows of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from hubapp.facts import Progress
from hubapp.failure import Failure
from hubapp.findings import Finding
from hubapp.rules.told import EpisodeTold, decode_house_log
from hubapp.store.offsets import Logs
from hubapp.store.reading import DERIVED
from hubapp.store.rows import fact_rows, finding_row, revision_row
from hubapp.store.write import Batch


class Told(Finding, kw_only=True):
    """A finding of which the larger parts are handed on as they came."""

    body: msgspec.Raw  # type: ignore[assignment]  # JSON, unread
    evidence: msgspec.Raw  # type: ignore[assignment]  # JSON, unread


decode_finding = msgspec.json.Decoder(Told).decode
# So many records, then whoever else is in this process may run.
BREATH = 200


async def sort(records: list[Any], logs: Logs, batch: Batch) -> None:
    """Put what *records* of one partition hold into *batch*."""
    take = finding_taker(logs, batch) if batch.place[0] in DERIVED else fact_taker(logs, batch)
    for start in range(0, len(records), BREATH):
        for record in records[start : start + BREATH]:
            try:
                take(record)
            except (msgspec.MsgspecError, KeyError, ValueError) as error:
                raise unreadable(record) from error
        await asyncio.sleep(0)


def unreadable(record: Any) -> Failure:
    where = f"{record.topic}-{record.partition} offset {record.offset}"
    return Failure(f"{where} is nothing that this program knows: a newer one wrote it, or another; start the newer program here")


def fact_taker(logs: Logs, batch: Batch) -> Callable[[Any], None]:
    row = fact_rows(logs.hub, logs.cluster)

    def take(record: Any) -> None:
        told = decode_house_log(record.value)
        if not isinstance(told, Progress | EpisodeTold):
            batch.facts.append(row(told))

    return take


def finding_taker(logs: Logs, batch: Batch) -> Callable[[Any], None]:
    def take(record: Any) -> None:
        row = finding_row(logs.hub, logs.cluster, int(dict(record.headers)["log_epoch"]), decode_finding(record.value))
        batch.findings.append(row)
        batch.revisions.append(revision_row(row, record.timestamp * 1000, record.value))

    return take
