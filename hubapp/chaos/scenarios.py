"""What can be tried, by its row in the list of what must survive."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from hubapp.chaos import kills
from hubapp.chaos.orders import Orders
from hubapp.chaos.verdict import Outcome

ALL: dict[str, Callable[[Orders], Coroutine[Any, Any, Outcome]]] = {
    "R01": kills.r01,
    "R02": kills.r02,
    "R03": kills.r03,
    "R04": kills.r04,
}


def title(row: str) -> str:
    return (ALL[row].__doc__ or "").strip().splitlines()[0]
