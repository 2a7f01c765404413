"""Who was authenticated when: what the truth knows of log-ins and log-outs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, NamedTuple

from hubapp.facts import SECOND, Micros

Json = dict[str, Any]
UNSURE: Micros = SECOND // 20
"""Instants closer than this, and not the same, are not told apart."""


class LogIn(NamedTuple):
    """unit: None where the record does not say it."""

    sent: Micros
    id: str
    name: str | None
    unit: str | None


class Presence:
    """Who was authenticated when: a snapshot at each change."""

    def __init__(self) -> None:
        self.instants: list[Micros] = []
        self.open: list[tuple[tuple[str, str | None], ...]] = []
        self.log_ins: list[LogIn] = []

    def now(self) -> tuple[tuple[str, str | None], ...]:
        return self.open[-1] if self.open else ()

    def change(self, sent: Micros, sessions: Iterable[tuple[str, str | None]]) -> None:
        self.instants.append(sent)
        self.open.append(tuple(sessions))

    def at(self, sent: Micros) -> list[Json] | None:
        """None where a session opened or closed too near to say."""
        place = bisect_right(self.instants, sent)
        if any(0 < abs(near - sent) < UNSURE for near in self.instants[max(0, place - 1) : place + 1]):
            return None
        people = sorted(self.open[place - 1], key=lambda who: who[1] or who[0]) if place else []
        return [{"account": name, "id": account} for account, name in people]

    def between(self, first: Micros, last: Micros) -> list[LogIn]:
        low = bisect_right(self.log_ins, first - 1, key=lambda log_in: log_in.sent)
        return self.log_ins[low : bisect_right(self.log_ins, last, key=lambda log_in: log_in.sent)]
