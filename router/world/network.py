"""Messages between sites' nodes on virtual time: lost, late, doubled, or cut off.

A request is answered within the asker's deadline or the asker is told of silence, just as
a unary call with a deadline behaves; an answer that comes later finds nobody.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from router.ids import SiteId
from router.overflow.messages import Reply, Request
from router.world.day.faults import Faults, is_apart
from router.world.day.scenario import Scenario
from router.world.loop import Loop


class Peer(Protocol):
    """The part of a node that the network needs."""

    @property
    def is_up(self) -> bool: ...
    def receive(
        self, source: SiteId, incarnation: int, request: Request, answer: Callable[[Reply], None]
    ) -> None:
        """`answer` is told once, now or when a commit is through; never by one that dies before."""
        ...

    @property
    def incarnation(self) -> int: ...


Replied = Callable[[int, Reply], None]
"""Takes the answerer's incarnation and the answer."""


class _Asking:
    """One request under way; settled once, by its answer or by silence."""

    __slots__ = ("is_settled", "replied", "silent")

    def __init__(self, replied: Replied, silent: Callable[[], None]) -> None:
        self.replied = replied
        self.silent = silent
        self.is_settled = False


class Network:
    def __init__(
        self, loop: Loop, scenario: Scenario, peers: Mapping[SiteId, Peer], faults: Faults, rng: random.Random
    ) -> None:
        self._loop = loop
        self._scenario = scenario
        self._peers = peers
        self._faults = faults
        self._rng = rng
        self._way_ms: dict[tuple[SiteId, SiteId], int] = {}

    def way_ms(self, source: SiteId, target: SiteId) -> int:
        """One way without faults: half the link's round trip."""
        pair = (source, target)
        way_ms = self._way_ms.get(pair)
        if way_ms is None:
            way_ms = self._way_ms[pair] = self._scenario.link(source, target).rtt_ms // 2
        return way_ms

    def is_cut(self, source: SiteId, target: SiteId) -> bool:
        now, faults = self._loop.now, self._faults
        return any(
            outage.source == source and outage.target == target and outage.covers(now)
            for outage in faults.link_outages
        ) or is_apart(faults.cut_offs, source, target, now)

    def ask(
        self,
        source: SiteId,
        target: SiteId,
        request: Request,
        *,
        limit_ms: int,
        replied: Replied,
        silent: Callable[[], None],
    ) -> None:
        asking = _Asking(replied, silent)
        incarnation = self._peers[source].incarnation
        for delay_ms in self._delays(source, target):
            self._loop.after(delay_ms, self._arrive, asking, source, target, incarnation, request)
        self._loop.after(limit_ms, self._give_up, asking)

    def _arrive(
        self, asking: _Asking, source: SiteId, target: SiteId, incarnation: int, request: Request
    ) -> None:
        peer = self._peers[target]
        if not peer.is_up:
            return
        peer.receive(source, incarnation, request, partial(self._send_back, asking, source, target))

    def _send_back(self, asking: _Asking, source: SiteId, target: SiteId, reply: Reply) -> None:
        incarnation = self._peers[target].incarnation
        for delay_ms in self._delays(target, source):
            self._loop.after(delay_ms, self._answer, asking, incarnation, reply)

    def _answer(self, asking: _Asking, incarnation: int, reply: Reply) -> None:
        if not asking.is_settled:
            asking.is_settled = True
            asking.replied(incarnation, reply)

    def _give_up(self, asking: _Asking) -> None:
        if not asking.is_settled:
            asking.is_settled = True
            asking.silent()

    def _delays(self, source: SiteId, target: SiteId) -> list[int]:
        """When the message arrives: usually once, or never, or twice."""
        way_ms = self.way_ms(source, target)
        faults = self._faults
        if not faults.touches_messages:
            return [way_ms]
        if self.is_cut(source, target) or self._rng.random() < faults.lost_share:
            return []
        count = 2 if self._rng.random() < faults.doubled_share else 1
        return [way_ms + self._extra_ms() for _ in range(count)]

    def _extra_ms(self) -> int:
        faults = self._faults
        return self._rng.randrange(faults.late_max_ms) if self._rng.random() < faults.late_share else 0
