"""Tells one floor anything well-formed, in any order and twice; restarts it; knows nothing of the world."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from router import facts, ledger
from router.acd.place import Place
from router.agent import BUSY, AgentState, RingFailure
from router.call import CallContext
from router.callback.policy import CallbackPolicy
from router.errors import RouterError
from router.facts import Fact
from router.floor import Floor
from router.ids import (
    AgentId,
    CallId,
    CustomerId,
    HandoffId,
    Instant,
    LegId,
    PlaybackId,
    QueueId,
    RecordingId,
    SiteId,
)
from router.ivr import IvrPlan
from router.orders import Answer, Ask, FindNumber, Outcome, RingAgent
from router.outbound.outcome import OutboundOutcome
from router.outbound.state import OutboundState
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
from router.overflow.policy import LinkPolicy, Media, OverflowPolicy
from router.parts import Parts
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from tests.sim.floor_cast import (
    AGENTS,
    FAULTY_FLOW,
    FLOWS,
    HOME,
    NOON,
    NUMBERS,
    OUTBOUND,
    PEERS,
    QUEUES,
    SKILLS,
    SUPERVISORS,
    draw_policy,
)
from tests.sim.floor_left_behind import LeftBehind
from tests.sim.floor_soundness import state_of

LIVE_SHARE = 0.7
IVR_SHARE = 0.5

T = TypeVar("T")

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


class Teller:
    """Draws facts about what the floor has shown so far, about what is over, and about nothing at all."""

    restart_share = 0.015
    pause_share = 0.235
    pauses_ms: tuple[int, ...] = (1, 200, 1_000, 4_000, 31_000)

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._has_ivr = self.rng.random() < IVR_SHARE
        self.floor = self._floor(incarnation=1)
        self.now = Instant(1_000)
        self.ended: Counter[CallId] = Counter()
        self.rows: list[ledger.LedgerRow] = []
        self._serial = 0
        self._calls: list[CallId] = [CallId("nobody's")]
        self._legs: list[LegId] = [LegId("nobody's")]
        self._handoffs: list[HandoffId] = [HandoffId("nobody's")]
        self._asked: list[Ask] = []
        self._sought: list[CallId] = [CallId("nobody's")]
        self._gone_out: list[CallId] = [CallId("nobody's")]
        self._told: list[Fact] = []
        self._facts: tuple[tuple[int, Callable[[], Fact]], ...] = (
            (6, self._call_arrived),
            (3, lambda: facts.CallerHungUp(call_id=self._call())),
            (1, lambda: facts.CallFailed(call_id=self._call(), reason="LOST")),
            (1, lambda: facts.PbxDied(reason="PBX_DOWN")),
            (1, facts.PbxSilent),
            (3, facts.PbxHeard),
            (1, lambda: facts.CallerChoseVoicemail(call_id=self._call())),
            (1, lambda: facts.CallerChoseCallback(call_id=self._call())),
            (2, lambda: facts.VoicemailRecorded(call_id=self._call())),
            (1, self._message_found),
            (1, self._left_alone),
            (9, lambda: facts.KeyPressed(call_id=self._call(), key=self.rng.choice("0123#*A"))),
            (4, self._prompts_played),
            (2, self._customer_found),
            (1, lambda: facts.CustomerNotFound(call_id=self._call(), digits=self._digits())),
            (1, lambda: facts.FlowApplied(flow=self.rng.choice((*FLOWS, FAULTY_FLOW)), digest="d")),
            (4, lambda: facts.LegRang(leg_id=self._leg())),
            (9, lambda: facts.LegAnswered(leg_id=self._leg())),
            (2, lambda: facts.LegFailed(leg_id=self._leg(), reason=self._failure())),
            (1, lambda: facts.LegHungUp(leg_id=self._leg())),
            (8, self._trunk_arrived),
            (5, lambda: facts.TrunkRang(handoff_id=self._handoff())),
            (7, lambda: facts.TrunkAnswered(handoff_id=self._handoff())),
            (2, lambda: facts.TrunkFailed(handoff_id=self._handoff(), reason="403")),
            (2, lambda: facts.TrunkHungUp(handoff_id=self._handoff())),
            (2, lambda: facts.MoveTried(handoff_id=self._handoff())),
            (2, lambda: facts.TrunkMoved(handoff_id=self._handoff())),
            (4, self._logged_in),
            (1, lambda: facts.AgentLoggedOut(agent_id=self._agent())),
            (9, lambda: facts.AgentBecameReady(agent_id=self._agent())),
            (1, lambda: facts.AgentBecameNotReady(agent_id=self._agent(), reason="TEA")),
            (1, lambda: facts.AgentBecameUnreachable(agent_id=self._agent(), reason="DESK")),
            (1, lambda: facts.PhoneLost(agent_id=self._agent(), reason="PHONE")),
            (2, self._reach_changed),
            (2, lambda: facts.WrapupFinished(agent_id=self._busy_agent())),
            (2, lambda: facts.HoldAsked(agent_id=self._busy_agent())),
            (2, lambda: facts.ResumeAsked(agent_id=self._busy_agent())),
            (3, self._transfer_asked),
            (1, lambda: facts.HangUpAsked(agent_id=self._busy_agent())),
            (6, self._consult_asked),
            (2, lambda: facts.CompleteAsked(agent_id=self._busy_agent())),
            (2, lambda: facts.CancelAsked(agent_id=self._busy_agent())),
            (3, lambda: facts.MergeAsked(agent_id=self._busy_agent())),
            (2, self._pickup_asked),
            (3, self._recording_asked),
            (1, self._recording_finished),
            (3, self._supervise_asked),
            (1, lambda: facts.SupervisionEndAsked(supervisor=self.rng.choice(SUPERVISORS))),
            (5, self._dial_asked),
            (12, self._number_found),
            (12, lambda: facts.LineAnswered(call_id=self._outgoing())),
            (2, self._line_failed),
            (2, lambda: facts.LineHungUp(call_id=self._outgoing())),
            (2, lambda: facts.CallingHoursChanged(is_open=self.rng.random() < 0.8)),
            (10, self._site_asked),
            (10, self._site_replied),
            (3, self._site_silent),
            (5, self._load_seen),
            (1, lambda: facts.SiteGone(site_id=self.rng.choice(PEERS))),
            (5, facts.ViewConfirmed),
            (1, self._policy_applied),
            (1, self._accepting_changed),
            (6, self._told_again),
        )

    @property
    def parts(self) -> Parts:
        return self.floor._parts

    def tell_one(self) -> None:
        """Tell one fact, or let time pass, or restart the process."""
        draw = self.rng.random()
        if draw < self.restart_share:
            self._restart()
        elif draw < self.restart_share + self.pause_share:
            self.now = Instant(self.now + self.rng.choice(self.pauses_ms))
            self._listen(self.floor.handle_timer(self.now))
        else:
            weights = [weight for weight, _ in self._facts]
            fact = self.rng.choices(self._facts, weights)[0][1]()
            self._told.append(fact)
            self._tell(fact)

    def _tell(self, fact: Fact) -> None:
        before = state_of(self.floor)
        try:
            outcome = self.floor.handle(fact, self.now)
        except RouterError:
            assert state_of(self.floor) == before, f"{fact} was refused and changed something"
            return
        if isinstance(fact, facts.SiteAsked):
            assert sum(isinstance(item, Answer) for item in outcome) == 1
        self._listen(outcome)

    def _listen(self, outcome: Outcome) -> None:
        for item in outcome:
            if isinstance(item, ledger.Entry):
                self._write(item)
            if isinstance(item, RingAgent):
                self._legs.append(item.leg_id)
            elif isinstance(item, Ask):
                self._asked.append(item)
                self._handoffs.append(item.request.handoff_id)
            elif isinstance(item, FindNumber):
                self._sought.append(item.call_id)
            elif isinstance(item, ledger.OutboundBegan | ledger.LineLent):
                self._gone_out.append(item.call_id)
            elif isinstance(item, ledger.CallEnded | ledger.OutboundEnded):
                self.ended[item.call_id] += 1

    def _write(self, entry: ledger.Entry) -> None:
        self.rows.append(
            ledger.LedgerRow(
                site_id=HOME,
                seq=len(self.rows) + 1,
                at_utc_us=self.now * 1_000,
                mono_ms=self.now,
                incarnation=1,
                business_date="2026-01-05",
                entry=entry,
            )
        )

    # --- what may be named ---------------------------------------------------------------

    def _one_of(self, live: Sequence[T], named: Sequence[T]) -> T:
        """Something that lives, mostly; else whatever was named lately."""
        return self.rng.choice(live if live and self.rng.random() < LIVE_SHARE else named)

    def _call(self) -> CallId:
        return self._one_of([call.call_id for call in self.floor.calls()], self._calls[-12:])

    def _leg(self) -> LegId:
        supervisors = [each.leg_id for each in self.floor.supervisions()]
        return self._one_of([*self.parts.roster._by_leg, *supervisors], self._legs[-8:])

    def _handoff(self) -> HandoffId:
        return self._one_of(list(self._live_handoffs()), self._handoffs[-12:])

    def _live_handoffs(self) -> Iterator[HandoffId]:
        yield from (each.handoff_id for each in self.floor.handoffs())
        yield from (each.handoff_id for each in self.floor.outbound() if each.handoff_id is not None)
        yield from (each.handoff_id for each in self.floor.loans())
        yield from self.parts.taking_in._promises

    def _outgoing(self) -> CallId:
        live = [each.call_id for each in self.floor.outbound()]
        live += [each.call_id for each in self.floor.loans()]
        return self._one_of(live, self._gone_out[-8:])

    def _failure(self) -> RingFailure:
        return self.rng.choice([each for each in RingFailure if each is not RingFailure.MOVED_ON])

    def _agent(self) -> AgentId:
        return self.rng.choice(AGENTS)

    def _busy_agent(self) -> AgentId:
        return self._one_of([a.agent_id for a in self.floor.agents() if a.state in BUSY], AGENTS)

    def _peer_of(self, handoff_id: HandoffId) -> SiteId:
        peers = [each.peer for each in self.floor.handoffs() if each.handoff_id == handoff_id]
        peers += [each.peer for each in self.floor.loans() if each.handoff_id == handoff_id]
        promise = self.parts.taking_in._promises.get(handoff_id)
        peers += [promise.peer] if promise is not None else []
        return self._one_of(peers, PEERS)

    def _new_name(self, kind: str) -> str:
        self._serial += 1
        return f"{kind}{self._serial}"

    # --- facts ---------------------------------------------------------------------------

    def _call_arrived(self) -> Fact:
        self._calls.append(CallId(self._new_name("call")))
        return facts.CallArrived(
            call_id=self._calls[-1],
            queue_id=self.rng.choice((*QUEUES, QueueId("nowhere"))),
            dialled="95588",
            priority=self.rng.choice((0, 0, 0, 5, 9, 10)),
            customer_class=self.rng.choice((None, None, "VIP")),
            skills=frozenset(self.rng.sample(SKILLS, self.rng.choice((0, 0, 1)))),
        )

    def _message_found(self) -> Fact:
        self._calls.append(CallId(self._new_name("call")))
        return facts.MessageFound(
            call_id=self._calls[-1],
            queue_id=self.rng.choice((*QUEUES, QueueId("nowhere"))),
            dialled="95588",
            customer_id=None,
        )

    def _left_alone(self) -> Fact:
        self._calls.append(CallId(self._new_name("call")))
        return facts.CallerLeftAlone(
            call_id=self._calls[-1],
            queue_id=self.rng.choice((*QUEUES, QueueId("nowhere"))),
            dialled="95588",
            customer_id=None,
            was_put_through=self.rng.random() < 0.5,
        )

    def _prompts_played(self) -> Fact:
        """Those that are played, mostly; else others."""
        call_id = self._call()
        call = self.parts.calls.find(call_id)
        heard = call.playback_id if call is not None else None
        is_another = heard is None or self.rng.random() < 0.2
        return facts.PromptsPlayed(
            call_id=call_id, playback_id=PlaybackId("another") if is_another or heard is None else heard
        )

    def _customer_found(self) -> Fact:
        return facts.CustomerFound(
            call_id=self._call(),
            digits=self._digits(),
            customer_id=CustomerId("c1"),
            customer_class=self.rng.choice(("VIP", "STANDARD")),
        )

    def _digits(self) -> str:
        return self.rng.choice("0123")

    def _trunk_arrived(self) -> Fact:
        handoff_id = self._handoff()
        return facts.TrunkCallArrived(handoff_id=handoff_id, from_site=self._peer_of(handoff_id))

    def _logged_in(self) -> Fact:
        skills = frozenset(self.rng.sample(SKILLS, self.rng.randint(1, 2)))
        return facts.AgentLoggedIn(agent_id=self._agent(), skills=skills)

    def _transfer_asked(self) -> Fact:
        if self.rng.random() < 0.5:
            return facts.TransferAsked(agent_id=self._busy_agent(), to_queue=self.rng.choice(QUEUES))
        ready = [a.agent_id for a in self.floor.agents() if a.state is AgentState.READY]
        return facts.TransferAsked(agent_id=self._busy_agent(), to_agent=self._one_of(ready, (None, *AGENTS)))

    def _consult_asked(self) -> Fact:
        ready = [a.agent_id for a in self.floor.agents() if a.state is AgentState.READY]
        return facts.ConsultAsked(agent_id=self._busy_agent(), to_agent=self._one_of(ready, AGENTS))

    def _recording_asked(self) -> Fact:
        return facts.RecordingAsked(agent_id=self._busy_agent(), act=self.rng.choice(list(RecordingAct)))

    def _recording_finished(self) -> Fact:
        running = [each.recording_id for each in self.parts.recordings]
        recording_id = self._one_of(running, (RecordingId("nobody's"),))
        return facts.RecordingFinished(recording_id=recording_id, duration_ms=self.rng.randint(0, 9_000))

    def _pickup_asked(self) -> Fact:
        idle = (AgentState.READY, AgentState.NOT_READY)
        agent_id = self._one_of([a.agent_id for a in self.floor.agents() if a.state in idle], AGENTS)
        if self.rng.random() < 0.5:
            return facts.PickupAsked(agent_id=agent_id, from_queue=self.rng.choice(QUEUES))
        ringing = [a.agent_id for a in self.floor.agents() if a.state is AgentState.RINGING]
        return facts.PickupAsked(agent_id=agent_id, from_agent=self._one_of(ringing, (None, *AGENTS)))

    def _supervise_asked(self) -> Fact:
        supervisor = self.rng.choice(SUPERVISORS)
        return facts.SuperviseAsked(
            supervisor=supervisor,
            phone=AgentId(f"home/{supervisor}"),
            agent_id=self._busy_agent(),
            mode=self.rng.choice(list(SupervisionMode)),
        )

    def _reach_changed(self) -> Fact:
        places = [
            Place(
                number=self.rng.choice((None, *NUMBERS)), ring_limit_ms=self.rng.choice((None, 1_000, 20_000))
            )
            for _ in range(self.rng.randrange(4))
        ]
        return facts.ReachChanged(agent_id=self._agent(), places=tuple(places))

    def _dial_asked(self) -> Fact:
        live = [each.call_id for each in self.floor.outbound()]
        call_id = self.rng.choice(live) if live and self.rng.random() < 0.1 else CallId(self._new_name("out"))
        return facts.DialAsked(agent_id=self._agent(), call_id=call_id, number=self.rng.choice(NUMBERS))

    def _number_found(self) -> Fact:
        number = self.rng.choice((None, *NUMBERS))
        sought = [o.call_id for o in self.floor.outbound() if o.state is OutboundState.FINDING]
        return facts.NumberFound(call_id=self._one_of(sought, self._sought[-3:]), number=number)

    def _line_failed(self) -> Fact:
        outcomes = (OutboundOutcome.BUSY, OutboundOutcome.NO_ANSWER, OutboundOutcome.FAILED)
        return facts.LineFailed(call_id=self._outgoing(), outcome=self.rng.choice(outcomes))

    def _policy_applied(self) -> Fact:
        return facts.PolicyApplied(policy=draw_policy(self.rng, self.rng.choice(QUEUES)))

    def _accepting_changed(self) -> Fact:
        return facts.AcceptingChanged(is_accepting=self.rng.random() < 0.7, reason="DRAIN")

    def _load_seen(self) -> Fact:
        load = QueueLoad(
            agents_staffed=self.rng.randint(0, 3),
            agents_idle=self.rng.randint(0, 3),
            calls_waiting=self.rng.randint(0, 3),
            head_wait_ms=self.rng.choice((0, 50_000)),
            aht_ms=self.rng.choice((0, 60_000)),
            abandon_rate_per_hour=self.rng.choice((0.0, 12.0)),
        )
        self._serial += 1
        return facts.LoadSeen(
            load=SiteLoad(
                site_id=self.rng.choice((*PEERS, HOME, SiteId("stranger"))),
                incarnation=1,
                version=self._serial,
                accepting=self.rng.random() < 0.9,
                queues={queue_id: load for queue_id in QUEUES if self.rng.random() < 0.7},
                link_headroom={HOME: self.rng.randint(0, 3)},
            )
        )

    def _told_again(self) -> Fact:
        """Anything but the beginning of a call that has ended: its teller remembers what is over."""
        again = self.rng.choice(self._told[-200:] or [facts.ViewConfirmed()])
        beginnings = facts.CallArrived | facts.MessageFound | facts.CallerLeftAlone | facts.DialAsked
        is_over = isinstance(again, beginnings) and again.call_id in self.ended
        return facts.ViewConfirmed() if is_over else again

    # --- other sites ---------------------------------------------------------------------

    def _context(self) -> CallContext:
        return CallContext(
            call_id=CallId(self._new_name("theirs")) if self.rng.random() < 0.9 else self._call(),
            queue_id=self.rng.choice((*QUEUES, QueueId("nowhere"))),
            skills=frozenset(self.rng.sample(SKILLS, self.rng.randint(0, 2))),
            priority=0,
            customer_id=None,
            waited_ms=0,
        )

    def _request(self) -> Request:
        kind = self.rng.choice(REQUEST_KINDS)
        if kind in (Reserve, Redirect, Claim, ReserveLine) and self.rng.random() < 0.8:
            self._handoffs.append(HandoffId(self._new_name("theirs")))
            handoff_id = self._handoffs[-1]
        else:
            handoff_id = self._handoff()
        match kind:
            case _ if kind is Reserve:
                return Reserve(handoff_id=handoff_id, call=self._context(), timeout_ms=500)
            case _ if kind is Redirect:
                return Redirect(handoff_id=handoff_id, call=self._context(), timeout_ms=500)
            case _ if kind is Claim:
                return Claim(handoff_id=handoff_id, skills=frozenset(SKILLS), token="t", timeout_ms=500)
            case _ if kind is ReserveLine:
                call_id = CallId(self._new_name("theirs")) if self.rng.random() < 0.9 else self._outgoing()
                number = self.rng.choice(NUMBERS)
                return ReserveLine(handoff_id=handoff_id, call_id=call_id, number=number, timeout_ms=500)
        return self._talk_request(kind, handoff_id)

    def _talk_request(self, kind: type[Request], handoff_id: HandoffId) -> Request:
        """About a hand-off that both sides know."""
        match kind:
            case _ if kind is Move:
                self._handoffs.append(HandoffId(self._new_name("theirs")))
                return Move(handoff_id=handoff_id, move_id=self._handoffs[-1])
            case _ if kind is TellHandoff:
                told = self.rng.choice((HandoffState.MOVED, HandoffState.OVER))
                return TellHandoff(handoff_id=handoff_id, state=told, talk_ms=self.rng.choice((None, 500)))
            case _ if kind is Confirm:
                return Confirm(handoff_id=handoff_id)
            case _ if kind is Cancel:
                return Cancel(handoff_id=handoff_id, reason="WHIM")
        return GetHandoff(handoff_id=handoff_id)

    def _site_asked(self) -> Fact:
        request = self._request()
        return facts.SiteAsked(
            site_id=self._peer_of(request.handoff_id),
            incarnation=1 if self.rng.random() < 0.95 else 0,
            request=request,
        )

    def _site_replied(self) -> Fact:
        if not self._asked:
            return facts.ViewConfirmed()
        ask = self.rng.choice(self._asked[-6:])
        return facts.SiteReplied(
            site_id=ask.site_id, incarnation=1, request=ask.request, reply=self._reply(ask.request)
        )

    def _reply(self, request: Request) -> Reply:
        """One that fits, mostly; else any."""
        handoff_id = request.handoff_id
        seen = HandoffSeen(
            handoff_id=handoff_id, state=self.rng.choice(list(HandoffState)), call_id=None, queue_id=None
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
        if self.rng.random() < 0.7:
            return fitting[type(request)]
        refused = Refused(handoff_id=handoff_id, reason=self.rng.choice(list(Refusal)))
        return self.rng.choice((refused, *fitting.values()))

    def _site_silent(self) -> Fact:
        if not self._asked:
            return facts.ViewConfirmed()
        ask = self.rng.choice(self._asked[-6:])
        return facts.SiteSilent(site_id=ask.site_id, request=ask.request)

    # --- a restart -----------------------------------------------------------------------

    def _restart(self) -> None:
        """A new process takes up what the old one had open; of its channels some have gone meanwhile."""
        work, alive = LeftBehind(self.floor, self.rng, self.now).draw()
        self.floor = self._floor(incarnation=2)
        self._asked.clear()
        self._listen(self.floor.resume(work, alive, self.now))
        self._listen(self.floor.handle(facts.NodeStarted(version="1"), self.now))

    def _floor(self, incarnation: int) -> Floor:
        """Queue A always stands, so that callers always have somewhere to go."""
        ids = iter(range(10**9))
        links = {
            peer: LinkPolicy(site_id=peer, leg_limit=3, media=self.rng.choice(list(Media))) for peer in PEERS
        }
        return Floor(
            site_id=HOME,
            incarnation=incarnation,
            policies=[draw_policy(self.rng, queue_id) for queue_id in QUEUES],
            overflow=OverflowPolicy(
                links=links,
                home_reserve=self.rng.choice((0, 0, 1)),
                max_own_loss=self.rng.choice((None, None, 0.0, 1.0, 5.0)),
            ),
            new_id=lambda: f"home-{self.rng.getrandbits(32)}-{next(ids)}",
            rng=random.Random(self.rng.getrandbits(32)),
            mint_token=lambda handoff_id, site_id: f"{handoff_id}:{site_id}",
            ivr=IvrPlan(flow=FLOWS[0], local_time=lambda _now: NOON) if self._has_ivr else None,
            outbound=OUTBOUND,
            callback=CallbackPolicy(try_limit=2, pause_ms=self.rng.choice((500, 20_000))),
        )
