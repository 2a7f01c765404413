"""What the hub concludes while a demo runs: a line for each conclusion, and figures at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from hubapp import topics
from hubapp.demo.words import Finding, told_of
from hubapp.pipes import partitions

READ = (*(f"hub-{rule}" for rule in topics.RULES), topics.QUARANTINE)


class Conclusions:
    """The newest revision of each finding, and how many records were quarantined."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.newest: dict[str, Finding] = {}
        self.quarantined = 0
        self._say = say
        self._told: dict[str, str] = {}

    async def begin(self, consumer: AIOKafkaConsumer) -> None:
        """From here on: what an earlier demo concluded is not ours."""
        self._consumer = consumer
        parts: list[TopicPartition] = [part for topic in READ for part in await partitions(consumer, topic)]
        consumer.assign(parts)
        for part, end in (await consumer.end_offsets(parts)).items():
            consumer.seek(part, end)

    async def follow(self) -> None:
        """Take what comes within half a second."""
        for part, records in (await self._consumer.getmany(timeout_ms=500)).items():
            for record in records:
                if part.topic == topics.QUARANTINE:
                    self.quarantined += 1
                else:
                    self.take(orjson.loads(record.value))

    def take(self, finding: Finding) -> None:
        if finding["revision"] < self.newest.get(finding["id"], finding)["revision"]:
            return
        self.newest[finding["id"]] = finding
        if (told := told_of(finding)) and self._told.get(finding["id"]) != told:
            self._told[finding["id"]] = told
            self._say(told)

    def standing(self, rule: str) -> Iterator[Finding]:
        return (finding for finding in self.newest.values() if finding["rule"] == rule and finding["status"] != "retracted")

    def somebody(self) -> str | None:
        """A patient of whom both tables know."""
        attended = {finding["patient"] for finding in self.standing("attendance")}
        return next((str(patient) for patient in sorted(filter(None, attended))), None)

    def figures(self) -> dict[str, Any]:
        results = Counter(finding["body"]["result"] for finding in self.standing("attendance"))
        named = {result.replace("-", "_"): number for result, number in sorted(results.items())}
        attended = {"attended": 0, "no_evidence": 0, "self_resolved": 0}
        episodes = sum(1 for _ in self.standing("episodes"))
        return {"episodes": episodes, "findings": len(self.newest), **attended, **named, "quarantined": self.quarantined}
