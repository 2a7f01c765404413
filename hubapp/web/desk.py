"""What the pages ask of the worker that they run in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from hubapp.facts import Micros


@dataclass(frozen=True, slots=True)
class Member:
    """A worker of the group: where its pages are, and what it owns."""

    url: str
    owns: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Health:
    """reasons: why this worker should get no questions. told: what somebody should know all the same."""

    reasons: list[str]
    told: list[str]


class Desk(Protocol):
    name: str
    url: str

    def partition_of(self, patient: bytes) -> int:
        """The partition of hub-patients, and of its tables, that holds a patient."""

    def owner_of(self, partition: int) -> str | None:
        """The address of the worker that owns it, as far as is known."""

    async def answers_for(self, partition: int) -> bool:
        """Whether this worker owns it, has recovered it, and the group still counts on this worker."""

    def held(self, rule: str, partition: int, patient: str) -> list[dict[str, Any]]:
        """The findings that are committed about a folded patient."""

    def watermark(self, partition: int) -> Micros | None: ...

    def members(self) -> list[Member]: ...

    async def health(self) -> Health: ...

    def metrics(self) -> bytes: ...


DESK = web.AppKey("desk", Desk)
