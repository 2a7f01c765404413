"""The rules of the chronicle, by name: those of the house, and those of patients."""

from __future__ import annotations

from collections.abc import Callable

from hubapp.rules.barriers import Barriers
from hubapp.rules.control import Control
from hubapp.rules.coverage import Coverage
from hubapp.rules.floods import Floods
from hubapp.rules.gaps import Gaps
from hubapp.rules.masking import Maskings
from hubapp.rules.monitored import Monitored
from hubapp.rules.nuisance import Nuisance
from hubapp.rules.scene import Rule
from hubapp.rules.sessions import Sessions
from hubapp.rules.silenced import Silenced

OF_PATIENTS: dict[str, Callable[[], Rule]] = {
    "masking": Maskings,
    "monitored": Monitored,
    "nuisance": Nuisance,
    "silenced": Silenced,
}
OF_THE_HOUSE: dict[str, Callable[[], Rule]] = {
    "barriers": Barriers,
    "control": Control,
    "coverage": Coverage,
    "floods": Floods,
    "gaps": Gaps,
    "presence": Sessions,
}
CHRONICLE = {**OF_PATIENTS, **OF_THE_HOUSE}
