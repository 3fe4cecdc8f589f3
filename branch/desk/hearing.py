"""What the PBX says, as facts of the desk.

Here stands what a PBX cannot know: which queue a dialled line belongs to, which skills an
agent has, whether an INVITE's token is ours.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from branch.customers.numbers import e164
from branch.desk.desk import CallerNumber, Live
from branch.telephony.port import (
    AloneEnding,
    CallerRinging,
    CallLeftAlone,
    PhoneEvent,
    PhoneRequest,
    TelephonyDriver,
    TelephonyListener,
    TrunkRinging,
)
from router.errors import DuplicateError, RouterError
from router.facts import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLoggedIn,
    AgentLoggedOut,
    CallArrived,
    CallerLeftAlone,
    Fact,
    MessageFound,
    PbxHeard,
    PbxSilent,
    PhoneLost,
    PickupAsked,
    TransferAsked,
    TrunkCallArrived,
)
from router.ids import AgentId, CallId, CustomerId, HandoffId, QueueId, SiteId, Skills
from router.orders import HangUpCall, HangUpLeg, HangUpLine, HangUpTrunk
from router.overflow.trunk_refusal import TrunkRefusal
from router.recovery import Inventory
from sync.token import TokenError

log = structlog.get_logger()

_SHOWN_CHARS = 40
"""Of what an INVITE says of its sender, which anybody can write."""

UNNAMED_REASON = "UNNAMED"
"""An agent's phone said not ready without saying why."""


class Tellable(Protocol):
    """The part of the desk that hears."""

    def tell(
        self,
        fact: Fact,
        if_refused: Callable[[RouterError], None] | None = None,
        caller: CallerNumber | None = None,
    ) -> None: ...

    def live(self) -> Live:
        """What the desk knows to live."""
        ...


class Directory(Protocol):
    """Who and what the site's own records name."""

    def skills_of(self, agent_id: AgentId) -> Skills | None:
        """None: no such agent here."""
        ...


class Customers(Protocol):
    """Whom the site knows by number."""

    def customer_of(self, number: str) -> CustomerId | None:
        """None: an E.164 number that no customer has. Returns at once."""
        ...

    def class_of(self, customer_id: CustomerId) -> str | None:
        """None: there is no such customer. Returns at once."""
        ...


class Messages(Protocol):
    """What callers have left."""

    def for_agent(self, agent_id: AgentId) -> Sequence[CallId]:
        """Those that the agent may hear and nobody has heard, oldest first. Returns at once."""
        ...

    def heard_soon(self, call_id: CallId, person_id: str) -> None:
        """Somebody has heard one. Returns at once."""
        ...

    def unplayable(self, call_id: CallId) -> None:
        """The PBX has no such file, so no phone is to be given it again."""
        ...


class Invited(Protocol):
    """Whom other sites have sent."""

    def read(self, token: str, from_site: SiteId) -> HandoffId:
        """The hand-off that `from_site` shows a token for.

        Raises:
            TokenError: it lets nobody in.
        """
        ...

    def call_of(self, handoff_id: HandoffId, from_site: SiteId) -> CallId | None:
        """What a redirected caller's call will be here; None for a trunk leg."""
        ...

    def number_of(self, handoff_id: HandoffId) -> str | None:
        """The redirected caller's, as far as its first site has told it: E.164."""
        ...


class Lines:
    """Which queue a dialled line belongs to."""

    def __init__(self, queues: Mapping[str, QueueId], default: QueueId) -> None:
        self._queues = queues
        self._default = default

    def queue_of(self, dialled: str) -> QueueId:
        """The line's queue; a line that nobody has named rings at the default one."""
        return self._queues.get(dialled, self._default)

    def named(self, dialled: str) -> QueueId | None:
        """None: no line of that number is anybody's."""
        return self._queues.get(dialled)


class PbxEar:
    """Listens to the PBX."""

    def __init__(
        self,
        *,
        desk: Tellable,
        driver: TelephonyDriver,
        directory: Directory,
        customers: Customers,
        lines: Lines,
        invitations: Invited,
        note_refused_token: Callable[[str], None],
        note_caller: Callable[[CallerNumber], None],
        forward: Callable[[AgentId, str | None, Callable[[bool], None]], None],
        messages: Messages,
        country: str | None = None,
    ) -> None:
        """`note_caller` hears of every caller before the desk does. `forward` takes an agent and the number,
        as dialled, at which it wants to be reached: None for its own phone. It returns at once,
        and tells later whether that is so now.

        `country` is where national numbers are dialled: two letters, None for nowhere.
        """
        self.is_connected = False
        self._ended: frozenset[CallId] = frozenset()
        self._desk = desk
        self._driver = driver
        self._directory = directory
        self._customers = customers
        self._lines = lines
        self._country = country
        self._invitations = invitations
        self._note_refused_token = note_refused_token
        self._note_caller = note_caller
        self._forward = forward
        self._messages = messages

    def fact_heard(self, fact: Fact) -> None:
        self._desk.tell(fact)

    def expect_ended(self, calls: frozenset[CallId]) -> None:
        """Callers that the PBX still holds and the ledger has ended: a process died before the hang-up."""
        self._ended = calls

    def caller_heard(self, caller: CallerRinging) -> None:
        if caller.call_id in self._ended:
            self._driver.carry_out(HangUpCall(call_id=caller.call_id, reason="ENDED"))
            return
        number = e164(caller.caller_number, self._country)
        known = self._customers.customer_of(number) if number is not None else None
        customer_id = known or caller.customer_id
        fact = CallArrived(
            call_id=caller.call_id,
            queue_id=caller.queue_id or self._lines.queue_of(caller.dialled),
            dialled=caller.dialled,
            customer_id=customer_id,
            customer_class=None if customer_id is None else self._customers.class_of(customer_id),
            priority=caller.priority,
            is_picked_up=caller.is_answered,
        )
        kept = CallerNumber(call_id=caller.call_id, number=number, dialled=caller.dialled)
        self._note_caller(kept)
        self._desk.tell(fact, lambda refusal: self._turn_away(caller.call_id, refusal), kept)

    def left_alone(self, call: CallLeftAlone, if_refused: Callable[[RouterError], None]) -> None:
        """The caller is gone; staff see the number with the call, or with its message."""
        number = e164(call.caller_number, self._country)
        customer_id = None if number is None else self._customers.customer_of(number)
        queue_id = self._lines.queue_of(call.dialled)
        kept = CallerNumber(call_id=call.call_id, number=number, dialled=call.dialled)
        fact: MessageFound | CallerLeftAlone
        if call.ending is AloneEnding.MESSAGE:
            fact = MessageFound(
                call_id=call.call_id, queue_id=queue_id, dialled=call.dialled, customer_id=customer_id
            )
        else:
            fact = CallerLeftAlone(
                call_id=call.call_id,
                queue_id=queue_id,
                dialled=call.dialled,
                customer_id=customer_id,
                was_put_through=call.ending is AloneEnding.PUT_THROUGH,
            )
        self._desk.tell(fact, if_refused, kept)

    def trunk_heard(self, trunk: TrunkRinging) -> None:
        if trunk.call_id is not None and trunk.call_id in self._desk.live().calls:
            return
        try:
            handoff_id = self._invitations.read(trunk.token, trunk.from_site)
        except TokenError as refusal:
            self._refuse_trunk(trunk, refusal.reason)
            self._driver.reject_trunk(trunk.trunk_id)
            return
        call_id = self._invitations.call_of(handoff_id, trunk.from_site)
        if call_id is not None:
            self._redirected_heard(trunk, handoff_id, call_id)
            return
        # Accepted first: what the desk orders of this hand-off's leg must find it.
        if self._driver.accept_trunk(trunk.trunk_id, handoff_id):
            self._desk.tell(TrunkCallArrived(handoff_id=handoff_id, from_site=trunk.from_site))
        else:
            self._refuse_trunk(trunk, TrunkRefusal.USED)

    def agent_phone_heard(self, agent_id: AgentId, event: PhoneEvent, reason: str | None) -> None:
        fact = self._phone_fact(agent_id, event, reason)
        if fact is not None:
            self._desk.tell(fact)

    def agent_phone_asked(self, agent_id: AgentId, request: PhoneRequest, digits: str) -> None:
        def confirm(is_done: bool) -> None:
            self._driver.confirm(agent_id, is_done=is_done)

        match request:
            case PhoneRequest.FORWARD:
                self._forward(agent_id, digits, confirm)
            case PhoneRequest.FORWARD_OFF:
                self._forward(agent_id, None, confirm)
            case PhoneRequest.PICKUP:
                self._pick_up(agent_id, digits)
            case PhoneRequest.TRANSFER:
                self._transfer(agent_id, digits)
            case PhoneRequest.MESSAGES:
                self._driver.play_messages(agent_id, self._messages.for_agent(agent_id))

    def message_heard(self, agent_id: AgentId, call_id: CallId) -> None:
        self._messages.heard_soon(call_id, agent_id)

    def message_unplayable(self, call_id: CallId) -> None:
        log.warning("message_unplayable", call=call_id)
        self._messages.unplayable(call_id)

    def pbx_lost(self) -> None:
        self.is_connected = False
        log.error("pbx_lost")

    def pbx_silent(self) -> None:
        log.error("pbx_silent")
        self._desk.tell(PbxSilent())

    def pbx_back(self, inventory: Inventory) -> None:
        """End what lives there and belongs to nobody here; then it may ring and dial."""
        self.is_connected = True
        log.info("pbx_back", call_count=len(inventory.callers))
        live = self._desk.live()
        for call_id in sorted(inventory.callers - live.calls):
            self._driver.carry_out(HangUpCall(call_id=call_id, reason="UNKNOWN"))
        for leg_id in sorted(inventory.legs.keys() - live.legs):
            agent_id = inventory.legs[leg_id].agent_id
            self._driver.carry_out(HangUpLeg(leg_id=leg_id, agent_id=agent_id))
        for handoff_id in sorted(inventory.trunks.keys() - live.handoffs):
            self._driver.carry_out(HangUpTrunk(handoff_id=handoff_id))
        for call_id in sorted(inventory.lines.keys() - live.lines):
            self._driver.carry_out(HangUpLine(call_id=call_id))
        self._desk.tell(PbxHeard())

    def _redirected_heard(self, trunk: TrunkRinging, handoff_id: HandoffId, call_id: CallId) -> None:
        """A caller of our own from here on; accepted first, as a trunk leg is."""
        if not self._driver.accept_redirected(trunk.trunk_id, call_id):
            self._refuse_trunk(trunk, TrunkRefusal.USED)
            return
        number = e164(trunk.caller_number, self._country) or self._invitations.number_of(handoff_id)
        kept = CallerNumber(call_id=call_id, number=number, dialled=f"overflow.{trunk.from_site}")
        self._note_caller(kept)
        self._desk.tell(TrunkCallArrived(handoff_id=handoff_id, from_site=trunk.from_site), None, kept)

    def _pick_up(self, agent_id: AgentId, extension: str) -> None:
        """What was dialled behind the code may be anything, a telephone number too: it stands in no log."""
        colleague = self._colleague(agent_id, extension)
        if extension and colleague is None:
            log.warning("pickup_refused", agent=agent_id, reason="AGENT_UNKNOWN")
            return
        self._desk.tell(PickupAsked(agent_id=agent_id, from_agent=colleague))

    def _transfer(self, agent_id: AgentId, number: str) -> None:
        """As the desk's own, which asks nobody; a number that is no colleague's and no line's is nobody's."""
        colleague = self._colleague(agent_id, number)
        queue_id = self._lines.named(number) if colleague is None else None
        if colleague is None and queue_id is None:
            log.warning("transfer_refused", agent=agent_id, reason="NOBODY_THERE")
            self._driver.refuse_transfer(agent_id)
            return
        fact = TransferAsked(agent_id=agent_id, to_queue=queue_id, to_agent=colleague)
        self._desk.tell(fact, lambda _refusal: self._driver.refuse_transfer(agent_id))

    def _colleague(self, agent_id: AgentId, extension: str) -> AgentId | None:
        """Who has that extension at the agent's site; None: nobody."""
        colleague = AgentId(f"{agent_id.partition('/')[0]}/{extension}")
        return colleague if extension and self._directory.skills_of(colleague) is not None else None

    def _refuse_trunk(self, trunk: TrunkRinging, reason: str) -> None:
        self._note_refused_token(reason)
        log.warning("trunk_refused", peer=trunk.from_site[:_SHOWN_CHARS], reason=reason)

    def _turn_away(self, call_id: CallId, refusal: RouterError) -> None:
        """A caller who cannot be taken hears so at once; one that the desk has already is left alone."""
        if not isinstance(refusal, DuplicateError):
            self._driver.carry_out(HangUpCall(call_id=call_id, reason=refusal.reason))

    def _phone_fact(self, agent_id: AgentId, event: PhoneEvent, reason: str | None) -> Fact | None:
        match event:
            case PhoneEvent.LOGIN:
                return self._login(agent_id)
            case PhoneEvent.LOGOUT:
                return AgentLoggedOut(agent_id=agent_id)
            case PhoneEvent.READY:
                return AgentBecameReady(agent_id=agent_id)
            case PhoneEvent.NOT_READY:
                return AgentBecameNotReady(agent_id=agent_id, reason=reason or UNNAMED_REASON)
            case PhoneEvent.UNREACHABLE:
                return PhoneLost(agent_id=agent_id, reason=reason or "PHONE_UNREGISTERED")
            case PhoneEvent.REGISTERED:
                return None  # The phone can ring again; whether its agent is there, only the agent says.

    def _login(self, agent_id: AgentId) -> Fact | None:
        skills = self._directory.skills_of(agent_id)
        if skills is None:
            log.warning("login_refused", agent=agent_id, reason="AGENT_UNKNOWN")
            return None
        return AgentLoggedIn(agent_id=agent_id, skills=skills)


class WaitingEar:
    """Keeps what the PBX says until the desk has taken up what lives, then passes it on in order."""

    def __init__(self, ear: TelephonyListener) -> None:
        self._ear = ear
        self._held: deque[Callable[[], None]] | None = deque()
        self._inventory: asyncio.Future[Inventory] = asyncio.get_running_loop().create_future()

    async def inventory(self, limit_s: float) -> Inventory:
        """What the PBX holds, once it is there; of one that stays away, that its calls are lost."""
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(self._inventory)
        except TimeoutError:
            return Inventory(is_same_run=False)

    def begin(self) -> None:
        """From here on everything goes to the desk as it comes."""
        held, self._held = self._held, None
        for tell in held or ():
            tell()

    def fact_heard(self, fact: Fact) -> None:
        self._pass_on(lambda: self._ear.fact_heard(fact))

    def caller_heard(self, caller: CallerRinging) -> None:
        self._pass_on(lambda: self._ear.caller_heard(caller))

    def trunk_heard(self, trunk: TrunkRinging) -> None:
        self._pass_on(lambda: self._ear.trunk_heard(trunk))

    def agent_phone_heard(self, agent_id: AgentId, event: PhoneEvent, reason: str | None) -> None:
        self._pass_on(lambda: self._ear.agent_phone_heard(agent_id, event, reason))

    def agent_phone_asked(self, agent_id: AgentId, request: PhoneRequest, digits: str) -> None:
        self._pass_on(lambda: self._ear.agent_phone_asked(agent_id, request, digits))

    def message_unplayable(self, call_id: CallId) -> None:
        self._pass_on(lambda: self._ear.message_unplayable(call_id))

    def message_heard(self, agent_id: AgentId, call_id: CallId) -> None:
        self._pass_on(lambda: self._ear.message_heard(agent_id, call_id))

    def pbx_lost(self) -> None:
        self._pass_on(self._ear.pbx_lost)

    def pbx_silent(self) -> None:
        self._pass_on(self._ear.pbx_silent)

    def pbx_back(self, inventory: Inventory) -> None:
        if not self._inventory.done():
            self._inventory.set_result(inventory)
        self._pass_on(lambda: self._ear.pbx_back(inventory))

    def _pass_on(self, tell: Callable[[], None]) -> None:
        if self._held is None:
            tell()
        else:
            self._held.append(tell)
