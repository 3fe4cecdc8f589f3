"""Callers whom one virtual PBX sends on by a 302, and those who come to it with a token.

Their carriers call the other PBX at once, late or twice, or drop them. Whoever comes while no process
hears the PBX rings there until one does.
"""

import random
from collections.abc import Callable, Mapping
from typing import Protocol

from router.facts import Fact, TrunkCallArrived
from router.ids import CallId, HandoffId, SiteId
from router.orders import RedirectCaller
from router.world.carriers import LATE_MS
from router.world.day.faults import Faults
from router.world.loop import Loop
from router.world.person import Person, SentOn

SECOND_CALL_MS = 300
"""A carrier that calls twice does so after this."""

SURE_MS = 170_000
"""Whoever comes within this must be let in: promises last a little longer."""


class RedirectListener(Protocol):
    """The part of a node that hears of callers with tokens."""

    @property
    def is_heard(self) -> bool:
        """Whether a process hears the PBX now."""
        ...

    def tell(self, fact: Fact) -> None: ...
    def promised(self, token: str, from_site: SiteId) -> tuple[HandoffId, CallId] | None:
        """The hand-off, and the call that the caller will be; None for a token that is not good here."""
        ...


class Redirects:
    """`others` is filled with every site's redirects once all are made."""

    def __init__(
        self,
        site_id: SiteId,
        listener: RedirectListener,
        *,
        loop: Loop,
        setup_ms: int,
        faults: Faults,
        rng: random.Random,
        others: Mapping[SiteId, "Redirects"],
        take: Callable[[Person, CallId], None],
        object_to: Callable[[str], None],
    ) -> None:
        """`take` makes a caller of this PBX of a person, under that call id."""
        self.is_down = False
        self.on_way_count = 0
        """Calls that carriers are about to make for callers sent on from here."""
        self._site_id = site_id
        self._listener = listener
        self._loop = loop
        self._setup_ms = setup_ms
        self._faults = faults
        self._rng = rng
        self._others = others
        self._take = take
        self._object_to = object_to
        self._ringing: list[tuple[Person, bool]] = []
        """With whether it is the first call with its token."""

    # --- away from here ----------------------------------------------------------------

    def send(self, person: Person, order: RedirectCaller) -> None:
        person.sent_on = SentOn(order.from_site, order.token, self._loop.now)
        faults = self._faults
        if self._rng.random() < faults.carrier_loses_share:
            return
        after_ms = LATE_MS if self._rng.random() < faults.carrier_late_share else self._setup_ms
        self._call(person, order.site_id, after_ms, is_first=True)
        if self._rng.random() < faults.carrier_doubled_share:
            self._call(person, order.site_id, after_ms + SECOND_CALL_MS, is_first=False)

    def _call(self, person: Person, target: SiteId, after_ms: int, *, is_first: bool) -> None:
        self.on_way_count += 1
        self._loop.after(after_ms, self._arrive, person, target, is_first)

    def _arrive(self, person: Person, target: SiteId, is_first: bool) -> None:
        self.on_way_count -= 1
        self._others[target].ring(person, is_first=is_first)

    # --- to here -----------------------------------------------------------------------

    def ring(self, person: Person, *, is_first: bool) -> None:
        """A carrier's INVITE; a dead PBX answers nothing, and the caller is lost."""
        if self.is_down or person.has_left(self._loop.now):
            return
        self._ringing.append((person, is_first))
        if self._listener.is_heard:
            self.tell_again()

    def tell_again(self) -> None:
        """Somebody hears: whoever rings here is let in, or turned away."""
        ringing, self._ringing = self._ringing, []
        for person, is_first in ringing:
            if not person.has_left(self._loop.now):
                self._let_in(person, is_first=is_first)

    def crash(self) -> None:
        self._ringing.clear()

    @property
    def ringing_count(self) -> int:
        return len(self._ringing)

    def _let_in(self, person: Person, *, is_first: bool) -> None:
        sent_on = person.sent_on
        assert sent_on is not None
        promised = self._listener.promised(sent_on.token, sent_on.from_site)
        if promised is None:
            if is_first and self._loop.now < sent_on.at_ms + SURE_MS:
                self._object_to(f"{self._site_id} turned away {person.call_id}, whom it had promised a place")
            return
        handoff_id, call_id = promised
        self._take(person, call_id)
        self._listener.tell(TrunkCallArrived(handoff_id=handoff_id, from_site=sent_on.from_site))
