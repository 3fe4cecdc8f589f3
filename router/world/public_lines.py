"""One site's line to the public network on virtual time, and the customers who are called back over it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle

from router import facts
from router.callback.policy import CallbackPolicy
from router.ids import CallId, LineId, SiteId
from router.orders import BridgeLine, DialLine, HangUpLine
from router.outbound.outcome import OutboundOutcome
from router.outbound.policy import OutboundPolicy, Route
from router.recovery import LiveLine, MediaState
from router.world.loop import Loop
from router.world.trunk_lines import TrunkListener

NUMBER = "+861066661111"
"""Everybody's: whom a number belongs to is no matter of a world's."""

CALLBACKS = CallbackPolicy(try_limit=2, pause_ms=30_000)

_LINE = LineId("line")
_CALL_LIMIT = 5
_RING_MS = 4_000
_TALK_MS = 20_000

_ENDINGS = (None, OutboundOutcome.BUSY, None, OutboundOutcome.NO_ANSWER)
"""What becomes of one call after the other; None: the customer answers."""


def policy_of(site_id: SiteId) -> OutboundPolicy:
    """Each site has one line of its own and dials whatever it likes."""
    route = Route(prefix="+", site_id=site_id, line_id=_LINE)
    return OutboundPolicy(routes=(route,), lines={_LINE: _CALL_LIMIT})


@dataclass(slots=True)
class _Line:
    call_id: CallId
    state: MediaState = MediaState.RINGING


class PublicLines:
    """The channels on one PBX's line."""

    def __init__(self, listener: TrunkListener, loop: Loop) -> None:
        self._listener = listener
        self._loop = loop
        self._lines: dict[CallId, _Line] = {}
        self._endings = cycle(_ENDINGS)

    def __len__(self) -> int:
        return len(self._lines)

    def live(self) -> Mapping[CallId, LiveLine]:
        return {
            each.call_id: LiveLine(call_id=each.call_id, state=each.state) for each in self._lines.values()
        }

    def crash(self) -> None:
        self._lines.clear()

    def dial(self, order: DialLine) -> None:
        if order.call_id in self._lines:
            return
        line = self._lines[order.call_id] = _Line(order.call_id)
        outcome = next(self._endings)
        if outcome is None:
            self._loop.after(_RING_MS, self._answer, line)
        else:
            self._loop.after(_RING_MS, self._fail, line, outcome)

    def bridge(self, order: BridgeLine) -> None:
        line = self._lines.get(order.call_id)
        if line is not None:
            line.state = MediaState.BRIDGED

    def hang_up(self, order: HangUpLine) -> None:
        self._lines.pop(order.call_id, None)

    def _answer(self, line: _Line) -> None:
        if self._lines.get(line.call_id) is line:
            line.state = MediaState.UP
            self._loop.after(_TALK_MS, self._leave, line)
            self._listener.tell(facts.LineAnswered(call_id=line.call_id))

    def _fail(self, line: _Line, outcome: OutboundOutcome) -> None:
        if self._lines.get(line.call_id) is line:
            del self._lines[line.call_id]
            self._listener.tell(facts.LineFailed(call_id=line.call_id, outcome=outcome))

    def _leave(self, line: _Line) -> None:
        """The customer has said what there was to say."""
        if self._lines.get(line.call_id) is line:
            del self._lines[line.call_id]
            self._listener.tell(facts.LineHungUp(call_id=line.call_id))
