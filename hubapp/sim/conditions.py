"""What a simulated monitor can alarm about: the conditions of `codes.toml`, by the device that measures them."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any, Literal, NamedTuple

from hubapp.facts import Kind


class Condition(NamedTuple):
    """title: how people call it. visible: the code of the visible or only signal; audible: None where there is one signal; code:
    the condition's own."""

    name: str
    title: str
    kind: Kind
    visible: str
    audible: str | None
    code: str | None
    side: Literal["upper", "lower"] | None


def side_of(name: str) -> Literal["upper", "lower"] | None:
    return "upper" if name.endswith("-high") else "lower" if name.endswith("-low") else None


def read() -> dict[str, Condition]:
    codes: dict[str, Any] = tomllib.loads((resources.files("hubapp") / "codes.toml").read_text())
    two = {
        name: Condition(name, row["name"], "physiological", row["visible"], row["audible"], row["condition"], side_of(name))
        for name, row in codes["physiological"].items()
    }
    one = {
        name: Condition(name, row["name"], "technical", row["signal"], None, row.get("condition"), None)
        for name, row in codes["technical"].items()
    }
    return two | one


CONDITIONS = read()

MONITOR = "Patient Monitor"
MEASURES: dict[str, tuple[str, ...]] = {
    "ANNE Chest": ("hr-high", "hr-low", "rr-high", "rr-low", "skin-temp-high", "skin-temp-low", "fall", "body-position"),
    "ADAM": ("hr-high", "hr-low", "rr-high", "rr-low", "fall", "body-position"),
    "Nonin 3150": ("spo2-high", "spo2-low", "pr-high", "pr-low"),
    "ANNE Limb": ("spo2-low", "pr-high", "pr-low", "skin-temp-high", "skin-temp-low"),
    "Viatom BP monitor": ("nibp-sys-high", "nibp-sys-low", "nibp-dia-high", "nibp-dia-low"),
    "DMT Thermometer": ("body-temp-high", "body-temp-low"),
}
FAILS: dict[str, tuple[str, ...]] = {
    "ANNE Chest": ("lead-off", "low-battery", "out-of-range", "low-signal", "critical-battery"),
    "ADAM": ("poor-skin-contact", "low-battery", "out-of-range", "module-failure"),
    "Nonin 3150": ("finger-not-detected", "sensor-error", "low-battery", "out-of-range"),
    "ANNE Limb": ("poor-skin-contact", "low-battery", "low-signal"),
    "Viatom BP monitor": ("loose-sleeve", "movement", "weak-pulse", "low-battery"),
    "DMT Thermometer": ("low-battery", "out-of-range"),
    MONITOR: ("low-battery", "system-error"),
}
USUAL: dict[str, float] = {
    "hr-high": 120.0, "hr-low": 50.0, "rr-high": 30.0, "rr-low": 8.0, "pr-high": 120.0, "pr-low": 50.0, "spo2-high": 100.0,
    "spo2-low": 90.0, "nibp-sys-high": 160.0, "nibp-sys-low": 90.0, "nibp-dia-high": 100.0, "nibp-dia-low": 50.0,
    "body-temp-high": 38.5, "body-temp-low": 35.5, "skin-temp-high": 38.0, "skin-temp-low": 33.0,
}  # fmt: skip
SWITCHED = ("lead-off", "low-battery", "low-signal")
"""Technical conditions that a monitor reports in its ranges: they can be enabled and disabled, they have no limits."""
