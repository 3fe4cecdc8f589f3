"""SIP messages as text (RFC 3261): read, written, answered, signed with a digest."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

METHODS = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY"

_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}

_REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    202: "Accepted",
    403: "Forbidden",
    404: "Not Found",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    501: "Not Implemented",
    503: "Service Unavailable",
    603: "Decline",
}


class BadSipError(Exception):
    """A datagram that is no SIP message."""


@dataclass(slots=True)
class SipMessage:
    """A request or a response; headers in their order, names as they came."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, datagram: bytes) -> Self:
        """Read one datagram.

        Raises:
            BadSipError: it is not SIP.
        """
        head, _, body = datagram.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        if not (start.startswith("SIP/2.0 ") or start.endswith(" SIP/2.0")):
            raise BadSipError(start)
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadSipError(line)
            headers.append((name.strip(), value.strip()))
        return cls(start, headers, body)

    def encode(self) -> bytes:
        body = self.body.encode()
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body

    @property
    def is_request(self) -> bool:
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """Of a response: that of the request it answers."""
        return self.start.split(" ")[0] if self.is_request else self.header("CSeq").split(" ")[-1]

    @property
    def status(self) -> int:
        return 0 if self.is_request else int(self.start.split(" ")[1])

    @property
    def call_id(self) -> str:
        return self.header("Call-ID")

    @property
    def cseq(self) -> int:
        return int(self.header("CSeq").split(" ")[0])

    @property
    def branch(self) -> str:
        """What names the transaction: of the topmost Via."""
        found = re.search(r";\s*branch=([^;,\s]+)", self.header("Via"))
        return found[1] if found else ""

    def header(self, name: str) -> str:
        """The first header of this name, else an empty text."""
        return next(iter(self.all_of(name)), "")

    def all_of(self, name: str) -> list[str]:
        wanted = name.lower()
        return [
            value
            for each, value in self.headers
            if each.lower() == wanted or _COMPACT.get(each.lower()) == wanted
        ]


def tag_of(party: str) -> str:
    """The tag of a From or To."""
    found = re.search(r";\s*tag=([^;,\s]+)", party)
    return found[1] if found else ""


def uri_of(party: str) -> str:
    """The address in a From, To or Contact, without what is round it."""
    found = re.search(r"<([^>]+)>", party)
    return found[1] if found else party.split(";", maxsplit=1)[0].strip()


def user_of(party: str) -> str:
    found = re.match(r"sips?:([^@;]+)@", uri_of(party))
    return found[1] if found else ""


def new_branch() -> str:
    # RFC 3261 section 8.1.1.7: the magic cookie.
    return f"z9hG4bK{secrets.token_hex(8)}"


def new_tag() -> str:
    return secrets.token_hex(6)


def reply(
    request: SipMessage, status: int, *, tag: str, headers: Mapping[str, str] | None = None, body: str = ""
) -> SipMessage:
    """A response with everything that must be copied from its request."""
    copied = [(name, value) for name in ("Via", "Record-Route") for value in request.all_of(name)]
    to = request.header("To")
    if not tag_of(to):
        to = f"{to};tag={tag}"
    copied += [
        ("From", request.header("From")),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", request.header("CSeq")),
        ("Allow", METHODS),
        *(headers or {}).items(),
    ]
    if body:
        copied.append(("Content-Type", "application/sdp"))
    return SipMessage(f"SIP/2.0 {status} {reason_of(status)}", copied, body)


def reason_of(status: int) -> str:
    """The words behind a status."""
    return _REASONS.get(status, "Unnamed")


def acknowledgement(request: SipMessage, response: SipMessage) -> SipMessage:
    """The ACK of a refused INVITE: part of its transaction (RFC 3261 section 17.1.1.3)."""
    kept = [("Via", request.header("Via")), *(("Route", value) for value in request.all_of("Route"))]
    return SipMessage(
        f"ACK {request.start.split(' ')[1]} SIP/2.0",
        [
            *kept,
            ("Max-Forwards", "70"),
            ("From", request.header("From")),
            ("To", response.header("To")),
            ("Call-ID", request.call_id),
            ("CSeq", f"{request.cseq} ACK"),
        ],
    )


def digest_answer(challenge: SipMessage, method: str, uri: str, user: str, password: str) -> tuple[str, str]:
    """The header, name and value, that answers a 401 or 407 (RFC 7616 with MD5)."""
    asked, name = (
        ("WWW-Authenticate", "Authorization")
        if challenge.status == 401
        else ("Proxy-Authenticate", "Proxy-Authorization")
    )
    for offered in challenge.all_of(asked):
        fields = {
            key.lower(): quoted or bare
            for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', offered)
        }
        if fields.get("algorithm", "MD5").upper() == "MD5":
            break
    else:
        raise BadSipError(f"no MD5 digest is offered by {challenge.start}")
    once = secrets.token_hex(8)
    secret = _md5(f"{user}:{fields['realm']}:{password}")
    signed = _md5(f"{secret}:{fields['nonce']}:00000001:{once}:auth:{_md5(f'{method}:{uri}')}")
    value = (
        f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", '
        f'response="{signed}", algorithm=MD5, cnonce="{once}", qop=auth, nc=00000001'
    )
    if "opaque" in fields:
        value += f', opaque="{fields["opaque"]}"'
    return name, value


def is_stale(challenge: SipMessage) -> bool:
    """The password was right and the nonce too old: the answer to this new one will do (RFC 7616 3.3)."""
    asked = challenge.all_of("WWW-Authenticate") + challenge.all_of("Proxy-Authenticate")
    return any(re.search(r'\bstale="?true\b', each, re.IGNORECASE) for each in asked)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
