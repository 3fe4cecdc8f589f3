"""The sound of one call: RTP packets out and in, counted, and digits as events (RFC 3550, 4733)."""

import asyncio
import secrets
import struct
from collections import deque
from dataclasses import dataclass

from deploy.phones.changes import Changes
from deploy.phones.sip_sdp import PCMA, Audio
from deploy.phones.sip_wire import Address

PACKET_MS = 20
SAMPLES = 160
"""A packet's, at 8 kHz."""

DIGITS = "0123456789*#ABCD"
"""The event's number is the place here (RFC 4733 section 3.2)."""

_SILENCE = {False: b"\xff" * SAMPLES, True: b"\xd5" * SAMPLES}
_TONE = {
    # ITU-T G.711 tables 5 and 6: 1 kHz, one period.
    False: bytes.fromhex("1e0b0b1e9e8b8b9e") * (SAMPLES // 8),
    True: bytes.fromhex("34212134b4a1a1b4") * (SAMPLES // 8),
}
_VERSION = 0x80
_MARKER = 0x80
_VOLUME = 10
"""In dBm0, its sign left out."""
_DIGIT_PACKETS = 5
_PAUSE_PACKETS = 5
"""100 ms of digit, 100 ms of pause: Asterisk drops what is shorter than 80 ms."""
_DIGIT_LIMIT_S = 20.0


class Sound(asyncio.DatagramProtocol):
    """A socket for RTP; knows its peer once the other side's SDP has come."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.received_count = 0
        """Packets of sound that came in."""
        self.sounding_count = 0
        """Those of them that were not digital silence: music, speech, a tone."""
        self.digits = ""
        """What the other side has dialled."""
        self.has_tone = False
        """Send a tone of 1 kHz instead of silence."""
        self.said: deque[bytes] = deque()
        """Packets of `SAMPLES` bytes, coded as the other side wants it, sent before tone or silence."""
        self._transport: asyncio.DatagramTransport | None = None
        self._peer: Audio | None = None
        self._is_sending = False
        self._is_closed = False
        self._frames: deque[_Frame | None] = deque()
        self._task: asyncio.Task[None] | None = None
        self._sequence = secrets.randbelow(1 << 15)
        self._timestamp = secrets.randbelow(1 << 31)
        self._source = secrets.randbits(32)
        self._event_timestamp = 0
        self._last_event = -1

    async def open(self, host: str) -> None:
        """Take a free port of this loopback address; not after `close`."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        self._transport = transport
        if self._is_closed:  # The call was over before its socket was there.
            transport.close()

    @property
    def port(self) -> int:
        assert self._transport is not None, "the socket is not open"
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
        self._frames.clear()
        self.changes.tell()
        if self._transport is not None:
            self._transport.close()

    def talk_to(self, peer: Audio) -> None:
        """Where to send from now on, and how it is coded."""
        self._peer = peer

    @property
    def payload(self) -> int | None:
        """The law of G.711 that the other side wants; None before it has said so."""
        return None if self._peer is None else self._peer.payload

    def start_sending(self) -> None:
        """Send a packet every 20 ms until the call is over."""
        self._is_sending = True
        self._run()

    async def send_digits(self, digits: str) -> None:
        """Dial by RTP events; returns when the last packet has left or the call is over.

        Raises:
            TimeoutError: the other side never said where to send them.
        """
        assert self._peer is not None
        assert self._peer.event_payload is not None, "the other side takes no telephone events"
        for digit in digits:
            self._frames.extend(_event_frames(DIGITS.index(digit)))
        self._run()
        await self.changes.until(lambda: not self._frames, _DIGIT_LIMIT_S)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Count it; RTCP shares the neighbouring ports and is told apart by its types (RFC 5761)."""
        if len(data) < 12 or 192 <= data[1] <= 223:
            return
        payload_type, payload = data[1] & 0x7F, data[12:]
        if self._peer is not None and payload_type == self._peer.event_payload:
            self._hear_event(payload, int.from_bytes(data[4:8]))
            return
        self.received_count += 1
        if payload.strip(b"\xff\xfe\x7f\x7e\xd5\x55\xd4\x54"):
            self.sounding_count += 1
        self.changes.tell()

    def _hear_event(self, payload: bytes, timestamp: int) -> None:
        """All packets of one digit bear one time."""
        if len(payload) >= 4 and timestamp != self._last_event and payload[0] < len(DIGITS):
            self._last_event = timestamp
            self.digits += DIGITS[payload[0]]
            self.changes.tell()

    def _run(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        """One packet each 20 ms, by the clock and not by the pause: packets shall not drift."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._is_sending or self._frames:
            self._send_one()
            # After a stall of the whole process, what was missed is not made up for in one burst.
            due = max(due + PACKET_MS / 1000, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _send_one(self) -> None:
        peer = self._peer
        if peer is None or not peer.is_open:
            return
        if self._frames:
            self._send_event(self._frames.popleft(), peer)
            self.changes.tell()
        elif self._is_sending:
            self._packet(peer.payload, self._timestamp, self._next_sound(peer), peer)
        self._timestamp += SAMPLES

    def _next_sound(self, peer: Audio) -> bytes:
        if self.said:
            coded = self.said.popleft()
            self.changes.tell()
            return coded
        return (_TONE if self.has_tone else _SILENCE)[peer.payload == PCMA]

    def _send_event(self, frame: "_Frame | None", peer: Audio) -> None:
        """The first packet of a digit is marked, and all of them bear its time."""
        if frame is None or peer.event_payload is None:
            return
        if frame.is_first:
            self._event_timestamp = self._timestamp
        payload_type = peer.event_payload | (_MARKER if frame.is_first else 0)
        self._packet(payload_type, self._event_timestamp, frame.payload, peer)

    def _packet(self, payload_type: int, timestamp: int, payload: bytes, peer: Audio) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = struct.pack(
            "!BBHII", _VERSION, payload_type, self._sequence, timestamp & 0xFFFFFFFF, self._source
        )
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(header + payload, peer.address)


@dataclass(frozen=True, slots=True)
class _Frame:
    """One packet of a digit."""

    payload: bytes
    is_first: bool


def _event_frames(event: int) -> list[_Frame | None]:
    """One digit: its duration rises, its end is said three times, a pause follows."""
    rising = [_event(event, packets, is_end=False) for packets in range(1, _DIGIT_PACKETS + 1)]
    ends = [_event(event, _DIGIT_PACKETS, is_end=True)] * 3
    frames = [_Frame(payload, is_first=place == 0) for place, payload in enumerate([*rising, *ends])]
    return [*frames, *[None] * _PAUSE_PACKETS]


def _event(event: int, packets: int, *, is_end: bool) -> bytes:
    return struct.pack("!BBH", event, _VOLUME | (0x80 if is_end else 0), SAMPLES * packets)
