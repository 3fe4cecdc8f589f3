"""The callers of the site's own lines: they arrive, wait as long as they can bear, talk, hang up."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from branch.telephony.driver.vocabulary import Cause, Kind, Variable
from branch.telephony.simulated.pbx.switch import Channel, Party, Switch
from branch.telephony.simulated.pbx.timers import LabTimers
from branch.telephony.simulated.pbx.witness import Step, Witness
from router.world.day.calls import PlannedCall
from router.world.day.made_up_numbers import made_up_number

PRESS_AFTER_MS = 500
"""From the beginning of what is played: most people know what they want."""


class Caller(Party):
    """One caller, on one channel.

    Whoever serves, here or at a helper, the caller ends the call: handling counts from the
    other side's answer, and a talk that is interrupted goes on where it stopped.
    """

    def __init__(
        self,
        call: PlannedCall,
        channel_id: str,
        switch: Switch,
        timers: LabTimers,
        witness: Witness,
        now_ms: Callable[[], int],
        keys: Iterable[str] = (),
    ) -> None:
        """`keys` are pressed one after the other, each at the next thing that is played."""
        self._call = call
        self._keys = deque(keys)
        self._switch = switch
        self._timers = timers
        self._witness = witness
        self._now_ms = now_ms
        self._channel = Channel(channel_id=channel_id, kind=Kind.CALLER, party=self, facts=_facts(call))
        self._left_ms = call.handle_ms
        self._talking_since_ms: int | None = None
        self._leaves: asyncio.TimerHandle | None = None
        self._hangs_up_as: Step | None = None
        self._hang_up_moved: Callable[[], None] | None = None
        """Of one who was moved or redirected to another site's PBX: ends that call."""

    def arrive(self) -> None:
        self._note(Step.ARRIVED)
        self._wait()
        self._switch.arrive(self._channel)

    def told_answered(self) -> None:
        self._note(Step.TAKEN)

    def told_playing(self) -> None:
        if self._keys:
            self._timers.after(PRESS_AFTER_MS, partial(self.press, self._keys.popleft()))

    def told_recording(self) -> None:
        self._stay()

    def joined(self, others: list[Channel]) -> None:
        self._note(Step.CONNECTED, others=[each.channel_id for each in others])
        if self._talking_since_ms is None:
            # A bridge that comes late takes nothing off the talk, and adds nothing to the wait's clock.
            answered = max(each.answered_at_ms or 0 for each in others)
            is_first = self._left_ms == self._call.handle_ms
            self._talking_since_ms = answered if is_first and answered else self._now_ms()
        self._leave_after(self._talking_since_ms + self._left_ms - self._now_ms())

    def parted(self) -> None:
        self._note(Step.PARTED)
        if self._talking_since_ms is not None:
            self._left_ms = max(0, self._left_ms - (self._now_ms() - self._talking_since_ms))
            self._talking_since_ms = None
        self._wait()

    def moved(self, hang_up: Callable[[], None]) -> None:
        """The carrier has called another site's PBX, which has answered: the talk goes on there."""
        self._hang_up_moved = hang_up
        self._talking_since_ms = self._now_ms()
        self._leave_after(self._left_ms)

    def sent_on(self, give_up: Callable[[], None]) -> None:
        """The carrier is to call another site's PBX instead; `give_up` ends that call, or its waiting."""
        self._hang_up_moved = give_up
        self._note(Step.REDIRECTED)

    def joined_there(self) -> None:
        """Somebody talks to the caller at the other site's."""
        self._note(Step.CONNECTED)
        self._talking_since_ms = self._now_ms()
        self._leave_after(self._left_ms)

    def cut_off(self, cause: Cause) -> None:
        """The other site's PBX has ended the call that the carrier has made to it, or did not take it."""
        self._part_for_good(cause)

    def ended(self, cause: Cause) -> None:
        if self._hang_up_moved is None:
            self._part_for_good(cause)

    def _part_for_good(self, cause: Cause) -> None:
        self._stay()
        if self._hangs_up_as is not None:
            self._note(self._hangs_up_as)
        else:
            self._note(Step.ENDED if cause is not Cause.LINK_LOST else Step.FAILED)

    def press(self, keys: str) -> None:
        self._switch.pressed(self._channel, keys)

    def hang_up(self) -> None:
        """The caller has enough, talking or not."""
        self._hangs_up_as = Step.GAVE_UP if self._talking_since_ms is None else Step.FINISHED
        if self._hang_up_moved is None:
            self._switch.end(self._channel, Cause.NORMAL)
        else:
            self._hang_up_moved()
            self._part_for_good(Cause.NORMAL)

    def _wait(self) -> None:
        if self._call.patience_ms is not None:
            self._leave_after(self._call.patience_ms)
        else:
            self._stay()

    def _stay(self) -> None:
        if self._leaves is not None:
            self._leaves.cancel()

    def _leave_after(self, delay_ms: float) -> None:
        self._stay()
        self._leaves = self._timers.after(delay_ms, self.hang_up)

    def _note(self, step: Step, others: Iterable[str] = ()) -> None:
        call_id = self._channel.variables.get(Variable.CALL, "")
        self._witness.note(self._channel.channel_id, step, call_id=call_id, others=others)


def _facts(call: PlannedCall) -> dict[str, str]:
    facts = {"dialled": call.queue_id, "queue": call.queue_id, "priority": str(call.priority)}
    if call.customer_id is not None:
        facts |= {"customer": call.customer_id, "caller": made_up_number(call.customer_id)}
    return facts


class CallerStream:
    """Lets the planned callers arrive, each at its time."""

    def __init__(
        self, calls: Iterable[PlannedCall], start: Callable[[PlannedCall], object], timers: LabTimers
    ) -> None:
        self._calls = list(calls)
        self._start = start
        self._timers = timers

    def begin(self, day_ms: int) -> int:
        """The day is `day_ms` old. Returns how many callers met no PBX because it wasn't there yet."""
        late = [call for call in self._calls if call.arrive_ms < day_ms]
        for call in self._calls[len(late) :]:
            self._timers.after(call.arrive_ms - day_ms, partial(self._start, call))
        return len(late)
