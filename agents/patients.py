"""hub-patients -> hub-episodes, hub-attendance, hub-late: what the facts of its patients say."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.topics import PATIENTS
from hubapp.ward.agent import correlate
from tables.patients import tables


@app.agent(PATIENTS)
async def conclude(batches: AsyncIterator[Batch]) -> None:
    """hub-patients -> hub-episodes, hub-attendance, hub-late"""
    await correlate(app, tables, batches)
