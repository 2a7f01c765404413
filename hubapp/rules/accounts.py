"""Who was authenticated: accounts, their sessions, and which id and name are one account (DICOM audit 110122, 110123).

An account is one person's unless the thresholds list it as shared. One person's: a log-in opens, a log-in while open is a
re-authentication, a log-out closes. A shared one is open from its first log-in until `session_days` after its last,
whoever logs out.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hubapp.facts import SECOND, AccountFact, Micros, SessionClosed, SessionOpened, fold
from hubapp.rules.moments import Order, Trace
from hubapp.thresholds import PresenceThresholds

DAY: Micros = 86_400 * SECOND
# So long after its assumed end, a log-out still moves the end of a session.
LATE_LOG_OUT: Micros = 600 * SECOND


class Session(msgspec.Struct):
    """An account's session at a client (None: not told). until: its assumed end; closed: when it was logged out of.

    over: its assumed end was followed by another log-in, so no log-out is this one's. places: of its log-ins, as written.
    """

    account: str
    client: str | None
    shown: str
    id: str | None
    opened: Order
    until: Micros
    closed: Order | None = None
    roles: tuple[str, ...] | None = None
    shared: bool = False
    over: bool = False
    places: tuple[str | None, ...] = ()

    def open_at(self, order: Order) -> bool:
        """A log-out after the assumed end moves the end there. At exactly its end it is still open."""
        if order < self.opened:
            return False
        return order <= self.closed if self.closed else order[0] <= self.until

    def doubtful_at(self, order: Order) -> bool:
        """Past its assumed end, where a log-out may yet show that it was open."""
        return self.closed is None and not self.over and self.until < order[0] <= self.until + LATE_LOG_OUT


class Accounts(msgspec.Struct):
    """Sessions that are open or were within the window, and what is known of ids and names. names: folded id -> name."""

    sessions: list[Session] = []
    names: dict[str, str] = {}
    seen: set[str] = set()

    def copy(self) -> Accounts:
        return Accounts([msgspec.structs.replace(session) for session in self.sessions], dict(self.names), set(self.seen))

    def key(self, written: str, aliases: dict[str, str]) -> str:
        """The account that an id or a name stands for."""
        name = fold(self.names.get(fold(written), written))
        return aliases.get(name, name)

    def matched(self, written: str) -> bool:
        """Whether an authentication record ever named it, as id or name."""
        return fold(written) in self.seen

    def prune(self, horizon: Micros) -> None:
        """Drop the sessions that ended before the horizon, for good."""
        self.sessions = [s for s in self.sessions if (s.closed[0] if s.closed else s.until + LATE_LOG_OUT) >= horizon]


def alias_map(thresholds: PresenceThresholds) -> dict[str, str]:
    if not thresholds.aliases:
        return {}
    return {fold(other): fold(name) for name, others in thresholds.aliases.items() for other in others}


def step(accounts: Accounts, fact: AccountFact, thresholds: PresenceThresholds) -> Iterator[Trace]:
    """Apply a fact of authentication; a log-in is a trace."""
    if fact.account_id and fact.account_name:
        accounts.names[fold(fact.account_id)] = fact.account_name
    accounts.seen |= {fold(written) for written in (fact.account_id, fact.account_name) if written}
    shown = fact.account_name or fact.account_id
    if shown is None:
        return
    key = accounts.key(shown, alias_map(thresholds))
    if isinstance(fact, SessionOpened):
        _open(accounts, key, shown, fact, thresholds)
        yield Trace(fact.order, "log-in", "log-in", fact, shown, fact.place)
    elif isinstance(fact, SessionClosed) and not is_shared(accounts, key, thresholds):
        _close(accounts, key, fact)


def is_shared(accounts: Accounts, key: str, thresholds: PresenceThresholds) -> bool:
    if not thresholds.shared_accounts:
        return False
    return any(accounts.key(listed, alias_map(thresholds)) == key for listed in thresholds.shared_accounts)


def _of(accounts: Accounts, key: str) -> list[Session]:
    """The sessions of an account that nobody has logged out of, also those told under its id."""
    return [
        s
        for s in accounts.sessions
        if s.closed is None and not s.over and (s.account == key or fold(accounts.names.get(s.account, "")) == key)
    ]


def _open(accounts: Accounts, key: str, shown: str, fact: SessionOpened, thresholds: PresenceThresholds) -> None:
    until = fact.sent + int(thresholds.days(fact.service) * DAY)
    shared = is_shared(accounts, key, thresholds)
    client = None if shared or fact.client is None else fold(fact.client)
    for session in [s for s in _of(accounts, key) if s.client == client]:
        if session.open_at(fact.order):
            session.until = max(session.until, until)
            session.places = tuple(dict.fromkeys((*session.places, fact.place)))
            return
        session.over = True
    opened = Session(
        key, client, shown, fact.account_id, fact.order, until, roles=fact.roles, shared=shared, places=(fact.place,)
    )
    accounts.sessions.append(opened)


def _close(accounts: Accounts, key: str, fact: SessionClosed) -> None:
    """With a client: that client's session, else the one without; without a client: all."""
    sessions = [s for s in _of(accounts, key) if s.opened <= fact.order and fact.sent <= s.until + LATE_LOG_OUT]
    if fact.client is not None:
        here = [s for s in sessions if s.client == fold(fact.client)]
        sessions = here or [s for s in sessions if s.client is None]
    for session in sessions:
        session.closed = fact.order
