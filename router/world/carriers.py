"""A caller whose carrier is asked by one virtual PBX to call another: it does so, or it does not."""

import random
from collections.abc import Callable
from typing import Protocol

from router.world.day.faults import Faults
from router.world.loop import Loop

ANSWER_MS = 20
"""A carrier refuses a REFER in one round trip."""
LATE_MS = 12_000
"""A carrier that takes its time: the token it was given is good no longer."""


class OriginsLeg(Protocol):
    """The caller's leg at the origin's PBX, as its carrier sees it."""

    def move_tried(self) -> None:
        """The carrier has answered, and the leg is up as before."""
        ...

    def move_done(self) -> None:
        """The carrier has the caller elsewhere, and hangs this leg up."""
        ...


class MovedCall:
    """The carrier's call to the helper's PBX."""

    def __init__(self, leg: OriginsLeg, *, loop: Loop, setup_ms: int) -> None:
        self._leg = leg
        self._loop = loop
        self._setup_ms = setup_ms
        self.hang_up: Callable[[], None] | None = None
        """What the caller's receiver does, once it talks at the helper."""

    def place(self, rng: random.Random, faults: Faults, invite: Callable[["MovedCall"], None]) -> None:
        """Answer the REFER: `invite` is how the helper's PBX is called."""
        draw = rng.random()
        if draw < faults.carrier_refuses_share:
            self._loop.after(ANSWER_MS, self.refused)
        elif draw < faults.carrier_refuses_share + faults.carrier_late_share:
            self._loop.after(LATE_MS, invite, self)
        elif draw < 1 - faults.carrier_silent_share:
            self._loop.after(self._setup_ms, invite, self)

    def refused(self) -> None:
        """By the carrier, or by the helper's PBX: the caller is where it was."""
        self._leg.move_tried()

    def taken(self, hang_up: Callable[[], None]) -> None:
        """The helper's PBX has answered."""
        self.hang_up = hang_up
        self._loop.after(ANSWER_MS, self._leg.move_done)
