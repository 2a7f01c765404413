"""What a fact says, in words, from its copy in a finding; and what the store and Kafka still have of it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from hubapp.explain.sentences import named

Copy = dict[str, Any]
Place: TypeAlias = tuple[str, str, int, int]
"""Cluster, topic, partition, offset."""
Kept: TypeAlias = Literal["same", "differs", "gone", "elsewhere", "not-asked", "none"]

KEPT: dict[Kept, str] = {
    "same": "the record is still in Kafka, and its SHA-256 is the one noted here",
    "differs": "the record in Kafka has ANOTHER SHA-256: it is not the one that was read",
    "gone": "Kafka no longer has the record; this copy stays",
    "elsewhere": "the record is in another Kafka cluster, which was not asked",
    "not-asked": "Kafka was not asked, or did not answer",
    "none": "an observation of the hub's own, without a record",
}


def place(copy: Copy) -> Place:
    return (copy["cluster"], copy["topic"], copy["partition"], copy["offset"])


def says(copy: Copy) -> str:
    """A line for a person. Fields without words of their own stand as they are."""
    used = copy["used"]
    if "condition" in used and "priority" in used:
        limits = used.get("limits") or {}
        bounds = [f"{name} limit {limits[name]:g}" for name in ("lower", "upper") if limits.get(name) is not None]
        told = ["told by a list"] if used.get("listed") else []
        return ", ".join([named(used["condition"]), used["priority"], f"device {used['device']}", used["signal"], *bounds, *told])
    return ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in sorted(used.items()) if value is not None)


def shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(map(shown, value))
    if isinstance(value, dict):
        return " ".join(f"{name} {shown(item)}" for name, item in value.items() if item is not None)
    return str(value)


def title(kind: str) -> str:
    """AlarmRaised -> Alarm raised."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind)
    return spaced.strip().capitalize()


def explained(copy: Copy, stored: dict[Place, list[Copy]], kept: dict[Place, Kept]) -> dict[str, Any]:
    """*copy* with what it says; stored: the facts that the store still has of its record; kept: what Kafka has."""
    facts = [fact for fact in stored.get(place(copy), []) if fact["type"] == copy["kind"]]
    record = kept.get(place(copy), "not-asked") if copy["sha256"] else "none"
    return {
        **copy,
        "says": says(copy),
        "stored": bool(facts),
        "stored_agrees": any(agrees(copy, fact) for fact in facts) if facts else None,
        "quality": sorted({mark for fact in facts for mark in fact["quality"]}),
        "record": record,
        "record_words": KEPT[record],
    }


def agrees(copy: Copy, fact: Copy) -> bool:
    """Whether the stored fact says what was copied of it: when, and of which bytes."""
    return all(fact[name] == copy[name] for name in ("at", "sent", "sha256"))
