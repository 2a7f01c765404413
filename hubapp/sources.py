"""The sources by their names on this cluster."""

from __future__ import annotations

from hubapp.facts import SECOND, Micros
from hubapp.settings import settings
from hubapp.topics import READ


def name(role: str) -> str:
    """The topic that plays *role* here."""
    return settings().topics.get(role, role)


def bounds() -> dict[str, Micros]:
    """How late a record of each source topic may be."""
    return {name(topic.role): topic.bound * SECOND for topic in READ}
