"""What the hub concludes while a demo runs: a line for each conclusion, and figures at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from hubapp import codes, topics
from hubapp.pipes import partitions

RESULTS = {
    "attended": "attended",
    "visited": "somebody logged in in time",
    "attended-late": "attended, but late",
    "visited-late": "somebody logged in, but late",
    "self-resolved": "ended by itself in time",
    "no-evidence": "no evidence of anybody in time",
    "unobserved": "could not be observed",
    "not-judged": "told late, not judged",
}
READ = (*(f"hub-{rule}" for rule in topics.RULES), topics.QUARANTINE)

Finding = dict[str, Any]


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


def told_of(finding: Finding) -> str | None:
    """A conclusion as a line: of an alarm that has ended, or whose deadline has passed. It says where, never who."""
    body = finding["body"]
    where = finding["bed"] or finding["monitor"] or finding["device"] or "?"
    if finding["status"] == "retracted":
        return None
    if finding["rule"] == "episodes":
        lasted = "" if body["duration"] is None else f" after {body['duration']:.0f} s"
        what = f"{body['name']} {body['priority']}"
        return line(finding, where, what, f"ended{lasted} ({body['ended_by']})") if body["ended_by"] else None
    if body["result"] not in RESULTS:
        return None
    what = f"{codes.names.get(body['condition'], body['condition'])} {body['priority']}"
    trace = f": {body['evidence_class']} after {body['seconds']:.0f} s" if body["evidence_class"] and body["seconds"] else ""
    return line(finding, where, what, RESULTS[body["result"]] + trace)


def line(finding: Finding, where: str, what: str, how: str) -> str:
    return f"{finding['start'][11:19]}  {where:<10.10}  {what:<34.34}  {how}"
