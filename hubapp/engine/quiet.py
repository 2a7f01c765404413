"""Whether nothing comes from a source partition, or we only do not hear of it.

An idle claim lets deadlines pass, so it must be proved by an answer of the broker. It is, for a partition, when
* a fetch was answered at which the position was the high watermark: not the last stable offset, behind which records of
  an open transaction may wait;
* so it was, at the same offset, for SILENCE seconds;
* all that was fetched is committed;
* fetches were answered without error for the producers' delivery timeout, after an error, a new leader or an assignment
  with lag: what a producer held back meanwhile may still come.

The claim's time is when that fetch was *asked*: a worker that is frozen finds an old answer in its socket when it wakes
up, and takes it for a new one. For the same reason an answer that took longer than PATIENCE is as good as an error, and
so is a new connection. One broker's error disturbs the claims of all partitions: the watermark is their minimum anyway,
and a partition that changes hands within a process, or between two that saw the same outage, is covered.

The consumer's thread writes (`heard`, `failed`), the event loop reads; what is shared is replaced as a whole.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from faust.types import TP

SILENCE = 2.0
PATIENCE = 4.0
OUT_OF_RANGE = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A source partition as a beat may speak of it."""

    tp: TP
    claim: object | None  # The agent's last claim that is committed, or is in this very transaction.
    quiet_since: float | None  # time.time() of the fetch that proves that nothing came and nothing waits.


@dataclass(frozen=True, slots=True)
class Asked:
    """When a fetch was asked, on two clocks, and on which connection."""

    at: float
    wall: float
    node: Any
    connection: Any


@dataclass(slots=True)
class Run:
    """Answers in a row that all found the position at the same high watermark. *last* alone changes."""

    offset: int
    since: float
    last: Asked


class Quiet:
    """What the fetches of this process have told."""

    def __init__(self) -> None:
        self.highwaters: dict[TP, int] = {}
        self.out_of_range: set[TP] = set()
        self.away = -math.inf  # time.monotonic() of the last fetch that found no broker.
        self._runs: dict[TP, Run] = {}
        self._lagging: dict[TP, float] = {}
        self._fresh: set[TP] = set()
        self._connections: dict[Any, Any] = {}
        self._leaders: dict[TP, Any] = {}
        self._disturbed = self.taken = -math.inf

    def failed(self) -> None:
        """An error, or what is as good as one."""
        self._disturbed = time.monotonic()

    def take(self, tps: Iterable[TP]) -> None:
        """Partitions were taken over: the first answer to each says whether it lags. Older answers count no more."""
        self.taken = time.monotonic()
        self._fresh = set(tps)
        self._runs = {}

    def heard(self, asked: Asked, tp: TP, offset: int, error: int, highwater: int) -> None:
        run = self._runs.get(tp)
        if run is not None and run.offset == offset == highwater and run.last.node == asked.node and not error:
            run.last = asked  # As it was: nearly always so.
            return
        if self._leaders.setdefault(tp, asked.node) != asked.node or error:
            self._leaders[tp] = asked.node
            self.failed()
        if error:
            self._runs.pop(tp, None)
            if error == OUT_OF_RANGE:
                self.out_of_range.add(tp)
        elif asked.at >= self.taken:
            self.highwaters[tp] = highwater
            self._follow(asked, tp, offset, highwater)

    def _follow(self, asked: Asked, tp: TP, offset: int, highwater: int) -> None:
        if tp in self._fresh:
            self._fresh.discard(tp)
            if offset < highwater:
                self._lagging[tp] = self.taken
        run = self._runs.get(tp)
        if offset != highwater:
            self._runs.pop(tp, None)
        elif run is None or run.offset != offset:
            self._runs[tp] = Run(offset, asked.at, asked)
        else:
            run.last = asked

    def since(self, tp: TP, *, committed: int, handed: int, rest: float) -> float | None:
        """The time of the fetch that proves that *tp* is quiet. *handed*: the end of what the consumer gave away."""
        run = self._runs.get(tp)
        last = run.last if run is not None else None
        if run is None or last is None or handed > committed or last.at - run.since < SILENCE:
            return None
        steady_since = max(self._disturbed, self._lagging.get(tp, -math.inf))
        return last.wall if last.at - steady_since >= rest else None

    def unreachable(self) -> None:
        """A fetch found no broker."""
        self.failed()
        self.away = time.monotonic()

    def answered(self, asked: Asked) -> None:
        """A fetch was; what it said of each partition is told to `heard`."""
        known = self._connections.setdefault(asked.node, asked.connection)
        if known is not asked.connection or time.monotonic() - asked.at > PATIENCE:
            self._connections[asked.node] = asked.connection
            self.failed()
