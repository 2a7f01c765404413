"""What the alarm codes on the wire mean: codes.toml, read once, as tables."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from hubapp.facts import Kind, Signal, fold


@dataclass(frozen=True, slots=True)
class Signalling:
    """What the code of an alert says: a signal of a condition."""

    condition: str
    signal: Signal
    kind: Kind


listed: dict[str, Any] = tomllib.loads(files("hubapp").joinpath("codes.toml").read_text(encoding="utf-8"))
physiological: dict[str, dict[str, str]] = listed["physiological"]
technical: dict[str, dict[str, str]] = listed["technical"]

names: dict[str, str] = {condition: codes["name"] for condition, codes in (physiological | technical).items()}
"""How a condition is called on the station's page."""

kinds: dict[str, Kind] = {**dict.fromkeys(physiological, "physiological"), **dict.fromkeys(technical, "technical")}

signals: dict[str, Signalling] = (
    {codes["visible"]: Signalling(condition, "visible", "physiological") for condition, codes in physiological.items()}
    | {codes["audible"]: Signalling(condition, "audible", "physiological") for condition, codes in physiological.items()}
    | {codes["signal"]: Signalling(condition, "only", "technical") for condition, codes in technical.items()}
)
"""What an alert's code means."""


def by_condition_code() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for condition, codes in (physiological | technical).items():
        for field in ("condition", "range"):
            if field in codes:
                found.setdefault(codes[field], {})[condition] = None
    return {code: tuple(conditions) for code, conditions in found.items()}


conditions_of_code: dict[str, tuple[str, ...]] = by_condition_code()
"""What the code of a range means: its condition, or both directions."""

hidden: dict[tuple[str, str], frozenset[str]] = {
    (fold(blank["device_code"]), condition): frozenset(blank["hides"]) for blank in listed["blanks"] for condition in blank["by"]
}


def hides(device_code: str, condition: str) -> frozenset[str]:
    """The conditions that the technical *condition* of such a device hides."""
    return hidden.get((fold(device_code), condition), frozenset())


def kind(condition: str) -> Kind | None:
    """The kind of a listed condition; an unlisted one is what its record says."""
    return kinds.get(condition)
