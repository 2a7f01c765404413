"""The rules of the chronicle, by name: those of the house, and those of patients."""

from __future__ import annotations

from collections.abc import Callable

from hubapp.rules.control import Control
from hubapp.rules.nuisance import Nuisance
from hubapp.rules.scene import Rule

OF_PATIENTS: dict[str, Callable[[], Rule]] = {"nuisance": Nuisance}
OF_THE_HOUSE: dict[str, Callable[[], Rule]] = {"control": Control}
CHRONICLE = {**OF_PATIENTS, **OF_THE_HOUSE}
