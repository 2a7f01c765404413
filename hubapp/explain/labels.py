"""Accounts as labels: what is handed over names none, as an account's name may be a person's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hubapp.facts import fold

FIELDS = frozenset({"account", "account_name", "account_id"})
# What lists accounts: settings as text, findings as {account, id}.
LISTS = frozenset({"presence.shared_accounts", "presence.aliases"})
WORDS = frozenset({"words", "says"})


class Labels:
    """account-1, account-2 … in the order in which accounts are met; an id and a name that stand together are one."""

    def __init__(self, told: Any) -> None:
        self._labels: dict[str, str] = {}
        self._count = 0
        for names in together(told):
            self._learn([fold(name) for name in names if name and name.strip()])

    def _learn(self, names: list[str]) -> None:
        known = next((self._labels[name] for name in names if name in self._labels), None)
        if known is None and names:
            self._count += 1
            known = f"account-{self._count}"
        for name in names:
            self._labels.setdefault(name, str(known))

    def of(self, name: str) -> str:
        return self._labels.get(fold(name), "account")


def together(told: Any) -> Iterator[list[str]]:
    """The names of accounts in *told*, those of one account together."""
    if isinstance(told, list | tuple):
        for item in told:
            yield from together(item)
    elif isinstance(told, dict):
        names = [told[name] for name in ("account", "account_name", "account_id") if isinstance(told.get(name), str)]
        if "account" in told and set(told) <= {"account", "id"} and isinstance(told.get("id"), str):
            names.append(told["id"])
        yield names
        for item in told.values():
            yield from together(item)


def without_accounts(told: Any, labels: Labels) -> Any:
    """*told* with labels in place of accounts."""
    if isinstance(told, list | tuple):
        return [without_accounts(item, labels) for item in told]
    if not isinstance(told, dict):
        return told
    entry = "account" in told and set(told) <= {"account", "id"}
    return {
        name: labelled(item, labels)
        if name in FIELDS or name in LISTS or (entry and name == "id")
        else without_accounts(item, labels)
        for name, item in told.items()
    }


def labelled(value: Any, labels: Labels) -> Any:
    if isinstance(value, str):
        return labels.of(value) if value.strip() else value
    if isinstance(value, list | tuple):
        return [labelled(item, labels) for item in value]
    if isinstance(value, dict):
        return {labels.of(name): labelled(item, labels) for name, item in value.items()}
    return value
