"""Loopback ports for servers that are started here, given to nobody else meanwhile.

A server gets its port before it listens, and keeps it while it is down. So a look at who listens
is not enough: two labs, or two workers of one test run, would give the same port away. Each
process therefore owns blocks of ports for as long as it lives: it has bound the first port of
each, which the system lets one process do, and undoes when that process ends.
"""

import random
import socket
import threading
from collections import deque

__all__ = ["SERVER_PORTS", "free_ports"]

SERVER_PORTS = range(10_240, 32_768)
"""Below the range that Linux takes for outgoing connections: while a server is down, a client
that tries to reach it must not be given its port, nor be connected to itself."""

_RANGE = f"{SERVER_PORTS.start} to {SERVER_PORTS.stop - 1}"
_BLOCK = 64
_ENOUGH = 1_024
"""Ports of a process before it gives one a second time, the one given longest ago."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on and nobody else is given, all different.

    Raises:
        OSError: fewer than `count` are free.
    """
    return _OWN.take(count)


class _OwnPorts:
    """The blocks of this process, and which of their ports were given away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh: deque[int] = deque()
        self._given: deque[int] = deque()
        """The one given longest ago comes first."""

    def take(self, count: int) -> list[int]:
        with self._lock:
            ports: list[int] = []
            for _ in SERVER_PORTS:
                if len(ports) == count:
                    return ports
                port = self._next(max(count, _ENOUGH))
                if port in ports:
                    break
                if _is_free(port):
                    ports.append(port)
        raise OSError(f"fewer than {count} of the ports {_RANGE} are free")

    def _next(self, enough: int) -> int:
        if not self._fresh and len(self._given) < enough:
            self._claim()
        port = (self._fresh or self._given).popleft()
        self._given.append(port)
        return port

    def _claim(self) -> None:
        """Make a block ours; with none left, what was given before has to do."""
        for first in random.sample(SERVER_PORTS[::_BLOCK], len(SERVER_PORTS) // _BLOCK):
            guard = socket.socket()
            try:
                guard.bind(("127.0.0.1", first))
            except OSError:
                guard.close()
                continue
            guard.detach()  # Never closed: the block is ours until this process ends.
            self._fresh.extend(range(first + 1, first + _BLOCK))
            return
        if not self._given:
            raise OSError(f"other processes have all the ports {_RANGE}")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


_OWN = _OwnPorts()
