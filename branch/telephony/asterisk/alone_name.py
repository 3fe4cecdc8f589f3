"""The name of a caller whom the dialplan met while no branch was there.

The dialplan writes it once, on the channel and on what it leaves in a file; the call's id follows from it.
So a branch that is back in the middle, and whoever finds the file later, mean one call.
"""

import uuid
from hashlib import blake2b
from typing import NamedTuple

from branch.telephony.asterisk.names import CALLER, DIALLED
from router.ids import CallId

_DIALLED_CHARS = "+0-9A-Za-z._\\x2d"
"""As FILTER() wants them: what is dialled names a file, and anybody can dial a slash."""

ALONE_NAME = (
    f"${{EPOCH}}.${{FILTER({_DIALLED_CHARS},${{{DIALLED}}})}}.${{FILTER(+0-9,${{{CALLER}}})}}.${{UNIQUEID}}"
)
"""As the dialplan writes it."""


class AloneName(NamedTuple):
    call_id: CallId
    dialled: str
    caller_number: str | None
    """As the trunk said it; not normalised."""


def read_name(name: str) -> AloneName | None:
    """What a name says; None for one that is not of this kind."""
    epoch, _, rest = name.partition(".")
    # What was dialled may hold dots, and an UNIQUEID has one.
    parts = rest.rsplit(".", 3)
    if len(parts) != 4 or not epoch.isdigit():
        return None
    dialled, number, _channel, _serial = parts
    return AloneName(_call_id(int(epoch), name), dialled, number or None)


def _call_id(epoch_s: int, name: str) -> CallId:
    """A UUIDv7 of the caller's own moment, the rest of it from the name."""
    bits = int.from_bytes(blake2b(name.encode(), digest_size=16).digest())
    stamp = (epoch_s * 1_000) & (2**48 - 1)
    value = stamp << 80 | bits & (2**80 - 1)
    value = value & ~(0xF << 76) | 0x7 << 76
    return CallId(str(uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)))
