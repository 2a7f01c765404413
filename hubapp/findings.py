"""Findings: what a rule concludes from facts. One envelope for all rules."""

from __future__ import annotations

import uuid
from typing import Any, Literal, TypeAlias

import msgspec

from hubapp.facts import Fact, Micros, Quality, iso

Status: TypeAlias = Literal["provisional", "final", "amended", "retracted"]

# Names of findings: UUIDv5 in a namespace of the hub's own.
NAMESPACE = uuid.UUID("6d7f2c1e-5b1a-5c0e-9a53-2f6a3f0c9e11")


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False, gc=False):
    """A copy of what a finding rests on: the fact's type, the few fields used, and where its record is."""

    kind: str
    used: dict[str, Any]
    at: str
    sent: str
    cluster: str
    topic: str
    partition: int
    offset: int
    message_id: str | None
    sha256: str


class Finding(msgspec.Struct, kw_only=True, gc=False):
    """A finding's content: all but `revision` and `status` is a pure function of the facts and thresholds.

    Times are text (ISO 8601, six decimals, `Z`); durations in `body` are seconds.
    """

    id: str
    rule: str
    rule_version: str
    status: Status
    quality: list[Quality]
    units: list[str]
    bed: str | None
    monitor: str | None
    device: str | None
    patient: str | None
    account: str | None
    start: str
    end: str | None
    evidence: list[Evidence]
    body: dict[str, Any]
    revision: int = 0
    replaced_by: str | None = None


def finding_id(rule: str, subject: str, at: Micros) -> str:
    """UUIDv5 of (rule, subject, `at` of the anchoring fact)."""
    return str(uuid.uuid5(NAMESPACE, f"{rule}\n{subject}\n{iso(at)}"))


def evidence_of(fact: Fact, cluster: str, **used: Any) -> Evidence:
    """A copy of *fact*: its coordinates and the fields *used*."""
    return Evidence(
        kind=type(fact).__name__, used=used, at=iso(fact.at), sent=iso(fact.sent), cluster=cluster, topic=fact.topic,
        partition=fact.partition, offset=fact.offset, message_id=fact.message_id, sha256=fact.sha256,
    )  # fmt: skip


canonical = msgspec.json.Encoder(order="sorted").encode
"""Canonical JSON of a finding: sorted keys. Lists are sorted where they are made."""
