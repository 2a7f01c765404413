"""The rim of the ward: a batch of the log in, findings and table changes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

import msgspec
from faust.types import TableT

from hubapp import tally
from hubapp.cluster import log_epoch
from hubapp.engine import Batch, HubApp, Transaction
from hubapp.facts import Progress, encode_fact
from hubapp.findings import canonical
from hubapp.settings import settings
from hubapp.sources import bounds
from hubapp.topics import HOUSE, LATE, PATIENTS
from hubapp.ward.outcome import Outcome, concerns
from hubapp.ward.state import changes, restore
from hubapp.ward.ward import Ward
from hubapp.ward.watermark import AFTER_THE_END

encode = msgspec.json.Encoder().encode
BREATH, STRIDES, ENOUGH = 200, 100, 4_000


async def correlate(app: HubApp, tables: Mapping[str, TableT], batches: AsyncIterator[Batch]) -> None:
    """Until the worker stops: each batch of hub-patients changes tables, and findings tell what changed."""
    headers = [("log_epoch", str(await log_epoch(settings())).encode())]
    async for batch in batches:
        async with batch.transaction() as out:
            views = {name: out.view(table) for name, table in tables.items()}
            if "ward" not in batch.memory:
                ward = Ward(app.cluster_id, partial(is_mine, app, batch.source.partition), bounds())
                restore(ward, {name: view.items() for name, view in views.items()})
                batch.memory["ward"] = ward
            ward = batch.memory["ward"]
            outcome = await concluded(app, ward, batch)
            for name, key, value in changes(ward, outcome):
                if value is None:
                    del views[name][key]
                else:
                    views[name][key] = value
            send(out, outcome, ward.mine, headers)
            batch.memory["reached"] = tell_the_house(out, outcome, ward, batch.memory.get("reached"), app.counts[PATIENTS])
            if not outcome.findings and not outcome.late:
                out.lazy()


async def concluded(app: HubApp, ward: Ward, batch: Batch) -> Outcome:
    """What *batch* changes. Of a backlog only so much is followed: the rest goes on with the next batch, so that no
    transaction grows too large. Those of others that are open meanwhile are not made to wait.
    """
    for number, record in enumerate(batch):
        if number % BREATH == BREATH - 1:
            await app.calm()
        ward.take(record.value, record.timestamp * 1000)
    for _ in range(STRIDES):
        await app.calm()
        if not ward.catch_up() or len(ward.outcome.findings) > ENOUGH:
            break
    return ward.hand_over()


def tell_the_house(out: Transaction, outcome: Outcome, ward: Ward, before: Progress | None, count: int) -> Progress | None:
    """What is told of episodes, and behind it how far that has come: the house concludes nothing of what is still to come."""
    for told in outcome.told:
        out.send_to(HOUSE, 0, None, encode(told))
    reached = progress(ward, out.source.partition, count)
    if reached is not None and reached != before:
        out.send_to(HOUSE, 0, None, encode(reached))
    return reached


def progress(ward: Ward, partition: int, count: int) -> Progress | None:
    """As a source says it of itself."""
    if ward.now is None:
        return None
    if ward.watermark.over and ward.now == ward.watermark.at:
        return Progress(claims={}, counts={PATIENTS: count}, ended={PATIENTS: {str(partition): ward.now - AFTER_THE_END}})
    return Progress(claims={PATIENTS: {str(partition): ward.now}}, counts={PATIENTS: count})


def is_mine(app: HubApp, partition: int, subject: str) -> bool:
    return app.partition_of(subject.encode(), PATIENTS) == partition


def send(out: Transaction, outcome: Outcome, mine: Callable[[str], bool], headers: list[tuple[str, bytes]]) -> None:
    """Findings to the partition number of their log; of a late fact that every partition sees, one tells."""
    for finding in outcome.findings:
        out.send_to(f"hub-{finding.rule}", out.source.partition, finding.id.encode(), canonical(finding), headers)
        tally.add("findings", finding.rule)
    for fact in outcome.late:
        if mine(concerns(fact)):
            out.send_to(LATE, 0, None, encode_fact(fact))
            tally.add("late", fact.topic)
