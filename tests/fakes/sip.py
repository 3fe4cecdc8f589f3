"""As much of SIP (RFC 3261) over UDP as a phone in a test needs: messages, digest, one socket."""

import asyncio
import hashlib
import itertools
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

Address = tuple[str, int]

_numbers = itertools.count(1)


@dataclass(slots=True)
class Message:
    """One request or response; header names are kept as they came and found in any case."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def status(self) -> int:
        """0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/") else 0

    @property
    def method(self) -> str:
        """Of a request, or of the one that a response answers."""
        return self["CSeq"].split()[1] if self.status else self.start.split()[0]

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def encode(self) -> bytes:
        lines = [self.start, *(f"{key}: {value}" for key, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


def parse(data: bytes) -> Message:
    head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]
    return Message(start, [each for each in headers if each[0].lower() != "content-length"], body)


def response(request: Message, status: str, *, tag: str, contact: str = "", body: str = "") -> Message:
    """The answer to `request`, with the headers that RFC 3261 8.2.6.2 has it repeat."""
    headers = [each for each in request.headers if each[0].lower() in ("via", "from", "call-id", "cseq")]
    to = request["To"]
    headers.append(("To", to if "tag=" in to or status.startswith("100") else f"{to};tag={tag}"))
    if contact:
        headers.append(("Contact", contact))
    if body:
        headers.append(("Content-Type", "application/sdp"))
    return Message(f"SIP/2.0 {status}", headers, body)


def authorization(challenge: str, *, user: str, password: str, method: str, uri: str) -> str:
    """RFC 2617 digest with qop=auth, as PJSIP asks for it."""
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.partition(" ")[2]))
    ha1 = _md5(f"{user}:{given['realm']}:{password}")
    cnonce, count = secrets.token_hex(8), "00000001"
    digest = _md5(f"{ha1}:{given['nonce']}:{count}:{cnonce}:auth:{_md5(f'{method}:{uri}')}")
    opaque = f', opaque="{given["opaque"]}"' if "opaque" in given else ""
    return (
        f'Digest username="{user}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{uri}", '
        f'response="{digest}", algorithm=MD5, cnonce="{cnonce}", qop=auth, nc={count}{opaque}'
    )


def sdp(host: str, port: int) -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\n"
    )


def media_address(body: str) -> Address:
    host = re.search(r"c=IN IP4 (\S+)", body)
    port = re.search(r"m=audio (\d+)", body)
    assert host is not None
    assert port is not None
    return host.group(1), int(port.group(1))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class SipSocket(asyncio.DatagramProtocol):
    """One UDP address; what comes is told to `heard`."""

    def __init__(self, heard: Callable[[Message, Address], None]) -> None:
        self._heard = heard
        self._transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)

    async def open(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own is one and does not say so before Python 3.12.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if data.strip():
            self._heard(parse(data), addr)

    def send(self, message: Message, to: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), to)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def via(self) -> str:
        host, port = self.address
        branch = f"z9hG4bK{next(_numbers)}{secrets.token_hex(4)}"
        return f"SIP/2.0/UDP {host}:{port};branch={branch};rport"
