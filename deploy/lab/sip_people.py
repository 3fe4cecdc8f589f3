"""The people of a lab on real PBXes: callers and agents at SIP phones, and what they say of their calls.

A branch answers its callers to play them music, so a caller's phone cannot tell when somebody
is there. The people can: they talk when the agent hears the caller's first sound.
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import partial

from deploy.lab.plan import LabPlan, Shift
from deploy.phones.callers import Caller, OutgoingCall, dial_code
from deploy.phones.phones import Behaviour, Phone, PhoneCall
from deploy.phones.sip_wire import Address
from node.troubles import TroubleError
from node.words import text as _
from router.ids import SiteId
from router.world.day.calls import PlannedCall

_NUMBERS = "+86139"
"""Before eight digits: mobile numbers, as callers show them."""
_LOG_IN, _LOG_OUT, _READY = "*11", "*12", "*13"
_REGISTRATION_S = 3_600
_REGISTER_AGAIN_S = 1_800.0


class PhoneTroubleError(TroubleError):
    """An agent of a lab cannot work at its phone."""

    reason = "PHONE_TROUBLE"

    def __init__(self, agent_id: str, problem: BaseException) -> None:
        super().__init__(
            _(
                "the phone of {agent} does not work: {problem}",
                agent=agent_id,
                problem=str(problem) or repr(problem),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A site's PBX, as its people see it."""

    address: Address
    agents_host: str
    passwords: Mapping[str, str]
    """By the phone's user."""


class SipCaller:
    """One planned caller, who hangs up: after `handle_ms` of talk, or when patience ends."""

    def __init__(self, planned: PlannedCall, number: str) -> None:
        self.planned = planned
        self.number = number
        """Nobody else's in this lab: both sides of a talk know each other by it."""
        self._left_ms: float = planned.handle_ms
        """A talk that is interrupted goes on where it stopped."""
        self._call: OutgoingCall | None = None
        self._talk: PhoneCall | None = None
        self._talk_count = 0

    @property
    def has_met_pbx(self) -> bool:
        return self._call is not None and self._call.has_met_pbx

    @property
    def story(self) -> dict[str, object]:
        """As a simulated PBX tells it: taken or not, conversations, ending."""
        call = self._call
        return {
            "taken": call is not None and call.is_answered,
            "conversations": self._talk_count,
            "ending": None if call is None or call.ending is None else call.ending.value,
        }

    async def live(self, dialled: str, pbx: Address, city: str) -> None:
        """Call, wait, talk, hang up."""
        async with Caller(self.number, pbx, host=city) as line:
            self._call = await line.call(dialled, sends_rtp=True)
            while not self._call.is_over and await self._is_content(self._call):
                pass
            try:
                await self._call.hang_up()
            except TimeoutError:
                self._call.lose()

    def meet(self, talk: PhoneCall) -> None:
        """An agent hears the caller."""
        self._talk_count += 1
        self._talk = talk
        self._tell()

    def part(self, talk: PhoneCall) -> None:
        """That agent has gone."""
        if self._talk is talk:
            self._talk = None
            self._tell()

    async def _is_content(self, call: OutgoingCall) -> bool:
        """Whether the caller stays on the line after the talk or the wait that is on now."""
        talk, began_s = self._talk, time.monotonic()
        limit_ms = self.planned.patience_ms if talk is None else self._left_ms
        try:
            await call.changes.until(
                lambda: call.is_over or self._talk is not talk, None if limit_ms is None else limit_ms / 1000
            )
        except TimeoutError:
            return False
        if talk is not None:
            self._left_ms = max(0.0, self._left_ms - 1000 * (time.monotonic() - began_s))
        return True

    def _tell(self) -> None:
        if self._call is not None:
            self._call.changes.tell()


class SipAgent:
    """One agent with a phone: registers, logs in, answers whoever rings, goes home."""

    def __init__(
        self, shift: Shift, exchange: Exchange, ring_ms: int, callers: Mapping[str, SipCaller]
    ) -> None:
        self.agent_id = shift.agent_id
        self._shift = shift
        self._callers = callers
        user = shift.agent_id.partition("/")[2]
        self._phone = Phone(
            user,
            exchange.address,
            password=exchange.passwords[user],
            host=exchange.agents_host,
            # With sound: a trunk on which none comes is taken for dead.
            behaviour=Behaviour(ring_ms=ring_ms, sends_rtp=True),
        )

    async def live(self, day_start_s: float) -> None:
        """`day_start_s` is in real seconds since 1970. Runs until it is cancelled: a phone stays where it is.

        Raises:
            PhoneTroubleError: the PBX does not take the phone or what it dials.
        """
        # Who begins with the day is there before it.
        if self._shift.from_s > 0:
            await _sleep_until(day_start_s + self._shift.from_s)
        async with self._phone, asyncio.TaskGroup() as beside:
            await self._at_phone(self._phone.register(_REGISTRATION_S))
            beside.create_task(self._stay_registered())
            beside.create_task(self._answer())
            await self._dial(_LOG_IN)
            await self._dial(_READY)
            await _sleep_until(day_start_s + self._shift.until_s)
            await self._dial(_LOG_OUT)

    async def _stay_registered(self) -> None:
        while True:
            await asyncio.sleep(_REGISTER_AGAIN_S)
            await self._at_phone(self._phone.register(_REGISTRATION_S))

    async def _answer(self) -> None:
        """See every call through that rings."""
        served_count = 0
        while True:
            await self._phone.changes.until(partial(self._has_more_than, served_count), None)
            await self._tell_caller(self._phone.calls[served_count])
            served_count += 1

    def _has_more_than(self, served_count: int) -> bool:
        return len(self._phone.calls) > served_count

    async def _tell_caller(self, talk: PhoneCall) -> None:
        """The phone picks up and lays down by itself; the people at its ends hear each other."""
        caller = self._callers[talk.caller]
        await talk.sound.changes.until(lambda: talk.is_over or talk.sound.received_count > 0, None)
        if talk.sound.received_count > 0:
            caller.meet(talk)
        await talk.changes.until(lambda: talk.is_over, None)
        caller.part(talk)

    async def _dial(self, code: str) -> None:
        await self._at_phone(dial_code(self._phone, code))

    async def _at_phone(self, act: Coroutine[None, None, None]) -> None:
        try:
            await act
        except (TimeoutError, ConnectionRefusedError) as problem:
            raise PhoneTroubleError(self.agent_id, problem) from problem


class SipPeople:
    """Everybody of one lab."""

    def __init__(self, plan: LabPlan, exchanges: Mapping[SiteId, Exchange], *, city: str) -> None:
        """`city` is the address that callers call from."""
        self._plan = plan
        self._exchanges = exchanges
        self._city = city
        self._callers = {
            caller.number: caller
            for caller in (
                SipCaller(call, f"{_NUMBERS}{place:08d}") for place, call in enumerate(plan.calls, start=1)
            )
        }

    def callers_of(self, site_id: SiteId) -> list[SipCaller]:
        return [caller for caller in self._callers.values() if caller.planned.site_id == site_id]

    async def live(self) -> None:
        """Play the day; runs until it is cancelled.

        Raises:
            PhoneTroubleError: an agent's phone does not work.
        """
        day_start_s = self._plan.clock.real_utc_s(self._plan.day_start_utc_us)
        try:
            async with asyncio.TaskGroup() as day:
                for site in self._plan.sites:
                    for shift in site.shifts:
                        agent = SipAgent(
                            shift, self._exchanges[site.site_id], self._plan.scenario.ring_ms, self._callers
                        )
                        day.create_task(agent.live(day_start_s))
                for caller in self._callers.values():
                    day.create_task(self._come(caller, day_start_s))
                await asyncio.Event().wait()
        except BaseExceptionGroup as failed:
            troubles, others = failed.split(PhoneTroubleError)
            if troubles is None or others is not None:
                raise
            raise _first(troubles) from failed

    async def _come(self, caller: SipCaller, day_start_s: float) -> None:
        await _sleep_until(day_start_s + caller.planned.arrive_ms / 1000)
        pbx = self._exchanges[caller.planned.site_id].address
        await caller.live(self._plan.number_of(caller.planned.queue_id), pbx, self._city)


async def _sleep_until(real_s: float) -> None:
    """`real_s` is since 1970; returns at once when it is over."""
    await asyncio.sleep(max(0.0, real_s - time.time()))


def _first(troubles: BaseExceptionGroup[PhoneTroubleError]) -> PhoneTroubleError:
    """One says it for all: when a PBX is away, no phone of it works."""
    trouble = troubles.exceptions[0]
    return _first(trouble) if isinstance(trouble, BaseExceptionGroup) else trouble
