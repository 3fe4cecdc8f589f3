"""Lines to the public network, and the people who answer there, or do not."""

from collections.abc import Iterable
from functools import partial

from branch.telephony.driver.prompts import TAKING_KEY
from branch.telephony.driver.vocabulary import Cause
from branch.telephony.simulated.pbx.callers import PRESS_AFTER_MS
from branch.telephony.simulated.pbx.settings import LineSection
from branch.telephony.simulated.pbx.switch import Channel, Party, RefusedError, Switch
from branch.telephony.simulated.pbx.timers import LabTimers

BUSY, SILENT, UNKNOWN, MACHINE = "0486", "0480", "0404", "0600"
"""Endings of numbers whose people are always busy, never answer, do not exist, or let a machine answer."""


class Lines:
    """All lines of one PBX."""

    def __init__(self, lines: Iterable[LineSection], switch: Switch, timers: LabTimers) -> None:
        self._lines = {line.id: line for line in lines}
        self._switch = switch
        self._timers = timers

    def call(self, name: str) -> "Customer":
        """Whoever is behind `<line>/<number>`.

        Raises:
            RefusedError: there is no such line.
        """
        line_id, _, number = name.partition("/")
        line = self._lines.get(line_id)
        if line is None or not number:
            raise RefusedError(404, f"no line {name!r}")
        return Customer(line, number, self._switch, self._timers)


class Customer(Party):
    """Somebody far away, whose phone the application dials."""

    def __init__(self, line: LineSection, number: str, switch: Switch, timers: LabTimers) -> None:
        self._line = line
        self._number = number
        self._switch = switch
        self._timers = timers
        self._channel: Channel | None = None

    def dialled(self, channel: Channel) -> None:
        self._channel = channel
        if self._number.endswith(UNKNOWN):
            self._timers.after(0, partial(self.hang_up, Cause.ABSENT))
        elif self._number.endswith(BUSY):
            self._timers.after(0, partial(self.hang_up, Cause.BUSY))
        else:
            self._timers.after(0, self._ring)

    def told_playing(self) -> None:
        """An agent who is rung here hears that a call is for it, and takes it."""
        if not self._number.endswith(MACHINE):
            self._timers.after(PRESS_AFTER_MS, partial(self.press, TAKING_KEY))

    def press(self, keys: str) -> None:
        if self._channel is not None:
            self._switch.pressed(self._channel, keys)

    def ended(self, cause: Cause) -> None:
        self._channel = None

    def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """Says no, or goodbye."""
        if self._channel is not None:
            self._switch.end(self._channel, cause)

    def lift(self) -> None:
        if self._channel is not None:
            self._switch.picked_up(self._channel)
            if self._line.talk_s is not None:
                self._timers.after(self._line.talk_s * 1000, self.hang_up)

    def _ring(self) -> None:
        if self._channel is None:
            return
        self._switch.rang(self._channel)
        if not self._number.endswith(SILENT):
            self._timers.after(self._line.ring_s * 1000, self.lift)
