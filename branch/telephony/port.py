"""The telephony port: what a desk wants done by its PBX, and what it hears from it.

A driver keeps no queue and decides nothing. It carries out orders, tells facts, and after
a reconnect tells what was missed, so that a desk never has to compare channels itself.
All calls of both protocols are made on one event loop and return at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from router.facts import Fact
from router.ids import AgentId, CallId, CustomerId, HandoffId, LegId, QueueId, SiteId
from router.orders import Order
from router.recovery import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRinging:
    """A caller's INVITE, not answered yet; the desk makes the CallArrived of it."""

    call_id: CallId
    """Made by the driver and kept on the channel, so that a restarted branch finds it again."""
    dialled: str
    caller_number: str | None
    """As the trunk said it; not normalised."""
    customer_id: CustomerId | None = None
    """A hint of the PBX's; the desk's own directory knows better."""
    queue_id: QueueId | None = None
    """The queue that belongs to the dialled line, where the PBX knows it."""
    priority: int = 0
    """0 to 9; 9 is highest."""
    is_answered: bool = False
    """The PBX has, while no branch was there: such a caller cannot be redirected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRinging:
    """An INVITE of another site's PBX; nobody has looked at its token yet."""

    trunk_id: str
    """Names the INVITE in `accept_trunk`, `accept_redirected` and `reject_trunk`."""
    from_site: SiteId
    """As the trunk's address says; only the token proves it."""
    token: str
    caller_number: str | None = None
    """As the caller's own carrier said it, which has called us by itself; not normalised."""
    call_id: CallId | None = None
    """Of one that `accept_redirected` has made a caller, and that nobody has answered yet."""


class AloneEnding(StrEnum):
    """What became of a caller whom the PBX met by itself."""

    MESSAGE = "MESSAGE"
    """It has left one, whose file has the call's id for its name, as those of other messages have."""
    PUT_THROUGH = "PUT_THROUGH"
    """Somebody at the number that the site has for such times has answered."""
    HUNG_UP = "HUNG_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeftAlone:
    """A caller whom the PBX met by itself while no branch was there, and who is gone."""

    call_id: CallId
    """Always the same for this caller."""
    ending: AloneEnding
    dialled: str
    caller_number: str | None
    """As the trunk said it; not normalised."""


class PhoneEvent(StrEnum):
    """What an agent's phone did: a feature code was dialled, or its registration changed."""

    LOGIN = "LOGIN"
    LOGOUT = "LOGOUT"
    READY = "READY"
    NOT_READY = "NOT_READY"
    REGISTERED = "REGISTERED"
    """The phone can be rung (again); its agent is as ready as before."""
    UNREACHABLE = "UNREACHABLE"


class PhoneRequest(StrEnum):
    """What an agent has asked for at its phone by a feature code, which digits may follow."""

    FORWARD = "forward"
    """Reach me at the number that follows, as it would be dialled. The phone stays on until `confirm`."""
    FORWARD_OFF = "forward_off"
    """Reach me at this phone again. The phone stays on until `confirm`."""
    PICKUP = "pickup"
    """Give me the call that rings at the colleague whose extension follows; of none, at any of them."""
    TRANSFER = "transfer"
    """By the phone's own key, in a talk: give the caller to the extension or line that follows; of none, to
    another talk of the phone's. The phone waits, for the end of its leg or `refuse_transfer`."""
    MESSAGES = "messages"
    """Let me hear what callers have left. The phone stays on: `play_messages` says what it hears."""


class TelephonyListener(Protocol):
    """The part of the branch that hears the PBX; a fact may be told of something already over."""

    def fact_heard(self, fact: Fact) -> None:
        """Calls, legs and trunks: each step once, in the order it happened to its channel.

        Of a PBX that died: its phones are unreachable, then `PbxDied`, then each channel's end.
        Of what is played, the end is told once, and not at all once we have stopped it.
        """
        ...

    def caller_heard(self, caller: CallerRinging) -> None:
        """Told again after a restart, before `pbx_back`, for a caller whom we had not answered yet.

        The ledger may know the call already: a desk that has it does nothing.
        """
        ...

    def trunk_heard(self, trunk: TrunkRinging) -> None:
        """Answer with `accept_trunk`, `accept_redirected` or `reject_trunk`; until then the origin waits.

        Told again after a restart, before `pbx_back`, for a redirected caller whom we had not answered
        yet: with its `call_id`, once it has one. A desk that knows the call does nothing.
        """
        ...

    def agent_phone_heard(self, agent_id: AgentId, event: PhoneEvent, reason: str | None) -> None:
        """`reason` is set for NOT_READY, and may be for UNREACHABLE."""
        ...

    def agent_phone_asked(self, agent_id: AgentId, request: PhoneRequest, digits: str) -> None:
        """`digits` is what was dialled behind the code; nobody has looked at it yet."""
        ...

    def message_heard(self, agent_id: AgentId, call_id: CallId) -> None:
        """The agent has listened to that caller's message to its end."""
        ...

    def message_unplayable(self, call_id: CallId) -> None:
        """Its file is gone, or is none that the PBX can play."""
        ...

    def pbx_lost(self) -> None:
        """The connection is down; calls in progress go on without us unless facts say otherwise."""
        ...

    def pbx_silent(self) -> None:
        """It has been away for longer than a connection takes to come back: nobody can be rung or dialled.

        Told once until `pbx_back`; also when it is away from the start.
        """
        ...

    def pbx_back(self, inventory: Inventory) -> None:
        """Connected: first after `start`, and again whenever the PBX was lost.

        Comes after everything that was missed has been told. What the inventory holds and
        the desk does not know by now is nobody's: the desk ends it.
        """
        ...


class TelephonyDriver(Protocol):
    """A PBX, as a desk needs it."""

    async def start(self, listener: TelephonyListener) -> Inventory:
        """Connect and return what lives; nothing is told to `listener` before this returns.

        A PBX that is down gives an empty inventory after a first try; the driver goes on
        trying and tells `pbx_back`.

        Raises:
            PbxRefusedError: the PBX is there and does not let us in.
        """
        ...

    def carry_out(self, order: Order) -> None:
        """Do a telephony order. Orders of one call keep their order; failures come as facts.

        While the PBX is away orders wait; they are dropped, and told as failed, when it
        turns out to have lost the calls they are about. Repeating an order is harmless.

        Raises:
            NotTelephonyError: the order is for somebody else; nothing was done.
        """
        ...

    def confirm(self, agent_id: AgentId, *, is_done: bool) -> None:
        """What the agent asked for at its phone is done and the phone put down; or it hears a tone before."""
        ...

    def refuse_transfer(self, agent_id: AgentId) -> None:
        """The agent who has asked for a transfer at its phone keeps the caller, and the phone shows it."""
        ...

    def play_messages(self, agent_id: AgentId, call_ids: Sequence[CallId]) -> None:
        """Let the agent who asked for them at its phone hear these callers' messages, then hang up.

        Of none it is told so. An agent who has hung up meanwhile hears nothing.
        """
        ...

    def accept_trunk(self, trunk_id: str, handoff_id: HandoffId) -> bool:
        """The token was good: from now on the INVITE is this hand-off's trunk leg.

        False: the hand-off has one already. A token is good once: this INVITE is answered
        403, and the leg that came first is left alone.
        """
        ...

    def accept_redirected(self, trunk_id: str, call_id: CallId) -> bool:
        """The token was good: from now on the INVITE is a caller's, whom nobody has answered yet.

        False: the call has an INVITE already. This one is answered 403, and the caller who came first is
        left alone. A caller who is gone meanwhile has hung up.
        """
        ...

    def reject_trunk(self, trunk_id: str) -> None:
        """Answer 403; nothing is told about this INVITE any more."""
        ...

    async def close(self) -> None:
        """Let go of the PBX and leave its calls alone."""
        ...


class Softphone(Protocol):
    """Phones without keys of their own: agents who work at a terminal desk."""

    def answer_leg(self, leg_id: LegId) -> None:
        """As if the agent had lifted the receiver; LegAnswered follows."""
        ...

    def hang_up_leg(self, leg_id: LegId) -> None:
        """As if the agent had put the receiver down, or rejected the ring."""
        ...


class PbxRefusedError(Exception):
    """The PBX answers and does not let this branch in: a wrong password, or another protocol."""

    reason = "PBX_REFUSED"

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"the PBX at {address} refused us: {why}; check [telephony] in the site's file")
        self.address = address
        self.why = why


class NotTelephonyError(TypeError):
    """An order that no PBX carries out was given to one."""

    reason = "NOT_TELEPHONY"

    def __init__(self, order: Order) -> None:
        super().__init__(
            f"{type(order).__name__} is not for the PBX; send it to the peers, the board or the store"
        )
        self.order = order
