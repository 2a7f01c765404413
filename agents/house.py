"""hub-house -> hub-presence and the other rules of the house: what no patient's partition sees whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.household.agent import oversee
from hubapp.topics import HOUSE
from tables.house import tables


@app.agent(HOUSE)
async def conclude_of_the_house(batches: AsyncIterator[Batch]) -> None:
    """hub-house -> hub-presence, hub-control, hub-barriers, hub-coverage, hub-floods, hub-gaps"""
    await oversee(app, tables, batches)
