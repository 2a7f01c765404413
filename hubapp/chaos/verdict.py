"""What was compared, and what was lost, extra or different: all zero, or the run has failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

MOST_EXAMPLES = 3
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(slots=True)
class Check:
    """expected, found: how many. examples: the first things that are wrong, in words."""

    name: str
    expected: int = 0
    found: int = 0
    lost: int = 0
    extra: int = 0
    different: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.extra or self.different)

    def wrong(self, words: str) -> None:
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(words[:600])


@dataclass(slots=True)
class Outcome:
    """A run. row: its name in the list of what must survive. told: what else is to be known of it."""

    row: str
    title: str
    kafka: str
    checks: list[Check] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return bool(self.checks) and all(check.good for check in self.checks)

    def summary(self) -> dict[str, Any]:
        checks = [
            {name: getattr(check, name) for name in ("name", "expected", "found", "lost", "extra", "different", "examples")}
            for check in self.checks
        ]
        return {
            "row": self.row, "title": self.title, "kafka": self.kafka, "good": self.good, "seconds": round(self.seconds, 1),
            "told": self.told, "checks": checks,
        }  # fmt: skip


def same(
    name: str, expected: Mapping[Key, Value], found: Iterable[tuple[Key, Value]], words: Callable[[Value], Any] = repr
) -> Check:
    """Each of *expected* once in *found*, with the same value; a second one is extra."""
    check, seen = Check(name, expected=len(expected)), Counter[Key]()
    for key, value in found:
        check.found += 1
        seen[key] += 1
        if key not in expected or seen[key] > 1:
            check.extra += 1
            check.wrong(f"extra{' (again)' if key in expected else ''} {key}: {words(value)}")
        elif expected[key] != value:
            check.different += 1
            check.wrong(f"different {key}: {difference(words(expected[key]), words(value))}")
    for key in expected:
        if key not in seen:
            check.lost += 1
            check.wrong(f"lost {key}: {words(expected[key])}")
    return check


def difference(expected: Any, found: Any) -> str:
    """Where two objects differ, else both."""
    if isinstance(expected, dict) and isinstance(found, dict):
        names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        return "; ".join(f"{name}: {difference(expected.get(name), found.get(name))}" for name in names)
    return f"{found}, expected {expected}"


def none(name: str, extras: Iterable[Any]) -> Check:
    """Of these there should be none."""
    found = list(extras)
    check = Check(name, found=len(found), extra=len(found))
    for one in found:
        check.wrong(str(one))
    return check


def equal(name: str, expected: int, found: int) -> Check:
    """Two counts."""
    check = Check(name, expected=expected, found=found, lost=max(0, expected - found), extra=max(0, found - expected))
    if expected != found:
        check.wrong(f"{found}, expected {expected}")
    return check
