"""What can be tried, by its row in the list of what must survive."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from hubapp.chaos import absence, kills
from hubapp.chaos.orders import Orders
from hubapp.chaos.verdict import Outcome

ALL: dict[str, Callable[[Orders], Coroutine[Any, Any, Outcome]]] = {
    "R01": kills.r01,
    "R02": kills.r02,
    "R03": kills.r03,
    "R04": kills.r04,
    "R07": absence.r07,
    "R07R": absence.r07_restarted,
    "R14": absence.r14,
    "R21": absence.r21,
}


def title(row: str) -> str:
    return (ALL[row].__doc__ or "").strip().splitlines()[0]


async def planted(orders: Orders) -> Outcome:
    """One worker with a defect, and nothing else that is wrong: what the comparison says of it."""
    outcome = Outcome("planted", " ".join(orders.planted) or "nothing", orders.kafka)
    return await kills.concluding(orders, outcome, orders.plan(20), 0.0, ("one",), kills.nothing)
