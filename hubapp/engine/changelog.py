"""A table partition in RocksDB: the buffered view of a transaction, and the write after its commit.

RocksDB never holds what was not committed, and knows the changelog offset up to which it holds everything: both are
in the same WriteBatch.
"""

from __future__ import annotations

from collections.abc import Iterator

from faust.types import TP, TableT

from hubapp.engine.shelf import part_of


class Committed:
    """What a table partition holds, as far as it is committed."""

    def __init__(self, table: TableT, partition: int) -> None:
        self._part = part_of(table, partition)

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        value = self._part.get(key)
        return default if value is None else value

    def items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys that begin with *prefix*, with their values."""
        return self._part.items(prefix)


class View(Committed):
    """A table partition as one transaction sees it: its own changes over what is committed."""

    def __init__(self, table: TableT, partition: int) -> None:
        super().__init__(table, partition)
        self.changelog = TP(table.changelog_topic.get_topic_name(), partition)
        self.changes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        if key not in self.changes:
            return super().get(key, default)
        value = self.changes[key]
        return default if value is None else value

    def items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        yield from ((key, value) for key, value in super().items(prefix) if key not in self.changes)
        mine = [(key, value) for key, value in self.changes.items() if key.startswith(prefix)]
        yield from ((key, value) for key, value in mine if value is not None)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.changes[key] = value

    def __delitem__(self, key: bytes) -> None:
        self.changes[key] = None

    def write(self, offset: int) -> None:
        """Keep the changes; *offset* is the last of them in the changelog."""
        self._part.write(self.changes.items(), offset)
