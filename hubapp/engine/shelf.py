"""All table partitions of a worker in one RocksDB: a key begins with its table and partition.

Faust opens a RocksDB for each. With ten sources of twelve partitions that is well over a hundred to open before a
worker is ready, each with its own log and its own sync; one takes what one takes.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from faust.stores import by_name, memory
from faust.types import TP, EventT, TableT
from rocksdict import BlockBasedOptions, Options, Rdict, WriteBatch

logger = logging.getLogger(__name__)

Changes = Iterable[tuple[bytes, bytes | None]]

SCHEME = "shelf"
OFFSETS = b"\xff"


class Shelf:
    """The RocksDB of one process, opened when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: Rdict | None = None

    @property
    def db(self) -> Rdict:
        if self._db is None:
            self._db = self._opened()
        return self._db

    def _opened(self) -> Rdict:
        """What cannot be opened holds nothing: the changelogs have it all."""
        try:
            return Rdict(str(self.path), options())
        except Exception as broken:
            if type(broken) is not Exception or "Corruption" not in str(broken):  # rocksdict raises plain Exceptions.
                raise
            logger.warning("%s is damaged (%s): rebuilding all tables", self.path, broken)
            shutil.rmtree(self.path)
            return Rdict(str(self.path), options())

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


class Part:
    """A table partition's place on the shelf."""

    def __init__(self, shelf: Shelf, table: str, partition: int) -> None:
        self._db = shelf.db
        self._prefix = f"{table}/{partition}/".encode()
        self._offset_key = OFFSETS + self._prefix

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._db.get(self._prefix + key)
        return value

    def items(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys that begin with *prefix*, in order, with their values."""
        start, length = self._prefix + prefix, len(self._prefix)
        for key, value in self._db.items(from_key=start):
            if not key.startswith(start):
                return
            yield key[length:], value

    @property
    def offset(self) -> int | None:
        """The changelog offset up to which this partition holds everything."""
        held = self._db.get(self._offset_key)
        return None if held is None else int(held)

    def write(self, changes: Changes, offset: int) -> None:
        """The changes and the offset of the last of them, both or none."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(self._prefix + key)
            else:
                batch.put(self._prefix + key, value)
        batch.put(self._offset_key, str(offset).encode())
        self._db.write(batch)

    def drop(self) -> None:
        self._db.delete_range(self._prefix, self._prefix[:-1] + b"0")  # "0" is what follows "/".
        self._db.delete(self._offset_key)


class Store(memory.Store):
    """A table's store as Faust sees it: it asks for offsets, the engine does the rest."""

    def part(self, partition: int) -> Part:
        return Part(self.app.shelf, self.table_name, partition)

    def persisted_offset(self, tp: TP) -> int | None:
        return self.part(tp.partition).offset

    def apply_changelog_batch(self, batch: Iterable[EventT], *_: Any, **__: Any) -> None:
        """What Faust's recovery reads. It finds nothing to read, but what it read should not be lost."""
        for message in (event.message for event in batch):
            self.part(message.partition).write([(message.key, message.value)], message.offset)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        self.part(tp.partition).write((), offset)


def part_of(table: TableT, partition: int) -> Part:
    part: Part = table.data.part(partition)
    return part


def options() -> Any:
    chosen = Options(raw_mode=True)
    chosen.create_if_missing(True)
    chosen.set_write_buffer_size(32 << 20)
    chosen.set_max_open_files(512)
    chosen.set_keep_log_file_num(2)
    blocks = BlockBasedOptions()
    blocks.set_bloom_filter(10, block_based=False)
    chosen.set_block_based_table_factory(blocks)
    return chosen


# Faust finds a table's store by the scheme of its URL.
by_name.__self__.aliases[SCHEME] = f"{__name__}:Store"
