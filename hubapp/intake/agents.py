"""The same few lines for the agent of each source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache

from faust.types import TableT

from hubapp import tally
from hubapp.engine import Batch, HubApp, Transaction
from hubapp.facts import AlarmFact, AnyFact, Progress, encode_fact, fold
from hubapp.intake.intake import Intake, Said
from hubapp.intake.progress import Claim, encode
from hubapp.settings import settings
from hubapp.topics import HOUSE, PATIENTS, QUARANTINE
from hubapp.wire import Zones


@cache
def zones() -> Zones:
    return Zones.named(settings().zone_authentication, settings().zone_platform)


async def take_in(app: HubApp, role: str, table: TableT, batches: AsyncIterator[Batch]) -> None:
    """source *role* -> hub-patients, hub-house, hub-quarantine; what it must remember is in *table*."""
    async for batch in batches:
        async with batch.transaction() as out:
            view = out.view(table)
            if "intake" not in batch.memory:
                batch.memory["intake"] = Intake(role, zones(), settings().input).restore(view.items())
            intake: Intake = batch.memory["intake"]
            said = intake.read(batch.records, batch.gap)
            for key, value in intake.changes(batch.records[-1].offset):
                if value is None:
                    del view[key]
                else:
                    view[key] = value
            send(app, out, said)
            say_end(out, intake)
            count(batch, said)
            out.claim(Claim(intake.newest, intake.until, intake.ended, intake))
            if not said.facts and not said.quarantined:
                out.lazy()


def send(app: HubApp, out: Transaction, said: Said) -> None:
    for fact in said.facts:
        address(app, out, fact)
    for value in said.quarantined:
        out.send_to(QUARANTINE, 0, None, value)


def say_end(out: Transaction, intake: Intake) -> None:
    """In the transaction that answers the mark: whoever takes over then finds no record by which to say it again."""
    if intake.ended and settings().input:
        ended = {out.source.topic: {str(out.source.partition): intake.newest or 0}}
        for log in (PATIENTS, HOUSE):
            out.broadcast(log, None, encode(Progress(claims={}, counts={}, ended=ended)))


def address(app: HubApp, out: Transaction, fact: AnyFact) -> None:
    """An alarm that names a patient goes to its partition; all else to every one, and what is no alarm to the house too."""
    value = encode_fact(fact)
    if isinstance(fact, AlarmFact) and fact.patient is not None:
        key = fold(fact.patient).encode()
        out.send_to(PATIENTS, app.partition_of(key, PATIENTS), key, value)
        return
    out.broadcast(PATIENTS, None, value)
    if not isinstance(fact, AlarmFact):
        out.broadcast(HOUSE, None, value)


def count(batch: Batch, said: Said) -> None:
    topic = batch.source.topic
    tally.add("facts", topic, len(said.facts))
    tally.add("ignored", topic, said.ignored)
    tally.add("repeats", topic, said.repeats)
    tally.add("unchanged", topic, said.unchanged)
    tally.add("quarantined", topic, len(said.quarantined))
