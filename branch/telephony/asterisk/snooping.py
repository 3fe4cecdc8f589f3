"""Supervisors' ears: a snoop channel on an agent's, joined with the supervisor's leg in a bridge of its own.

Asterisk makes a snoop channel at once and hands it over later, so it is joined when its
StasisStart comes. A leg has one at most; none is left when its leg goes elsewhere or ends.
The spied channel's end takes its snoop channels with it.
"""

import secrets
from collections.abc import Iterable, Sequence

from branch.telephony.asterisk.socket import Request

_PREFIX = "snoop."


class Snoops:
    """The snoop channel of each leg that has one; each method returns what to ask of Asterisk."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def begin(self, leg: str) -> tuple[str, Sequence[Request]]:
        """The new snoop channel's name, and the end of the one before it."""
        before = self._of.get(leg)
        self._of[leg] = snoop = f"{_PREFIX}{leg}.{secrets.token_hex(4)}"
        return snoop, () if before is None else (_hang_up(before),)

    def started(self, snoop: str) -> Sequence[Request]:
        """Asterisk has handed it over: its leg hears it, unless that wants another one by now."""
        leg = _leg_of(snoop)
        if self._of.get(leg) != snoop:
            return (_hang_up(snoop),)
        bridge = _bridge_of(leg)
        return (
            Request(method="POST", uri=f"bridges/{bridge}", query=(("type", "mixing"),)),
            Request(
                method="POST", uri=f"bridges/{bridge}/addChannel", query=(("channel", f"{snoop},{leg}"),)
            ),
        )

    def left(self, leg: str) -> Sequence[Request]:
        """The leg goes into another bridge, or is gone."""
        snoop = self._of.pop(leg, None)
        return () if snoop is None else (_hang_up(snoop), _destroy_bridge(leg))

    def gone(self, snoop: str) -> Sequence[Request]:
        """The spied channel has ended, or we have ended the snoop channel."""
        leg = _leg_of(snoop)
        if self._of.get(leg) != snoop:
            return ()
        del self._of[leg]
        return (_destroy_bridge(leg),)

    def listed(self, channel_ids: Iterable[str]) -> Sequence[Request]:
        """Those that an earlier connection has left are ours again where their legs live."""
        present = set(channel_ids)
        orphans = []
        for snoop in filter(is_snoop, present):
            if _leg_of(snoop) in present:
                self._of[_leg_of(snoop)] = snoop
            else:
                orphans += [_hang_up(snoop), _destroy_bridge(_leg_of(snoop))]
        return orphans

    def bridges_listed(self, bridges: Iterable[str]) -> Sequence[Request]:
        """Legs and talks that have ended while nobody listened leave their bridges; after `listed`."""
        legs = (bridge.removeprefix(_PREFIX) for bridge in filter(is_snoop, bridges))
        return [_destroy_bridge(leg) for leg in legs if leg not in self._of]


def is_snoop(name: str) -> bool:
    """Whether a channel or a bridge is one of these, and no call's."""
    return name.startswith(_PREFIX)


def _leg_of(snoop: str) -> str:
    return snoop.removeprefix(_PREFIX).rpartition(".")[0]


def _bridge_of(leg: str) -> str:
    return f"{_PREFIX}{leg}"


def _hang_up(channel_id: str) -> Request:
    return Request(method="DELETE", uri=f"channels/{channel_id}")


def _destroy_bridge(leg: str) -> Request:
    return Request(method="DELETE", uri=f"bridges/{_bridge_of(leg)}")
