"""Which account a record means, when the record itself may be the first that says so."""

from __future__ import annotations

from collections.abc import Callable

from hubapp.facts import AccountFact, fold
from hubapp.rules.accounts import alias_map
from hubapp.rules.scene import Scene


class Naming:
    """How accounts are told apart once *fact* is known. written: as it calls its own; name: that one's folded name."""

    def __init__(self, fact: AccountFact, written: str, scene: Scene) -> None:
        self._names, self._aliases = scene.house.accounts.names, alias_map(scene.thresholds.presence)
        self._proved: dict[str, str] = {}
        if fact.account_id and fact.account_name:
            self._proved = {fold(fact.account_id): fact.account_name}
        self.written, self.name = written, self.of(written)
        self.shared = any(self.is_it(listed) for listed in scene.thresholds.presence.shared_accounts)

    def of(self, written: str) -> str:
        told = fold(self._proved.get(fold(written), written))
        name = fold(self._names.get(told, told))
        return self._aliases.get(name, name)

    def is_it(self, written: str) -> bool:
        return self.of(written) == self.name


def naming(fact: AccountFact, scene: Scene) -> Naming | None:
    """None for a record that names nobody."""
    written = fact.account_name or fact.account_id
    return Naming(fact, written, scene) if written else None


def same(account: str, scene: Scene) -> Callable[[str], bool]:
    """Whether another spelling is known to be *account*."""
    name = scene.name_of(account)
    return lambda written: scene.name_of(written) == name
