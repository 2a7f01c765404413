"""Stretches of failed log-ins and locks: of one account, or at one client, each soon after the one before."""

from __future__ import annotations

from typing import Literal

import msgspec

from hubapp.facts import AccountLocked, LogInFailed, Micros, fold
from hubapp.rules.scene import LISTED, Scene
from hubapp.rules.sightings import Sighting, instant, sighting
from hubapp.rules.stations import Station, station
from hubapp.thresholds import BarriersThresholds


class Stretch(msgspec.Struct, tag=True, kw_only=True):
    """named: the account or client, as its first record wrote it; used: the thresholds in force there.

    first, recent: its first and its newest record; failure: its newest; lock, relock: its first and its newest. attempts:
    failures. newer: whether the newer service, which tells of failures, wrote any of it. accounts, clients: those named, the
    first of them. success: when a log-in ended it. proofs: what showed that a stretch of another spelling was this one.
    alone: whether all those named were one account, as one knew when it closed.
    """

    what: Literal["account", "client"]
    named: str
    used: BarriersThresholds
    first: Sighting
    recent: Sighting
    shared: bool = False
    failure: Sighting | None = None
    lock: Sighting | None = None
    relock: Sighting | None = None
    attempts: int = 0
    newer: bool = False
    accounts: list[str] = []
    clients: list[str] = []
    stations: list[Station] = []
    success: Micros | None = None
    proofs: list[Sighting] = []
    alone: bool | None = None

    @property
    def key(self) -> str:
        return f"{self.what}\n{fold(self.named)}\n{instant(self.first.at)}"

    @property
    def waits(self) -> Micros:
        """Until then a success says that somebody could log in after all."""
        return self.recent.sent + micros(self.used.success)

    @property
    def closes(self) -> Micros:
        """Behind this instant nothing changes it."""
        return max(self.waits, self.recent.sent + micros(self.used.gap)) if self.success is None else self.success

    def goes_on(self, sent: Micros) -> bool:
        return self.success is None and sent <= self.recent.sent + micros(self.used.gap)

    def is_one_account(self, scene: Scene) -> bool:
        return len({scene.name_of(account) for account in self.accounts}) < 2 if self.alone is None else self.alone

    def failed(self, now: Micros) -> bool:
        """Whether they failed and, as is known *now*, did not succeed soon after the last."""
        return self.attempts >= self.used.failures and self.success is None and now > self.waits

    def instants(self, now: Micros) -> list[Micros]:
        """When somebody could not log in: at a lock, and at the last failure."""
        failure = self.failure if self.failed(now) else None
        return [copy.sent for copy in (self.lock, self.relock, failure) if copy is not None]


def micros(seconds: float) -> Micros:
    return round(seconds * 1_000_000)


def mark(stretch: Stretch, fact: LogInFailed | AccountLocked, account: str, scene: Scene) -> None:
    """Let *fact* be a part of it."""
    stretch.recent = sighting(fact)
    stretch.newer = stretch.newer or fact.service == "newer"
    if isinstance(fact, LogInFailed):
        stretch.attempts, stretch.failure = stretch.attempts + 1, stretch.recent
    else:
        stretch.lock, stretch.relock = stretch.lock or stretch.recent, stretch.recent
    note(stretch.accounts, account)
    if fact.client:
        note(stretch.clients, fact.client)
    known = [fold(one.written) for one in stretch.stations]
    if fact.place and len(known) < LISTED and fold(fact.place) not in known:
        stretch.stations.append(station(fact.place, fact.sent, scene))


def note(names: list[str], written: str) -> None:
    if len(names) < LISTED and fold(written) not in map(fold, names):
        names.append(written)


def join(older: Stretch, younger: Stretch, proof: Sighting) -> None:
    """What was taken for another account's is a part of *older*."""
    older.recent = max(older.recent, younger.recent, key=order)
    older.failure = max(filter(None, (older.failure, younger.failure)), key=order, default=None)
    older.lock = min(filter(None, (older.lock, younger.lock)), key=order, default=None)
    older.relock = max(filter(None, (older.relock, younger.relock)), key=order, default=None)
    older.attempts += younger.attempts
    older.newer = older.newer or younger.newer
    older.proofs = [*older.proofs, younger.first, *younger.proofs, proof]
    for account in younger.accounts:
        note(older.accounts, account)
    for client in younger.clients:
        note(older.clients, client)
    known = {fold(one.written) for one in older.stations}
    older.stations += [one for one in younger.stations if fold(one.written) not in known]


def order(copy: Sighting) -> tuple[Micros, str, int, int, int]:
    return copy.order
