"""A platform event whose envelope is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from hubapp.facts import AnyFact
from hubapp.wire.fields import Text
from hubapp.wire.stamp import Stamp

Said: TypeAlias = tuple[AnyFact, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """kind: its TYPE. account: None for what no account did. entity_id is often not the entity: read where it is."""

    kind: str
    stamp: Stamp
    account: str | None
    entity_id: Text
    state: msgspec.Raw
    data: msgspec.Raw
