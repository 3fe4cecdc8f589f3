"""What no SIP stack should ever be sent: broken, boundless and absurd messages (as in RFC 4475)."""

import random
from collections.abc import Iterator

SEED = 4475
MUTANT_COUNT = 150
BOUNDLESS = 40_000
"""Bytes: as much as one UDP packet takes, more or less."""


def junk(number: str, host: str, port: int) -> Iterator[bytes]:
    """One packet after the other; all of them name the PBX, and the last ones are nearly right."""
    whole = _invite(number, host, port)
    yield b""
    yield b"\r\n\r\n"
    yield b"\x00" * 1_000
    yield bytes(range(256)) * 8
    yield b"INVITE"
    yield whole.replace(b"SIP/2.0", b"SIP/9.9")
    yield whole.replace(b"CSeq: 1 INVITE", b"CSeq: 99999999999999999999 INVITE")
    yield whole.replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE")
    yield whole.replace(b"Content-Length: 0", b"Content-Length: -1")
    yield whole.replace(b"Content-Length: 0", b"Content-Length: 999999999")
    yield whole.replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
    yield whole.replace(b"From: ", b"From: \xff\xfe\xe4\xb8\xad")
    yield whole.replace(b"To: <", b"To: <" + b"<" * 500)
    yield whole.replace(b"Call-ID: junk", b"Call-ID: " + b"j" * BOUNDLESS)
    yield whole.replace(b"Via: ", b"Via: " * 500)
    yield whole.replace(b"Max-Forwards: 70", b"Max-Forwards: 70\r\nX-Trunkline-Token: " + b"t" * BOUNDLESS)
    yield whole.replace(b"Max-Forwards: 70", b"Max-Forwards: 70\r\n" + b"X: y\r\n" * 5_000)
    yield whole.replace(b"\r\n", b"\n")
    yield b"SIP/2.0 200 OK\r\n" + whole.partition(b"\r\n")[2]
    rng = random.Random(SEED)
    for _ in range(MUTANT_COUNT):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 12)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        yield bytes(broken[: rng.randint(len(broken) // 2, len(broken))])


def _invite(number: str, host: str, port: int) -> bytes:
    lines = (
        f"INVITE sip:{number}@{host}:{port} SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKjunk;rport",
        "Max-Forwards: 70",
        "From: <sip:junk@127.0.0.1>;tag=junk",
        f"To: <sip:{number}@{host}>",
        "Call-ID: junk",
        "CSeq: 1 INVITE",
        "Contact: <sip:junk@127.0.0.1:9>",
        "Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines).encode()
