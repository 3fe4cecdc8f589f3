"""The parts of one floor, wired once: constructors only, from the inside outward."""

import random
from collections.abc import Callable, Iterable

from router.acd.announcing import Announcing
from router.acd.calls import Calls
from router.acd.policy import QueuePolicy
from router.acd.queues import Queues
from router.acd.reach import Reach
from router.acd.ringing import Ringing
from router.acd.roster import Roster
from router.acd.silence import PbxSilence
from router.acd.talking import Talking
from router.call import Language
from router.callback.callbacks import Callbacks
from router.callback.policy import CallbackPolicy
from router.ids import HandoffId, LegId, SiteId
from router.outbound.lending import Lending
from router.outbound.lines import Lines
from router.outbound.outbound import Outgoing
from router.outbound.policy import OutboundPolicy
from router.outbound.routes import Routes
from router.overflow.board import Board
from router.overflow.choice import Chooser
from router.overflow.helper import HelperSide
from router.overflow.links import Links
from router.overflow.moving import Moving
from router.overflow.origin import Origin
from router.overflow.own_loss import OwnLoss
from router.overflow.policy import OverflowPolicy
from router.overflow.pulling import Pulling
from router.overflow.pushing import Pushing
from router.overflow.redirecting import Redirecting
from router.overflow.taking_back import TakingBack
from router.overflow.taking_in import TakingIn
from router.overflow.taking_over import TakingOver
from router.talk.consulting import Consulting
from router.talk.recording import Recordings
from router.talk.supervising import Supervising
from router.timers import Timers


class Parts:
    """What the handlers of facts work with."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        policies: Iterable[QueuePolicy],
        overflow: OverflowPolicy,
        new_id: Callable[[], str],
        rng: random.Random,
        mint_token: Callable[[HandoffId, SiteId], str],
        language: Language,
        outbound: OutboundPolicy,
        callback: CallbackPolicy,
    ) -> None:
        self.site_id = site_id
        self.overflow = overflow
        self.new_id = new_id
        self.is_accepting = True
        self.timers: Timers[tuple[str, str]] = Timers()
        self.queues = Queues(policies)
        self.board = Board(site_id, overflow)
        self.links = Links(overflow)
        routes, lines = Routes(site_id, outbound), Lines(site_id, outbound, self.links)
        self.reach = Reach(routes, lines, language)
        self.roster = Roster(lines)
        self.silence = PbxSilence(self.roster)
        self.calls = Calls(self.queues, self.timers, language, holds_back=self.links.has_redirects)
        self.ringing = Ringing(self.roster, self.reach, self.timers, new_id)
        self.recordings = Recordings(self.calls, self.queues, new_id)
        self.talking = Talking(site_id, self.calls, self.roster, self.queues, self.timers, self.recordings)
        self.consulting = Consulting(
            self.calls, self.roster, self.reach, self.queues, self.talking, self.timers
        )
        self.supervising = Supervising(self.roster, self.timers)
        self.announcing = Announcing(self.calls, self.roster, self.queues, self.timers, new_id)
        self.taking_back = TakingBack(overflow, self.timers)
        chooser = Chooser(self.board, overflow, self.links, rng)
        self.origin = Origin(
            policy=overflow,
            calls=self.calls,
            queues=self.queues,
            board=self.board,
            links=self.links,
            timers=self.timers,
        )
        self.moving = Moving(
            site_id=site_id,
            policy=overflow,
            origin=self.origin,
            calls=self.calls,
            links=self.links,
            timers=self.timers,
            new_id=new_id,
        )
        self.redirecting = Redirecting(
            site_id=site_id, calls=self.calls, origin=self.origin, links=self.links
        )
        self.pushing = Pushing(
            policy=overflow,
            origin=self.origin,
            redirecting=self.redirecting,
            calls=self.calls,
            roster=self.roster,
            queues=self.queues,
            board=self.board,
            chooser=chooser,
            silence=self.silence,
            timers=self.timers,
            new_id=new_id,
        )
        self.own_loss = OwnLoss(
            policy=overflow, calls=self.calls, roster=self.roster, queues=self.queues, timers=self.timers
        )
        self.helper = HelperSide(
            policy=overflow,
            own_loss=self.own_loss,
            roster=self.roster,
            queues=self.queues,
            ringing=self.ringing,
            talking=self.talking,
            links=self.links,
            taking_back=self.taking_back,
            timers=self.timers,
            new_id=new_id,
            mint_token=mint_token,
        )
        self.taking_over = TakingOver(
            policy=overflow,
            helper=self.helper,
            links=self.links,
            timers=self.timers,
            mint_token=mint_token,
        )
        self.taking_in = TakingIn(
            policy=overflow,
            helper=self.helper,
            calls=self.calls,
            queues=self.queues,
            timers=self.timers,
            new_id=new_id,
        )
        self.pulling = Pulling(
            policy=overflow,
            own_loss=self.own_loss,
            helper=self.helper,
            roster=self.roster,
            queues=self.queues,
            board=self.board,
            chooser=chooser,
            taking_back=self.taking_back,
            timers=self.timers,
            new_id=new_id,
            mint_token=mint_token,
        )
        self.callbacks = Callbacks(
            policy=callback, queues=self.queues, timers=self.timers, has_line=routes.has_own
        )
        self.outgoing = Outgoing(
            policy=outbound,
            overflow=overflow,
            routes=routes,
            lines=lines,
            callbacks=self.callbacks,
            roster=self.roster,
            queues=self.queues,
            ringing=self.ringing,
            talking=self.talking,
            timers=self.timers,
            new_id=new_id,
        )
        self.lending = Lending(
            site_id=site_id,
            overflow=overflow,
            routes=routes,
            lines=lines,
            links=self.links,
            timers=self.timers,
            mint_token=mint_token,
        )

    @property
    def may_help(self) -> bool:
        """Whether agents and lines may be promised to other sites."""
        return self.is_accepting and not self.silence.is_on

    def new_leg_id(self) -> LegId:
        return LegId(self.new_id())
