"""One site's node on virtual time: the floor, its ledger, and what a branch's shell does.

The process can die at any instant: rows not yet committed and orders that wait for them die
with it, the ledger and the PBX live on, and a new process resumes from the two.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from router import facts, orders
from router.acd.policy import QueuePolicy
from router.errors import RouterError
from router.facts import Fact
from router.floor import Floor
from router.ids import CallId, HandoffId, Instant, SiteId
from router.ledger import CallArrived, Entry, LedgerRow
from router.orders import Order, Outcome
from router.overflow.messages import HandoffState, Reply, Request
from router.overflow.policy import OverflowPolicy
from router.overflow.taking_in import token_hash
from router.records.fold import RecordFold
from router.records.moment import Moment
from router.world.clock import SiteClock
from router.world.control_link import ControlLink
from router.world.load_board import LoadBoard
from router.world.loop import Loop
from router.world.network import Network
from router.world.pbx import Pbx
from router.world.person import Person, SentOn
from router.world.public_lines import CALLBACKS, NUMBER, policy_of
from router.world.tokens import TokenDesk, id_maker

FIRST_INCARNATION = 1

_WITH_TRUNK = (HandoffState.DIALING, HandoffState.RINGING, HandoffState.CONNECTED, HandoffState.MOVED)

Trace = Callable[[int, SiteId, object], None]
"""Takes the time, the site, and a fact, order or entry."""


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What a node is connected with."""

    loop: Loop
    clock: SiteClock
    network: Network
    board: LoadBoard
    pbx: Pbx
    control: ControlLink
    see_row: Callable[[LedgerRow], None]
    """Told every committed row."""
    object_to: Callable[[str], None]
    """Told what must never happen and no ledger shows."""
    crash_point: Callable[[int], int | None] | None = None
    """Before which of so many items of an outcome, or after all, the process dies; None: it lives."""
    crash: Callable[["Node"], None] | None = None
    look: Callable[["Node"], None] | None = None
    """Called after each fact that came to something, to check the live floor."""
    trace: Trace | None = None


class Node:
    def __init__(
        self,
        site_id: SiteId,
        *,
        number: int,
        policies: Iterable[QueuePolicy],
        overflow: OverflowPolicy,
        rng: random.Random,
        commit_ms: int,
        keeps_rows: bool,
    ) -> None:
        self.site_id = site_id
        self.incarnation = FIRST_INCARNATION - 1
        self.floor: Floor | None = None
        self.rows: list[LedgerRow] = []
        """Committed ones; kept only where a restart may need them."""
        self.new_call_id = id_maker(number * 2)
        self._policies = tuple(policies)
        self._overflow = overflow
        self._new_id = id_maker(number * 2 + 1)
        self._rng = rng
        self._commit_ms = commit_ms
        self._keeps_rows = keeps_rows
        self._seq = 0
        self._uncommitted: list[LedgerRow] = []
        self._outbox: list[tuple[int, Order]] = []
        self._tokens = TokenDesk(site_id, 0)
        self._askers: dict[HandoffId, Callable[[Reply], None]] = {}
        """Other sites that wait for an answer: one that promises something takes longer than its turn."""
        self._armed: Instant | None = None
        self._last_pbx_run = 1
        self._known_calls: set[CallId] = set()
        self._day = (0, "")
        self._own_acts: dict[type[Order], Callable[[Any], None]] = {
            orders.Ask: self._ask,
            orders.ConfirmHandoff: self._ask,
            orders.Answer: self._give_answer,
            orders.AnswerForGood: self._give_answer,
            orders.PublishLoad: self._publish,
            orders.FindNumber: self._find_number,
        }

    def connect(self, around: Surroundings) -> None:
        """Once, before `start`: sites know each other, so they are all made first."""
        self._around = around
        self._loop = around.loop
        self.clock = around.clock
        self._acts = self._own_acts | dict.fromkeys(around.pbx.order_types, around.control.carry_out)

    @property
    def is_up(self) -> bool:
        return self.floor is not None

    # --- life and death ----------------------------------------------------------------

    def start(self) -> None:
        self.incarnation += 1
        self.clock.process_starts()
        self._tokens = TokenDesk(self.site_id, self.incarnation)
        self.floor = Floor(
            site_id=self.site_id,
            incarnation=self.incarnation,
            policies=self._policies,
            overflow=self._overflow,
            new_id=self._new_id,
            rng=self._rng,
            mint_token=self._tokens.mint,
            outbound=policy_of(self.site_id),
            callback=CALLBACKS,
        )
        if self.incarnation > FIRST_INCARNATION:
            self._resume(self.floor)
        self.tell(facts.NodeStarted(version="world"))
        self.tell(facts.CallingHoursChanged(is_open=True))
        self._around.control.process_started(is_pbx_up=not self._around.pbx.is_down)

    def _resume(self, floor: Floor) -> None:
        fold = RecordFold()
        for row in self.rows:
            fold.apply(row)
        now = Moment(utc_us=self.clock.utc_us(), mono_ms=self.clock.mono_ms(), incarnation=self.incarnation)
        inventory = self._around.pbx.inventory(last_run=self._last_pbx_run)
        self._last_pbx_run = self._around.pbx.run
        work = fold.open_work(now)
        self._note("resume", work, inventory)
        self._carry_out(floor.resume(work, inventory, now.mono_ms))
        self.hear_callers()

    def stop(self) -> None:
        """The process is killed, without a word."""
        self.floor = None
        self._around.control.renew()
        self._seq -= len(self._uncommitted)
        self._uncommitted.clear()
        self._outbox.clear()
        self._askers.clear()
        self._armed = None
        self._note("killed")

    def pbx_died(self, reason: str) -> None:
        """As a driver tells it: phones, the death, and then the end of each channel that there was."""
        for agent in list(self.floor.agents()) if self.floor is not None else ():
            self.tell(facts.AgentBecameUnreachable(agent_id=agent.agent_id, reason=reason))
        self.tell(facts.PbxDied(reason=reason))
        self._tell_ends(reason)

    def pbx_back(self, *, is_news: bool) -> None:
        """The PBX was restarted; `is_news` when its death was not noticed."""
        if self.floor is None:
            return
        self._last_pbx_run = self._around.pbx.run
        if is_news:
            self.pbx_died("PBX_RESTARTED")
        else:
            self._tell_ends("PBX_RESTARTED")

    def _tell_ends(self, reason: str) -> None:
        """What the floor believes in and the PBX does not hold is told as failed."""
        floor, pbx = self.floor, self._around.pbx
        if floor is None:
            return
        alive = pbx.inventory(last_run=pbx.run)
        lost: list[Fact] = [
            facts.TrunkHungUp(handoff_id=handoff.handoff_id)
            for handoff in floor.handoffs()
            if handoff.state in _WITH_TRUNK and handoff.handoff_id not in alive.trunks
        ]
        lost += [
            facts.LegHungUp(leg_id=agent.leg_id)
            for agent in floor.agents()
            if agent.leg_id is not None and agent.leg_id not in alive.legs
        ]
        lost += [
            facts.CallFailed(call_id=call.call_id, reason=reason)
            for call in floor.calls()
            if call.call_id not in alive.callers
        ]
        for fact in lost:
            self.tell(fact)

    def hear_callers(self) -> None:
        """Callers the dead process never queued are told again; those of ended calls are hung up."""
        self._around.pbx.redirects.tell_again()
        for person in self._around.pbx.callers():
            if self.floor is None or self.floor.call(person.call_id) is not None:
                continue
            if person.call_id in self._known_calls or person.is_queued:
                self._around.pbx.carry_out(orders.HangUpCall(call_id=person.call_id, reason="OVER"))
            elif person.sent_on is not None:
                self._caller_comes_again(person, person.sent_on)
            else:
                self.caller_rings(person)

    # --- facts -------------------------------------------------------------------------

    def caller_rings(self, person: Person) -> None:
        """Refused callers hear a busy tone: they were never offered."""
        plan = person.plan
        fact = facts.CallArrived(
            call_id=person.call_id,
            queue_id=plan.queue_id,
            dialled=plan.queue_id,
            customer_id=plan.customer_id,
            priority=plan.priority,
        )
        try:
            self.tell(fact)
        except RouterError:
            self._around.pbx.carry_out(orders.HangUpCall(call_id=person.call_id, reason="REFUSED"))

    def _caller_comes_again(self, person: Person, sent_on: SentOn) -> None:
        """The process that had let it in died before that was written down."""
        promised = self.promised(sent_on.token, sent_on.from_site)
        if promised is None:
            self._around.pbx.carry_out(orders.HangUpCall(call_id=person.call_id, reason="OVER"))
        else:
            self.tell(facts.TrunkCallArrived(handoff_id=promised[0], from_site=sent_on.from_site))

    def tell(self, fact: Fact) -> None:
        """Nobody hears it while the process is dead."""
        floor = self.floor
        if floor is None:
            return
        if self._around.trace is not None:
            self._note(fact)
        self._carry_out(floor.handle(fact, self.clock.mono_ms()))

    def receive(
        self, source: SiteId, incarnation: int, request: Request, answer: Callable[[Reply], None]
    ) -> None:
        self._askers[request.handoff_id] = answer
        self.tell(facts.SiteAsked(site_id=source, incarnation=incarnation, request=request))
        is_waiting = any(isinstance(order, orders.AnswerForGood) for _seq, order in self._outbox)
        if request.handoff_id in self._askers and not is_waiting:
            del self._askers[request.handoff_id]
            self._around.object_to(f"{self.site_id} gave no answer to {request}")

    def accept_token(self, token: str, from_site: SiteId) -> HandoffId | None:
        return self._tokens.accept(token, from_site) if self.is_up else None

    def promised(self, token: str, from_site: SiteId) -> tuple[HandoffId, CallId] | None:
        """The hand-off, and the call here, of a redirected caller with that token; None lets nobody in."""
        if self.floor is None:
            return None
        handoff_id = self.floor.promised(token_hash(token), from_site)
        own_call_id = self.floor.promised_call(handoff_id, from_site) if handoff_id is not None else None
        return None if handoff_id is None or own_call_id is None else (handoff_id, own_call_id)

    def step_clock(self, by_ms: int) -> None:
        self.clock.step(by_ms)
        self.tell(facts.ClockStepped(by_ms=by_ms))

    # --- outcomes ----------------------------------------------------------------------

    def _carry_out(self, outcome: Outcome) -> None:
        around = self._around
        if around.crash_point is not None and self._dies_in(outcome):
            return
        if outcome:
            self._do(outcome)
            if around.trace is not None:
                self._note(*outcome)
            if around.look is not None and self.floor is not None:
                around.look(self)
        self._arm()

    def _dies_in(self, outcome: Outcome) -> bool:
        """Carry out the part before the crash, if there is one: rows unwritten, orders not sent."""
        around = self._around
        assert around.crash_point is not None
        assert around.crash is not None
        place = around.crash_point(len(outcome))
        if place is None:
            return False
        self._do(outcome[:place])
        self._note(*outcome[:place])
        around.crash(self)
        return True

    def _do(self, outcome: Outcome) -> None:
        acts, commit_ms, floor = self._acts, self._commit_ms, self.floor
        for item in outcome:
            if self.floor is not floor:
                return  # What the last order led to at once has killed the process.
            if isinstance(item, Entry):
                self._write(item)
            elif commit_ms:
                self._put(item)
            else:
                acts[type(item)](item)

    def _put(self, order: Any) -> None:
        """Irreversible orders wait for the commit, and the PBX hears nothing out of its order."""
        is_for_pbx = type(order) not in self._own_acts
        if (order.is_irreversible and self._uncommitted) or (is_for_pbx and self._outbox):
            self._outbox.append((self._seq, order))
        else:
            self._acts[type(order)](order)

    def _write(self, entry: Entry) -> None:
        self._seq += 1
        utc_us = self.clock.utc_us()
        row = LedgerRow(
            site_id=self.site_id,
            seq=self._seq,
            at_utc_us=utc_us,
            mono_ms=self.clock.mono_ms(),
            incarnation=self.incarnation,
            business_date=self._business_date(utc_us),
            entry=entry,
        )
        if self._commit_ms:
            if not self._uncommitted:
                self._loop.after(self._commit_ms, self._commit, self.floor)
            self._uncommitted.append(row)
        else:
            self._keep(row)

    def _commit(self, floor: Floor) -> None:
        """One group: all rows since the last commit, then the orders that waited for them."""
        if floor is not self.floor:
            return
        rows, self._uncommitted = self._uncommitted, []
        for row in rows:
            self._keep(row)
        if self._outbox and self._around.crash_point is not None and self._dies_in([]):
            return
        ready, self._outbox = self._outbox, []
        for _seq, order in ready:
            if self.floor is not floor:
                return
            self._acts[type(order)](order)

    def _keep(self, row: LedgerRow) -> None:
        if self._keeps_rows:
            self.rows.append(row)
            if isinstance(row.entry, CallArrived):
                self._known_calls.add(row.entry.call_id)
        self._around.see_row(row)

    def _business_date(self, utc_us: int) -> str:
        day = utc_us // 86_400_000_000
        if day != self._day[0]:
            date = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date()
            self._day = (day, date.isoformat())
        return self._day[1]

    # --- orders that are not for the PBX -----------------------------------------------

    def _ask(self, order: orders.Ask) -> None:
        floor = self.floor
        self._around.network.ask(
            self.site_id,
            order.site_id,
            order.request,
            limit_ms=self._overflow.rpc_limit_ms,
            replied=partial(self._replied, floor, order),
            silent=partial(self._silent, floor, order),
        )

    def _replied(self, floor: Floor | None, order: orders.Ask, incarnation: int, reply: Reply) -> None:
        if floor is self.floor:
            self.tell(
                facts.SiteReplied(
                    site_id=order.site_id, incarnation=incarnation, request=order.request, reply=reply
                )
            )

    def _silent(self, floor: Floor | None, order: orders.Ask) -> None:
        if floor is self.floor:
            self.tell(facts.SiteSilent(site_id=order.site_id, request=order.request))

    def _give_answer(self, order: orders.Answer) -> None:
        answer = self._askers.pop(order.reply.handoff_id, None)
        if answer is not None:
            answer(order.reply)

    def _publish(self, order: orders.PublishLoad) -> None:
        self._around.board.publish(order.load)

    def _find_number(self, order: orders.FindNumber) -> None:
        self._loop.after(0, self._number_found, self.floor, order)

    def _number_found(self, floor: Floor | None, order: orders.FindNumber) -> None:
        if floor is self.floor:
            self.tell(facts.NumberFound(call_id=order.call_id, number=NUMBER))

    # --- deadlines ---------------------------------------------------------------------

    def _arm(self) -> None:
        floor = self.floor
        due = floor.next_timer() if floor is not None else None
        if due is not None and (self._armed is None or due < self._armed):
            self._armed = due
            self._loop.at(self.clock.world_time(due), self._wake, floor, due)

    def _wake(self, floor: Floor, due: Instant) -> None:
        if floor is not self.floor or due != self._armed:
            return
        self._armed = None
        self._carry_out(floor.handle_timer(self.clock.mono_ms()))

    def _note(self, *items: object) -> None:
        if self._around.trace is not None:
            for item in items:
                self._around.trace(self._loop.now, self.site_id, item)
