"""The origin's side of a redirect: a caller whom nobody has answered is sent on to a helper's PBX.

Only who was never picked up can be sent on, so a caller who finds nobody idle is held back from
the queue's music while one helper is asked, and no longer. From the order on the call is none of this
site's: it has its one ending here, and the helper has promised to queue whoever comes with the token.
"""

from router import ledger
from router.acd.calls import Call, Calls
from router.call import CallState, Disposition
from router.ids import HandoffId, SiteId
from router.ledger import Role
from router.orders import RedirectCaller
from router.overflow.links import Links
from router.overflow.messages import HandoffState, Redirect, Refusal, Refused, Reply, Reserved
from router.overflow.origin import Handoff, Origin
from router.overflow.policy import Media
from router.turn import Turn

_IN_QUEUE = (CallState.QUEUED, CallState.OFFERED, CallState.OFFERED_REMOTE)


class Redirecting:
    """Which callers are held back, and what becomes of them."""

    def __init__(self, *, site_id: SiteId, calls: Calls, origin: Origin, links: Links) -> None:
        self._site_id = site_id
        self._calls = calls
        self._origin = origin
        self._links = links
        self._asked: set[HandoffId] = set()
        """Helpers' answers that callers are held back for."""

    def wants(self, call: Call, site_id: SiteId) -> bool:
        """Whether that helper is to be asked to take the caller itself."""
        return call.call_id in self._calls.held_back and self._links.media(site_id) is Media.REDIRECT

    def note_asked(self, call: Call, handoff_id: HandoffId) -> None:
        """Nobody else is shown the caller meanwhile: a claim would only keep the agent from the one asked."""
        self._asked.add(handoff_id)
        self._calls.waiting.mark_dialled(call.call_id, is_dialled=True)

    def follow(self, turn: Turn) -> None:
        """After each turn: whoever is held back for nothing hears the queue."""
        for call_id in list(self._calls.held_back):
            call = self._calls.get(call_id)
            if call.handoff_id is not None and call.handoff_id in self._asked:
                continue
            if call.state in _IN_QUEUE:
                self._calls.hold(turn, call)
            else:
                del self._calls.held_back[call_id]

    def replied(self, turn: Turn, site_id: SiteId, request: Redirect, reply: Reply) -> None:
        self._asked.discard(request.handoff_id)
        handoff = self._origin.find(request.handoff_id)
        is_wanted = handoff is not None and handoff.state is HandoffState.ASKING
        if handoff is not None and is_wanted:
            if isinstance(reply, Reserved):
                self._redirect(turn, handoff, reply.token)
            else:
                reason = reply.reason if isinstance(reply, Refused) else Refusal.CANCELLED
                self._stay(turn, handoff, reason.value)
        elif isinstance(reply, Reserved):
            self._origin.send_cancel(turn, request.handoff_id, site_id, "LATE")

    def silent(self, turn: Turn, site_id: SiteId, request: Redirect) -> None:
        """The request may have arrived, so it is taken back."""
        self._asked.discard(request.handoff_id)
        handoff = self._origin.find(request.handoff_id)
        if handoff is not None and handoff.state is HandoffState.ASKING:
            self._origin.send_cancel(turn, handoff.handoff_id, site_id, "SILENT")
            self._stay(turn, handoff, "SILENT")

    def _stay(self, turn: Turn, handoff: Handoff, reason: str) -> None:
        """Picked up at once, so that whoever is asked next is asked for a trunk leg."""
        call = self._calls.get(handoff.call_id)
        if call.call_id in self._calls.held_back:
            self._calls.hold(turn, call)
        self._origin.refused(turn, handoff, reason)

    def _redirect(self, turn: Turn, handoff: Handoff, token: str) -> None:
        call = self._calls.get(handoff.call_id)
        assert not call.is_picked_up, f"{call.call_id} was answered while it was held back"
        turn.write(
            ledger.HandoffReserved(
                handoff_id=handoff.handoff_id,
                role=Role.ORIGIN,
                peer=handoff.peer,
                call_id=call.call_id,
                agent_id=None,
            )
        )
        turn.write(
            ledger.HandoffRedirected(handoff_id=handoff.handoff_id, peer=handoff.peer, call_id=call.call_id)
        )
        self._origin.close(turn, handoff)
        self._calls.end_gone(turn, call, Disposition.REDIRECTED, None)
        turn.order(
            RedirectCaller(call_id=call.call_id, from_site=self._site_id, site_id=handoff.peer, token=token)
        )
