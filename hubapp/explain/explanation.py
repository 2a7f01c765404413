"""An explanation, built from what the store has of a finding and Kafka of its records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hubapp.explain.changes import told
from hubapp.explain.deadlines import deadline
from hubapp.explain.definitions import DEFINITIONS, QUALITY
from hubapp.explain.evidence import Copy, Kept, Place, explained, place
from hubapp.explain.in_force import applied, in_force
from hubapp.explain.sentences import beside, sentence
from hubapp.facts import AnyFact, Fact, RulesChanged, iso

Finding = dict[str, Any]

PURPOSE = "For oversight, not for alarming. A trace is not a person. Times are UTC."


class Stored(msgspec.Struct, frozen=True):
    """What the store has of a finding. revisions: {finding, epoch, written}, the oldest first; facts: (cluster, fact)."""

    hub: str
    finding: Finding
    revisions: list[Finding]
    facts: list[tuple[str, AnyFact]]
    rules: list[RulesChanged]


def explanation(stored: Stored, kept: Mapping[Place, Kept]) -> dict[str, Any]:
    """All that can be said of why the finding says what it says. kept: what Kafka still has of its records."""
    finding, known = stored.finding, facts_by_place(stored.facts)
    thresholds = in_force(finding, applied(stored.rules))
    return {
        "id": finding["id"],
        "hub": stored.hub,
        "purpose": PURPOSE,
        "sentence": sentence(finding),
        "beside": beside(finding),
        "finding": finding,
        "quality_words": {mark: QUALITY.get(mark, mark) for mark in finding["quality"]},
        "revisions": told(stored.revisions),
        "evidence": [explained(copy, known, dict(kept)) for copy in finding["evidence"]],
        "rule": {
            "name": finding["rule"],
            "definition": DEFINITIONS.get(finding["rule"], "This program does not know the rule: a newer one wrote it."),
            "thresholds": thresholds,
        },
        "deadline": deadline(finding, stored.revisions, thresholds["values"]),
    }


def facts_by_place(facts: list[tuple[str, AnyFact]]) -> dict[Place, list[Copy]]:
    found: dict[Place, list[Copy]] = {}
    for cluster, fact in facts:
        found.setdefault((cluster, fact.topic, fact.partition, fact.offset), []).append(of(fact))
    return found


def of(fact: Fact) -> Copy:
    return {
        "type": type(fact).__name__, "at": iso(fact.at), "sent": iso(fact.sent), "sha256": fact.sha256, "quality": fact.quality,
    }  # fmt: skip


def places(finding: Finding) -> list[Place]:
    """Where the records of its evidence are, each once."""
    return sorted({place(copy) for copy in finding["evidence"] if copy["sha256"]})
