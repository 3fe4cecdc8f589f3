"""What other sites ask, answer and show, and what comes over the trunks, drawn for a teller."""

from collections.abc import Sequence

from router import facts
from router.call import CallContext
from router.facts import Fact
from router.ids import (
    CallId,
    HandoffId,
    QueueId,
    SiteId,
)
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.messages import (
    Acknowledged,
    Cancel,
    Claim,
    Confirm,
    GetHandoff,
    Given,
    HandoffSeen,
    HandoffState,
    Move,
    Redirect,
    Refusal,
    Refused,
    Reply,
    Request,
    Reserve,
    Reserved,
    ReserveLine,
    TellHandoff,
)
from tests.sim.floor_cast import (
    HOME,
    NUMBERS,
    PEERS,
    QUEUES,
    SKILLS,
)
from tests.sim.floor_names import FactMakers, Names

REQUEST_KINDS: Sequence[type[Request]] = (
    Reserve,
    Reserve,
    Redirect,
    Claim,
    Claim,
    Confirm,
    Cancel,
    GetHandoff,
    ReserveLine,
    Move,
    TellHandoff,
)
"""What peers ask; a hand-off has to begin before anything else can be asked of it."""


class SiteFacts:
    def __init__(self, names: Names) -> None:
        self._names, self._rng = names, names.rng

    def makers(self) -> FactMakers:
        return (
            (8, self._trunk_arrived),
            (5, lambda: facts.TrunkRang(handoff_id=self._names.handoff())),
            (7, lambda: facts.TrunkAnswered(handoff_id=self._names.handoff())),
            (2, lambda: facts.TrunkFailed(handoff_id=self._names.handoff(), reason="403")),
            (2, lambda: facts.TrunkHungUp(handoff_id=self._names.handoff())),
            (2, lambda: facts.MoveTried(handoff_id=self._names.handoff())),
            (2, lambda: facts.TrunkMoved(handoff_id=self._names.handoff())),
            (10, self._site_asked),
            (10, self._site_replied),
            (3, self._site_silent),
            (5, self._load_seen),
            (1, lambda: facts.SiteGone(site_id=self._rng.choice(PEERS))),
            (5, facts.ViewConfirmed),
        )

    def _trunk_arrived(self) -> Fact:
        handoff_id = self._names.handoff()
        return facts.TrunkCallArrived(handoff_id=handoff_id, from_site=self._names.peer_of(handoff_id))

    def _load_seen(self) -> Fact:
        load = QueueLoad(
            agents_staffed=self._rng.randint(0, 3),
            agents_idle=self._rng.randint(0, 3),
            calls_waiting=self._rng.randint(0, 3),
            head_wait_ms=self._rng.choice((0, 50_000)),
            aht_ms=self._rng.choice((0, 60_000)),
            abandon_rate_per_hour=self._rng.choice((0.0, 12.0)),
        )
        return facts.LoadSeen(
            load=SiteLoad(
                site_id=self._rng.choice((*PEERS, HOME, SiteId("stranger"))),
                incarnation=1,
                version=self._names.new_serial(),
                accepting=self._rng.random() < 0.9,
                queues={queue_id: load for queue_id in QUEUES if self._rng.random() < 0.7},
                link_headroom={HOME: self._rng.randint(0, 3)},
            )
        )

    def _context(self) -> CallContext:
        return CallContext(
            call_id=CallId(self._names.new_name("theirs"))
            if self._rng.random() < 0.9
            else self._names.call(),
            queue_id=self._rng.choice((*QUEUES, QueueId("nowhere"))),
            skills=frozenset(self._rng.sample(SKILLS, self._rng.randint(0, 2))),
            priority=0,
            customer_id=None,
            waited_ms=0,
        )

    def _request(self) -> Request:
        kind = self._rng.choice(REQUEST_KINDS)
        if kind in (Reserve, Redirect, Claim, ReserveLine) and self._rng.random() < 0.8:
            self._names.handoffs.append(HandoffId(self._names.new_name("theirs")))
            handoff_id = self._names.handoffs[-1]
        else:
            handoff_id = self._names.handoff()
        match kind:
            case _ if kind is Reserve:
                return Reserve(handoff_id=handoff_id, call=self._context(), timeout_ms=500)
            case _ if kind is Redirect:
                return Redirect(handoff_id=handoff_id, call=self._context(), timeout_ms=500)
            case _ if kind is Claim:
                return Claim(handoff_id=handoff_id, skills=frozenset(SKILLS), token="t", timeout_ms=500)
            case _ if kind is ReserveLine:
                call_id = (
                    CallId(self._names.new_name("theirs"))
                    if self._rng.random() < 0.9
                    else self._names.outgoing()
                )
                number = self._rng.choice(NUMBERS)
                return ReserveLine(handoff_id=handoff_id, call_id=call_id, number=number, timeout_ms=500)
        return self._talk_request(kind, handoff_id)

    def _talk_request(self, kind: type[Request], handoff_id: HandoffId) -> Request:
        """About a hand-off that both sides know."""
        match kind:
            case _ if kind is Move:
                self._names.handoffs.append(HandoffId(self._names.new_name("theirs")))
                return Move(handoff_id=handoff_id, move_id=self._names.handoffs[-1])
            case _ if kind is TellHandoff:
                told = self._rng.choice((HandoffState.MOVED, HandoffState.OVER))
                return TellHandoff(handoff_id=handoff_id, state=told, talk_ms=self._rng.choice((None, 500)))
            case _ if kind is Confirm:
                return Confirm(handoff_id=handoff_id)
            case _ if kind is Cancel:
                return Cancel(handoff_id=handoff_id, reason="WHIM")
        return GetHandoff(handoff_id=handoff_id)

    def _site_asked(self) -> Fact:
        request = self._request()
        return facts.SiteAsked(
            site_id=self._names.peer_of(request.handoff_id),
            incarnation=1 if self._rng.random() < 0.95 else 0,
            request=request,
        )

    def _site_replied(self) -> Fact:
        if not self._names.asked:
            return facts.ViewConfirmed()
        ask = self._rng.choice(self._names.asked[-6:])
        return facts.SiteReplied(
            site_id=ask.site_id, incarnation=1, request=ask.request, reply=self._reply(ask.request)
        )

    def _reply(self, request: Request) -> Reply:
        """One that fits, mostly; else any."""
        handoff_id = request.handoff_id
        seen = HandoffSeen(
            handoff_id=handoff_id, state=self._rng.choice(list(HandoffState)), call_id=None, queue_id=None
        )
        fitting: dict[type[Request], Reply] = {
            Reserve: Reserved(handoff_id=handoff_id, token="t"),
            Redirect: Reserved(handoff_id=handoff_id, token="t"),
            ReserveLine: Reserved(handoff_id=handoff_id, token="t"),
            Claim: Given(handoff_id=handoff_id, call=self._context()),
            Confirm: Acknowledged(handoff_id=handoff_id),
            Cancel: Acknowledged(handoff_id=handoff_id),
            GetHandoff: seen,
            Move: Reserved(handoff_id=handoff_id, token="t"),
            TellHandoff: Acknowledged(handoff_id=handoff_id),
        }
        if self._rng.random() < 0.7:
            return fitting[type(request)]
        refused = Refused(handoff_id=handoff_id, reason=self._rng.choice(list(Refusal)))
        return self._rng.choice((refused, *fitting.values()))

    def _site_silent(self) -> Fact:
        if not self._names.asked:
            return facts.ViewConfirmed()
        ask = self._rng.choice(self._names.asked[-6:])
        return facts.SiteSilent(site_id=ask.site_id, request=ask.request)
