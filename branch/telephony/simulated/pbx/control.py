"""The control connection: one application steers the PBX and operators look on, with the password."""

import asyncio
import hmac
import random
from collections.abc import Callable
from typing import Any

import structlog
from pydantic import SecretStr

from branch.telephony.driver.vocabulary import Do, Event, Frame
from branch.telephony.simulated.pbx.settings import AwkwardSection
from branch.telephony.simulated.pbx.switch import RefusedError
from branch.telephony.simulated.wire import (
    ALIVE_INTERVAL_S,
    FRAME_LIMIT_BYTES,
    PROTOCOL,
    SILENCE_LIMIT_S,
    BadFrameError,
    Play,
    Role,
    decode,
    encode,
)

UNREAD_LIMIT_BYTES = 8 * 2**20
"""An application that reads nothing any more is dropped before it fills our memory."""

log = structlog.get_logger()


class Control:
    """Serves the one application and tells it events; nothing is kept while it is away."""

    def __init__(self, *, run: str, password: SecretStr, awkward: AwkwardSection) -> None:
        self._run = run
        self._password = password
        self._awkward = awkward
        self._rng = random.Random(awkward.seed)  # noqa: S311 - seeded awkwardness, no secret
        self._carry_out: Callable[[Frame], Any] = _refuse_all
        self._came: Callable[[], None] = lambda: None
        self._server: asyncio.Server | None = None
        self._application: asyncio.StreamWriter | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._operators: set[asyncio.StreamWriter] = set()
        self._beat: asyncio.Task[None] | None = None

    @property
    def is_application_there(self) -> bool:
        return self._application is not None

    async def start(
        self, host: str, port: int, *, carry_out: Callable[[Frame], Any], came: Callable[[], None]
    ) -> None:
        """Listen; `came` is called whenever an application has taken over.

        Raises:
            OSError: the address cannot be bound.
        """
        self._carry_out, self._came = carry_out, came
        self._server = await asyncio.start_server(self._serve, host, port, limit=FRAME_LIMIT_BYTES)
        self._beat = asyncio.create_task(self._say_alive())

    async def close(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        if self._server is not None:
            self._server.close()
        for writer in list(self._connections):
            writer.transport.abort()

    def tell(self, frame: Frame) -> None:
        """Tell the application, now and sometimes once more later; keys once, as Asterisk does."""
        self._send(self._application, frame)
        if frame["event"] != Event.DIGIT and self._rng.random() < self._awkward.duplicate_share:
            writer = self._application
            self._later(lambda: self._send(writer, frame))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            if await self._is_let_in(reader, writer):
                while True:
                    self._answer(writer, decode(await reader.readuntil(b"\n")))
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            log.debug("control_connection_ended", error=repr(error))
        except BadFrameError as error:
            log.warning("control_frame_refused", error=str(error))
        finally:
            self._connections.discard(writer)
            self._operators.discard(writer)
            if self._application is writer:
                self._application = None
                log.info("application_gone")
            writer.close()

    async def _is_let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(SILENCE_LIMIT_S):
            hello = decode(await reader.readuntil(b"\n"))
        given, expected = str(hello.get("password", "")), self._password.get_secret_value()
        if hello.get("do") != Play.HELLO or hello.get("protocol") != PROTOCOL:
            self._refuse(writer, hello, RefusedError(400, f"say hello in protocol {PROTOCOL} first"))
        elif not hmac.compare_digest(given.encode(), expected.encode()):
            log.warning("application_refused")
            self._refuse(writer, hello, RefusedError(401, "wrong password"))
        elif hello.get("role") == Role.OPERATOR:
            self._operators.add(writer)
            self._greet(writer, hello)
            return True
        else:
            self._take_over(writer, hello)
            return True
        return False

    def _take_over(self, writer: asyncio.StreamWriter, hello: Frame) -> None:
        before, self._application = self._application, writer
        if before is not None:
            log.warning("application_replaced")
            self._send(before, {"event": Event.REPLACED})
            before.close()
        log.info("application_came", application=hello.get("application"))
        self._greet(writer, hello)
        self._came()

    def _greet(self, writer: asyncio.StreamWriter, hello: Frame) -> None:
        self._send(writer, {"re": hello.get("id"), "result": {"run": self._run}})

    def _answer(self, writer: asyncio.StreamWriter, frame: Frame) -> None:
        if self._application is not writer and writer not in self._operators:
            return
        try:
            reply = {"re": frame.get("id"), "result": self._carry_out(frame)}
        except RefusedError as error:
            self._refuse(writer, frame, error)
            return
        if frame.get("do") == Do.ORIGINATE:
            self._later(lambda: self._send(writer, reply))
        else:
            self._send(writer, reply)

    def _refuse(self, writer: asyncio.StreamWriter, frame: Frame, error: RefusedError) -> None:
        self._send(writer, {"re": frame.get("id"), "code": error.code, "text": str(error)})

    def _later(self, act: Callable[[], None]) -> None:
        delay_s = self._rng.random() * self._awkward.delay_max_ms / 1000
        asyncio.get_running_loop().call_later(delay_s, act)

    def _send(self, writer: asyncio.StreamWriter | None, frame: Frame) -> None:
        if writer is None or writer.is_closing():
            return
        writer.write(encode(frame))
        if writer.transport.get_write_buffer_size() > UNREAD_LIMIT_BYTES:
            log.warning("application_dropped", unread_limit_bytes=UNREAD_LIMIT_BYTES)
            writer.transport.abort()

    async def _say_alive(self) -> None:
        while True:
            self._send(self._application, {"event": Event.ALIVE})
            await asyncio.sleep(ALIVE_INTERVAL_S)


def _refuse_all(_frame: Frame) -> Any:
    raise RefusedError(503, "not started yet")
