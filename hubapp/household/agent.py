"""The rim of the household: a batch of the log in, findings and table changes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from faust.types import TableT

from hubapp import tally
from hubapp.chronicle.rules import OF_THE_HOUSE
from hubapp.cluster import log_epoch
from hubapp.engine import Batch, HubApp
from hubapp.findings import canonical
from hubapp.household.household import Household
from hubapp.household.state import changes, restore
from hubapp.settings import settings
from hubapp.sources import bounds

BREATH = 200


async def oversee(app: HubApp, tables: Mapping[str, TableT], batches: AsyncIterator[Batch]) -> None:
    """Until the worker stops: each batch of hub-house changes tables, and findings tell what changed."""
    headers = [("log_epoch", str(await log_epoch(settings())).encode())]
    async for batch in batches:
        async with batch.transaction() as out:
            views = {name: out.view(table) for name, table in tables.items()}
            if "household" not in batch.memory:
                household = Household(app.cluster_id, bounds(), OF_THE_HOUSE.values())
                restore(household, {name: view.items() for name, view in views.items()})
                batch.memory["household"] = household
            household = batch.memory["household"]
            for number, record in enumerate(batch):
                if number % BREATH == BREATH - 1:
                    await app.calm()
                household.take(record.value, record.timestamp * 1000)
            outcome = household.hand_over()
            for name, key, value in changes(household, outcome):
                if value is None:
                    del views[name][key]
                else:
                    views[name][key] = value
            for finding in outcome.findings:
                out.send_to(f"hub-{finding.rule}", out.source.partition, finding.id.encode(), canonical(finding), headers)
                tally.add("findings", finding.rule)
            if not outcome.findings:
                out.lazy()
