"""sdc-realtime-state -> hub-patients, hub-house, hub-quarantine: connection reports and losses: only a change goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("sdc-realtime-state"), beats=True, every=0.5)
async def read_sdc_realtime_state(batches: AsyncIterator[Batch]) -> None:
    """sdc-realtime-state -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "sdc-realtime-state", sources["sdc-realtime-state"], batches)
