"""One connection to the simulated PBX, from hello to its end."""

import asyncio
import itertools
from typing import Any, Self

import structlog
from pydantic import SecretStr

from branch.telephony.driver.link import LinkLostError
from branch.telephony.driver.vocabulary import Do, Frame
from branch.telephony.port import PbxRefusedError
from branch.telephony.simulated.wire import (
    FRAME_LIMIT_BYTES,
    PROTOCOL,
    SILENCE_LIMIT_S,
    BadFrameError,
    Play,
    Role,
    decode,
    encode,
)

CONNECT_LIMIT_S = 3.0

log = structlog.get_logger()


class Link:
    """Frames to and from the PBX. A silent PBX counts as a lost one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.run = ""
        """Changes when the PBX itself was restarted."""
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Frame]] = {}
        self._incoming: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, address: str, password: SecretStr, application: str) -> Self:
        """Connect and say hello.

        Raises:
            OSError: nobody is there (ConnectionRefusedError: nobody listens), or it does not answer.
            PbxRefusedError: it does not want us.
        """
        host, _, port = address.rpartition(":")
        async with asyncio.timeout(CONNECT_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, int(port), limit=FRAME_LIMIT_BYTES)
        link = cls(reader, writer)
        try:
            hello = {"protocol": PROTOCOL, "role": Role.APPLICATION, "application": application}
            reply = await link._exchange(Play.HELLO, {**hello, "password": password.get_secret_value()})
        except BaseException:
            await link.close()
            raise
        if "code" in reply:
            await link.close()
            raise PbxRefusedError(address, str(reply.get("text")))
        link.run = str(reply["result"]["run"])
        return link

    async def ask(self, do: Do) -> Any:
        """Ask for a list and wait for it.

        Raises:
            LinkLostError: the connection ended first.
        """
        return (await self._exchange(do, {}))["result"]

    def send(self, frame: Frame) -> None:
        """Send a request whose reply comes with `next`."""
        self._writer.write(encode(frame))

    async def next(self) -> Frame | None:
        """The next event, or reply to something sent, in the order of their coming; None at the end."""
        return await self._incoming.get()

    async def close(self) -> None:
        """Leave; the PBX goes on."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _exchange(self, do: Do | Play, parameters: Frame) -> Frame:
        name = f"ask-{next(self._numbers)}"
        if self._reading.done():
            raise LinkLostError(f"no connection to ask for {do}")
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[name] = answer
        self.send({"id": name, "do": do, **parameters})
        return await answer

    async def _read(self) -> None:
        try:
            while True:
                async with asyncio.timeout(SILENCE_LIMIT_S):
                    line = await self._reader.readuntil(b"\n")
                self._take(decode(line))
        except (OSError, EOFError, TimeoutError, BadFrameError, asyncio.LimitOverrunError) as error:
            log.debug("pbx_connection_ended", error=repr(error))
        finally:
            self._end()

    def _take(self, frame: Frame) -> None:
        answer = self._asked.pop(str(frame.get("re")), None)
        if answer is None:
            self._incoming.put_nowait(frame)
        elif not answer.done():
            answer.set_result(frame)

    def _end(self) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(LinkLostError("the connection ended before the answer"))
        self._asked.clear()
        self._incoming.put_nowait(None)
        self._writer.close()
