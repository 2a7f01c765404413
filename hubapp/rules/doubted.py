"""Log-ins that are in doubt: soon after a lock of their account, or after failures that followed close upon each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from hubapp.facts import SECOND, AccountFact, AccountLocked, LogInFailed, Micros, SessionOpened, fold
from hubapp.rules.accounts import DAY, LATE_LOG_OUT, Accounts, Session
from hubapp.rules.moments import Order
from hubapp.rules.scene import Scene
from hubapp.rules.sightings import Sighting, sighting

Reason: TypeAlias = Literal["after-lock", "after-failed-log-ins"]
# Locks of one account so near to each other are one, told twice.
ONE_LOCK: Micros = 60 * SECOND


class LogIn(msgspec.Struct, frozen=True):
    """A log-in in doubt. account: folded. because: the lock, or the failures."""

    reason: Reason
    account: str
    client: str | None
    copy: Sighting
    because: tuple[Sighting, ...]


class Doubted(msgspec.Struct):
    """What throws doubt on an account's log-ins, and, by reason and client, the newest of these.

    failures: those within the span that counts. failed: the newest that were enough. until: when it is all past.
    """

    account: str
    failures: list[Sighting] = []
    failed: tuple[Sighting, ...] = ()
    lock: Sighting | None = None
    log_ins: dict[str, LogIn] = {}
    until: Micros = 0


class Suspect(msgspec.Struct, frozen=True):
    """A session with a log-in in doubt, as it was named when something was done in it."""

    session: tuple[str, str | None, Order]
    log_in: LogIn


def names_of(fact: AccountFact, scene: Scene) -> list[str]:
    """The names that a fact's account goes by; the first is the one it is known by from now on."""
    return [scene.name_of(written) for written in (fact.account_name, fact.account_id) if written]


def concerned(known: dict[str, Doubted], fact: AccountFact, scene: Scene) -> list[str]:
    """The keys of what is known of the fact's account."""
    names = names_of(fact, scene)
    return sorted(key for key, doubted in known.items() if scene.name_of(doubted.account) in names)


def hear(doubted: Doubted, fact: AccountFact, scene: Scene) -> None:
    """Let *fact*, which is about the same account, count."""
    limits = scene.thresholds.control
    match fact:
        case AccountLocked():
            if doubted.lock is None or fact.sent - doubted.lock.sent > ONE_LOCK:
                doubted.lock = sighting(fact)
        case LogInFailed():
            _fail(doubted, fact, micros(limits.failures_within), limits.failures)
        case SessionOpened():
            _log_in(doubted, fact, scene, micros(limits.doubted))
            return
        case _:
            return
    doubted.until = max(doubted.until, fact.sent + micros(max(limits.doubted, limits.failures_within)))


def _fail(doubted: Doubted, fact: LogInFailed, within: Micros, enough: int) -> None:
    kept = [failure for failure in doubted.failures if fact.sent - failure.sent <= within]
    doubted.failures = [*kept, sighting(fact)][-enough:]
    if len(doubted.failures) == enough:
        doubted.failed = tuple(doubted.failures)


def _log_in(doubted: Doubted, fact: SessionOpened, scene: Scene, soon: Micros) -> None:
    """Each log-in of a session counts; those of sessions that are over are forgotten. Exactly at the end it is not soon."""
    accounts, account = scene.house.accounts, names_of(fact, scene)[0]
    doubted.log_ins = {key: log_in for key, log_in in doubted.log_ins.items() if any(sessions(log_in, accounts, fact.sent))}
    client = None if scene.is_shared(account) or fact.client is None else fold(fact.client)
    for reason, because in causes(doubted):
        if fact.sent - because[-1].sent < soon:
            doubted.log_ins[f"{reason}\n{client or ''}"] = LogIn(reason, account, client, sighting(fact), because)
    if doubted.log_ins:
        days = int(scene.thresholds.presence.days(fact.service) * DAY)
        doubted.until = max(doubted.until, fact.sent + days + LATE_LOG_OUT)


def causes(doubted: Doubted) -> Iterator[tuple[Reason, tuple[Sighting, ...]]]:
    if doubted.lock is not None:
        yield "after-lock", (doubted.lock,)
    if doubted.failed:
        yield "after-failed-log-ins", doubted.failed


def sessions(log_in: LogIn, accounts: Accounts, now: Micros) -> Iterator[Session]:
    """The sessions, not over at *now*, that *log_in* opened or belongs to."""
    account = accounts.key(log_in.account, {})
    for session in accounts.sessions:
        same = accounts.key(session.account, {}) == account
        lasting = session.closed is None and not session.over and now <= session.until + LATE_LOG_OUT
        if same and lasting and session.client == log_in.client and session.opened <= log_in.copy.order:
            yield session


def suspects(known: Iterable[Doubted], accounts: Accounts, order: Order) -> Iterator[Suspect]:
    """The sessions that may be open at *order* and have a log-in in doubt."""
    for doubted in known:
        for log_in in doubted.log_ins.values():
            for session in sessions(log_in, accounts, order[0]):
                yield Suspect((session.account, session.client, session.opened), log_in)


def micros(seconds: float) -> Micros:
    return round(seconds * SECOND)
