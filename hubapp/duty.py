"""What this worker owns, whether it can answer for it, and why not: the worker as its pages see it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from hubapp import kafka, metrics, topics
from hubapp.engine import HubApp
from hubapp.facts import SECOND, Micros
from hubapp.failure import Failure
from hubapp.intake.clocks import CLOCKS
from hubapp.metrics import Figure
from hubapp.settings import Settings
from hubapp.store.patience import Status
from hubapp.waiting import Waiting
from hubapp.web.desk import Health, Member

logger = logging.getLogger(__name__)

# The group drops a member at the earliest session timeout - heartbeat interval after it last counted it in (6 - 2 s).
CONFIRMED_SECONDS = 2.0
ANSWER_SECONDS = 2.0
# Every lane that reads a source commits once a second.
COMMIT_SECONDS = 10.0
HELD_SECONDS = 60
TOLD = 20


class Duty:
    """waiting: for what the start waits. app: once there is one."""

    def __init__(self, settings: Settings, name: str, url: str, *, rules: bool, archive: bool) -> None:
        self.name, self.url = name, url
        self.waiting: Waiting | None = None
        self.app: HubApp | None = None
        self.archive: Status | None = Status() if archive else None
        self.commits = metrics.Commits()
        self._settings, self._rules = settings, rules
        self._admin: AIOKafkaAdminClient | None = None
        self._confirmed = self._reached = float("-inf")
        self._asking = asyncio.Lock()
        self._ready_since: float | None = None

    # Who owns what

    def partition_of(self, patient: bytes) -> int:
        app = self.app
        return app.partition_of(patient, topics.PATIENTS) if app and topics.PATIENTS in app.counts else 0

    def owner_of(self, partition: int) -> str | None:
        return self.app.owner_of(topics.PATIENTS, partition) if self.app else None

    def members(self) -> list[Member]:
        """As the group's last assignment told every member, and this one in any case."""
        known = dict(self.app.assignor.external_topics_metadata()) if self.app else {}
        known.setdefault(self.url, {})
        return [Member(url, {topic: sorted(numbers) for topic, numbers in sorted(owns.items())}) for url, owns in known.items()]

    # What is held

    async def answers_for(self, partition: int) -> bool:
        app = self.app
        if app is None or not app.ready or (topics.PATIENTS, partition) not in self._open():
            return False
        return await self.counted_in() and app.ready

    def held(self, rule: str, partition: int, patient: str) -> list[dict[str, Any]]:
        """All alarms of a patient stand together in the table: patient, then device and condition."""
        assert self.app is not None
        committed = self.app.committed(self.app.tables[rule], partition)
        rows = committed.items(patient.encode() + b"\0") if committed else ()
        return [finding for _, value in rows for finding in orjson.loads(value)["findings"]]

    def progress(self, partition: int) -> dict[str, Any]:
        """How far a partition has come, and what was claimed of which source: the watermark as the ward keeps it."""
        app = self.app
        committed = app.committed(app.tables["progress"], partition) if app else None
        row = committed.get(b"progress") if committed else None
        return dict(orjson.loads(row)["watermark"]) if row else {}

    def watermark(self, partition: int) -> Micros | None:
        return self.progress(partition).get("at")

    def _open(self) -> set[tuple[str, int]]:
        return {(owned.topic, owned.partition) for owned in self.app.owned() if owned.open} if self.app else set()

    # Whether the group still counts on us

    async def counted_in(self) -> bool:
        """A worker that was frozen wakes up with its tables, and believes that they are its own: ask the group."""
        async with self._asking:
            if time.monotonic() - self._confirmed < CONFIRMED_SECONDS:
                return True
            asked = time.monotonic()
            try:
                state, members = await asyncio.wait_for(self._group(), ANSWER_SECONDS)
            except (KafkaError, Failure, OSError, TimeoutError):  # Failure: the embedded one is down.
                await self._forget_admin()
                return False
            self._reached = asked
            if state == "Stable" and self._member() in members:
                self._confirmed = asked
            return self._confirmed == asked

    async def _group(self) -> tuple[str, set[str]]:
        """The group's state and its members, as the coordinator has them."""
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(**kafka.client_options(self._settings))
            await self._admin.start()
        [answer] = await self._admin.describe_consumer_groups([self._settings.group])
        error, _group, state, _type, _protocol, members = answer.groups[0][:6]
        if error:
            raise KafkaError(f"error {error}")
        return state, {member[0] for member in members}

    def _member(self) -> str:
        assert self.app is not None
        return str(self.app.consumer._thread._consumer._coordinator.member_id)

    async def _forget_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def close(self) -> None:
        await self._forget_admin()

    # How it is

    async def health(self) -> Health:
        reasons = [reason async for reason in self._reasons()]
        return Health(reasons, [*self._told_of_archive(), *self._held_back(), *self._told_of_zones()])

    async def _reasons(self) -> Any:
        if not self._rules:
            if self.archive is not None and self.archive.state != "archiving":
                yield f"the archive: {self.archive.state}"
            return
        if self.app is None:
            yield (self.waiting and self.waiting.reason) or "starting"
            return
        if not self.app.ready:
            yield "recovering" if self.app.started and self.app.in_recovery else "taking over partitions"
        if not await self.counted_in():
            yield "Kafka does not answer, or the group does not count this worker in"
        for reason in self._uncommitted():
            yield reason

    def _uncommitted(self) -> Iterator[str]:
        """Lanes that fail, and a worker that owns sources and commits nothing."""
        assert self.app is not None
        if not self._open() or not self._has_to_commit():
            self._ready_since = None
            return
        now = time.monotonic()
        self._ready_since = self._ready_since or now
        newest = max([self._ready_since, *self.commits.committed.values()])
        if now - newest > COMMIT_SECONDS:
            yield f"nothing was committed for {now - newest:.0f} s"
        for lane, error in sorted(self.commits.failing.items()):
            yield f"commits of {lane} fail: {error}"

    def _has_to_commit(self) -> bool:
        """Progress, once a second; of an input of the past, only what came in."""
        assert self.app is not None
        return not self._settings.input or any((one.highwater or 0) > one.position for one in self.app.owned())

    def _told_of_archive(self) -> list[str]:
        status = self.archive
        if not self._rules or status is None or status.state == "archiving":
            return []
        return [f"the archive: {status.state}" + (f" ({status.reason})" if status.reason else "")]

    def _held_back(self) -> list[str]:
        """Source partitions that hold the watermark."""
        if self._settings.input:
            return []
        oldest = (time.time() - HELD_SECONDS) * SECOND
        holding: set[tuple[str, int]] = set()
        for topic, partition in self._open():
            if topic == topics.PATIENTS:
                holding.update(behind(self.progress(partition), oldest))
        names = [f"{topic}-{number} holds the watermark" for topic, number in sorted(holding)]
        return names[:TOLD] + ([f"and {len(names) - TOLD} more"] if len(names) > TOLD else [])

    def _told_of_zones(self) -> Iterator[str]:
        """Writers of sources that are read here."""
        read = {topic for topic, _ in self._open()}
        for writer, minutes in CLOCKS.zones():
            if writer in read:
                yield f"zone of {writer}: its times are {abs(minutes)} min {'ahead of' if minutes > 0 else 'behind'} Kafka's"

    # In figures

    def metrics(self) -> bytes:
        return metrics.page(self.figures)

    def figures(self) -> Iterator[Figure]:
        yield "ready", "1 where partitions are taken over and recovered", {}, float(bool(self.app and self.app.ready))
        if self.archive is not None:
            yield "archive_lag_records", "Offsets that are not yet stored", {}, self.archive.lag
            yield "archive_up", "1 while the archive stores", {}, float(self.archive.state == "archiving")
            stored = self.archive.facts + self.archive.revisions
            yield "archived", "Facts and revisions of findings stored by this process", {}, stored
        if self.app is None:
            return
        yield from self._lags()
        recovered = self.app.recovered
        yield "recovery_seconds", "Time that reading changelogs took since the start", {}, recovered.seconds
        yield "recovered_records", "Changelog records read since the start", {}, recovered.records

    def _lags(self) -> Iterator[Figure]:
        assert self.app is not None
        owned, lag = Counter[str](), Counter[str]()
        for one in self.app.owned():
            owned[one.topic] += 1
            lag[one.topic] += max(0, (one.highwater or one.position) - one.position)
            at = self.watermark(one.partition) if one.topic == topics.PATIENTS else None
            if at is not None:
                age, labels = time.time() - at / SECOND, {"topic": one.topic, "partition": str(one.partition)}
                yield "watermark_age_seconds", "How far the watermark is behind now", labels, age
        for topic in owned:
            yield "partitions_owned", "Partitions that this worker owns", {"topic": topic}, owned[topic]
            yield "lag_records", "Records that are not yet committed", {"topic": topic}, lag[topic]


def behind(progress: dict[str, Any], oldest: float) -> Iterator[tuple[str, int]]:
    """The source partitions whose claim is older than *oldest*, or of which none was heard."""
    for topic, count in progress.get("counts", {}).items():
        claims, ended = progress["claims"].get(topic, {}), progress["ended"].get(topic, {})
        for number in map(str, range(count)):
            if claims.get(number, 0) < oldest and number not in ended:
                yield topic, int(number)
