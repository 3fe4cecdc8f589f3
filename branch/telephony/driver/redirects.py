"""Callers sent on before anybody has answered: their carrier is told where to call instead, or has called us.

Whoever was sent on is no caller of ours any more, whatever the carrier makes of it. Whoever comes is one,
who waits and hangs up like any other.
"""

from collections.abc import Callable

import structlog

from branch.telephony.driver.holdings import Held, Holdings, Stage
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import Cause, Do, Variable
from router.facts import CallerHungUp, Fact
from router.ids import CallId, SiteId
from router.orders import RedirectCaller

log = structlog.get_logger()


class Redirects:
    """Both sides of a redirect, as requests to the PBX."""

    def __init__(
        self,
        holdings: Holdings,
        unanswered: Unanswered,
        note: Callable[[Fact], None],
        *,
        way_to: Callable[[SiteId], str | None],
        hang_up: Callable[[Held | None, Cause], None],
    ) -> None:
        """`way_to` is where a carrier reaches a site; `hang_up` ends a channel that we hold."""
        self._holdings = holdings
        self._unanswered = unanswered
        self._note = note
        self._way_to = way_to
        self._hang_up = hang_up

    def redirect_caller(self, order: RedirectCaller) -> None:
        """The call is over here, so a caller who cannot be sent on is not left to hear it ring."""
        caller = self._holdings.caller(order.call_id)
        if caller is None or caller.is_ending:
            return
        way = self._way_to(order.site_id)
        is_answered = caller.is_taken or caller.stage is Stage.UP
        if way is None or is_answered:
            log.error("redirect_impossible", call=order.call_id, peer=order.site_id, is_answered=is_answered)
            self._hang_up(caller, Cause.UNAVAILABLE)
            return
        caller.is_ending = True
        self._unanswered.ask_then(
            lambda is_done: self._redirected(caller, is_done),
            Do.REDIRECT,
            caller.channel_id,
            endpoint=way,
            site_id=order.site_id,
            from_site=order.from_site,
            token=order.token,
        )

    def _redirected(self, caller: Held, is_done: bool) -> None:
        if not is_done:
            self._unanswered.ask(Do.HANG_UP, caller.channel_id, cause=int(Cause.UNAVAILABLE))

    def accept(self, trunk_id: str, call_id: CallId) -> bool:
        """See the port's `accept_redirected`."""
        held, first = self._holdings.channel(trunk_id), self._holdings.caller(call_id)
        if first is not None and first is not held:
            self._hang_up(held, Cause.REJECTED)
            return False
        if held is None:
            self._note(CallerHungUp(call_id=call_id))
        elif first is None:
            self._holdings.make_caller(held, call_id)
            self._unanswered.ask(Do.SET, trunk_id, name=Variable.CALL, value=call_id)
        return True
