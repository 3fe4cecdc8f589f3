"""Agents' phones and the people who answer them, or do not."""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from branch.telephony.driver.vocabulary import Cause, ChannelState, Event, Frame
from branch.telephony.simulated.pbx.codes import CodeDialler
from branch.telephony.simulated.pbx.settings import AgentSection, PeopleSection
from branch.telephony.simulated.pbx.switch import Channel, Party, RefusedError, Switch
from branch.telephony.simulated.pbx.timers import LabTimers


class Phone:
    """One agent's phone: one line, and somebody beside it."""

    def __init__(
        self,
        agent: AgentSection,
        people: PeopleSection,
        switch: Switch,
        timers: LabTimers,
        tell: Callable[[Frame], None],
    ) -> None:
        self.agent_id = agent.id
        self.is_person = agent.person
        self.is_registered = True
        self.is_on_duty = False
        self._people = people
        self._switch = switch
        self._timers = timers
        self._tell = tell
        self._line: Ring | None = None
        self._codes = CodeDialler(agent.id, switch, timers)
        # A stream of its own for each agent: who else works does not change what it does.
        self._rng = random.Random(f"{people.seed}/{agent.id}")  # noqa: S311 - a seeded day, no secret

    @property
    def is_idle(self) -> bool:
        return self._line is None

    def shown(self) -> Frame:
        return {"agent": self.agent_id, "is_registered": self.is_registered}

    def begin_shift(self) -> None:
        self.is_on_duty = True
        self._codes.dial("login")
        self._codes.dial("ready")

    def end_shift(self) -> None:
        self.is_on_duty = False
        self._codes.dial("logout")

    def sign_in_again(self) -> None:
        """The desks were gone for a while: better once too often than not at all."""
        if self.is_on_duty and self.is_registered and self.is_idle:
            self._codes.dial("login")
            self._codes.dial("ready")

    def say_ready(self) -> None:
        """A call was not taken, so the desk may have set the agent aside."""
        if self.is_on_duty and self.is_registered and self.is_idle:
            self._codes.dial("ready")

    def set_registered(self, *, is_registered: bool) -> None:
        if is_registered == self.is_registered:
            return
        self.is_registered = is_registered
        self._tell({"event": Event.PHONE_STATE, **self.shown()})
        if is_registered:
            self.sign_in_again()
        elif self._line is not None:
            self._line.put_down(Cause.ABSENT)

    def rung(self, ring: "Ring") -> None:
        """A call for this phone; the person decides now what comes of it."""
        draw, people = self._rng.random(), self._people
        is_busy = not self.is_person and draw < people.busy_share
        if not self.is_registered or not self.is_idle or is_busy:
            cause = Cause.BUSY if self.is_registered else Cause.ABSENT
            self._timers.after(0, partial(ring.put_down, cause))
            self._again_ready()
            return
        self._line = ring
        self._timers.after(0, ring.sound)
        if not self.is_person:
            self._decide(ring, draw - people.busy_share)

    def over(self, ring: "Ring", *, was_taken: bool) -> None:
        """The ring, or the call after it, has ended."""
        if self._line is ring:
            self._line = None
            if not was_taken:
                self._again_ready()

    def _decide(self, ring: "Ring", draw: float) -> None:
        people, ring_ms = self._people, self._people.ring_s * 1000
        if draw < people.miss_share:
            return
        if draw < people.miss_share + people.reject_share:
            self._timers.after(ring_ms / 2, partial(ring.put_down, Cause.REJECTED))
        else:
            self._timers.after(ring_ms, ring.lift)

    def _again_ready(self) -> None:
        if not self.is_person:
            self._timers.after(self._people.again_ready_s * 1000, self.say_ready)


class Ring(Party):
    """One call to one phone, from ringing to its end."""

    def __init__(self, phone: Phone, switch: Switch) -> None:
        self._phone = phone
        self._switch = switch
        self._channel: Channel | None = None

    @property
    def is_taken(self) -> bool:
        return self._channel is not None and self._channel.state is ChannelState.UP

    def dialled(self, channel: Channel) -> None:
        self._channel = channel
        self._phone.rung(self)

    def sound(self) -> None:
        if self._channel is not None:
            self._switch.rang(self._channel)

    def lift(self) -> None:
        if self._channel is not None:
            self._switch.picked_up(self._channel)

    def put_down(self, cause: Cause = Cause.NORMAL) -> None:
        if self._channel is not None:
            self._switch.end(self._channel, cause)

    def ended(self, cause: Cause) -> None:
        was_taken = self.is_taken
        self._channel = None
        self._phone.over(self, was_taken=was_taken)


class Phones:
    """All phones of the site."""

    def __init__(self, phones: Iterable[Phone], switch: Switch) -> None:
        self._phones = {phone.agent_id: phone for phone in phones}
        self._switch = switch

    def __iter__(self) -> Iterator[Phone]:
        return iter(self._phones.values())

    def ring(self, agent_id: str) -> Ring:
        return Ring(self.phone(agent_id), self._switch)

    def phone(self, agent_id: str) -> Phone:
        try:
            return self._phones[agent_id]
        except KeyError:
            raise RefusedError(404, f"no phone {agent_id}") from None

    def application_came(self) -> None:
        """Desks are back after an absence; whoever is free makes sure that it counts."""
        for phone in self._phones.values():
            phone.sign_in_again()
