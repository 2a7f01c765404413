"""Items by what they are about: a view of what a rule remembers, made of it when it is asked for and never stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
SPARE = 1_000


class Tagged(Generic[T]):
    """tags: those of an item. An item that is put in anew may have more; one that is gone from the items is not found."""

    def __init__(self, tags: Callable[[T], Iterable[str]]) -> None:
        self._tags_of = tags
        self._items: dict[str, T] | None = None
        self._keys: dict[str, dict[str, None]] = {}

    def put(self, items: dict[str, T], key: str, item: T) -> None:
        known = self._known(items)
        items[key] = item
        for tag in self._tags_of(item):
            known.setdefault(tag, {})[key] = None
        if len(known) > 8 * len(items) + SPARE:
            self._items = None

    def find(self, items: dict[str, T], tag: str) -> list[tuple[str, T]]:
        """In the order in which they were put in."""
        return [(key, items[key]) for key in self._known(items).get(tag, ()) if key in items]

    def _known(self, items: dict[str, T]) -> dict[str, dict[str, None]]:
        if self._items is not items:
            self._items, self._keys = items, {}
            for key, item in items.items():
                for tag in self._tags_of(item):
                    self._keys.setdefault(tag, {})[key] = None
        return self._keys
