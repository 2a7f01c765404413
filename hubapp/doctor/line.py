"""A line of `hub doctor`."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

State: TypeAlias = Literal["good", "bad", "unknown"]


class Line(NamedTuple):
    """What was looked at, how it is, and the figures; of what is bad, what to do."""

    check: str
    state: State
    says: str


def judged(check: str, bad: bool, says: str) -> Line:
    return Line(check, "bad" if bad else "good", says)
