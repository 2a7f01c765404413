"""A table partition in RocksDB: the buffered view of a transaction, and the write after its commit.

RocksDB never holds what was not committed, and knows the changelog offset up to which it holds everything: both are
in the same WriteBatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faust.types import TP, TableT
from rocksdict import Rdict, WriteBatch

Changes = Iterable[tuple[bytes, bytes | None]]


class Committed:
    """What a table partition holds, as far as it is committed."""

    def __init__(self, table: TableT, partition: int) -> None:
        self._table = table
        self._db = rocksdb(table, partition)

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:
        value = self._db.get(key)
        return default if value is None else value

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        offset_key = self._table.data.offset_key
        return ((key, value) for key, value in self._db.items() if key != offset_key)


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

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        yield from ((key, value) for key, value in super().items() if key not in self.changes)
        yield from ((key, value) for key, value in list(self.changes.items()) if value is not None)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.changes[key] = value

    def __delitem__(self, key: bytes) -> None:
        self.changes[key] = None

    def write(self, offset: int) -> None:
        """Keep the changes; *offset* is the last of them in the changelog."""
        write(self._table, self.changelog.partition, self.changes.items(), offset)


def rocksdb(table: TableT, partition: int) -> Rdict:
    return table.data._db_for_partition(partition)


def write(table: TableT, partition: int, changes: Changes, offset: int) -> None:
    batch = WriteBatch(raw_mode=True)
    for key, value in changes:
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    batch.put(table.data.offset_key, str(offset).encode())
    rocksdb(table, partition).write(batch)
