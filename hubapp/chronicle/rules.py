"""The rules of the chronicle, by name: those of the house, and those of patients."""

from __future__ import annotations

from collections.abc import Callable

from hubapp.rules.scene import Rule

OF_PATIENTS: dict[str, Callable[[], Rule]] = {}
OF_THE_HOUSE: dict[str, Callable[[], Rule]] = {}
CHRONICLE = {**OF_PATIENTS, **OF_THE_HOUSE}
