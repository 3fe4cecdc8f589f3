"""A loopback TCP link between a client and a server that a test can cut, freeze or reset."""

import asyncio
import socket
import struct
from typing import Self

# SO_LINGER with a time of 0: the close is a reset (RST), whatever is still to be sent.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class TcpLink:
    """Forwards connections to `target` (host:port), until it is cut or frozen."""

    def __init__(self, target: str, *, tells_ends: bool = True) -> None:
        """Without `tells_ends` a side that ends, or is not there, is silent, as where datagrams are sent."""
        self.tells_ends = tells_ends
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        if self._pumps:
            await asyncio.wait(self._pumps)

    @property
    def endpoint(self) -> str:
        """Where the client connects to, `host:port`."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()
        self._flows.set()

    def reset(self) -> None:
        """Reset every connection; new ones are taken."""
        for writer in self._writers:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    def freeze(self) -> None:
        """Keep the connections and pass nothing on, as a black hole does."""
        self._flows.clear()

    def mend(self) -> None:
        """Pass on what waits, and take new connections."""
        self._is_cut = False
        self._flows.set()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            if self.tells_ends:
                writer.transport.abort()
            else:
                self._writers.add(writer)
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._writers.add(sink)
        try:
            while piece := await source.read(65_536):
                await self._flows.wait()
                sink.write(piece)
                await sink.drain()
        except OSError:
            pass  # the other direction was dropped: so is this one
        if self.tells_ends:
            self._writers.discard(sink)
            sink.transport.abort()
