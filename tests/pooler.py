"""A pooler in transaction mode: each transaction of a client gets another of few server connections, and leaves it as it is."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

SSL_REQUEST = 80877103
ENDS_A_ROUND, READY, GOODBYE = (b"Q", b"S"), b"Z", b"X"
Message: TypeAlias = tuple[bytes, bytes]
"""Its kind, and the whole."""


async def message(reader: asyncio.StreamReader) -> Message:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


@dataclass
class Server:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes


@dataclass
class Pooler:
    url: str
    servers: asyncio.Queue[Server] = field(default_factory=asyncio.Queue)
    transactions: int = 0

    async def connect(self) -> None:
        place = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        told = f"user\0{place.username}\0database\0{place.path[1:]}\0client_encoding\0utf-8\0\0".encode()
        writer.write(struct.pack("!II", len(told) + 8, 196608) + told)
        greeting, kind = b"", b""
        while kind != READY:
            kind, whole = await message(reader)
            greeting += whole
        self.servers.put_nowait(Server(reader, writer, greeting))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said: asyncio.Queue[Message] = asyncio.Queue()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self.greet(reader, writer)
            listening = asyncio.create_task(listen(reader, said))
            while (first := await said.get())[0] != GOODBYE:
                server = await self.servers.get()
                self.transactions += 1
                try:
                    await self.transaction(first, server, said, writer)
                finally:
                    self.servers.put_nowait(server)
            await listening
        writer.close()

    async def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size, code = struct.unpack("!II", await reader.readexactly(8))
        if code == SSL_REQUEST:
            writer.write(b"N")
            size, code = struct.unpack("!II", await reader.readexactly(8))
        await reader.readexactly(size - 8)
        server = await self.servers.get()
        writer.write(server.greeting)
        self.servers.put_nowait(server)

    async def transaction(
        self, first: Message, server: Server, said: asyncio.Queue[Message], writer: asyncio.StreamWriter
    ) -> None:
        """Until the server says that it is idle, and every round of the client was answered."""
        server.writer.write(first[1])
        rounds, state = int(first[0] in ENDS_A_ROUND), b""
        asking, answering = asyncio.ensure_future(said.get()), asyncio.ensure_future(message(server.reader))
        while state != b"I" or rounds:
            await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                kind, whole = asking.result()
                rounds += kind in ENDS_A_ROUND
                server.writer.write(whole)
                asking = asyncio.ensure_future(said.get())
            elif answering.done():
                kind, whole = answering.result()
                writer.write(whole)
                if kind == READY:
                    rounds, state = rounds - 1, whole[5:6]
                if state != b"I" or rounds:
                    answering = asyncio.ensure_future(message(server.reader))
        asking.cancel()


async def listen(reader: asyncio.StreamReader, said: asyncio.Queue[Message]) -> None:
    kind = b""
    while kind != GOODBYE:
        try:
            kind, whole = await message(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            kind, whole = GOODBYE, b""
        said.put_nowait((kind, whole))


@contextlib.asynccontextmanager
async def pooling(url: str, size: int = 2) -> AsyncIterator[tuple[str, Pooler]]:
    """The URL of a pooler before the database at *url*."""
    pooler = Pooler(url)
    for _ in range(size):
        await pooler.connect()
    listening = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    place = urlsplit(url)
    port = listening.sockets[0].getsockname()[1]
    yield f"postgresql://{place.username}@127.0.0.1:{port}{place.path}", pooler
    listening.close()
    while not pooler.servers.empty():
        pooler.servers.get_nowait().writer.close()
