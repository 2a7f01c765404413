"""Fetches that ask only for what changed, and not too often: with nothing to do they are most of what a worker costs.

aiokafka names every partition in every fetch and has every one answered. A broker remembers them in a *session* (KIP-227):
a request then names what changed since the one before it, an answer what there is to say. What an answer does not name is
as it was: no record, no error, the same high watermark.

They have a connection of their own, since a broker answers what is asked on one in turn: whoever asks for something else
need not wait for a fetch that waits for records.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.protocol.fetch import FetchRequest
from faust.types import TP

from hubapp.engine.quiet import Asked, Quiet

# Beside aiokafka's own ConnectionGroups.
CONNECTION = 2
# After an answer of few bytes the next fetch is asked so many seconds after the last one: what comes meanwhile comes together.
PACE, FEW = 0.04, 64 * 1024
# How long a fetch of everything waits for records after one that brought none. All others wait as long as aiokafka says: while
# one waits, a partition that it lacks, whose records had yet to be taken, waits too.
LONG_MS = 500
# Of a request: begin a session, whatever the broker remembers.
FIRST = 0

Places = dict[TP, tuple[int, int]]
"""From which offset, and how many bytes."""


class Named(FetchRequest):
    """A fetch that names some partitions of a session."""

    def __init__(self, whole: FetchRequest, wait_ms: int, session: Session, changed: Places, forgotten: Iterable[TP]) -> None:
        named = [(topic, [(tp.partition, *changed[tp]) for tp in tps]) for topic, tps in by_topic(changed)]
        super().__init__(wait_ms, whole._min_bytes, whole._max_bytes, whole._isolation_level, named, whole._rack_id)
        self._of = (session.id, session.epoch)
        self._forgotten = [(topic, [tp.partition for tp in tps]) for topic, tps in by_topic(forgotten)]

    def build(self, version: Any) -> Any:
        built: Any = super().build(version)
        built.session_id, built.session_epoch = self._of
        built.forgotten_topics_data = self._forgotten
        return built


def by_topic(tps: Iterable[TP]) -> Iterable[tuple[str, list[TP]]]:
    topics: defaultdict[str, list[TP]] = defaultdict(list)
    for tp in tps:
        topics[tp.topic].append(tp)
    return topics.items()


class Session:
    """With one broker. places: what the last request asked for; highwaters: what was told last of each partition."""

    def __init__(self) -> None:
        self.id, self.epoch, self.begun = 0, FIRST, time.monotonic()
        self.places: Places = {}
        self.highwaters: dict[TP, int] = {}

    def ask(self, whole: FetchRequest, wait_ms: int, left_out: set[str]) -> Named:
        """The request that has the broker answer *whole*, without the topics *left_out*."""
        before = self.places if self.epoch != FIRST else {}
        wanted = [(topic, parts) for topic, parts in whole.topics if topic not in left_out]
        self.places = {TP(topic, number): (offset, size) for topic, parts in wanted for number, offset, size in parts}
        changed = dict(self.places.items() - before.items())
        return Named(whole, wait_ms, self, changed, before.keys() - self.places.keys())

    def answered(self, response: Any) -> dict[TP, int] | None:
        """The errors that it tells of partitions; None if the broker does not know the session (any more)."""
        if response.error_code:
            self.end()
            return None
        errors = {}
        for topic, parts in response.topics:
            for number, error, highwater, *_ in parts:
                errors[TP(topic, number)], self.highwaters[TP(topic, number)] = error, highwater
        self.id, self.epoch = response.session_id, self.epoch % 0x7FFFFFFF + 1 if response.session_id else FIRST
        return errors

    def end(self) -> None:
        """Nobody knows what the broker remembers: the next request names all, and begins another session."""
        self.epoch, self.begun = FIRST, time.monotonic()
        self.highwaters = {}


class Fetches:
    """What aiokafka's *client* fetches for its consumer. What that keeps of an answer lacks the error and the asking.

    *every*: topics that are asked for only once in so many seconds, while little comes.
    """

    def __init__(self, client: Any, quiet: Quiet, every: Mapping[str, float]) -> None:
        self._client, self._quiet, self._every, self._send = client, quiet, every, client.send
        self._brokers: defaultdict[Any, Broker] = defaultdict(Broker)
        client.send = self.send

    async def send(self, node: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await self._send(node, request, **options)
        broker = self._brokers[node]
        await asyncio.sleep(max(0.0, broker.next - time.monotonic()))
        while (answer := await self._fetch(node, broker, request)) is None:
            pass
        return answer

    async def _fetch(self, node: Any, broker: Broker, request: FetchRequest) -> Any:
        at, wall, session = time.monotonic(), time.time(), broker.session
        if session.begun < self._quiet.taken:
            session.end()  # What is assigned since knows nothing of what was told before.
            broker.partitions = 0
        wait_ms, left_out = broker.plan(at, request, self._every)
        try:
            response = await self._send(node, session.ask(request, wait_ms, left_out), group=CONNECTION)
        except BaseException as error:
            session.end()
            if isinstance(error, KafkaError):
                self._quiet.unreachable()
            raise
        if (errors := session.answered(response)) is None:
            return None
        broker.note(at, sum(len(part[-1] or b"") for _, parts in response.topics for part in parts))
        self._tell(Asked(at, wall, node, self._client._conns.get((node, CONNECTION))), session, errors)
        return response

    def _tell(self, asked: Asked, session: Session, errors: dict[TP, int]) -> None:
        self._quiet.answered(asked)
        for tp, (offset, _) in session.places.items():
            if tp in session.highwaters:
                self._quiet.heard(asked, tp, offset, errors.get(tp, 0), session.highwaters[tp])


class Broker:
    """next: when it may be asked again; partitions: how many it was asked for at the most since the last take-over."""

    def __init__(self) -> None:
        self.session, self.next, self.partitions = Session(), 0.0, 0
        self._brought = 0
        self._asked: dict[str, float] = {}

    def plan(self, now: float, request: FetchRequest, every: Mapping[str, float]) -> tuple[int, set[str]]:
        """How long a fetch is to wait, and which of its topics it leaves out."""
        topics = {topic for topic, _ in request.topics}
        rests = {topic: self._asked.get(topic, 0.0) + seconds - now for topic, seconds in every.items()}
        left_out = {topic for topic, rest in rests.items() if rest > 0 and topic in topics and self._brought < FEW}
        if left_out == topics:
            left_out = set()
        self._asked |= dict.fromkeys(topics - left_out, now)
        rest_ms = [int(rests[topic] * 1000) for topic in left_out]
        return min([LONG_MS if self._is_idle(request) else request._max_wait_ms, *rest_ms]), left_out

    def _is_idle(self, request: FetchRequest) -> bool:
        partitions = sum(len(parts) for _, parts in request.topics)
        self.partitions = max(partitions, self.partitions)
        return not self._brought and partitions == self.partitions

    def note(self, asked: float, brought: int) -> None:
        self._brought = brought
        self.next = asked + PACE if brought < FEW else 0.0
