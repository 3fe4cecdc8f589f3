"""Trunks between simulated PBXes: one TCP connection a call, with SIP's words and its manners.

    -> {"invite": {"from": "beijing", "token": "...", "by": "trunk"}}   or by "carrier", by "redirect"
    <- {"status": 180}   <- {"status": 200}   or {"status": 403}, {"status": 503}
    <- {"talk": true}    to "redirect": the caller hears somebody; false: nobody any more
    -> {"bye": 16}       either way, at any time; before 200 it is a CANCEL

A caller's own carrier calls as another site does, for that site, and over no link between sites. One who
was redirected is nowhere else, and waits where no application is.

Both ends send {"alive": 1} each second: a silent or broken connection is a lost link.
"""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog

from branch.telephony.driver.vocabulary import Cause, Frame, Kind
from branch.telephony.simulated.pbx.switch import Channel, Party, Switch
from branch.telephony.simulated.wire import ALIVE_INTERVAL_S, SILENCE_LIMIT_S, BadFrameError, decode, encode

LINE_LIMIT_BYTES = 64 * 1024
HEADER_LIMIT_CHARS = 400
CALL_LIMIT = 1_000
"""Trunk calls at once, both directions; the next one is answered 503."""
CONNECT_LIMIT_S = 2.0

_STATUS = {Cause.REJECTED: 403, Cause.NO_ANSWER: 480, Cause.BUSY: 486}
_CAUSE = {403: Cause.REJECTED, 480: Cause.NO_ANSWER, 486: Cause.BUSY}

_CALLED_BY = ("trunk", "carrier", "redirect")
_INVITE_KEYS = ("from", "token", "by", "caller")

log = structlog.get_logger()


class Trunks:
    """All trunk calls of one PBX."""

    def __init__(self, site_id: str, switch: Switch, is_application_there: Callable[[], bool]) -> None:
        self._site_id = site_id
        self._switch = switch
        self._is_application_there = is_application_there
        self._server: asyncio.Server | None = None
        self._ends: set[FarEnd] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._is_up = True

    async def start(self, host: str, port: int) -> None:
        """Listen for other sites' calls.

        Raises:
            OSError: the address cannot be bound.
        """
        self._server = await asyncio.start_server(self._serve, host, port, limit=LINE_LIMIT_BYTES)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def call(self, address: str, token: str) -> "TrunkEnd":
        """A call to another site's PBX; the INVITE leaves once it is dialled."""
        return TrunkEnd(self, self._switch, address=address, token=token)

    def set_up(self, *, is_up: bool) -> None:
        """Cut every link to other sites, or mend them."""
        self._is_up = is_up
        for end in [] if is_up else list(self._ends):
            end.lose_link()

    async def dial(self, end: "TrunkEnd", address: str, token: str) -> None:
        """Over the link to the other site."""
        if not self._is_up or len(self._ends) >= CALL_LIMIT:
            end.lost(Cause.UNAVAILABLE)
            return
        await self.dial_out(end, address, {"from": self._site_id, "token": token, "by": "trunk"})

    async def dial_out(self, end: "FarEnd", address: str, invite: Frame) -> None:
        """Connect, over a link or not, send the INVITE, and follow the call to its end."""
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                reader, writer = await asyncio.open_connection(host, int(port), limit=LINE_LIMIT_BYTES)
        except (OSError, TimeoutError, ValueError):
            end.lost(Cause.UNAVAILABLE)
            return
        await self._follow(end, reader, writer, {"invite": invite})

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        invite = await _invite(reader)
        by = "" if invite is None else invite.pop("by")
        if invite is None or not self._can_take(by):
            writer.write(encode({"status": 400 if invite is None else 503}))
            writer.close()
            return
        channel_id = f"trunk-{self._site_id}-{next(self._numbers)}"
        end = TrunkEnd(self, self._switch, by=by)
        end.arrive(Channel(channel_id=channel_id, kind=Kind.TRUNK_IN, party=end, facts=invite), writer)
        await self._follow(end, reader, writer, None)

    def _can_take(self, by: str) -> bool:
        is_way_up = self._is_up or by != "trunk"
        is_taken = self._is_application_there() or by == "redirect"
        return is_way_up and is_taken and len(self._ends) < CALL_LIMIT

    async def _follow(
        self,
        end: "FarEnd",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        first: Frame | None,
    ) -> None:
        self._ends.add(end)
        beat = asyncio.create_task(_beat(writer))
        try:
            if not end.connected(writer):
                return
            if first is not None:
                writer.write(encode(first))
            while True:
                async with asyncio.timeout(SILENCE_LIMIT_S):
                    line = await reader.readuntil(b"\n")
                end.heard(decode(line))
        except (OSError, EOFError, TimeoutError, BadFrameError, asyncio.LimitOverrunError):
            end.lost(Cause.LINK_LOST)
        finally:
            beat.cancel()
            self._ends.discard(end)
            writer.close()


class FarEnd(ABC):
    """Our end of one call between two PBXes, or from a carrier to one."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    def connected(self, writer: asyncio.StreamWriter) -> bool:
        """There is a way to the other end now. False: the call was given up meanwhile."""
        self._writer = writer
        return True

    @abstractmethod
    def heard(self, frame: Frame) -> None:
        """A line of the other end's."""

    @abstractmethod
    def lost(self, cause: Cause) -> None:
        """The other end is gone, with or without a word."""

    @abstractmethod
    def lose_link(self) -> None:
        """The link between the sites is cut."""

    def say(self, frame: Frame) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode(frame))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class TrunkEnd(FarEnd, Party):
    """Our end of one trunk call, in either direction, or of a carrier's that came here."""

    def __init__(
        self,
        trunks: Trunks,
        switch: Switch,
        *,
        address: str = "",
        token: str = "",
        by: str = "trunk",
    ) -> None:
        """`by` is who has made the call: another site's trunk, or a carrier and why."""
        super().__init__()
        self._by = by
        self._trunks = trunks
        self._switch = switch
        self._address = address
        self._token = token
        self._channel: Channel | None = None
        self._is_answered = False

    def arrive(self, channel: Channel, writer: asyncio.StreamWriter) -> None:
        """An INVITE came in."""
        self._channel, self._writer = channel, writer
        self._switch.arrive(channel)

    def connected(self, writer: asyncio.StreamWriter) -> bool:
        super().connected(writer)
        return self._channel is not None

    def heard(self, frame: Frame) -> None:
        if self._channel is None:
            return
        match frame:
            case {"status": 180}:
                self._switch.rang(self._channel)
            case {"status": 200}:
                self._is_answered = True
                self._switch.picked_up(self._channel)
            case {"status": int(status)} if status >= 400:
                self.lost(_CAUSE.get(status, Cause.UNAVAILABLE))
            case {"bye": _}:
                self.lost(Cause.NORMAL)
            case _:
                pass  # The other end is alive, and has nothing to say.

    def lost(self, cause: Cause) -> None:
        if self._channel is not None:
            self._switch.end(self._channel, cause)

    def lose_link(self) -> None:
        if self._writer is not None and self._by == "trunk":
            self._writer.transport.abort()

    def dialled(self, channel: Channel) -> None:
        self._channel = channel
        self._trunks.run(self._trunks.dial(self, self._address, self._token))

    def told_ringing(self) -> None:
        self.say({"status": 180})

    def told_answered(self) -> None:
        self._is_answered = True
        self.say({"status": 200})

    def joined(self, others: list[Channel]) -> None:
        if self._by == "redirect":
            self.say({"talk": True})

    def parted(self) -> None:
        if self._by == "redirect":
            self.say({"talk": False})

    def ended(self, cause: Cause) -> None:
        channel, self._channel = self._channel, None
        if channel is None or self._writer is None:
            return
        if channel.kind is Kind.TRUNK_IN and not self._is_answered:
            self.say({"status": _STATUS.get(cause, 503)})
        else:
            self.say({"bye": int(cause)})
        self._writer.close()


async def _invite(reader: asyncio.StreamReader) -> dict[str, str] | None:
    """The first line's INVITE; None for anything else."""
    with suppress(OSError, EOFError, TimeoutError, BadFrameError, asyncio.LimitOverrunError):
        async with asyncio.timeout(SILENCE_LIMIT_S):
            line = await reader.readuntil(b"\n")
        match decode(line):
            case {"invite": {"from": _, "token": _, "by": by} as invite} if by in _CALLED_BY:
                told = {key: invite[key] for key in _INVITE_KEYS if key in invite}
                if all(map(_is_plain, told.values())):
                    return told
    return None


def _is_plain(text: object) -> bool:
    """As a SIP header would hold it: what no line of ours could carry on is no INVITE."""
    if not isinstance(text, str):
        return False
    return text.isascii() and text.isprintable() and 0 < len(text) <= HEADER_LIMIT_CHARS


async def _beat(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(encode({"alive": 1}))
        await asyncio.sleep(ALIVE_INTERVAL_S)
