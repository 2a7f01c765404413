"""Records as they leave for Kafka: in the order of their arrival, some late, some twice, some broken."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import orjson

from hubapp.facts import SECOND, Micros
from hubapp.sim.broken import broken

LATE: dict[bool, Micros] = {True: 3 * SECOND, False: 6 * SECOND}
"""How late a record may come, well within the bounds of 5 and 10 s: keyed topics are the gateway's."""


class Wire(NamedTuple):
    topic: str
    key: str | None
    headers: dict[str, str]
    value: bytes

    def line(self) -> bytes:
        """The send form, one JSON line; bytes that are no JSON object as base64. No timestamp: it is sent now."""
        head = orjson.dumps({"topic": self.topic, "key": self.key, "headers": self.headers})
        return head[:-1] + b',"value":' + shown(self.value) + b',"timestamp":null}\n'

    def form(self) -> dict[str, Any]:
        """The send form as an object."""
        form: dict[str, Any] = orjson.loads(self.line())
        return form


def shown(value: bytes) -> bytes:
    try:
        plain = isinstance(orjson.loads(value), dict)
    except orjson.JSONDecodeError:
        plain = False
    return value if plain else orjson.dumps({"base64": base64.b64encode(value).decode()})


class Wires:
    """What is under way. Its own random numbers: disorder changes nothing of what happens in the ward."""

    def __init__(self, seed: int, disorder: float, repeats: float, malformed: float) -> None:
        self.random = Random(f"wires {seed}")
        self.shares = disorder, repeats, malformed
        self.counts = {"records": 0, "alerts": 0, "repeats": 0, "malformed": 0, "late": 0}
        self.newest: Micros = 0
        self._under_way: list[tuple[Micros, int, Wire]] = []
        self._number = 0

    def send(self, sent: Micros, wire: Wire) -> None:
        disorder, repeats, malformed = self.shares
        due = sent + self.random.randrange(4_000, 30_000)
        if self.random.random() < disorder:
            due += self.random.randrange(LATE[wire.key is not None] - 100_000)
            self.counts["late"] += 1
        self._push(due, wire)
        self.newest = max(self.newest, sent)
        self.counts["alerts"] += wire.headers.get("event_type") == "NEW_ALERT_OBSERVATION"
        if self.random.random() < repeats:
            self._push(due + self.random.randrange(1_000, 2_000_000), wire)
            self.counts["repeats"] += 1
        if self.random.random() < malformed:
            self._push(due, broken(self.random, wire))
            self.counts["malformed"] += 1

    def _push(self, due: Micros, wire: Wire) -> None:
        self._number += 1
        self.counts["records"] += 1
        heapq.heappush(self._under_way, (due, self._number, wire))

    def arrived(self, until: Micros | None) -> Iterator[tuple[Micros, Wire]]:
        """Those due by *until* (None: all), in order."""
        while self._under_way and (until is None or self._under_way[0][0] <= until):
            due, _, wire = heapq.heappop(self._under_way)
            yield due, wire
