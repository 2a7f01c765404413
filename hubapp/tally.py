"""What this process has counted since its start: a number for each (what, source topic). Read by the metrics."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

What: TypeAlias = Literal["ignored", "repeats", "quarantined", "unchanged", "facts", "findings", "late"]

counted: Counter[tuple[What, str]] = Counter()


def add(what: What, topic: str, number: int = 1) -> None:
    if number:
        counted[what, topic] += number
