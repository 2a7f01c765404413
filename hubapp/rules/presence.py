"""Who was authenticated at an instant, as it is remembered of an onset or of a trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hubapp.facts import fold
from hubapp.rules.accounts import Accounts, Session
from hubapp.rules.moments import EARLIEST, Order


class Person(msgspec.Struct, frozen=True, order=True, gc=False):
    """An account that was authenticated: as it was written, its id, and whether many share it."""

    account: str
    id: str | None
    shared: bool = False
    roles: tuple[str, ...] | None = None


class Doubt(msgspec.Struct, frozen=True):
    """A session past its assumed end: it was open if a log-out, within the lateness, says so."""

    person: Person
    session: tuple[str, str | None, Order]


class Presence(msgspec.Struct, frozen=True, gc=False):
    """The accounts whose sessions were open at *order*. doubts: those of which one does not know yet."""

    order: Order
    people: tuple[Person, ...] = ()
    doubts: tuple[Doubt, ...] = ()


class Crowd:
    """Who is authenticated, of *accounts* that do not change: the same from their last fact to the next assumed end."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._since = max((max(s.opened, s.closed or s.opened) for s in accounts.sessions), default=EARLIEST)
        self._until = min((s.until for s in accounts.sessions if s.closed is None and not s.over), default=0)
        self._now: tuple[Person, ...] | None = None
        self._rows: dict[tuple[Person, ...], list[dict[str, Any]]] = {}

    def at(self, order: Order) -> Presence:
        if not self._since < order or order[0] > self._until:
            return presence(self._accounts, order)
        if self._now is None:
            self._now = presence(self._accounts, order).people
        return Presence(order, self._now)

    def shown(self, found: Presence) -> list[dict[str, Any]]:
        people = decided(found, self._accounts).people
        if people not in self._rows:
            self._rows[people] = shown(people, self._accounts)
        return self._rows[people]


def presence(accounts: Accounts, order: Order) -> Presence:
    people = {person(s) for s in accounts.sessions if s.open_at(order)}
    doubts = tuple(Doubt(person(s), named(s)) for s in accounts.sessions if s.doubtful_at(order))
    return Presence(order, tuple(sorted(people, key=lambda one: (one.account, one.id or ""))), doubts)


def person(session: Session) -> Person:
    return Person(session.shown, session.id, session.shared, session.roles)


def named(session: Session) -> tuple[str, str | None, Order]:
    return session.account, session.client, session.opened


def decided(found: Presence, accounts: Accounts) -> Presence:
    """*found* with those of its doubts decided of which *accounts* knows a log-out."""
    if not found.doubts:
        return found
    closed = {named(s) for s in accounts.sessions if s.closed is not None and s.closed >= found.order}
    sure = [doubt.person for doubt in found.doubts if doubt.session in closed]
    if not sure:
        return found
    people = tuple(sorted({*found.people, *sure}, key=lambda one: (one.account, one.id or "")))
    return Presence(found.order, people, tuple(doubt for doubt in found.doubts if doubt.session not in closed))


def shown(people: Iterable[Person], accounts: Accounts) -> list[dict[str, Any]]:
    """Accounts by name, one for each: an id whose name became known is that name's."""
    rows: dict[str, dict[str, Any]] = {}
    for one in people:
        name = accounts.names.get(fold(one.account), one.account)
        other = rows.get(fold(name), {"account": name, "id": None})
        rows[fold(name)] = {"account": other["account"], "id": one.id or other["id"]}
    return sorted(rows.values(), key=lambda row: str(row["account"]))


def roles_of(found: Presence, account: str, accounts: Accounts) -> Iterator[tuple[str, ...]]:
    """The roles that the sessions of *account* told."""
    wanted = {fold(account), fold(accounts.names.get(fold(account), account))}
    for one in found.people:
        if one.roles is not None and wanted & {fold(one.account), fold(one.id or "")}:
            yield one.roles
