"""What two sides agree on about sound (RFC 3264, 8866): one audio stream, G.711 and telephone events."""

import re
from dataclasses import dataclass

PCMU, PCMA = 0, 8
EVENTS = 101
"""Our own offer's number for telephone events; in an answer the other side's is taken."""

_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive", "sendrecv": "sendrecv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """Where the other side wants its sound, and how."""

    address: tuple[str, int]
    payload: int
    event_payload: int | None
    direction: str

    @property
    def is_open(self) -> bool:
        """Whether it listens: not when it has put us on hold."""
        return self.address[1] != 0 and self.direction in {"sendrecv", "recvonly"}


def read_sdp(text: str) -> Audio | None:
    """The audio stream; None when there is none that we can play."""
    stream = re.search(r"^m=audio (\d+) \S+ ([\d ]+)", text, re.MULTILINE)
    host = re.findall(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
    if stream is None or not host:
        return None
    payloads = [int(each) for each in stream[2].split()]
    known = [each for each in payloads if each in {PCMU, PCMA}]
    if not known:
        return None
    events = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", text, re.MULTILINE)
    direction = re.search(r"^a=(sendonly|recvonly|inactive|sendrecv)\s*$", text, re.MULTILINE)
    return Audio(
        address=(host[-1], int(stream[1])),
        payload=known[0],
        event_payload=int(events[1]) if events else None,
        direction=direction[1] if direction else "sendrecv",
    )


def offer_sdp(
    host: str, port: int, version: int, *, direction: str = "sendrecv", has_events: bool = True
) -> str:
    """Both laws of G.711 and telephone events."""
    return _sdp(host, port, version, [PCMU, PCMA], EVENTS if has_events else None, direction)


def answer_sdp(offer: Audio, host: str, port: int, version: int) -> str:
    """The first law that was offered, its number for events, and held when we are held."""
    return _sdp(host, port, version, [offer.payload], offer.event_payload, _MIRRORED[offer.direction])


def _sdp(host: str, port: int, version: int, laws: list[int], events: int | None, direction: str) -> str:
    payloads = [*laws, *([] if events is None else [events])]
    lines = [
        "v=0",
        f"o=rig 1 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, payloads))}",
        *(f"a=rtpmap:{law} {'PCMA' if law == PCMA else 'PCMU'}/8000" for law in laws),
        *([] if events is None else [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-16"]),
        "a=ptime:20",
        f"a={direction}",
    ]
    return "\r\n".join([*lines, ""])
